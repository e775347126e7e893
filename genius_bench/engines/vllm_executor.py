"""vLLM's executor for one worker on the processor, with a short farewell. Runs in vLLM's process."""

import os
from multiprocessing import util

from vllm.v1.executor.uniproc_executor import UniProcExecutor


class ProcessorExecutor(UniProcExecutor):
    def shutdown(self) -> None:
        """The last thing that vLLM does. There is no device to be released, and Python needs seconds to take apart all
        that vLLM has imported; so the process ends here, as soon as its semaphores are given back."""
        util._exit_function()  # type: ignore[attr-defined]
        os._exit(0)

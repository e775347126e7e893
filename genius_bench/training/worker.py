"""One of the processes of a launched training: `python -m genius_bench.training.worker FOLDER` under a launcher."""

import json
import os
import sys
import traceback
from importlib import import_module
from pathlib import Path


def main() -> None:
    folder, process = Path(sys.argv[1]), int(os.environ.get("RANK", 0))
    _die_with_launcher()
    from genius_bench.training.messages import relayed, tell_error, tell_peak, unheard

    try:
        from genius_bench.artifacts import Build
        from genius_bench.training.callbacks import quiet
        from genius_bench.training.job import JOB_FILE, Launched

        values = json.loads((folder / JOB_FILE).read_text())
        job: Launched = import_module(values["module"]).read_job(values)
        # Made before the processes meet: making it removes files that one of them might be writing.
        build = Build(job.folder)
        voice = unheard() if process else relayed(folder)
        processes = int(os.environ.get("WORLD_SIZE", 1))
        with quiet():
            job.run(build, voice, processes=processes, process=process)
        tell_peak(folder, process)
        _leave_group()
    except BaseException as error:
        traceback.print_exc()
        tell_error(folder, process, error)
        # Others may wait for this process: leaving in good order would wait for them.
        sys.stderr.flush()
        os._exit(1)


def _die_with_launcher() -> None:
    """A launcher that is killed cannot end its processes; the system does (Linux)."""
    if sys.platform == "linux":
        import ctypes
        import signal

        parent_died = 1
        ctypes.CDLL(None).prctl(parent_died, signal.SIGKILL)
        if os.getppid() == 1:
            os._exit(1)


def _leave_group() -> None:
    import torch.distributed

    if torch.distributed.is_initialized():
        torch.distributed.barrier()
        torch.distributed.destroy_process_group()


if __name__ == "__main__":
    main()

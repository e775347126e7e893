"""What we add to vLLM's workers (its `worker_extension_cls`). Runs in vLLM's processes."""

from typing import Any


class Extension:
    """Mixed into the worker class."""

    model_runner: Any

    def exchange_weights(self, folder: str) -> None:
        """Reads other weights of the same names and shapes in place.

        On the processor vLLM (0.32) multiplies by packed copies of the weights and forgets to pack the output layer
        anew where it shares its weights with the input embeddings.
        """
        self.model_runner.reload_weights(weights_path=folder)
        for module in self.model_runner.get_model().modules():
            if (
                hasattr(module, "cpu_linear") and module.weight.numel()
            ):  # those without only have the packed copy
                module.quant_method.process_weights_after_loading(module)

    def let_requests_continue(self) -> None:
        """Shows the batch to those who may change what its tokens are drawn with (`vllm_continuing.py`)."""
        from genius_bench.engines.vllm_continuing import Continue

        batch = self.model_runner.input_batch
        for processor in batch.logitsprocs.all:
            if isinstance(processor, Continue):
                processor.batch = batch

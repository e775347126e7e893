"""Judges that run here: a model behind one of our own engines."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

from genius_bench.engines import open_engine
from genius_bench.engines.endpoint import served_fingerprint
from genius_bench.engines.interface import Engine, Request
from genius_bench.engines.loading import load_tokenizer, resolve_model
from genius_bench.engines.rendering import render
from genius_bench.errors import EngineLostError, InputError, first_line
from genius_bench.judging.replies import Prompt, Reply, prompt_digest
from genius_bench.recipe import EngineSection, JudgeSection
from genius_bench.seeds import seed_of


class LocalModel:
    """The model of `section`, loaded when the first judgement is missing and kept until `close`.

    Its identity is the fingerprint of its files, so that a folder with other weights is another judge.
    Raises `InputError` where there is no such model.
    """

    def __init__(self, section: JudgeSection, engine: EngineSection) -> None:
        assert section.model is not None, "open_judge has looked"
        model = resolve_model(section.model)
        self._model = model
        self._settings = _settings_for(model.path, engine)
        fingerprint = served_fingerprint(model, self._settings)
        is_folder = Path(section.model).expanduser().is_dir()
        self.name = f"{model.path.name}-{fingerprint[:8]}" if is_folder else section.model
        self.identity: dict[str, Any] = {
            "kind": "local",
            "model": fingerprint,
            "temperature": section.temperature,
            "max_tokens": section.max_tokens,
        }
        self._section = section
        self._engine: Engine | None = None

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[Callable[[Prompt], Awaitable[Reply]]]:
        if self._engine is None:
            self._engine = open_engine(self._model, self._settings)
        yield partial(self._ask, self._engine)

    def close(self) -> None:
        """Gives the device memory back."""
        if self._engine is not None:
            self._engine.close()
        self._engine = None

    async def _ask(self, engine: Engine, prompt: Prompt) -> Reply:
        try:
            prompt_ids = render(engine.tokenizer, prompt)
            completion = await engine.generate(
                Request(
                    prompt_ids=prompt_ids,
                    max_tokens=self._section.max_tokens,
                    seed=seed_of("judgement", prompt_digest(prompt)),
                    temperature=self._section.temperature,
                )
            )
        except EngineLostError:  # the other judgements need it, too
            raise
        except Exception as error:  # a record, never the end of the other judgements
            about_prompt = isinstance(error, InputError)  # too long for the judge's context
            return Reply(
                error=f"{type(error).__name__}: {first_line(error)}"[:300], about_prompt=about_prompt
            )
        return Reply(
            text=completion.text,
            prompt_tokens=len(prompt_ids),
            completion_tokens=len(completion.token_ids),
            finish_reason=completion.finish_reason,
        )


def _settings_for(path: Path, engine: EngineSection) -> EngineSection:
    """The recipe's engine for a model that is here, with the judge's own chat template where it has one."""
    engine = engine.for_files  # where the checkpoint is behind a server, the judge is not
    try:
        load_tokenizer(path)
    except InputError:
        return engine
    return engine.model_copy(update={"chat_template": None})

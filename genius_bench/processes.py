"""Stages run in processes of their own, so that sampling has given all device memory back before training starts."""

import multiprocessing
import os
import threading
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from functools import cache
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

from genius_bench.errors import GeniusBenchError, Terminated, first_line
from genius_bench.home import choose, home
from genius_bench.printing import keep_log, log_kept

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")


def in_own_process(
    stage: Callable[Parameters, Result], *args: Parameters.args, **kwargs: Parameters.kwargs
) -> Result:
    """Calls `stage` in a fresh process and returns (or raises) what it does. Arguments must be picklable."""
    told = (home(), log_kept())
    with ProcessPoolExecutor(1, mp_context=_context(), initializer=_begin, initargs=told) as pool:
        try:
            return pool.submit(stage, *args, **kwargs).result()
        except (KeyboardInterrupt, Terminated):  # asked of this process alone, the stage's would go on
            for child in multiprocessing.active_children():
                child.terminate()
            raise
        except SystemExit as error:  # a library's: let through, it would end the command as if all were well
            raise GeniusBenchError(
                f"the {stage.__name__.strip('_')} stage ended itself (exit code {error.code}); what it had finished is "
                "kept: run the same command again to continue"
            ) from error
        except BrokenProcessPool as error:
            raise GeniusBenchError(
                f"the {stage.__name__.strip('_')} stage was ended from outside (out of memory, perhaps); "
                "what it had finished is kept: run the same command again to continue"
            ) from error
        except (RuntimeError, MemoryError) as error:
            if not isinstance(error, MemoryError) and type(error).__name__ != "OutOfMemoryError":
                raise
            raise GeniusBenchError(
                f"out of memory ({first_line(error)}): lower engine.max_batch_tokens or "
                "training.micro_batch_size; what was finished is kept"
            ) from error


def warm_up() -> None:
    """Starts the server of `_context` now: it imports the slow libraries while the caller goes on."""
    from multiprocessing import forkserver

    _context()
    forkserver.ensure_running()


@cache
def _context() -> Any:
    """Processes fork from a server that has imported the slow libraries once and holds no device."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["genius_bench.preload"])
    return context


def _begin(home: Path, log: Path | None) -> None:
    """The server that a stage forks from keeps the environment that it was started in: another home must be told."""
    choose(home)
    keep_log(log)
    _end_with_parent()


def _end_with_parent() -> None:
    """A stage whose command was killed must not go on working (and hold its lock) by itself."""

    def wait() -> None:
        parent = multiprocessing.parent_process()
        if parent is not None:
            parent.join()
            os._exit(1)

    threading.Thread(target=wait, daemon=True).start()

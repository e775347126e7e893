"""The command line: one small file per command. Nothing heavy is imported before a command needs it."""

import gc
import os
import signal
import sys
import threading
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType

import typer

from genius_bench.errors import GeniusBenchError, Terminated
from genius_bench.home import chosen_within
from genius_bench.offline import go_offline, is_offline
from genius_bench.printing import note, say

INTERRUPTED = 130
GO_ON = "interrupted; run the same command again to continue where it stopped"


app = typer.Typer(
    name="genius-bench",
    help="Train language models with self-training methods and score every checkpoint, honestly.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _show_version(wanted: bool) -> None:
    if wanted:
        from genius_bench import __version__

        say(__version__)
        raise typer.Exit


@app.callback()
def _settings(
    version: bool = typer.Option(
        False, "--version", callback=_show_version, is_eager=True, help="Show the version."
    ),
    debug: bool = typer.Option(
        False, "--debug", help="Show the traceback of an error, not only its one line."
    ),
    offline: bool = typer.Option(
        False, "--offline", help="Touch no network (also: GENIUS_BENCH_OFFLINE=1, HF_HUB_OFFLINE=1)."
    ),
) -> None:
    """Options that every command has; `main` reads both switches itself, so that they work anywhere on the line."""


def main(arguments: list[str] | None = None) -> None:
    """Runs a command; errors that a user can mend become one line on standard error."""
    sys.excepthook = _show_traceback
    os.environ.setdefault("HF_HUB_VERBOSITY", "error")  # its retries are told once, when they have failed
    from genius_bench.cli import commands  # noqa: F401  (registers the commands)

    words = list(sys.argv[1:] if arguments is None else arguments)
    debug = "--debug" in words
    if "--offline" in words or is_offline():
        go_offline()
    try:
        with chosen_within(), _ending_by_sigterm():
            code = app(
                [word for word in words if word not in ("--debug", "--offline")], standalone_mode=False
            )
    except GeniusBenchError as error:
        if debug:
            raise
        _end(str(error), error.exit_code)
    except Terminated:
        note(f"error: {GO_ON}")
        _die_by_the_signal()
    except (KeyboardInterrupt, typer.Abort):
        _end(GO_ON, INTERRUPTED)
    except Exception as error:
        # typer's own errors (unknown option, missing argument) share no public class, but all can say what they are.
        if not hasattr(error, "format_message"):
            raise
        message = error.format_message()
        if not message:  # no command was given: typer has shown the help
            raise SystemExit(2) from None
        _end(message + _hint_to_a_key(message), 2)
    if code == INTERRUPTED:  # typer returns what it would have exited with
        _end(GO_ON, INTERRUPTED)
    if code:
        raise SystemExit(code)


@contextmanager
def _ending_by_sigterm() -> Iterator[None]:
    """Raises `Terminated` where a SIGTERM comes."""

    def terminate(*_: object) -> None:
        raise Terminated

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, terminate)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _die_by_the_signal() -> None:
    """So that whoever sent it sees that it did what it should; what pools hold is given back before."""
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    gc.collect()
    os.kill(os.getpid(), signal.SIGTERM)


def _show_traceback(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """Even what nobody foresaw is shown as text."""
    note("".join(traceback.format_exception(kind, error, trace)).rstrip())


def _hint_to_a_key(message: str) -> str:
    """Where an option is not known that a recipe has a key for."""
    _, unknown, option = message.partition("No such option: --")
    if not unknown:
        return ""
    from genius_bench.reference import keys

    name = option.split()[0].rstrip(".").replace("-", "_")
    found = [key for key in keys() if key.rpartition(".")[2] == name]
    return f" It is a key of the recipe: --set {found[0]}=VALUE" if found else ""


def _end(message: str, code: int) -> None:
    note(f"error: {' '.join(message.split())}")
    raise SystemExit(code)

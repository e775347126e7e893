"""The two ways in which a command ends early, each told to the user in one line."""

from json import JSONDecodeError


class GeniusBenchError(Exception):
    """Something a user can mend: the message says what was wrong, where, and what to do.

    The command line prints the message alone (the traceback only with ``--debug``) and exits with `exit_code`.
    """

    exit_code = 1


class InputError(GeniusBenchError):
    """The user's input (option, recipe, file, model) cannot be used. Exit code 2."""

    exit_code = 2


class WorkerKilledError(GeniusBenchError):
    """A request that ended its worker whenever it was tried: put aside (the dead-letter list), never tried for ever."""


class EngineLostError(GeniusBenchError):
    """What answers requests is gone for good: no other request would fare better, so the work ends and is continued
    when it is started again."""


class Terminated(BaseException):
    """A SIGTERM: what Slurm, systemd and `kill` send. Work ends as by Ctrl-C, and no library takes it for one."""


MOST_LISTED = 20


def nearest(wrong: str, valid: list[str]) -> str:
    """A hint that names the closest of `valid`, or lists them (the first `MOST_LISTED`) when none is close."""
    from difflib import get_close_matches

    close = get_close_matches(str(wrong), valid, n=1, cutoff=0.5)
    if close:
        return f"did you mean '{close[0]}'?"
    listed = ", ".join(sorted(valid)[:MOST_LISTED])
    return f"valid: {listed}" + (f", … ({len(valid)} in all)" if len(valid) > MOST_LISTED else "")


def json_reason(error: Exception) -> str:
    """What keeps a line from being JSON, in a few words."""
    if isinstance(error, JSONDecodeError):
        return f"{error.msg} at column {error.colno}"
    return "nested too deeply" if isinstance(error, RecursionError) else first_line(error)


def first_line(error: Exception) -> str:
    """What an error of a library says, in one line."""
    return (str(error).strip() or type(error).__name__).splitlines()[0]

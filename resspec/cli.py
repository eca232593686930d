"""The command line: a command, its exit code, and the message of every way in which it can fail.

Exit codes: 0 clean, 1 diagnostics (of `diff`: a difference), 2 a request that cannot be carried
out. Results go to stdout, all else to stderr.
"""

from __future__ import annotations

import gc
import os
import sys
import threading
from argparse import Namespace
from collections.abc import Sequence
from contextlib import suppress

from resspec import crash, heap, streams
from resspec.commands import load, parse, remedies
from resspec.commands.terminal import complain, note, show
from resspec.diagnostics import InternalError, ResspecError, SpecError, UsageError

INTERRUPTED, CLOSED_PIPE = 130, 141  # as a shell reports a command that SIGINT or SIGPIPE ended

LONG = (
    "train",
    "study",
    "eval",
    "predict",
    "bench",
    "probe",
)  # their work matters more than their output
RECORDED = ("train", "study")  # their results are in a folder too
TAKE_SOURCES = (*LONG, "carry", "check", "compile", "diff", "draw", "expand", "report")
AGAIN = "saved checkpoints are intact; run the same command again to resume"


def main() -> int:
    """Run the process, and return its exit code.

    It ends before garbage matters: collecting cycles, even at exit, would take a third of the time
    of a large spec.
    """
    gc.disable()
    streams.protect()
    threading.excepthook, sys.unraisablehook = _in_a_thread, _ignored
    try:
        return run(sys.argv[1:])
    finally:
        gc.freeze()


def run(argv: Sequence[str]) -> int:
    """Run a command, and return its exit code.

    Raises SystemExit for `--help`, `--version` and a wrong usage.
    """
    for stream in (sys.stdout, sys.stderr):
        with suppress(AttributeError, ValueError):  # it is missing, not a file, or closed
            stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    arguments = Namespace(command="")
    try:
        try:
            arguments = parse(argv)
            return _carried_out(arguments)
        finally:
            if sys.stdout:
                sys.stdout.flush()
    except SpecError as error:
        show(remedies.of_diagnostics(error.diagnostics, arguments))
        return 1
    except InternalError as error:
        complain(f"this is a bug in resspec, please report it with the spec: {error}")
    except ResspecError as error:
        complain(str(error), error.code, remedies.of_error(error, arguments.command))
    except KeyboardInterrupt:
        return INTERRUPTED
    except streams.OutputLost as lost:
        if lost.reader_is_gone:
            return CLOSED_PIPE
        complain(f"cannot write the result: {lost}")
    except (Exception, SystemExit) as error:
        if arguments.command:
            doing = f"in `resspec {arguments.command}`"
        elif isinstance(error, SystemExit):  # --help, --version, or a wrong usage
            raise
        else:
            doing = "while reading the command line"
        if limit := crash.limit_reached(error):
            complain(f"{limit} ({doing})", crash.LIMIT)
        else:
            notes = (AGAIN,) if arguments.command in RECORDED else ()
            complain(crash.report(error, doing, notes), crash.CODE)
    return 2


def _in_a_thread(failed: threading.ExceptHookArgs) -> None:
    """Note the exception that ended a thread; the process continues without it."""
    if failed.exc_value is None or failed.exc_type is SystemExit:
        return
    doing = f"in the thread {failed.thread.name if failed.thread else '?'}"
    if limit := crash.limit_reached(failed.exc_value):
        note(f"{limit} ({doing})")
    else:
        note(crash.report(failed.exc_value, doing).replace("\n  ", "; "))


def _ignored(failed: sys.UnraisableHookArgs) -> None:
    """Note an exception that Python ignores, except in `__del__` of a half-made object."""
    if failed.exc_value is not None and getattr(failed.object, "__name__", "") != "__del__":
        note(f"ignored {crash.first_line(failed.exc_value)}")


def _carried_out(arguments: Namespace) -> int:
    """Return the exit code of a command. Raises OutputLost where its only result is lost."""
    command = load(arguments.command)
    if arguments.command in TAKE_SOURCES:
        from resspec.commands.given import import_all

        import_all(arguments)
    if arguments.command not in LONG:
        return int(command.run(arguments))

    _need_a_working_folder()
    if not str(getattr(arguments, "device", None)).startswith("cuda"):
        heap.keep_freed_memory()
    with streams.going_on():
        code = int(command.run(arguments))
        sys.stdout.flush()
    error = streams.broken(streams.STDOUT)
    if error is None or code != 0:
        return code
    if arguments.command not in RECORDED or getattr(arguments, "plan", False):
        raise streams.OutputLost(error)
    note(f"the result was recorded, but cannot be printed: {error.strerror}")
    return code


def _need_a_working_folder() -> None:
    """Raise UsageError where the working folder was removed: libraries would exit silently."""
    try:
        os.getcwd()  # noqa: PTH109
    except OSError:
        raise UsageError(
            "the folder that this command was started in no longer exists; change to another one"
        ) from None

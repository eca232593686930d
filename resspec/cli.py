"""The command line: one command, its exit code, and what a person sees of every way in which it can fail.

Exit codes: 0 clean, 1 diagnostics (of `diff`: a difference), 2 a request that cannot be carried out. Results go to
stdout, all else to stderr.
"""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Sequence
from contextlib import suppress

from resspec.commands import COMMANDS, parser
from resspec.commands.terminal import complain, show
from resspec.diagnostics import InternalError, ResspecError, SpecError

INTERRUPTED, CLOSED_PIPE = 130, 141  # as a shell reports a command that SIGINT or SIGPIPE ended


def main() -> int:
    """The process. It ends before garbage matters: to collect cycles, also at its very end, would take a third of the
    time of a large spec."""
    gc.disable()
    try:
        return run(sys.argv[1:])
    finally:
        gc.freeze()


def run(argv: Sequence[str]) -> int:
    """One command; gives its exit code, raises SystemExit for `--help`, `--version` and a wrong usage."""
    for stream in (sys.stdout, sys.stderr):
        with suppress(AttributeError):  # where there is none, or it is no file
            stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    try:
        try:
            arguments = parser().parse_args(argv)
            return int(COMMANDS[arguments.command].run(arguments))
        finally:
            if sys.stdout:
                sys.stdout.flush()
    except SpecError as error:
        show(error.diagnostics)
        return 1
    except InternalError as error:
        complain(f"a mistake of resspec itself, please report it with the spec: {error}")
    except ResspecError as error:
        complain(str(error), error.code)
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        _silence_stdout()
        return CLOSED_PIPE
    except OSError as error:
        _silence_stdout()
        complain(f"cannot write the result: {error.strerror}")
    return 2


def _silence_stdout() -> None:
    """The interpreter flushes stdout once more when it ends, which must not fail again."""
    with suppress(OSError, ValueError, AttributeError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())

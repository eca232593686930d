"""Streams that cannot be written to, and a quick exit of the process."""

from __future__ import annotations

import atexit
import os
import sys
import threading

BROKEN = ("a full disk", "a pipe without a reader", "a closed terminal")


def break_stream(descriptor: int, how: str) -> None:
    """Make writes to a descriptor fail."""
    match how:
        case "closed":
            vars(sys)[("stdin", "stdout", "stderr")[descriptor]] = None  # as Python begins then
            os.close(descriptor)
            return
        case "a full disk":
            broken = os.open("/dev/full", os.O_WRONLY)
        case "a pipe without a reader":
            reader, broken = os.pipe()
            os.close(reader)
        case _:
            leader, broken = os.openpty()
            os.close(leader)
    os.dup2(broken, descriptor)
    os.close(broken)


def leave(code: int) -> None:
    """Exit as the interpreter does, without its slow teardown of all modules."""
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    os._exit(code)

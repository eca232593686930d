"""`resspec lsp`: the language server, on standard input and output."""

from __future__ import annotations

import gc
import sys
from argparse import ArgumentParser, Namespace
from contextlib import redirect_stdout
from queue import SimpleQueue
from threading import Lock, Thread
from time import monotonic, process_time, sleep
from typing import TYPE_CHECKING, Any, BinaryIO

if TYPE_CHECKING:
    from resspec.lsp.messages import Message
    from resspec.lsp.server import Server

SUMMARY = "run the language server: diagnostics, shapes and costs as you type"
EXAMPLES = """\
  resspec lsp                          editors start this themselves
  resspec lsp --stdio                  the same; many editors pass this flag

docs/editors.md has the setup of each editor.
"""
_LONGEST_PAUSE = 1.0  # seconds of waiting for the end of typing, where a check takes as long


def arguments(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--stdio",
        action="store_true",
        help="use standard input and output, as it always does",
    )


def run(arguments: Namespace) -> int:
    del arguments
    from resspec.lsp.server import Server

    gc.enable()
    read, write = sys.stdin.buffer, sys.stdout.buffer
    with redirect_stdout(sys.stderr):  # a stray print must not end up between messages
        return _Loop(Server(), write).serve(read)


class _Loop:
    """A thread that answers at once, and a thread for jobs."""

    def __init__(self, server: Server, write: BinaryIO) -> None:
        self._server = server
        self._write = write
        self._lock = Lock()  # of the server and of what is written
        self._wake: SimpleQueue[bool] = SimpleQueue()
        self._edited = 0.0  # when, on the clock
        self._took = 0.0  # seconds of the last job

    def serve(self, read: BinaryIO) -> int:
        """Answer until the editor says `exit`, and return the exit code."""
        from resspec.lsp.streams import read_message

        worker = Thread(target=self._work, daemon=True)
        worker.start()
        while self._server.exit_code is None:
            try:
                message = read_message(read)
            except (ValueError, RecursionError):  # it is not JSON, but the next one may be
                continue
            if message is None:
                return 1
            self._answer(message)
        return self._server.exit_code

    def _answer(self, message: Any) -> None:
        with self._lock:
            self._send(self._server.handle(message))
        if not isinstance(message, dict) or "id" not in message:
            self._edited = monotonic()
        self._wake.put(True)  # a request may be a job, too

    def _work(self) -> None:
        """Do jobs as they come. Where one takes long, wait for a pause in typing before it."""
        while self._wake.get():
            self._pause()
            while self._step():
                self._pause()

    def _step(self) -> bool:
        with self._lock:
            job = self._server.next_job()
        if job is None:
            return False
        start = process_time()
        result = job.run()
        self._took = process_time() - start
        with self._lock:
            self._send(self._server.finish(job, result))
        return True

    def _pause(self) -> None:
        quiet = min(self._took, _LONGEST_PAUSE)
        while (left := self._edited + quiet - monotonic()) > 0:
            sleep(left)

    def _send(self, messages: list[Message]) -> None:
        from resspec.lsp.streams import write_message

        for message in messages:
            write_message(self._write, message)

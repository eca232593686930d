"""Messages on a stream: a header with the length, an empty line, and JSON."""

from __future__ import annotations

import json
from typing import IO, Any

from resspec.lsp.messages import Message

_MOST = 1 << 28  # bytes of one message


def read_message(stream: IO[bytes]) -> Any:
    """Return the next message; None at the end of the stream, and where it makes no sense."""
    length = -1
    while line := stream.readline(1 << 16):
        name, _, value = line.decode("ascii", "replace").partition(":")
        if not line.strip():
            break
        if name.strip().lower() == "content-length" and value.strip().isdecimal():
            length = int(value)
    if not 0 <= length <= _MOST:
        return None
    body = stream.read(length)
    return json.loads(body) if len(body) == length else None


def write_message(stream: IO[bytes], message: Message) -> None:
    """Write a message."""
    body = json.dumps(message, separators=(",", ":")).encode("ascii")
    stream.write(b"Content-Length: %d\r\n\r\n" % len(body) + body)
    stream.flush()

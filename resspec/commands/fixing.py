"""`check --fix` and `check --diff`: the edits that diagnostics propose, in the named files."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from resspec.commands.given import difference
from resspec.diagnostics import SpecError, UsageError

_ROUNDS = 20  # a mistake of syntax hides those after it


def fix(specs: Sequence[str], *, write: bool) -> None:
    """Edit files until nothing can be fixed, or print the first edits. Raises UsageError."""
    from resspec.files import rewrite
    from resspec.opening import locate

    for path in dict.fromkeys(locate(spec)[0] for spec in specs):
        for before, after in _rounds(path):
            if not write:
                sys.stdout.writelines(difference(path.as_posix(), before, after))
                break
            rewrite(path, before, after)


def _rounds(path: Path) -> Iterator[tuple[bytes, bytes]]:
    """Yield the file before and after each round; the caller writes it before the next."""
    from resspec.compiler import check
    from resspec.fixes import fixed
    from resspec.syntax.parse import read

    for _ in range(_ROUNDS):
        diagnostics = [
            each
            for each in check(path)
            if each.fix and each.fix.span.source.name == path.as_posix()
        ]
        before = path.read_bytes()
        try:
            text = read(path.as_posix(), before).text
        except SpecError as error:  # it is not plain text: the source of the diagnostic has it
            text = error.diagnostics[0].labels[0].span.source.text
        if any(each.fix and each.fix.span.source.text != text for each in diagnostics):
            raise UsageError(f"{path} was changed in the meantime, and is left as it is")
        after = fixed(path.as_posix(), text, diagnostics)
        if after == text:
            return
        yield before, _as_before(before, after)


def _as_before(before: bytes, after: str) -> bytes:
    """Return the text with the line ends and the byte-order mark that the file had."""
    mark = b"\xef\xbb\xbf" if before.startswith(b"\xef\xbb\xbf") else b""
    ends = "\r\n" if b"\r\n" in before and before.count(b"\r\n") == before.count(b"\n") else "\n"
    return mark + after.replace("\n", ends).encode()

"""Specs that changed since a revision, by their own text or that of anything they use."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from resspec import files
from resspec.diagnostics import UsageError
from resspec.revision import Revision
from resspec.syntax.parse import ENOUGH
from resspec.uses import base_candidates, candidates

# It may find too much: to look at a file too many costs a moment, at one too few a difference.
_USE = re.compile(rb'\buse\b(?:\s|#[^\n]*+)*+(?:(\w+)|"([^"\n]*)")')
_BASE = re.compile(rb"=(?:\s|#[^\n]*+)*+([A-Za-z_]\w*(?:/\w+)*)")  # also other values


def changed(revision: Revision) -> Iterator[Path]:
    """Yield the `.res` files of the commit that still exist and differ, with all that they use.

    Nothing is parsed: texts are compared with git's hashes of them.
    """
    hashes = revision.hashes()

    @cache
    def text(path: Path) -> bytes | None:
        try:
            return files.read(path, ENOUGH)
        except UsageError:
            return None

    @cache
    def differs(path: Path) -> bool:
        now, then = text(path), hashes.get(Path(os.path.normpath(path)))
        return (now is not None or then is not None) and (
            now is None or then is None or _hash(now, len(then)) != then
        )

    def reached(path: Path) -> Iterator[Path]:
        seen, left = set[Path](), [path]
        while left:
            each = left.pop()
            plain = Path(os.path.normpath(each))
            if plain not in seen and plain.is_relative_to(revision.root):
                seen.add(plain)
                yield each
                left += _used(text(each) or b"", each.parent)

    for path in hashes:
        if path.suffix == ".res" and any(map(differs, reached(path))) and os.path.lexists(path):
            yield path


def _used(text: bytes, beside: Path) -> Iterator[Path]:
    for name, file in _USE.findall(text):
        yield from candidates(os.fsdecode(name or file), beside, is_file=not name)
    for name in set(_BASE.findall(text)):
        yield from base_candidates(os.fsdecode(name), beside)


def _hash(text: bytes, length: int) -> str:
    """Return git's hash of a blob; in a repository of SHA-256 it is longer."""
    blob = b"blob %d\0" % len(text) + text
    return (
        hashlib.sha256(blob).hexdigest()
        if length == 64
        else hashlib.sha1(blob, usedforsecurity=False).hexdigest()
    )

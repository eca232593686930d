"""Looking at image files before the first step: which are damaged, and in what sizes the others come.

In threads, since decoders let others run, and each file only once: what was found is remembered in the user's cache.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from resspec.training.data import cache
from resspec.training.data.cache import Cache, Found
from resspec.training.data.decode import (
    IGNORE,
    SIDEWAYS,
    UPRIGHT,
    BrokenPicture,
    identify,
    naming,
    open_file,
    orientation_in_header,
    prepare,
    quiet,
    read_header,
    turned,
)
from resspec.training.data.ends import seems_whole

CHUNK = 64  # files that a thread takes at a time
SAVED = 4096  # files after which what was found is put into the cache
LARGE = 2**25  # pixels; of images with more, one at a time is decoded
_one_large = threading.Lock()


class DamagedImage(NamedTuple):
    """A file that cannot be shown, and what is wrong with it."""

    path: Path
    why: str


@dataclass(frozen=True)
class Inspection:
    """What was found in the images of a split.

    Attributes:
        sizes: For each (height, width), as shown before any resizing, the first file that has it. Of a set in memory there is
            one size, and no file: `Path("")`.
        damaged: All files that cannot be shown, in the order of the split.
    """

    sizes: dict[tuple[int, int], Path]
    damaged: tuple[DamagedImage, ...]


Size = tuple[int, int]  # height, width


def examine(
    root: Path,
    names: Sequence[str],
    *,
    decode: bool,
    exif: str,
    progress: Callable[[int], None] = lambda _: None,
) -> list[Size | DamagedImage]:
    """Return for each file its size as it is shown, or what is wrong with it.

    Args:
        root: The folder that the names are relative to.
        names: The files.
        decode: Decode each file as a whole; else its header is read and its end looked at, and only what ends in an unusual
            way is decoded.
        exif: `upright` or `ignore`.
        progress: Called with the number of files that were just looked at, in the thread of the caller.
    """
    remembered = Cache(root)
    known = remembered.read()
    results: list[Found | DamagedImage | None] = []
    keys: list[int] = []
    for name in names:
        key = _key(root, name)
        found = known.get(key) if key is not None else None
        results.append(found if found and found.decoded >= decode else None)
        keys.append(key or 0)
    missing = [place for place, result in enumerate(results) if result is None]
    progress(len(names) - len(missing))
    fresh: list[tuple[int, Found]] = []
    try:
        for place, result in _examined(root, names, missing, decode=decode, progress=progress):
            results[place] = result
            if isinstance(result, Found):
                fresh.append((keys[place], result))
            if len(fresh) >= SAVED:
                remembered.add(fresh)
                fresh = []
    finally:
        if fresh:
            remembered.add(fresh)
    return [_as_shown(result, exif) for result in results if result is not None]


def threads() -> int:
    """Return how many processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _examined(
    root: Path,
    names: Sequence[str],
    places: list[int],
    *,
    decode: bool,
    progress: Callable[[int], None],
) -> Iterator[tuple[int, Found | DamagedImage]]:
    chunks = [places[i : i + CHUNK] for i in range(0, len(places), CHUNK)]

    def look(chunk: list[int]) -> list[Found | DamagedImage]:
        return [_look(root / names[place], decode=decode) for place in chunk]

    with quiet():
        for chunk, results in zip(chunks, _in_threads(look, chunks), strict=True):
            yield from zip(chunk, results, strict=True)
            progress(len(chunk))


def _in_threads(
    look: Callable[[list[int]], list[Found | DamagedImage]], chunks: list[list[int]]
) -> Iterator[list[Found | DamagedImage]]:
    """Results in the order of the chunks; without threads where the system has none left."""
    pool = ThreadPoolExecutor(min(threads(), len(chunks) or 1))
    try:
        try:
            results = pool.map(look, chunks)
        except RuntimeError:
            results = map(look, chunks)
        yield from results
    finally:
        pool.shutdown(cancel_futures=True)


def _look(path: Path, *, decode: bool) -> Found | DamagedImage:
    try:
        return _decoded(path) if decode else _header(path)
    except BrokenPicture as broken:
        return DamagedImage(path, broken.why)


def _header(path: Path) -> Found:
    with naming(path), open_file(path) as file:
        image = identify(file)
        if seems_whole(image, file, os.fstat(file.fileno()).st_size):
            orientation = orientation_in_header(image)
            width, height = turned(image.size, orientation)
            return Found(height, width, sideways=orientation in SIDEWAYS, decoded=False)
    return _decoded(path)


def _decoded(path: Path) -> Found:
    with naming(path):
        image = read_header(path)
    large = image.width * image.height > LARGE
    with _one_large if large else nullcontext():
        picture = prepare(path, image, UPRIGHT)
        picture.rgb()
    width, height = picture.size
    return Found(height, width, sideways=picture.sideways, decoded=True)


def _key(root: Path, name: str) -> int | None:
    """None of a file that is not there, which the look at it will tell."""
    try:
        return cache.key(name, os.stat(f"{root}/{name}"))  # noqa: PTH116 (a Path takes three times as long)
    except (OSError, ValueError):
        return None


def _as_shown(result: Found | DamagedImage, exif: str) -> Size | DamagedImage:
    if isinstance(result, DamagedImage):
        return result
    if exif == IGNORE and result.sideways:
        return result.width, result.height
    return result.height, result.width

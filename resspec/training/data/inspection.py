"""Inspect image files before the first step: find the damaged ones, and the sizes of the others.

Files are read in threads, since decoders release the GIL, and only once: what was found is cached.
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

from resspec.training.data.cache import ImageCache, ImageSize, file_key
from resspec.training.data.decode import (
    IGNORE,
    SIDEWAYS,
    UPRIGHT,
    UnreadableImage,
    identify,
    naming,
    open_file,
    orientation_in_header,
    prepare,
    quiet,
    read_header,
    turned,
)
from resspec.training.data.truncation import seems_whole

CHUNK = 64  # files that a thread takes at a time
SAVED = 65_536  # files after which what was found is added to the cache
LARGE = 2**25  # pixels; of larger images, one at a time is decoded
_one_large = threading.Lock()


class DamagedImage(NamedTuple):
    """A file that cannot be read as an image, and why."""

    path: Path
    why: str


Size = tuple[int, int]  # height, width
Progress = Callable[[int], None]  # called with the number of files that were just inspected


@dataclass(frozen=True)
class Inspection:
    """The sizes and the damaged files of a split.

    Attributes:
        sizes: The first file of each (height, width) before any resizing. A set in memory has one
            size, and no file: `Path("")`.
        damaged: All files that cannot be read, in the order of the split.
    """

    sizes: dict[Size, Path]
    damaged: tuple[DamagedImage, ...]


def inspect_files(
    root: Path,
    names: Sequence[str],
    *,
    decode: bool,
    exif: str,
    progress: Progress = lambda _: None,
) -> list[Size | DamagedImage]:
    """Return for each file its size, or what is wrong with it.

    Args:
        root: The folder that the names are relative to.
        names: The files.
        decode: Decode each file; otherwise read its header and its end, and decode only what
            ends in an unusual way.
        exif: `upright` or `ignore`.
        progress: Called in this thread, with the number of files that were just inspected.
    """
    cache = ImageCache(root)
    keys = [_key(root, name) for name in names]
    results: list[ImageSize | DamagedImage | None] = []
    for key in keys:
        found = cache.known.get(key)
        results.append(found if found and found.decoded >= decode else None)

    missing = [index for index, result in enumerate(results) if result is None]
    progress(len(names) - len(missing))
    fresh: dict[int, ImageSize] = {}
    try:
        for index, result in _inspected(root, names, missing, decode, progress):
            results[index] = result
            if isinstance(result, ImageSize):
                fresh[keys[index]] = result
            if len(fresh) >= SAVED:
                cache.add(fresh)
                fresh = {}
    finally:
        if fresh:
            cache.add(fresh)
    return [_oriented(result, exif) for result in results if result is not None]


def cpu_count() -> int:
    """Return how many processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _inspected(
    root: Path, names: Sequence[str], indices: list[int], decode: bool, progress: Progress
) -> Iterator[tuple[int, ImageSize | DamagedImage]]:
    chunks = [indices[i : i + CHUNK] for i in range(0, len(indices), CHUNK)]

    def inspect(chunk: list[int]) -> list[ImageSize | DamagedImage]:
        return [_inspect(root / names[index], decode=decode) for index in chunk]

    with quiet(), ThreadPoolExecutor(min(cpu_count(), len(chunks) or 1)) as pool:
        try:
            found = pool.map(inspect, chunks)
        except RuntimeError:  # the system has no more threads
            found = map(inspect, chunks)
        try:
            for chunk, results in zip(chunks, found, strict=True):
                yield from zip(chunk, results, strict=True)
                progress(len(chunk))
        finally:
            pool.shutdown(cancel_futures=True)


def _inspect(path: Path, *, decode: bool) -> ImageSize | DamagedImage:
    try:
        return _decode(path) if decode else _read_header(path)
    except UnreadableImage as error:
        return DamagedImage(path, error.why)


def _read_header(path: Path) -> ImageSize:
    with naming(path), open_file(path) as file:
        image = identify(file)
        if seems_whole(image.format, file, os.fstat(file.fileno()).st_size):
            orientation = orientation_in_header(image)
            width, height = turned(image.size, orientation)
            return ImageSize(height, width, sideways=orientation in SIDEWAYS, decoded=False)
    return _decode(path)


def _decode(path: Path) -> ImageSize:
    with naming(path):
        image = read_header(path)
    is_large = image.width * image.height > LARGE
    with _one_large if is_large else nullcontext():
        opened = prepare(path, image, UPRIGHT)
        opened.rgb()
    width, height = opened.size
    return ImageSize(height, width, sideways=opened.sideways, decoded=True)


def _key(root: Path, name: str) -> int:
    """Return the key of a file, or 0 for a missing file, which its inspection reports."""
    try:
        return file_key(name, os.stat(f"{root}/{name}"))  # noqa: PTH116 (a Path is slow)
    except (OSError, ValueError):
        return 0


def _oriented(result: ImageSize | DamagedImage, exif: str) -> Size | DamagedImage:
    if isinstance(result, DamagedImage):
        return result
    if exif == IGNORE and result.sideways:
        return result.width, result.height
    return result.height, result.width

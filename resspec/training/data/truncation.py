"""Tell whether an image file is complete without decoding it, by its end marker or stated length.

Yes may be wrong where something in the middle is damaged. No only means that the file has to be
decoded: cameras and editors write files that end in other ways, and Pillow reads them.
"""

from __future__ import annotations

from math import ceil
from typing import Any, BinaryIO

from PIL import ImageFile

TAIL = 4096  # bytes in which the end marker is searched
PADDING = b"\0\r\n \x1a"  # bytes that may follow it
END_OF_JPEG, END_OF_GIF = b"\xff\xd9", b";"

PNG_METADATA = (b"eXIf", b"iTXt", b"tEXt", b"zTXt")  # chunks that may contain EXIF

STRIP_OFFSETS, STRIP_LENGTHS = 273, 279  # TIFF's tags
TILE_OFFSETS, TILE_LENGTHS = 324, 325

# Bits per uncompressed pixel, by Pillow's raw mode.
BITS = {"1": 1, "1;I": 1, "L": 8, "P": 8, "I;16B": 16, "RGB": 24, "BGR": 24, "BGRX": 32}
BITS |= {"F;32F": 32, "F;32BF": 32}


def seems_whole(image: ImageFile.ImageFile, file: BinaryIO, length: int) -> bool:
    """Return whether a file reaches to its end.

    Args:
        image: The image with its header parsed.
        file: The file.
        length: The length of the file in bytes.
    """
    match image.format:
        case "JPEG" | "MPO":
            return _tail(file, length).endswith(END_OF_JPEG)
        case "PNG":
            return _png_is_whole(file, length)
        case "GIF":
            return _tail(file, length).endswith(END_OF_GIF)
        case "WEBP":
            file.seek(4)
            return int.from_bytes(file.read(4), "little") + 8 <= length
        case "TIFF":
            return _tiff_is_whole(image, length)
        case "BMP" | "PPM":
            return bool(image.tile) and all(_tile_end(tile) <= length for tile in image.tile)
        case _:
            return False


def _tail(file: BinaryIO, length: int) -> bytes:
    """Return the last bytes, without padding."""
    file.seek(max(0, length - TAIL))
    return file.read(TAIL).rstrip(PADDING)


def _png_is_whole(file: BinaryIO, length: int) -> bool:
    """Follow the chunks to the last one; False where EXIF may follow the pixels."""
    at = 8
    pixels = False
    while at + 12 <= length:
        file.seek(at)
        head = file.read(8)
        size = int.from_bytes(head[:4], "big")
        kind = head[4:]
        at += 12 + size
        if kind == b"IEND":
            return at <= length
        if pixels and kind in PNG_METADATA:
            return False
        pixels = pixels or kind == b"IDAT"
    return False


def _tiff_is_whole(image: ImageFile.ImageFile, length: int) -> bool:
    tags = getattr(image, "tag_v2", {})
    for offsets, lengths in ((STRIP_OFFSETS, STRIP_LENGTHS), (TILE_OFFSETS, TILE_LENGTHS)):
        starts = _numbers(tags.get(offsets))
        sizes = _numbers(tags.get(lengths))
        if starts and len(starts) == len(sizes):
            return all(start + size <= length for start, size in zip(starts, sizes, strict=True))
    return False


def _numbers(value: Any) -> list[int]:
    values = value if isinstance(value, tuple | list) else [value]
    return [number for number in values if isinstance(number, int)]


def _tile_end(tile: Any) -> float:
    """Return where uncompressed pixels end in the file; infinity for compressed ones."""
    decoder, extent, offset, args = tile
    layout, stride, *_ = (args, 0) if isinstance(args, str) else (*args, 0, 0)
    if decoder != "raw" or layout not in BITS or extent is None:
        return float("inf")
    left, top, right, bottom = extent
    row = stride or ceil((right - left) * BITS[layout] / 8)
    return float(offset + row * (bottom - top))

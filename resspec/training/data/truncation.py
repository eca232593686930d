"""Check that an image file is complete by its end marker or stated length, without decoding it.

Yes may be wrong where something in the middle is damaged. No only means that the file has to be
decoded: cameras and editors write files that end in other ways, and Pillow reads them.
"""

from __future__ import annotations

from typing import BinaryIO

TAIL = 4096  # bytes in which the end marker is searched
PADDING = b"\0\r\n \x1a"  # bytes that may follow it
END_OF_JPEG, END_OF_GIF = b"\xff\xd9", b";"
PNG_METADATA = (b"eXIf", b"iTXt", b"tEXt", b"zTXt")  # chunks that may contain EXIF


def seems_whole(kind: str | None, file: BinaryIO, length: int) -> bool:
    """Return whether a file is complete; False for formats without a mark of their end.

    Args:
        kind: The format, as Pillow names it.
        file: The file.
        length: The length of the file in bytes.
    """
    match kind:
        case "JPEG" | "MPO":
            return _tail(file, length).endswith(END_OF_JPEG)
        case "PNG":
            return _png_is_whole(file, length)
        case "GIF":
            return _tail(file, length).endswith(END_OF_GIF)
        case "WEBP":
            file.seek(4)
            return int.from_bytes(file.read(4), "little") + 8 <= length
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
        chunk = head[4:]
        at += 12 + int.from_bytes(head[:4], "big")
        if chunk == b"IEND":
            return at <= length
        if pixels and chunk in PNG_METADATA:
            return False
        pixels = pixels or chunk == b"IDAT"
    return False

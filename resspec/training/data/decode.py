"""Decode image files to upright RGB pixels, from any mode and depth that Pillow reads.

The format follows from the content, not the extension. Only the first frame or page is used. Color
profiles are not applied, as in torchvision.
"""

from __future__ import annotations

import os
import stat
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import BytesIO
from math import ceil
from pathlib import Path
from typing import BinaryIO

from PIL import Image, ImageFile, UnidentifiedImageError

from resspec.files import kind_of
from resspec.render import visible
from resspec.training.data.pixel_depth import UnsupportedPixels, as_rgb

# Register Pillow's formats before any thread starts: a thread that reads while another one
# registers them finds only some. Some are not allowed: for EPS, Pillow starts another program.
Image.init()
WANTED = ("JPEG", "PNG", "GIF", "BMP", "WEBP", "TIFF", "PPM", "JPEG2000", "AVIF")
FORMATS = tuple(name for name in WANTED if name in Image.OPEN)
SHRINK_ON_DECODING = ("JPEG", "MPO")
LARGEST_FILE = 2**31  # bytes

UPRIGHT, IGNORE = "upright", "ignore"  # values of a recipe's `exif`
ORIENTATION = 0x0112  # the tag
TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
SIDEWAYS = (5, 6, 7, 8)  # orientations that swap width and height


class UnreadableImage(Exception):
    """A file that is not an image, is damaged, or has unsupported pixels."""

    def __init__(self, path: Path, why: str) -> None:
        super().__init__(f"{visible(str(path))} cannot be read: {why}")
        self.path = path
        self.why = why


class OpenedImage:
    """An image file that has been opened.

    Attributes:
        path: The file.
        size: Width and height, upright unless EXIF is ignored.
        sideways: Whether the file stores width and height the other way round.
    """

    def __init__(self, path: Path, image: ImageFile.ImageFile, orientation: int) -> None:
        self.path = path
        self._image = image
        self._orientation = orientation
        self._stored = image.size
        self.size = turned(image.size, orientation)
        self.sideways = orientation in SIDEWAYS

    def rgb(self, scale: float = 1.0, *, draft: bool = False) -> Image.Image:
        """Return the pixels as an upright RGB image.

        Args:
            scale: The share of the width and height that is needed.
            draft: Let the JPEG decoder shrink the image, to no less than `scale` of its size.

        Raises:
            UnreadableImage: The file is damaged, or its pixels have no known range.
        """
        with naming(self.path):
            if draft:
                width, height = self._stored
                self._image.draft("RGB", (ceil(width * scale), ceil(height * scale)))
            image = as_rgb(self._image)
            if self._orientation in TURNS:
                image = image.transpose(TURNS[self._orientation])
        return image


def open_image(path: Path, exif: str = UPRIGHT) -> OpenedImage:
    """Open an image file; all but JPEG files are decoded at once.

    Args:
        path: A regular file; anything else is rejected without reading from it.
        exif: `upright` turns the image as EXIF says, `ignore` leaves it as it is stored.

    Raises:
        UnreadableImage: The file cannot be opened, is not an image, or is damaged.
    """
    return prepare(path, read_header(path), exif)


def read_header(path: Path) -> ImageFile.ImageFile:
    """Read a file into memory, and return its image with only the header parsed.

    Raises:
        UnreadableImage: As `open_image`.
    """
    with naming(path):
        with open_file(path) as file:
            content = file.read()
        return identify(BytesIO(content))


def prepare(path: Path, image: ImageFile.ImageFile, exif: str) -> OpenedImage:
    """Decode an image as far as its orientation needs.

    Raises:
        UnreadableImage: As `open_image`.
    """
    with naming(path):
        if image.format not in SHRINK_ON_DECODING:
            image.load()  # in PNG, EXIF may follow the pixels; Pillow turns TIFF itself
        orientation = _orientation(image.getexif) if exif == UPRIGHT else 1
        return OpenedImage(path, image, orientation)


def identify(file: BinaryIO) -> ImageFile.ImageFile:
    """Parse the header of an image, inside of `naming`: Pillow raises anything."""
    image = Image.open(file, formats=FORMATS)
    if min(image.size) < 1:
        raise UnsupportedPixels(f"it has {image.width}x{image.height} pixels")
    return image


@contextmanager
def open_file(path: Path) -> Iterator[BinaryIO]:
    """Yield an open regular file; anything else might block or never end, and is not opened."""
    _check_regular(path, os.stat(path))  # noqa: PTH116 (a Path's own stat takes longer)
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    with os.fdopen(os.open(path, flags), "rb") as file:
        _check_regular(path, os.fstat(file.fileno()))  # it may have been replaced meanwhile
        yield file


def _check_regular(path: Path, status: os.stat_result) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise UnreadableImage(path, f"it is {kind_of(status.st_mode)}, not a file")
    if not status.st_size:
        raise UnreadableImage(path, "the file is empty")
    if status.st_size > LARGEST_FILE:
        size = f"{status.st_size:,} bytes; at most {LARGEST_FILE:,} are allowed"
        raise UnreadableImage(path, f"the file has {size}")


@contextmanager
def naming(path: Path) -> Iterator[None]:
    """Turn any exception into an `UnreadableImage` that names the file."""
    try:
        yield
    except UnreadableImage:
        raise
    except Exception as error:  # noqa: BLE001 (a decoder raises anything)
        raise UnreadableImage(path, _why(error)) from None


@contextmanager
def quiet() -> Iterator[None]:
    """Hide Pillow's warnings in the whole process: enter this before threads start."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def orientation_in_header(image: Image.Image) -> int:
    """Return the EXIF orientation, 1 to 8, without decoding a PNG to look behind its pixels."""
    if image.format == "TIFF":
        return 1  # Pillow has turned its size already
    return _orientation(lambda: Image.Image.getexif(image))


def _orientation(exif: Callable[[], Image.Exif]) -> int:
    """Return the orientation from EXIF or XMP, or 1 where that is missing or damaged."""
    try:
        found = exif().get(ORIENTATION, 1)
        return int(found) if found in TURNS else 1
    except Exception:  # noqa: BLE001 (EXIF readers raise anything too)
        return 1


def turned(size: tuple[int, int], orientation: int) -> tuple[int, int]:
    """Return width and height once an image of this stored size is upright."""
    width, height = size
    return (height, width) if orientation in SIDEWAYS else (width, height)


def _why(error: Exception) -> str:
    """Return what Pillow or the system raised as a sentence."""
    match error:
        case UnidentifiedImageError():
            return "it is not an image, or it is damaged"
        case Image.DecompressionBombError():
            limit = 2 * (Image.MAX_IMAGE_PIXELS or 0)
            return f"it has more than the {limit:,} pixels that an image may have; scale it down"
        case MemoryError():
            return "its pixels do not fit into memory"
        case OSError(strerror=str(reason)):
            return reason
        case OSError() | UnsupportedPixels() if str(error):
            return visible(str(error))
        case SyntaxError() | ValueError() if str(error):
            return visible(f"it is damaged: {error}")
        case _:
            return visible(f"it is damaged: {type(error).__name__} {error}")

"""Image files to RGB pixels: any mode and depth that Pillow reads, upright, and one error that names the
file for whatever is wrong with it.

Formats are told by content, not by the ending. Of an animation the first frame is shown, of several
pages the first. Color profiles are not applied, as in torchvision.
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
from resspec.training.data.depth import Refused, as_rgb

# What Pillow may open. Of its other formats, one starts another program to read a file (EPS). They are registered before
# any thread starts: one that looks while another one is at it finds only some of them.
Image.init()
WANTED = ("JPEG", "PNG", "GIF", "BMP", "WEBP", "TIFF", "PPM", "JPEG2000", "AVIF")
FORMATS = tuple(name for name in WANTED if name in Image.OPEN)
SHRINK_ON_DECODING = ("JPEG", "MPO")
LARGEST_FILE = 2**31  # bytes

UPRIGHT, IGNORE = "upright", "ignore"  # what a recipe says of EXIF
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


class BrokenPicture(Exception):
    """A file that is not an image, is damaged, or cannot be shown."""

    def __init__(self, path: Path, why: str) -> None:
        super().__init__(f"{visible(str(path))} cannot be read: {why}")
        self.path = path
        self.why = why


class Picture:
    """An image file that has been opened.

    Attributes:
        path: The file.
        size: Width and height as the image is shown, upright unless EXIF is ignored.
        sideways: Whether these are the stored sides swapped.
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
            scale: The share of the size that is needed.
            draft: Let the JPEG decoder shrink the image, to no less than `scale` of its size.

        Raises:
            BrokenPicture: The file is damaged, or its pixels have no known range.
        """
        with naming(self.path):
            if draft:
                width, height = self._stored
                self._image.draft("RGB", (ceil(width * scale), ceil(height * scale)))
            image = as_rgb(self._image)
            if self._orientation in TURNS:
                image = image.transpose(TURNS[self._orientation])
        return image


def open_picture(path: Path, exif: str = UPRIGHT) -> Picture:
    """Open an image file; all but JPEG files are decoded at once.

    Args:
        path: The file. Anything but a regular file is refused, without reading from it.
        exif: `upright` turns the image as EXIF says, `ignore` leaves it as it is stored.

    Raises:
        BrokenPicture: The file cannot be opened, is not an image, or is damaged.
    """
    return prepare(path, read_header(path), exif)


def read_header(path: Path) -> ImageFile.ImageFile:
    """Read a file into memory and its header into an image. Raises BrokenPicture."""
    with naming(path):
        with open_file(path) as file:
            content = file.read()
        return identify(BytesIO(content))


def prepare(path: Path, image: ImageFile.ImageFile, exif: str) -> Picture:
    """Decode an image as far as its orientation needs. Raises BrokenPicture."""
    with naming(path):
        if image.format not in SHRINK_ON_DECODING:
            image.load()  # PNG may tell its orientation after the pixels; Pillow turns TIFF by itself
        orientation = _orientation(image.getexif) if exif == UPRIGHT else 1
        return Picture(path, image, orientation)


def identify(file: BinaryIO) -> ImageFile.ImageFile:
    """Read the header. Raises whatever Pillow raises; use inside of `naming`."""
    image = Image.open(file, formats=FORMATS)
    if min(image.size) < 1:
        raise Refused(f"it has {image.width}x{image.height} pixels")
    return image


@contextmanager
def open_file(path: Path) -> Iterator[BinaryIO]:
    """Yield a regular file, open for reading; nothing else is opened, since it might block or never end."""
    _refuse_special(path, os.stat(path))  # noqa: PTH116 (a Path's own stat takes longer)
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    with os.fdopen(os.open(path, flags), "rb") as file:
        _refuse_special(path, os.fstat(file.fileno()))  # it may have been replaced meanwhile
        yield file


def _refuse_special(path: Path, status: os.stat_result) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise BrokenPicture(path, f"it is {kind_of(status.st_mode)}, not a file")
    if not status.st_size:
        raise BrokenPicture(path, "the file is empty")
    if status.st_size > LARGEST_FILE:
        size = f"{status.st_size:,} bytes; at most {LARGEST_FILE:,} are allowed"
        raise BrokenPicture(path, f"the file has {size}")


@contextmanager
def naming(path: Path) -> Iterator[None]:
    """Turn any exception into a `BrokenPicture` that names the file."""
    try:
        yield
    except BrokenPicture:
        raise
    except Exception as error:  # noqa: BLE001 (a decoder raises anything: struct.error, zlib.error, IndexError …)
        raise BrokenPicture(path, _why(error)) from None


@contextmanager
def quiet() -> Iterator[None]:
    """Hide Pillow's warnings. It changes the state of the process: enter it in one thread, around the others."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def orientation_in_header(image: Image.Image) -> int:
    """Return the orientation from 1 to 8, without decoding a PNG to look behind its pixels."""
    if image.format == "TIFF":
        return 1  # Pillow tells the size that it has once it is turned
    return _orientation(lambda: Image.Image.getexif(image))


def _orientation(exif: Callable[[], Image.Exif]) -> int:
    """As EXIF or XMP tells it; 1 where that is missing or damaged, which is no reason to refuse a picture."""
    try:
        found = exif().get(ORIENTATION, 1)
        return int(found) if found in TURNS else 1
    except Exception:  # noqa: BLE001 (its readers raise anything too)
        return 1


def turned(size: tuple[int, int], orientation: int) -> tuple[int, int]:
    """Return width and height of an image of this stored size, once it is upright."""
    width, height = size
    return (height, width) if orientation in SIDEWAYS else (width, height)


def _why(error: Exception) -> str:
    """Say in words what Pillow or the system raised."""
    match error:
        case UnidentifiedImageError():
            return "it is not an image, or it is damaged"
        case Image.DecompressionBombError():
            limit = 2 * (Image.MAX_IMAGE_PIXELS or 0)
            return f"it has more than the {limit:,} pixels that an image may have; scale it down"
        case MemoryError():
            return "its pixels do not fit into memory"
        case OSError(strerror=str(told)):
            return told
        case OSError() | Refused() if str(error):
            return visible(str(error))
        case SyntaxError() | ValueError() if str(error):
            return visible(f"it is damaged: {error}")
        case _:
            return visible(f"it is damaged: {type(error).__name__} {error}")

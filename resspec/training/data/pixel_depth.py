"""Convert pixels of any mode and depth to 8-bit RGB, where Pillow itself clips above 255."""

from __future__ import annotations

from math import isfinite
from typing import Any

import numpy as np
from PIL import Image

Pixels = np.ndarray[Any, Any]

BITS_PER_SAMPLE, PHOTOMETRIC, SAMPLE_FORMAT = 258, 262, 339  # TIFF's tags
WHITE_IS_ZERO = 0  # values of PHOTOMETRIC and of SAMPLE_FORMAT
SIGNED = 2


class UnsupportedPixels(ValueError):
    """Pixels of an intact image that cannot be converted to RGB."""


def as_rgb(image: Image.Image) -> Image.Image:
    """Return the image in 8-bit RGB.

    Deeper pixels are scaled: 16-bit pixels keep their upper 8 bits. Transparency is dropped.

    Raises:
        UnsupportedPixels: The pixels have no known range.
    """
    image.load()
    mode = image.mode
    if mode.startswith("I;16"):
        return _gray(image, np.asarray(image) >> (_bits(image) - 8))
    if mode in ("I", "F"):
        return _gray(image, _scaled(image))
    if mode in ("La", "RGBa"):
        image = image.convert(f"{mode[:-1]}A")
    return image.convert("RGB")


def _scaled(image: Image.Image) -> Pixels:
    """Scale 32-bit pixels to 0..255.

    Some files do not say which range they use. The smallest common range that holds all pixels is
    assumed: 0..1 (floats only), 0..255 or 0..65535.
    """
    pixels: Pixels = np.asarray(image)
    low, high = float(pixels.min()), float(pixels.max())
    if not (isfinite(low) and isfinite(high)):
        raise UnsupportedPixels("some of its pixels are not finite")
    if low < 0 or high > 65535:
        raise UnsupportedPixels(
            f"its pixels range from {low:g} to {high:g}; convert it to 8 or 16 bits"
        )
    if image.mode == "F" and high <= 1:
        return np.asarray(np.rint(pixels * 255))
    if image.mode == "I" and _is_of_signed_16_bits(image):
        return pixels // 128
    if high > 255 or (image.mode == "I" and image.format in ("PNG", "PPM")):
        return pixels // 256
    return np.rint(pixels)


def _gray(image: Image.Image, pixels: Pixels) -> Image.Image:
    levels = pixels.astype(np.uint8)
    if _tag(image, PHOTOMETRIC, 1) == WHITE_IS_ZERO:  # Pillow inverts such images of 8 bits only
        levels = 255 - levels
    return Image.fromarray(levels).convert("RGB")


def _bits(image: Image.Image) -> int:
    """Return how many of 16 stored bits are used: 12 in some TIFF files."""
    bits = _tag(image, BITS_PER_SAMPLE, 16)
    return bits if 8 <= bits <= 16 else 16


def _is_of_signed_16_bits(image: Image.Image) -> bool:
    return _tag(image, BITS_PER_SAMPLE, 32) == 16 and _tag(image, SAMPLE_FORMAT, 1) == SIGNED


def _tag(image: Image.Image, tag: int, default: int) -> int:
    """Return a tag of a TIFF file, for its first channel, or the default for other files."""
    value = getattr(image, "tag_v2", {}).get(tag, default)
    first = value[0] if isinstance(value, tuple) and value else value
    return first if isinstance(first, int) else default

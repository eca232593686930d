"""Pixels of every depth and mode become 8-bit RGB."""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageCms

from resspec.training.data.decode import UnreadableImage
from resspec.training.data.pixel_depth import as_rgb
from tests.train.data.pictures import HEIGHT, WIDTH, png, written
from tests.train.data.test_decode import COLOR, GREY, as_array, difference, saved, shown

SIXTEEN = GREY.astype(np.uint16) * 257
DEEP: dict[str, Callable[[Path], Path]] = {
    "png": lambda folder: saved(folder, SIXTEEN, "a.png"),
    "png in the upper byte": lambda folder: saved(folder, GREY.astype(np.uint16) << 8, "a.png"),
    "png, color": lambda folder: written(folder, "a.png", png(COLOR.astype(np.uint16) * 257)),
    "tiff": lambda folder: saved(folder, SIXTEEN, "a.tif"),
    "packed tiff": lambda folder: saved(folder, SIXTEEN, "a.tif", compression="tiff_lzw"),
    "big-endian tiff": lambda folder: saved(
        folder, Image.frombytes("I;16B", (WIDTH, HEIGHT), SIXTEEN.astype(">u2").tobytes()), "a.tif"
    ),
    "16 of 32 bits": lambda folder: saved(folder, SIXTEEN.astype(np.int32), "a.tif"),
    "8 of 32 bits": lambda folder: saved(folder, GREY.astype(np.int32), "a.tif"),
    "pgm": lambda folder: saved(folder, SIXTEEN, "a.pgm"),
    "pgm in text": lambda folder: written(
        folder, "a.pgm", b"P2 44 30 65535\n" + " ".join(map(str, SIXTEEN.ravel())).encode()
    ),
    "pgm up to 1000": lambda folder: written(
        folder, "a.pgm", b"P5 44 30 1000\n" + np.rint(GREY / 255 * 1000).astype(">u2").tobytes()
    ),
    "floats up to 1": lambda folder: saved(folder, (GREY / 255).astype(np.float32), "a.tif"),
    "floats up to 255": lambda folder: saved(folder, GREY.astype(np.float32), "a.tif"),
    "floats up to 65535": lambda folder: saved(folder, SIXTEEN.astype(np.float32), "a.tif"),
    "a float map": lambda folder: written(
        folder, "a.ppm", b"Pf 44 30 -1.0\n" + (GREY[::-1] / 255).astype("<f4").tobytes()
    ),
}


@pytest.mark.parametrize("kind", DEEP)
def test_deep_pixels_are_scaled_and_not_cut_off(kind: str, tmp_path: Path) -> None:
    wanted = COLOR if "color" in kind else GREY
    assert difference(DEEP[kind](tmp_path), wanted) <= 1


def test_a_dark_deep_picture_stays_dark(tmp_path: Path) -> None:
    """Of 16 bits only the lowest are used: that is a picture of blacks, in every format."""
    dark = (GREY // 2).astype(np.uint16)
    for name in ("a.png", "a.tif", "a.pgm"):
        assert as_array(saved(tmp_path, dark, name)).max() == 0


def tiff(content: bytes, *, bits: int, photometric: int = 1, sample_format: int = 1) -> bytes:
    """A gray TIFF of one strip, written by hand."""
    tags = {
        256: WIDTH,
        257: HEIGHT,
        258: bits,
        259: 1,
        262: photometric,
        273: 8 + 2 + 10 * 12 + 4,
        277: 1,
        278: HEIGHT,
        279: len(content),
        339: sample_format,
    }
    entries = b"".join(
        struct.pack("<HHII", tag, 4 if tag in (273, 279) else 3, 1, value)
        for tag, value in tags.items()
    )
    return struct.pack("<2sHIH", b"II", 42, 8, len(tags)) + entries + struct.pack("<I", 0) + content


def twelve_bits(pixels: np.ndarray[Any, Any]) -> bytes:
    """As microscopes write them: two pixels in three bytes."""
    values = np.rint(pixels / 255 * 4095).astype(np.uint16)
    first, second = values[:, ::2], values[:, 1::2]
    return (
        np.stack([first >> 4, (first & 15) << 4 | second >> 8, second & 255], 2)
        .astype(np.uint8)
        .tobytes()
    )


def test_twelve_bits_of_a_tiff(tmp_path: Path) -> None:
    path = written(tmp_path, "a.tif", tiff(twelve_bits(GREY), bits=12))
    assert difference(path, GREY) <= 1


NEGATIVE = 255 - GREY
GRAY_TIFFS = {
    "8 bits, white is 0": tiff(NEGATIVE.tobytes(), bits=8, photometric=0),
    "16 bits, white is 0": tiff((NEGATIVE.astype("<u2") * 257).tobytes(), bits=16, photometric=0),
    "floats, white is 0": tiff(
        (NEGATIVE / 255).astype("<f4").tobytes(), bits=32, photometric=0, sample_format=3
    ),
    "16 bits with a sign": tiff((GREY.astype("<i2") * 128).tobytes(), bits=16, sample_format=2),
    "16 bits": tiff((GREY.astype("<u2") * 257).tobytes(), bits=16),
}


@pytest.mark.parametrize("kind", GRAY_TIFFS)
def test_gray_tiffs_of_every_kind(kind: str, tmp_path: Path) -> None:
    assert difference(written(tmp_path, "a.tif", GRAY_TIFFS[kind]), GREY) <= 1


@pytest.mark.parametrize("channels", [2, 4])
def test_deep_pixels_with_transparency(channels: int, tmp_path: Path) -> None:
    wanted = GREY if channels == 2 else COLOR
    opaque = np.full((HEIGHT, WIDTH), 65535, np.uint16)
    path = written(tmp_path, "a.png", png(np.dstack([wanted.astype(np.uint16) * 257, opaque])))
    assert difference(path, wanted) <= 1


@pytest.mark.parametrize(
    ("pixels", "why"),
    [
        (
            np.linspace(-5, 250, 60, dtype=np.float32).reshape(6, 10),
            "its pixels range from -5 to 250; convert it to 8 or 16 bits",
        ),
        (
            np.arange(6, dtype=np.int32).reshape(2, 3) * 20_000,
            "its pixels range from 0 to 100000; convert it to 8 or 16 bits",
        ),
        (
            np.arange(6, dtype=np.int32).reshape(2, 3) - 2,
            "its pixels range from -2 to 3; convert it to 8 or 16 bits",
        ),
        (
            np.where(GREY > 200, np.nan, GREY).astype(np.float32),
            "some of its pixels are not finite",
        ),
        (
            np.where(GREY > 200, np.inf, GREY).astype(np.float32),
            "some of its pixels are not finite",
        ),
    ],
)
def test_pixels_without_a_known_range_are_refused(
    pixels: np.ndarray[Any, Any], why: str, tmp_path: Path
) -> None:
    path = saved(tmp_path, pixels, "a.tif")
    with pytest.raises(UnreadableImage) as caught:
        shown(path)
    assert str(caught.value) == f"{path} cannot be read: {why}"


MODES = (
    "1",
    "L",
    "P",
    "PA",
    "LA",
    "La",
    "RGB",
    "RGBA",
    "RGBa",
    "RGBX",
    "CMYK",
    "YCbCr",
    "LAB",
    "HSV",
    "I",
    "F",
    "I;16",
    "I;16B",
    "I;16L",
)


@pytest.mark.parametrize("mode", MODES)
def test_every_mode_becomes_rgb(mode: str) -> None:
    image = as_rgb(Image.new(mode, (3, 2)))
    assert (image.mode, image.size) == ("RGB", (3, 2))


def in_lab(image: Image.Image) -> Image.Image:
    srgb, lab = ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB")
    found = ImageCms.applyTransform(image, ImageCms.buildTransform(srgb, lab, "RGB", "LAB"))
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("mode", "name"),
    [
        ("CMYK", "a.jpg"),
        ("CMYK", "a.tif"),
        ("YCbCr", "a.jpg"),
        ("YCbCr", "a.tif"),
        ("LAB", "a.tif"),
        ("RGBA", "a.png"),
        ("RGBA", "a.webp"),
        ("RGBA", "a.tif"),
        ("LA", "a.png"),
        ("L", "a.jpg"),
        ("L", "a.bmp"),
        ("RGB", "a.jp2"),
    ],
)
def test_colors_are_those_of_the_picture(mode: str, name: str, tmp_path: Path) -> None:
    image = Image.fromarray(COLOR)
    converted = in_lab(image) if mode == "LAB" else image.convert(mode)
    options = (
        {"quality": 95}
        if name.endswith("jpg")
        else {"lossless": True}
        if name.endswith("webp")
        else {}
    )
    path = saved(tmp_path, converted, name, **options)
    assert difference(path, GREY if mode in ("L", "LA") else COLOR) < 30


def test_transparency_is_dropped_as_torchvision_does(tmp_path: Path) -> None:
    hidden = np.dstack([COLOR, np.zeros((HEIGHT, WIDTH), np.uint8)])
    assert difference(saved(tmp_path, hidden, "a.png"), COLOR) == 0
    palette = Image.fromarray(COLOR).quantize(16)
    wanted = np.asarray(palette.convert("RGB"))
    for transparency in (3, bytes(range(16))):
        assert difference(saved(tmp_path, palette, "b.png", transparency=transparency), wanted) == 0


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("a.gif", {}),
        ("a.png", {}),
        ("a.webp", {"lossless": True}),
        ("a.tif", {}),
    ],
)
def test_of_several_frames_and_pages_the_first_is_shown(
    name: str, options: dict[str, Any], tmp_path: Path
) -> None:
    first = Image.fromarray(COLOR).quantize(64)
    others = [first.rotate(90), first.rotate(180)]
    path = saved(tmp_path, first, name, save_all=True, append_images=others, **options)
    assert difference(path, np.asarray(first.convert("RGB"))) == 0

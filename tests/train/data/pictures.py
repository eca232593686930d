"""Image files for tests: smooth pictures in every format, mode and depth, and damaged files."""

from __future__ import annotations

import gzip
import struct
import zlib
from io import BytesIO
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
from PIL import Image

Bytes = np.ndarray[Any, np.dtype[np.uint8]]
WIDTH, HEIGHT = 44, 30
LOSSY = {"JPEG", "WEBP", "AVIF"}


def smooth(seed: int = 0, *, width: int = WIDTH, height: int = HEIGHT, channels: int = 3) -> Bytes:
    """A picture without hard edges (HxWx3, or HxW), which JPEG changes little."""
    coarse = np.random.default_rng(seed).integers(0, 256, (4, 5, 3), dtype=np.uint8)
    image = Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC)
    return np.asarray(image if channels == 3 else image.convert("L"))


def encoded(image: Image.Image, kind: str, **options: Any) -> bytes:
    """The file that Pillow writes."""
    if kind in LOSSY:
        options = {"quality": 90, **options}
    buffer = BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def good_files() -> dict[str, bytes]:
    """Whole files of one picture, by names with their endings."""
    image = Image.fromarray(smooth())
    palette, grey = image.quantize(32), image.convert("L")
    exif = Image.Exif()
    exif[0x0112] = 6
    more = [palette.rotate(90), palette.rotate(180)]
    return {
        "plain.jpg": encoded(image, "JPEG"),
        "progressive.jpg": encoded(image, "JPEG", progressive=True, exif=exif),
        "cmyk.jpg": encoded(image.convert("CMYK"), "JPEG"),
        "two.jpg": encoded(image, "MPO", save_all=True, append_images=[image.rotate(180)]),
        "plain.png": encoded(image, "PNG"),
        "palette.png": encoded(palette, "PNG", transparency=bytes(range(32)), exif=exif),
        "animated.png": encoded(palette, "PNG", save_all=True, append_images=more),
        "deep.png": encoded(Image.fromarray(smooth(channels=1).astype(np.uint16) * 257), "PNG"),
        "plain.gif": encoded(palette, "GIF"),
        "animated.gif": encoded(palette, "GIF", save_all=True, append_images=more),
        "plain.bmp": encoded(image, "BMP"),
        "palette.bmp": encoded(palette, "BMP"),
        "bits.bmp": encoded(image.convert("1"), "BMP"),
        "plain.tif": encoded(image, "TIFF", exif=exif),
        "packed.tif": encoded(image, "TIFF", compression="tiff_lzw"),
        "jpeg.tif": encoded(image, "TIFF", compression="jpeg"),
        "pages.tif": encoded(image, "TIFF", save_all=True, append_images=[image.rotate(180)]),
        "plain.ppm": encoded(image, "PPM"),
        "plain.pgm": encoded(grey, "PPM"),
        "text.pgm": b"P2\n# by hand\n3 2\n255\n0 100 200\n50 150 250\n",
        "deep.pgm": b"P5 3 2 1000\n" + np.arange(0, 1000, 170).astype(">u2").tobytes(),
        "plain.webp": encoded(image, "WEBP"),
        "lossless.webp": encoded(image.convert("RGBA"), "WEBP", lossless=True, exif=exif),
        "animated.webp": encoded(image, "WEBP", save_all=True, append_images=[image.rotate(90)]),
    }


def chunk(kind: bytes, content: bytes) -> bytes:
    """A chunk of a PNG."""
    return (
        struct.pack(">I", len(content))
        + kind
        + content
        + struct.pack(">I", zlib.crc32(kind + content))
    )


def png(
    pixels: np.ndarray[Any, Any],
    *,
    before: bytes = b"",
    after: bytes = b"",
    size: tuple[int, int] | None = None,
) -> bytes:
    """Return a PNG of any depth, with chunks before and after its pixels; `size` may be wrong."""
    height, width = pixels.shape[:2]
    bits = pixels.dtype.itemsize * 8
    color = {1: 0, 2: 4, 3: 2, 4: 6}[1 if pixels.ndim == 2 else pixels.shape[2]]
    rows = pixels.astype(f">u{pixels.dtype.itemsize}").reshape(height, -1)
    content = zlib.compress(b"".join(b"\0" + row.tobytes() for row in rows))
    header = struct.pack(">IIBBBBB", *(size or (width, height)), bits, color, 0, 0, 0)
    parts = [chunk(b"IHDR", header), before, chunk(b"IDAT", content), after, chunk(b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def damaged(content: bytes, rng: Random) -> bytes:
    """The file with flipped bits, cut short, or with other bytes in its first hundred."""
    changed = bytearray(content)
    match rng.randrange(4):
        case 0:
            for _ in range(rng.choice([1, 1, 3, 20])):
                changed[rng.randrange(len(changed))] ^= 1 << rng.randrange(8)
        case 1:
            del changed[rng.randrange(len(changed)) :]
        case 2:
            for _ in range(rng.choice([1, 2, 8])):
                changed[rng.randrange(min(100, len(changed)))] = rng.choice([0, 1, 127, 128, 255])
        case 3:
            start = rng.randrange(len(changed))
            changed[start : start + rng.randrange(1, 40)] = rng.randbytes(rng.randrange(40))
    return bytes(changed)


def written(folder: Path, name: str, content: bytes) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_bytes(content)
    return path


def written_idx(path: Path, array: Bytes) -> None:
    """An IDX file of unsigned bytes, packed where its name says so."""
    content = (
        struct.pack(f">BBBB{array.ndim}I", 0, 0, 8, array.ndim, *array.shape) + array.tobytes()
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)

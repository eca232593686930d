"""Images of any mode, depth and orientation, against Pillow's transpose and 8-bit copies."""

from __future__ import annotations

import os
import socket
import struct
import warnings
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image, ImageOps
from torch import Tensor

from resspec.training.data import decode
from resspec.training.data.decode import UnreadableImage
from resspec.training.data.inspection import inspect_files
from resspec.training.data.read_image import read_image
from resspec.training.recipes.images import DataConfig, RandomResizedCropConfig, TestTransform
from tests.train.data.pictures import HEIGHT, WIDTH, chunk, good_files, png, smooth, written

ORIENTATION = 0x0112
GREY = smooth(channels=1)
COLOR = smooth()
WHOLE = DataConfig(random_resized_crop=RandomResizedCropConfig(size=16, scale=(0.6, 1.0)))


def shown(
    path: Path, view: TestTransform | DataConfig | None = None, exif: str = "upright"
) -> Tensor:
    return read_image(path, torch.tensor([3]), view or TestTransform(), exif)


def as_array(path: Path, exif: str = "upright") -> np.ndarray[Any, Any]:
    return shown(path, exif=exif).permute(1, 2, 0).numpy()


def difference(path: Path, wanted: np.ndarray[Any, Any]) -> int:
    found = as_array(path).astype(int)
    if wanted.ndim == 2:
        wanted = np.stack([wanted] * 3, 2)
    assert found.shape == wanted.shape
    return int(np.abs(found - wanted).max())


def saved(
    folder: Path, image: Image.Image | np.ndarray[Any, Any], name: str, **options: Any
) -> Path:
    path = folder / name
    (image if isinstance(image, Image.Image) else Image.fromarray(image)).save(path, **options)
    return path


def with_exif(orientation: int) -> Image.Exif:
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    return exif


@pytest.mark.parametrize("name", ["a.jpg", "a.png", "a.webp", "a.tif", "a.avif"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_picture_is_upright(orientation: int, name: str, tmp_path: Path) -> None:
    path = saved(tmp_path, COLOR, name, exif=with_exif(orientation))
    with Image.open(path) as image:
        wanted = np.asarray(ImageOps.exif_transpose(image))
    assert np.array_equal(as_array(path), wanted)
    for decoded in (True, False):
        for exif in ("upright", "ignore"):
            (size,) = inspect_files(tmp_path, [name], decode=decoded, exif=exif)
            assert size == as_array(path, exif).shape[:2]


@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation_can_be_ignored(orientation: int, tmp_path: Path) -> None:
    path, plain = (
        saved(tmp_path, COLOR, "a.jpg", exif=with_exif(orientation)),
        saved(tmp_path, COLOR, "b.jpg"),
    )
    assert np.array_equal(as_array(path, "ignore"), as_array(plain))


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize(
    "view", [WHOLE, DataConfig(resize=20, crop=16), DataConfig(resize=(18, 30), crop=16)]
)
def test_a_draft_is_upright_too(view: DataConfig, orientation: int, tmp_path: Path) -> None:
    """The same part of the picture as that of a file whose pixels were turned."""
    large = Image.fromarray(smooth(width=440, height=300))
    path = saved(tmp_path, large, "a.jpg", quality=95, exif=with_exif(orientation))
    with Image.open(path) as image:
        turned = saved(tmp_path, ImageOps.exif_transpose(image) or image, "turned.png")
    drafted = shown(path, view.model_copy(update={"draft": True})).float()
    assert (drafted - shown(turned, view).float()).abs().mean() < 6


def test_png_may_tell_its_orientation_after_the_pixels(tmp_path: Path) -> None:
    exif = with_exif(6).tobytes()[6:]
    path = written(tmp_path, "a.png", png(COLOR, after=chunk(b"eXIf", exif)))
    assert as_array(path).shape == (WIDTH, HEIGHT, 3)
    assert inspect_files(tmp_path, ["a.png"], decode=False, exif="upright") == [(WIDTH, HEIGHT)]


BROKEN_EXIF = {
    "cut short": with_exif(6).tobytes()[:-9],
    "no TIFF inside": b"Exif\0\0" + bytes(range(40)),
    "nothing": b"Exif\0\0",
    "an endless chain": b"Exif\0\0II*\0\x08\0\0\0\0\0\x08\0\0\0",
    "a wild offset": b"Exif\0\0II*\0\xff\xff\xff\x7f" + bytes(20),
    "an orientation of 9": with_exif(9).tobytes(),
    "an orientation of 0": with_exif(0).tobytes(),
    "an orientation in words": with_exif(6)
    .tobytes()
    .replace(struct.pack(">HHI", ORIENTATION, 3, 1), struct.pack(">HHI", ORIENTATION, 2, 1)),
}


@pytest.mark.parametrize("kind", BROKEN_EXIF)
@pytest.mark.parametrize("name", ["a.jpg", "a.webp"])
def test_broken_exif_breaks_nothing(kind: str, name: str, tmp_path: Path) -> None:
    plain = saved(tmp_path, COLOR, f"plain-{name}")
    path = saved(tmp_path, COLOR, name, exif=BROKEN_EXIF[kind])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert np.array_equal(as_array(path), as_array(plain))
        assert inspect_files(tmp_path, [name], decode=False, exif="upright") == [(HEIGHT, WIDTH)]


def test_a_huge_png_is_named(tmp_path: Path) -> None:
    path = written(tmp_path, "huge.png", png(GREY, size=(20_000, 10_000)))
    why = "it has more than the 178,956,970 pixels that an image may have; scale it down"
    for view in (TestTransform(), WHOLE):
        with pytest.raises(UnreadableImage) as caught:
            shown(path, view)
        assert str(caught.value) == f"{path} cannot be read: {why}"
    for decoded in (True, False):
        assert inspect_files(tmp_path, ["huge.png"], decode=decoded, exif="upright") == [
            (path, why)
        ]


def test_a_large_image_is_shown_without_a_warning(tmp_path: Path) -> None:
    """Above half of Pillow's limit, where Pillow warns."""
    path = saved(tmp_path, Image.new("1", (10_000, 9_000)), "large.png")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert shown(path, TestTransform(resize=20, crop=16)).shape == (3, 16, 16)


def test_a_line_of_pixels(tmp_path: Path) -> None:
    path = saved(tmp_path, Image.new("RGB", (1, 65_000), "red"), "line.png")
    assert shown(path).shape == (3, 65_000, 1)
    assert shown(path, DataConfig(random_resized_crop=RandomResizedCropConfig(size=16))).shape == (
        3,
        16,
        16,
    )
    with pytest.raises(
        UnreadableImage,
        match=r"line.png cannot be read: its 1x65,000 pixels would be resized to 256x16,640,000",
    ):
        shown(path, TestTransform(resize=256, crop=224))


def test_a_single_pixel(tmp_path: Path) -> None:
    path = saved(tmp_path, Image.new("RGB", (1, 1), (10, 20, 30)), "one.png")
    for view in (
        TestTransform(resize=20, crop=16),
        WHOLE,
        WHOLE.model_copy(update={"draft": True}),
        DataConfig(resize=(16, 20), crop=16),
    ):
        assert torch.equal(
            shown(path, view),
            torch.tensor([10, 20, 30], dtype=torch.uint8).view(3, 1, 1).expand(3, 16, 16),
        )


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff\xd8\xff",
        b"<html>404</html>",
        b"GIF89a\0\0\0\0\0\0\0;",
        b"P6 0 5 255\n",
        b"BM" + bytes(60),
        b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n",
    ],
)
def test_what_is_not_an_image_is_named(content: bytes, tmp_path: Path) -> None:
    path = written(tmp_path, "a.jpg", content)
    with pytest.raises(UnreadableImage, match=r"a\.jpg cannot be read: \w.+ \w") as caught:
        shown(path)
    assert " at 0x" not in str(caught.value)


def test_only_files_are_read(tmp_path: Path) -> None:
    """A pipe would be waited for, a device never ends."""
    os.mkfifo(tmp_path / "pipe.jpg")
    (tmp_path / "device.jpg").symlink_to("/dev/zero")
    (tmp_path / "folder.jpg").mkdir()
    (tmp_path / "gone.jpg").symlink_to("nowhere")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(tmp_path / "socket.jpg"))
        reasons = {
            "pipe": "a named pipe, not a file",
            "device": "a device, not a file",
            "folder": "a folder, not a file",
            "gone": "No such file",
            "socket": "a socket, not a file",
        }
        for name, why in reasons.items():
            with pytest.raises(UnreadableImage, match=rf"{name}\.jpg cannot be read: .*{why}"):
                shown(tmp_path / f"{name}.jpg")


def test_a_file_of_gigabytes_is_not_read(tmp_path: Path) -> None:
    path = written(tmp_path, "a.tif", b"II*\0")
    os.truncate(path, 5 * 2**40)
    with pytest.raises(
        UnreadableImage,
        match=r"the file has 5,497,558,138,880 bytes; at most 2,147,483,648 are allowed",
    ):
        shown(path)


@pytest.mark.parametrize(
    "error",
    [
        struct.error("unpack"),
        IndexError(),
        OverflowError("too large"),
        MemoryError(),
        AttributeError("tile"),
        TypeError(),
        RecursionError("deep"),
        KeyError("x"),
        ZeroDivisionError("division"),
        EOFError(),
        NotImplementedError(),
        AssertionError(),
    ],
)
def test_whatever_a_decoder_raises_the_file_is_named(
    error: Exception, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = saved(tmp_path, COLOR, "a.png")

    def broken(*_: object) -> None:
        raise error

    monkeypatch.setattr("PIL.PngImagePlugin.PngImageFile.load", broken)
    with pytest.raises(UnreadableImage, match=r"a\.png cannot be read: \w+"):
        shown(path)


@pytest.mark.parametrize("name", good_files())
def test_good_files_are_shown_as_pillow_shows_them(name: str, tmp_path: Path) -> None:
    path = written(tmp_path, name, good_files()[name])
    found = as_array(path)
    if "deep" in name:
        return
    with warnings.catch_warnings(), Image.open(BytesIO(path.read_bytes())) as image:
        warnings.simplefilter("ignore")
        assert np.array_equal(
            found, np.asarray((ImageOps.exif_transpose(image) or image).convert("RGB"))
        )


def test_names_are_shown_and_not_obeyed(tmp_path: Path) -> None:
    name = os.fsdecode(b"a\n\x1b[2Jb\xff.jpg")
    path = written(tmp_path, name, b"no image")
    with pytest.raises(UnreadableImage) as caught:
        shown(path)
    assert str(caught.value).startswith(
        f"{tmp_path}/a<U+000A><U+001B>[2Jb<U+DCFF>.jpg cannot be read: "
    )


def test_formats_are_those_that_start_nothing() -> None:
    assert "EPS" not in decode.FORMATS
    assert {"JPEG", "PNG", "GIF", "BMP", "WEBP", "TIFF", "PPM"} <= set(decode.FORMATS)

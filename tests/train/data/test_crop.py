"""Crops of batches, against torchvision and against one image at a time."""

from pathlib import Path
from typing import Literal

import pytest
import torch
from PIL import Image
from torch import Tensor
from torch.nn.functional import pad
from torchvision.transforms import InterpolationMode, RandomResizedCrop
from torchvision.transforms.v2 import functional as torchvision

from resspec.diagnostics import UsageError
from resspec.training.data import crop
from resspec.training.data.chance import choice, happens
from resspec.training.data.read_image import read_image
from resspec.training.data.resample import ResizedAxis, resample
from resspec.training.recipes.images import DataConfig, RandomResizedCropConfig, TestTransform
from resspec.training.recipes.kinds import Interpolation


def images(count: int, height: int = 20, width: int = 26, channels: int = 3) -> Tensor:
    draw = torch.Generator().manual_seed(height)
    return torch.randint(
        0, 256, (count, channels, height, width), generator=draw, dtype=torch.uint8
    )


@pytest.mark.parametrize("interpolation", ["nearest-exact", "bilinear", "bicubic"])
@pytest.mark.parametrize("size", [8, 33])
def test_parts_are_resized_as_torchvision_resizes_each(interpolation: str, size: int) -> None:
    batch = images(5).float()
    tops, lefts = torch.tensor([0, 3, 5, 0, 19]), torch.tensor([0, 2, 0, 25, 4])
    heights, widths = torch.tensor([20, 10, 15, 7, 1]), torch.tensor([26, 9, 26, 1, 13])
    lines = ResizedAxis.of_crop(tops, heights, size), ResizedAxis.of_crop(lefts, widths, size)
    ours = interpolation.removesuffix(
        "-exact"
    )  # torch has two kinds of nearest, this is the one that Pillow has too
    found = resample(batch, *lines, (size, size), ours)
    for i, box in enumerate(
        zip(tops.tolist(), lefts.tolist(), heights.tolist(), widths.tolist(), strict=True)
    ):
        wanted = torchvision.resized_crop(
            batch[i], *box, [size, size], InterpolationMode(interpolation), antialias=True
        )
        assert (found[i] - wanted).abs().max() < 1e-2
    assert (
        resample(batch.to(torch.uint8), *lines, (size, size), ours) - found.clamp(0, 255)
    ).abs().max() <= 0.51


@pytest.mark.parametrize("padding", ["zeros", "reflect"])
@pytest.mark.parametrize("size", [None, 17])
def test_a_border_a_crop_and_a_mirror_are_as_they_are_of_one_image(
    padding: Literal["zeros", "reflect"], size: int | None
) -> None:
    batch, keys = images(40), torch.arange(40) * 31
    found = crop.crop_training_images(
        batch, keys, DataConfig(padding=4, padding_mode=padding, crop=size, hflip=0.5)
    )
    height, width = (size, size) if size else (20, 26)
    tops, lefts = choice(keys, "top", 28 - height + 1), choice(keys, "left", 34 - width + 1)
    assert {0, 28 - height} <= set(tops.tolist())
    for i in range(40):
        mode = "constant" if padding == "zeros" else padding
        wanted = pad(batch[i].float(), (4, 4, 4, 4), mode).to(torch.uint8)
        wanted = wanted[:, tops[i] : tops[i] + height, lefts[i] : lefts[i] + width]
        assert torch.equal(found[i], wanted.flip(2) if happens(keys, "flip", 0.5)[i] else wanted)


def test_shift_is_a_border_and_a_crop_of_the_images_size() -> None:
    batch, keys = images(8), torch.arange(8)
    assert torch.equal(
        crop.crop_training_images(batch, keys, DataConfig(shift=3)),
        crop.crop_training_images(batch, keys, DataConfig(padding=3)),
    )
    assert torch.equal(crop.crop_training_images(batch, keys, DataConfig()), batch)


def test_a_random_size_then_a_crop_is_the_window_of_the_resized_image() -> None:
    batch, keys = images(12).float(), torch.arange(12)
    view = DataConfig(resize=(24, 40), crop=22)
    found = crop.crop_training_images(batch, keys, view)
    heights, widths = crop.resized_size(
        torch.tensor(20), torch.tensor(26), crop.random_shorter_side(keys, view)
    )
    assert heights.min() >= 24 and heights.max() <= 40 and len(heights.unique()) > 5
    for i in range(12):
        whole = torchvision.resize(batch[i], [int(heights[i]), int(widths[i])], antialias=True)
        top, left = (
            int(choice(keys, "top", heights - 21)[i]),
            int(choice(keys, "left", widths - 21)[i]),
        )
        assert (found[i] - whole[:, top : top + 22, left : left + 22]).abs().max() < 1e-2


@pytest.mark.parametrize("interpolation", ["bilinear", "bicubic"])
@pytest.mark.parametrize("padding", ["zeros", "reflect"])
def test_a_random_size_and_a_border_are_as_of_an_image_in_a_file(
    padding: Literal["zeros", "reflect"], interpolation: Interpolation, tmp_path: Path
) -> None:
    batch, keys = (
        images(24) // 2 + 64,
        torch.arange(24) * 7,
    )  # Pillow cuts off between its two passes
    view = DataConfig(
        resize=(14, 40), padding=5, crop=12, padding_mode=padding, interpolation=interpolation
    )
    found = crop.crop_training_images(batch, keys, view)
    for i in range(24):
        path = tmp_path / f"{i}.png"
        Image.fromarray(batch[i].permute(1, 2, 0).numpy()).save(path)
        wanted = read_image(path, keys[i : i + 1], view)
        assert (found[i].int() - wanted.int()).abs().max() <= 2, i


@pytest.mark.parametrize("padding", ["zeros", "reflect"])
def test_a_random_size_and_a_shift_cut_a_window_of_the_stored_size(
    padding: Literal["zeros", "reflect"],
) -> None:
    batch, keys = images(24).float(), torch.arange(24) * 7
    view = DataConfig(resize=(20, 28), shift=6, padding_mode=padding)
    found = crop.crop_training_images(batch, keys, view)
    heights, widths = crop.resized_size(
        torch.tensor(20), torch.tensor(26), crop.random_shorter_side(keys, view)
    )
    tops, lefts = choice(keys, "top", heights + 12 - 19), choice(keys, "left", widths + 12 - 25)
    assert 0 in tops and 0 in lefts
    for i in range(24):
        whole = torchvision.resize(batch[i], [int(heights[i]), int(widths[i])], antialias=True)
        padded = pad(whole, (6, 6, 6, 6), "constant" if padding == "zeros" else padding)
        wanted = padded[:, tops[i] : tops[i] + 20, lefts[i] : lefts[i] + 26]
        assert (found[i] - wanted).abs().max() < 1e-2


def test_boxes_are_distributed_as_torchvisions() -> None:
    count, view = 4000, RandomResizedCropConfig()
    keys = torch.arange(count)
    torch.manual_seed(0)
    image = torch.zeros(3, 80, 300)
    theirs = torch.tensor(
        [RandomResizedCrop.get_params(image, [0.08, 1.0], [3 / 4, 4 / 3]) for _ in range(count)]
    )
    ours = torch.stack(
        crop.crop_boxes(keys, torch.full_like(keys, 80), torch.full_like(keys, 300), view), 1
    )
    for i in range(4):
        for share in (0.05, 0.25, 0.5, 0.75, 0.95):
            assert (
                abs(
                    float(
                        ours[:, i].double().quantile(share) - theirs[:, i].double().quantile(share)
                    )
                )
                < 9
            ), (i, share)
    nearly_all = RandomResizedCropConfig(scale=(0.9, 1))
    wide = torch.stack(
        crop.crop_boxes(keys, torch.full_like(keys, 10), torch.full_like(keys, 400), nearly_all), 1
    )
    assert wide.unique(dim=0).tolist() == [
        [0, 193, 10, 13]
    ]  # nothing fits: the middle, as wide as its ratio may be


def test_test_images_are_torchvisions() -> None:
    batch = images(2, 40, 61)
    wanted = torchvision.center_crop(
        torchvision.resize(batch.float(), [32], antialias=True), [27, 27]
    )
    assert (
        crop.crop_test_images(batch, TestTransform(resize=32, crop=27)) - wanted
    ).abs().max() <= 0.51
    assert torch.equal(crop.crop_test_images(batch, TestTransform()), batch)


def test_a_crop_larger_than_the_image_is_refused() -> None:
    with pytest.raises(
        UsageError, match="a crop of 30x30 pixels does not fit into images of 20x26"
    ):
        crop.crop_training_images(images(1), torch.zeros(1, dtype=torch.int64), DataConfig(crop=30))
    with pytest.raises(UsageError, match="a crop of 21x21"):
        crop.crop_test_images(images(1), TestTransform(crop=21))

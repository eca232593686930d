"""TrivialAugment against torchvision's tensors, RandAugment against timm's Pillow."""

from math import atan, degrees

import pytest
import torch
from PIL import Image
from timm.data import auto_augment as timm
from torch import Tensor
from torchvision.transforms import InterpolationMode, TrivialAugmentWide
from torchvision.transforms import functional as torchvision
from torchvision.transforms.v2.functional import pil_to_tensor

from resspec.training.data import affine, auto_augment, color
from resspec.training.recipes.images import RandAugmentConfig

BLACK = torch.zeros(1)


def pictures(count: int = 4, channels: int = 3, seed: int = 0) -> Tensor:
    """Of 24x32 pixels, smooth in one half and noise in the other; the first is flat and pale."""
    draw = torch.Generator().manual_seed(seed)
    images = torch.randint(0, 256, (count, channels, 24, 32), generator=draw, dtype=torch.uint8)
    images[:, :, :, 16:] = (torch.arange(16) * 9 + 40).to(torch.uint8)
    images[0] = images[0] // 4 + 90
    return images


COLORS = {
    "brightness": torchvision.adjust_brightness,
    "saturation": torchvision.adjust_saturation,
    "contrast": torchvision.adjust_contrast,
    "sharpness": torchvision.adjust_sharpness,
}


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("name", COLORS)
def test_blending_is_torchvisions_to_the_bit(name: str, channels: int) -> None:
    images, factors = pictures(6, channels), torch.tensor([0.0, 0.1, 0.5, 1.0, 1.37, 1.99])
    wanted = [
        COLORS[name](image, factor) for image, factor in zip(images, factors.tolist(), strict=True)
    ]
    assert torch.equal(getattr(color, name)(images, factors), torch.stack(wanted))


@pytest.mark.parametrize("channels", [1, 3])
def test_what_has_no_strength_is_torchvisions_to_the_bit(channels: int) -> None:
    images = torch.cat(
        [pictures(4, channels), torch.full((1, channels, 24, 32), 7, dtype=torch.uint8)]
    )
    zeros = torch.zeros(len(images))
    assert torch.equal(
        auto_augment.AUTOCONTRAST.apply(images, zeros, "nearest", BLACK),
        torchvision.autocontrast(images),
    )
    assert torch.equal(
        auto_augment.EQUALIZE.apply(images, zeros, "nearest", BLACK), torchvision.equalize(images)
    )


def test_posterize_and_solarize_are_torchvisions_to_the_bit() -> None:
    images, bits, limits = (
        pictures(4),
        torch.tensor([8, 6, 3, 2]),
        torch.tensor([0.0, 85.0, 127.5, 255.0]),
    )
    for i in range(4):
        assert torch.equal(
            color.posterize(images, bits)[i], torchvision.posterize(images[i], int(bits[i]))
        )
        assert torch.equal(
            color.solarize(images, limits)[i], torchvision.solarize(images[i], float(limits[i]))
        )


@pytest.mark.parametrize("interpolation", ["nearest", "bilinear"])
def test_each_image_moves_as_torchvision_moves_it(interpolation: str) -> None:
    mode, images, size = InterpolationMode(interpolation), pictures(2), (24, 32)

    def theirs(shear: list[float], slide: list[int], **more: list[int]) -> Tensor:
        result: Tensor = torchvision.affine(
            images, 0.0, slide, 1.0, shear, interpolation=mode, **more
        )
        return result

    for amount in (0.0, 0.37, -0.99):
        lean = degrees(atan(amount))
        pixels, angle = int(20 * amount), 135 * amount
        cases = [
            (affine.shear_x, amount, theirs([lean, 0.0], [0, 0], center=[0, 0])),
            (affine.shear_y, amount, theirs([0.0, lean], [0, 0], center=[0, 0])),
            (affine.translate_x, pixels, theirs([0.0, 0.0], [pixels, 0])),
            (affine.translate_y, pixels, theirs([0.0, 0.0], [0, pixels])),
            (affine.rotate, angle, torchvision.rotate(images, angle, mode)),
        ]
        for maps, strength, wanted in cases:
            amounts = torch.full((2,), float(strength), dtype=torch.float64)
            found = affine.affine(images, maps(amounts, size), interpolation, BLACK)
            assert ((found.int() - wanted.int()).abs() > 1).float().mean() < 1e-3, (
                maps.__name__,
                amount,
            )


def test_the_strengths_are_torchvisions() -> None:
    theirs = TrivialAugmentWide()._augmentation_space(31)
    for change, (name, (magnitudes, signed)) in zip(auto_augment.WIDE, theirs.items(), strict=True):
        if not magnitudes.ndim:
            continue
        assert change.signed == signed
        found = change.strength(torch.arange(31, dtype=torch.float64) / 30)
        base = 1 if name in ("Brightness", "Color", "Contrast", "Sharpness") else 0
        close = 1 if "Translate" in name else 1e-4  # torchvision cuts 15.999999 off to 15
        assert ((found - base - magnitudes).abs() <= close).all(), name


def test_every_change_is_equally_common_and_half_of_the_moves_go_each_way(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    count = torch.zeros(len(auto_augment.WIDE), dtype=torch.int64)
    signs = torch.zeros(2, dtype=torch.int64)

    def seen(
        images: Tensor, changes: object, which: Tensor, magnitudes: Tensor, *_: object
    ) -> Tensor:
        assert changes is auto_augment.WIDE
        count.add_(which.bincount(minlength=14))
        signs.add_(torch.stack([(magnitudes > 0).sum(), (magnitudes < 0).sum()]))
        assert len(magnitudes.abs().unique()) == 31
        return images

    monkeypatch.setattr(auto_augment, "_apply", seen)
    auto_augment.trivial_augment(torch.zeros(1), torch.arange(28_000), "nearest")
    assert ((count - 2000).abs() < 200).all()
    assert abs(int(signs[0] - signs[1])) < 700


def test_an_image_is_changed_by_its_own_key_alone() -> None:
    images, keys = pictures(64), torch.arange(64) * 977
    whole = auto_augment.trivial_augment(images, keys, "bilinear")
    order = torch.randperm(64, generator=torch.Generator().manual_seed(1))
    assert torch.equal(
        auto_augment.trivial_augment(images[order], keys[order], "bilinear"), whole[order]
    )
    assert torch.equal(auto_augment.trivial_augment(images[5:6], keys[5:6], "bilinear"), whole[5:6])
    assert not torch.equal(auto_augment.trivial_augment(images, keys + 1, "bilinear"), whole)


TIMM = (
    "AutoContrast",
    "Equalize",
    "Invert",
    "Rotate",
    "PosterizeIncreasing",
    "SolarizeIncreasing",
    "SolarizeAdd",
    "ColorIncreasing",
    "ContrastIncreasing",
    "BrightnessIncreasing",
    "SharpnessIncreasing",
    "ShearX",
    "ShearY",
    "TranslateXRel",
    "TranslateYRel",
)


@pytest.mark.parametrize(("name", "change"), list(zip(TIMM, auto_augment.INCREASING, strict=True)))
def test_randaugment_is_timms_up_to_rounding(
    name: str, change: auto_augment.AugmentOp, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(timm, "_randomly_negate", lambda value: value)
    image = pictures(2)[1]
    fill = (124, 116, 104)
    hparams = {"img_mean": fill, "interpolation": Image.Resampling.NEAREST}
    for tenths in (2.0, 7.3, 9.9):
        theirs = timm.AugmentOp(name, 1.0, tenths, hparams)  # type: ignore[no-untyped-call]
        wanted = pil_to_tensor(theirs(Image.fromarray(image.permute(1, 2, 0).numpy())))
        magnitude = torch.tensor([tenths / 10], dtype=torch.float64) * (
            -1 if name.startswith("Translate") else 1
        )
        found = change.apply(image[None], magnitude, "nearest", torch.tensor(fill))[0]
        assert ((found.int() - wanted.int()).abs() > 2).float().mean() < 0.02, tenths


def test_randaugment_leaves_a_quarter_of_images_as_they_are() -> None:
    images = pictures(2)[1:].expand(600, -1, -1, -1)
    changed = auto_augment.rand_augment(
        images, torch.arange(600), RandAugmentConfig(), "bilinear", torch.tensor([124.0, 116, 104])
    )
    same = (changed == images).flatten(1).all(1).float().mean()
    assert 0.2 < same < 0.33

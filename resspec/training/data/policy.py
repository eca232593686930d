"""One of many changes for each image of a batch: TrivialAugment as torchvision has it, RandAugmentConfig as timm has it."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from resspec.training.data import affine, color
from resspec.training.data.chance import choice, happens, normal
from resspec.training.recipe import RandAugmentConfig

Amount = Callable[[Tensor], Tensor]


class Change(NamedTuple):
    """What happens to images (uint8, BxCxHxW): `amount`, of magnitudes in 0 .. 1 (B), goes to `colours`, which gives the
    images, or to `maps`, which tell how they affine. `signed`: half of the magnitudes are negative. `axis`: the amount is a
    share of the image's length along it."""

    amount: Amount = lambda magnitude: magnitude
    colours: Callable[[Tensor, Tensor], Tensor] | None = None
    maps: Callable[[Tensor, tuple[int, int]], Tensor] | None = None
    signed: bool = False
    axis: int | None = None

    def applied(
        self, images: Tensor, magnitudes: Tensor, interpolation: str, fill: Tensor
    ) -> Tensor:
        amounts = self.amount(magnitudes)
        if self.colours:
            return self.colours(images, amounts)
        assert self.maps
        if self.axis:
            amounts = amounts * images.shape[self.axis]
        return affine.affine(
            images, self.maps(amounts, (images.shape[2], images.shape[3])), interpolation, fill
        )


def trivial(images: Tensor, keys: Tensor, interpolation: str) -> Tensor:
    """Müller and Hutter 2021, the wide space: one change of 14, of a strength from 31, for each image; black comes in."""
    magnitudes = choice(keys, "trivial magnitude", 31).double() / 30
    which = choice(keys, "trivial change", len(WIDE))
    return _changed(
        images, WIDE, which, _signed(magnitudes, keys, "trivial"), interpolation, torch.zeros(1)
    )


def randaugment(
    images: Tensor, keys: Tensor, view: RandAugmentConfig, interpolation: str, fill: Tensor
) -> Tensor:
    """`operations` times a change of 15, with probability 1/2; magnitudes are normal around `magnitude`, in tenths; the
    colour `fill` (C) comes in."""
    for turn in range(view.num_ops):
        name = f"randaugment {turn}"
        tenths = (
            view.magnitude + view.magnitude_std * normal(keys, f"{name} magnitude")[:, 0]
        ).clamp(0, 10)
        which = choice(keys, f"{name} change", len(INCREASING))
        which = torch.where(happens(keys, f"{name} happens", 0.5), which, -1)
        images = _changed(
            images, INCREASING, which, _signed(tenths / 10, keys, name), interpolation, fill
        )
    return images


def _signed(magnitudes: Tensor, keys: Tensor, name: str) -> Tensor:
    return torch.where(happens(keys, f"{name} sign", 0.5), -magnitudes, magnitudes)


def _changed(
    images: Tensor,
    changes: tuple[Change, ...],
    which: Tensor,
    magnitudes: Tensor,
    interpolation: str,
    fill: Tensor,
) -> Tensor:
    """Each image by the change whose number `which` (B) gives."""
    result = images.clone()
    for number, change in enumerate(changes):
        chosen = (which == number).nonzero()[:, 0]
        if len(chosen):
            there = chosen.to(images.device, non_blocking=True)
            amount = magnitudes[chosen] if change.signed else magnitudes[chosen].abs()
            result[there] = change.applied(images[there], amount, interpolation, fill)
    return result


def _of(high: float) -> Amount:
    return lambda magnitude: magnitude * high


def _enhancing(magnitude: Tensor) -> Tensor:
    return 1 + 0.99 * magnitude


def _enhancing_less(magnitude: Tensor) -> Tensor:
    return (1 + 0.9 * magnitude).clamp_min(0.1)


WIDE = (
    Change(colours=lambda images, _: images),
    Change(_of(0.99), maps=affine.shear_x, signed=True),
    Change(_of(0.99), maps=affine.shear_y, signed=True),
    Change(lambda magnitude: (32 * magnitude).trunc(), maps=affine.translate_x, signed=True),
    Change(lambda magnitude: (32 * magnitude).trunc(), maps=affine.translate_y, signed=True),
    Change(_of(135), maps=affine.rotate, signed=True),
    Change(_enhancing, colours=color.brightness, signed=True),
    Change(_enhancing, colours=color.saturation, signed=True),
    Change(_enhancing, colours=color.contrast, signed=True),
    Change(_enhancing, colours=color.sharpness, signed=True),
    Change(lambda magnitude: 8 - (6 * magnitude).round(), colours=color.posterize),
    Change(lambda magnitude: 255 * (1 - magnitude), colours=color.solarize),
    Change(colours=lambda images, _: color.autocontrast(images)),
    Change(colours=lambda images, _: color.equalize(images)),
)

INCREASING = (
    Change(colours=lambda images, _: color.autocontrast(images)),
    Change(colours=lambda images, _: color.equalize(images)),
    Change(colours=lambda images, _: 255 - images),
    Change(_of(30), maps=affine.rotate, signed=True),
    Change(lambda magnitude: 4 - (4 * magnitude).trunc(), colours=color.posterize),
    Change(lambda magnitude: 256 - (256 * magnitude).trunc(), colours=color.solarize),
    Change(lambda magnitude: (110 * magnitude).trunc(), colours=color.solarize_add),
    Change(_enhancing_less, colours=color.saturation, signed=True),
    Change(_enhancing_less, colours=color.contrast, signed=True),
    Change(_enhancing_less, colours=color.brightness, signed=True),
    Change(_enhancing_less, colours=color.sharpness, signed=True),
    Change(_of(0.3), maps=affine.shear_x, signed=True),
    Change(_of(0.3), maps=affine.shear_y, signed=True),
    Change(_of(0.45), maps=affine.translate_x, signed=True, axis=3),
    Change(_of(0.45), maps=affine.translate_y, signed=True, axis=2),
)

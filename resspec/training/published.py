"""Published errors by network, recipe and protocol, to compare with measured ones."""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

from resspec.compiler import load
from resspec.diagnostics import UsageError
from resspec.ir.fingerprint import fingerprint
from resspec.ir.network import Network
from resspec.training.evaluate import Protocol
from resspec.training.names import CIFAR_10, IMAGENET


class Published(NamedTuple):
    """Errors in percent; None where a source does not say."""

    recipe: str
    protocol: Protocol
    top1: float
    top5: float | None
    source: str

    @property
    def data(self) -> str:
        """The data set that its recipe is for."""
        return IMAGENET if self.recipe.startswith("imagenet") else CIFAR_10


def published(
    network: Network, protocol: Protocol, data: str, recipe: str | None = None
) -> list[Published]:
    """Return the figures for the same network, by its hash, on one data set."""
    own = fingerprint(network)
    return [
        figure
        for spec, figures in (*TABLE.items(), *_of_torchvision(network.name))
        for figure in figures
        if figure.protocol == protocol
        and figure.data == data
        and recipe in (None, figure.recipe)
        and _hash(spec) == own
    ]


def _imagenet(where: str, *figures: tuple[Protocol, float, float]) -> tuple[Published, ...]:
    return tuple(
        Published("imagenet-he2015", *figure, f"He et al. 2015, {where}") for figure in figures
    )


def _cifar(error: float, recipe: str = "cifar-he2015") -> tuple[Published, ...]:
    return (Published(recipe, "1-crop", error, None, "He et al. 2015, table 6"),)


TABLE: dict[str, tuple[Published, ...]] = {
    "resnet34:resnet34_b": _imagenet(
        "tables 3 and 4", ("10-crop", 24.52, 7.46), ("multi-scale", 21.84, 5.71)
    ),
    "resnet34:resnet34_c": _imagenet(
        "tables 3 and 4", ("10-crop", 24.19, 7.40), ("multi-scale", 21.53, 5.60)
    ),
    "resnet50": (
        *_imagenet("its authors' models", ("1-crop", 24.7, 7.8)),
        *_imagenet("tables 3 and 4", ("10-crop", 22.85, 6.71), ("multi-scale", 20.74, 5.25)),
    ),
    "resnet101": (
        *_imagenet("its authors' models", ("1-crop", 23.6, 7.1)),
        *_imagenet("tables 3 and 4", ("10-crop", 21.75, 6.05), ("multi-scale", 19.87, 4.60)),
    ),
    "resnet152": (
        *_imagenet("its authors' models", ("1-crop", 23.0, 6.7)),
        *_imagenet("tables 3 and 4", ("10-crop", 21.43, 5.71), ("multi-scale", 19.38, 4.49)),
    ),
    "resnet20": _cifar(8.75),
    "resnet32": _cifar(7.51),
    "resnet44": _cifar(7.17),
    "resnet56": _cifar(6.97),
    "resnet110": _cifar(6.43, "cifar-he2015-110"),
    "resnet1202": _cifar(7.93, "cifar-he2015-110"),
}


def _of_torchvision(name: str) -> list[tuple[str, tuple[Published, ...]]]:
    """Return the figures of torchvision's own weights for its network of a name."""
    from torchvision import models

    try:
        load(f"torchvision/{name}")
        versions = models.get_model_weights(name)
    except (UsageError, ValueError):
        return []
    return [
        (
            f"torchvision/{name}",
            tuple(
                Published(
                    f"imagenet-torchvision-{version.name.rpartition('_')[2].lower()}",
                    "1-crop",
                    round(100 - version.meta["_metrics"]["ImageNet-1K"]["acc@1"], 3),
                    round(100 - version.meta["_metrics"]["ImageNet-1K"]["acc@5"], 3),
                    f"torchvision, {version}",
                )
                for version in versions
                if "ImageNet-1K" in version.meta["_metrics"] and "SWAG" not in version.name
            ),
        )
    ]


@cache
def _hash(spec: str) -> str:
    return fingerprint(load(spec))

"""The keys of a recipe under `data`: transforms of training images and of test images."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, Field, model_validator

from resspec.training.recipes.kinds import (
    Alpha,
    Border,
    Conflict,
    Count,
    Interpolation,
    NotNegative,
    Pixels,
    Positive,
    PositiveShare,
    RecipeSection,
    Resize,
    Share,
    refuse,
    rising,
)


class TestTransform(RecipeSection):
    """The transform of test images; null: as stored.

    The shorter side is resized to `resize` pixels, then a square of `crop` pixels is cut from the
    center.
    """

    __test__: ClassVar[bool] = False  # not a test for pytest to collect

    resize: Pixels | None = None
    crop: Pixels | None = None
    interpolation: Interpolation = "bilinear"


class RandomResizedCropConfig(RecipeSection):
    """A rectangle of a random area and ratio, resized to `size` pixels (Szegedy et al. 2015)."""

    size: Pixels = 224
    scale: Annotated[
        tuple[PositiveShare, PositiveShare],
        AfterValidator(rising),
        Field(description="a list of two numbers above 0 and at most 1, such as `[0.08, 1]`"),
    ] = (0.08, 1.0)
    ratio: Annotated[
        tuple[Positive, Positive],
        AfterValidator(rising),
        Field(description="a list of two numbers above 0, such as `[0.75, 1.3333]`"),
    ] = (3 / 4, 4 / 3)


class RandAugmentConfig(RecipeSection):
    """RandAugment (Cubuk et al. 2020) with timm's increasing severities, magnitudes 0 to 10."""

    num_ops: Annotated[int, Field(ge=1, le=100, description="a whole number from 1 to 100")] = 2
    magnitude: Annotated[float, Field(ge=0, le=10, description="a number from 0 to 10")] = 7.0
    magnitude_std: Annotated[float, Field(ge=0, le=10, description="a number from 0 to 10")] = 0.5


class DataConfig(RecipeSection):
    """The transforms of training images, in the order of application, and of test images."""

    resize: Resize | None = None  # the shorter side, or the range it is drawn from
    random_resized_crop: RandomResizedCropConfig | None = None
    padding: Border = 0  # pixels on each side, before the crop
    padding_mode: Literal["zeros", "reflect"] = "zeros"
    crop: Pixels | None = None  # size of a random crop; null: the size of the image
    shift: Border = 0  # short for so many pixels of padding, and a crop of the image's size
    hflip: Share = 0.0  # probability of a horizontal flip
    trivialaugment: bool = False
    randaugment: RandAugmentConfig | None = None
    color_jitter: Share = 0.0  # brightness, contrast and saturation, by up to this factor
    lighting: NotNegative = 0.0  # standard deviation of the PCA noise of Krizhevsky et al. 2012
    # By each channel's mean and standard deviation, or by each pixel's mean alone: those of the
    # training images, and for a folder of images always ImageNet's.
    normalize: Literal["channel", "pixel-mean"] = "channel"
    random_erase: Share = 0.0  # probability that a rectangle is erased
    mixup: Alpha = 0.0  # alpha; 0: none
    cutmix: Alpha = 0.0  # alpha; 0: none
    aug_repeats: Count = 1  # times an image appears in a batch; an epoch keeps its length
    interpolation: Interpolation = "bilinear"
    draft: bool = False  # let the JPEG decoder shrink large files
    exif: Literal["upright", "ignore"] = "upright"  # rotate as EXIF says, in training and tests
    test: TestTransform = TestTransform()

    @model_validator(mode="after")
    def _goes_together(self) -> DataConfig:
        refuse(list(self._conflicts()))
        return self

    def _conflicts(self) -> Iterator[Conflict]:
        crops = ("random_resized_crop", "crop", "shift")
        ways = [name for name in crops if getattr(self, name)]
        if len(ways) > 1:
            message = f"`{ways[0]}` and `{ways[1]}` both crop the image"
            yield Conflict((ways[0], ways[1]), message, "leave one of them out")

        unused = ("resize", "padding") if self.random_resized_crop else ()
        for name in unused:
            if getattr(self, name):
                message = f"`{name}` has no effect with `random_resized_crop`"
                why = ", which crops from the whole image"
                yield Conflict((name, "random_resized_crop"), message + why, f"leave `{name}` out")

        if self.padding and self.shift:
            message = "`padding` and `shift` both add a border"
            yield Conflict(("shift", "padding"), message, "leave one of them out")

        if isinstance(self.resize, tuple):
            yield from self._range_conflicts(*self.resize)

    def _range_conflicts(self, low: int, high: int) -> Iterator[Conflict]:
        if low > high:
            message = f"the range `resize: [{low}, {high}]` ends below its start"
            yield Conflict(("resize",), message, f"write `resize: [{high}, {low}]`")
        elif self.crop and self.crop > low:
            fits = f"`crop: {self.crop}` does not fit into images of {low} pixels"
            message = f"{fits}, where `resize` starts"
            help = f"write `crop: {low}`, or let `resize` start at {self.crop}"
            yield Conflict(("crop", "resize"), message, help)

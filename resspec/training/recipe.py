"""Recipes as data: how a network is trained, as a file of `specs/recipes/` says it.

Learning rates and fractions are plain numbers, batch sizes are totals over all processes, and a
length within a run is a number with its unit: `500 iterations`, `30 epochs`. The names of keys are
those of PyTorch, torchvision or timm.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from resspec.training.recipes.kinds import (
    Alpha,
    Betas,
    Border,
    Conflict,
    Count,
    EpochCount,
    Interpolation,
    Lasting,
    Length,
    Natural,
    NotNegative,
    PartialShare,
    Pixels,
    Positive,
    PositiveShare,
    Resize,
    Share,
    refuse,
    rising,
)


class RecipeSection(BaseModel):
    """A section of a recipe: it has no unknown keys, and is immutable."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


# --- optimizers ---


class SGDConfig(RecipeSection):
    """SGD with momentum as in PyTorch: the learning rate is not part of the velocity."""

    name: Literal["sgd"] = "sgd"
    lr: Positive = 0.1
    momentum: Share = 0.9
    nesterov: bool = False
    weight_decay: NotNegative = 0.0

    @model_validator(mode="after")
    def _has_momentum(self) -> SGDConfig:
        if self.nesterov and not self.momentum:
            message = "`nesterov: true` needs a momentum, and `momentum` is 0"
            help = "write `nesterov: false`, or a `momentum` above 0 such as `momentum: 0.9`"
            refuse([Conflict(("nesterov", "momentum"), message, help)])
        return self


class AdamWConfig(RecipeSection):
    """AdamW (Loshchilov and Hutter 2019): weight decay is decoupled from the gradient."""

    name: Literal["adamw"]
    lr: Positive = 1e-3
    betas: Betas = (0.9, 0.999)
    eps: Positive = 1e-8
    weight_decay: NotNegative = 0.01


class LambConfig(RecipeSection):
    """LAMB (You et al. 2020).

    Adam's step for each tensor, scaled to the learning rate times the tensor's norm.
    """

    name: Literal["lamb"]
    lr: Positive = 5e-3
    betas: Betas = (0.9, 0.999)
    eps: Positive = 1e-6
    weight_decay: NotNegative = 0.02


OptimizerConfig = Annotated[SGDConfig | AdamWConfig | LambConfig, Field(discriminator="name")]


# --- schedules ---


class ConstantSchedule(RecipeSection):
    """A constant learning rate."""

    name: Literal["constant"] = "constant"


class StepSchedule(RecipeSection):
    """Multiply the learning rate by `gamma` every `step_size`."""

    name: Literal["step"]
    step_size: Lasting
    gamma: Share = 0.1


class MultiStepSchedule(RecipeSection):
    """Multiply the learning rate by `gamma` at each milestone."""

    name: Literal["multistep"]
    milestones: Annotated[
        tuple[Lasting, ...],
        Field(min_length=1, description="a list of lengths, such as `[30 epochs, 60 epochs]`"),
    ]
    gamma: Share = 0.1

    @model_validator(mode="after")
    def _increases(self) -> MultiStepSchedule:
        points = self.milestones
        falls = any(
            early.unit == late.unit and early.number >= late.number
            for early, late in pairwise(points)
        )
        if falls:
            message = f"the `milestones` must increase, and `[{_listed(points)}]` do not"
            ordered = _listed(sorted(set(points)))
            one_unit = len({point.unit for point in points}) == 1
            help = f"write `milestones: [{ordered}]`" if one_unit else "put them in order"
            refuse([Conflict(("milestones",), message, help)])
        return self


def _listed(lengths: Sequence[Length]) -> str:
    return ", ".join(map(str, lengths))


class CosineSchedule(RecipeSection):
    """Half a cosine from the learning rate down to `min_lr`."""

    name: Literal["cosine"]
    min_lr: NotNegative = 0.0


class LinearSchedule(RecipeSection):
    """A line from the learning rate down to `min_lr`."""

    name: Literal["linear"]
    min_lr: NotNegative = 0.0


class PlateauSchedule(RecipeSection):
    """Multiply the learning rate by `factor` after `patience` evaluations without improvement."""

    name: Literal["plateau"]
    factor: Share = 0.1
    patience: Count = 5
    threshold: NotNegative = 1e-4


ScheduleConfig = Annotated[
    ConstantSchedule
    | StepSchedule
    | MultiStepSchedule
    | CosineSchedule
    | LinearSchedule
    | PlateauSchedule,
    Field(discriminator="name"),
]


class Warmup(RecipeSection):
    """The first part of a run, whose learning rate starts at `start_factor` times the full one.

    `method: linear` raises it along a line, `constant` leaves it there. `until_error` ends the
    warm-up early, once the error of recent training batches is below it.
    """

    length: Lasting
    start_factor: Share = 0.0
    method: Literal["linear", "constant"] = "linear"
    until_error: Share | None = None


class EMAConfig(RecipeSection):
    """A moving average of the network, updated every `every` steps with `decay ** every`."""

    decay: PartialShare = 0.9999
    every: Count = 1


# --- images ---


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


# --- the whole ---


class Recipe(RecipeSection):
    """A whole recipe: how long, with which batches, optimizer, schedule and transforms."""

    source: str = ""
    epochs: EpochCount | None = None  # this or `iterations`
    iterations: Count | None = None
    batch_size: Count  # split evenly over the processes
    bn_batch_size: Count | None = None  # images per batch norm; null: the micro-batch
    optimizer: OptimizerConfig = SGDConfig()
    schedule: ScheduleConfig = ConstantSchedule()
    lr_interval: Literal["iteration", "epoch"] = "iteration"  # how often the learning rate changes
    warmup: Warmup | None = None
    loss: Literal["cross-entropy", "bce"] = "cross-entropy"
    label_smoothing: PartialShare = 0.0
    bce_threshold: Share | None = None  # share above which a mixed target is 1; null: the share
    norm_weight_decay: NotNegative | None = None  # of norms and biases; null: the same as weights
    clip_grad_norm: Positive | None = None
    ema: EMAConfig | None = None
    precise_bn: Natural = 0  # images from which batch norm's statistics are computed at the end
    data: DataConfig = DataConfig()
    holdout: PartialShare = 0.0  # share of the training images to evaluate on in place of the test
    evaluate: Lasting | None = Length(1, "epochs")  # how often; null: once, at the end
    # Iterations between rows of the metrics; null: 50, or an epoch if less.
    log: Count | None = None
    checkpoint: Lasting = Length(1, "epochs")
    keep: Count = 2  # checkpoints to keep
    precision: Literal["auto", "fp32", "bf16", "fp16"] = "auto"  # auto: the fastest without loss
    micro_batch_size: Count | Literal["auto"] = "auto"  # images per forward pass; auto: what fits
    compile: bool = False

    @property
    def duration(self) -> Length:
        """The length of the whole training."""
        if self.epochs is not None:
            return Length(float(self.epochs), "epochs")
        assert self.iterations is not None
        return Length(float(self.iterations), "iterations")

    @model_validator(mode="after")
    def _fits_together(self) -> Recipe:
        refuse(list(self._conflicts()))
        return self

    def _conflicts(self) -> Iterator[Conflict]:
        if self.epochs is None and self.iterations is None:
            message = "a recipe needs `epochs` or `iterations`"
            yield Conflict(("epochs", "iterations"), message, "add `epochs: 90`")
        if self.epochs is not None and self.iterations is not None:
            both = f"`epochs: {self.epochs}` and `iterations: {self.iterations}`"
            message = f"{both} both say how long to train"
            yield Conflict(("iterations", "epochs"), message, "leave one of them out")

        if self.bce_threshold is not None and self.loss != "bce":
            message = f"`bce_threshold` has no effect with `loss: {self.loss}`"
            help = "write `loss: bce`, or leave `bce_threshold` out"
            yield Conflict(("bce_threshold", "loss"), message, help)

        yield from self._batch_conflicts()
        yield from self._schedule_conflicts()

    def _batch_conflicts(self) -> Iterator[Conflict]:
        whole, unit, micro = self.batch_size, self.bn_batch_size, self.micro_batch_size
        if unit and whole % unit:
            message = f"`batch_size: {whole}` must be a multiple of `bn_batch_size: {unit}`"
            below = whole // unit * unit or unit
            help = f"write `batch_size: {below}`, or another `bn_batch_size`"
            yield Conflict(("batch_size", "bn_batch_size"), message, help)

        if unit and micro != "auto" and micro % unit:
            message = f"`micro_batch_size: {micro}` must be a multiple of `bn_batch_size: {unit}`"
            keys = ("micro_batch_size", "bn_batch_size")
            yield Conflict(keys, message, "write `micro_batch_size: auto`")

        if micro != "auto" and micro > whole:
            message = (
                f"`micro_batch_size: {micro}` is more than the whole batch, `batch_size: {whole}`"
            )
            keys = ("micro_batch_size", "batch_size")
            yield Conflict(keys, message, "write `micro_batch_size: auto`")

        repeats = self.data.aug_repeats
        if repeats > whole:
            message = (
                f"`aug_repeats: {repeats}` is more than the whole batch, `batch_size: {whole}`"
            )
            keys = ("data.aug_repeats", "batch_size")
            help = "write a smaller `aug_repeats`, such as `aug_repeats: 1`"
            yield Conflict(keys, message, help)

    def _schedule_conflicts(self) -> Iterator[Conflict]:
        lr, least = self.optimizer.lr, getattr(self.schedule, "min_lr", 0.0)
        if least > lr:
            message = f"`min_lr: {least:g}` is above the learning rate, `lr: {lr:g}`"
            yield Conflict(("schedule.min_lr", "optimizer.lr"), message, "write a smaller `min_lr`")

        if self.schedule.name == "plateau" and not (self.holdout and self.evaluate):
            message = "`schedule: plateau` needs held-out images that are evaluated regularly"
            lacking = ["`holdout: 0.1`"] * (not self.holdout)
            lacking += ["`evaluate: 1 epoch`"] * (not self.evaluate)
            keys = ("schedule", "holdout", "evaluate")
            yield Conflict(keys, message, f"add {' and '.join(lacking)}")

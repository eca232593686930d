"""How a network is trained, as data: what a file of `specs/recipes/` says. Rates and shares are plain numbers, batches are
global (of all processes together), and a length is a count with its unit: `64000 iterations`, `90 epochs`."""

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


class Part(BaseModel):
    """What every part of a recipe has in common: nothing unknown in it, and it never changes."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Sgd(Part):
    """Momentum as torch has it: the rate stands outside the velocity."""

    name: Literal["sgd"] = "sgd"
    rate: Positive = 0.1
    momentum: Share = 0.9
    nesterov: bool = False
    weight_decay: NotNegative = 0.0

    @model_validator(mode="after")
    def _has_momentum(self) -> Sgd:
        if self.nesterov and not self.momentum:
            message = "`nesterov: true` needs a momentum, and `momentum` is 0"
            help = "write `nesterov: false`, or a `momentum` above 0 such as `momentum: 0.9`"
            refuse([Conflict(("nesterov", "momentum"), message, help)])
        return self


class AdamW(Part):
    """Loshchilov and Hutter 2019: decay apart from the gradient."""

    name: Literal["adamw"]
    rate: Positive = 1e-3
    betas: Betas = (0.9, 0.999)
    eps: Positive = 1e-8
    weight_decay: NotNegative = 0.01


class Lamb(Part):
    """You et al. 2020: Adam's step of each tensor, as long as the rate times the tensor's own norm."""

    name: Literal["lamb"]
    rate: Positive = 5e-3
    betas: Betas = (0.9, 0.999)
    eps: Positive = 1e-6
    weight_decay: NotNegative = 0.02


Optimizer = Annotated[Sgd | AdamW | Lamb, Field(discriminator="name")]


class Constant(Part):
    name: Literal["constant"] = "constant"


class Step(Part):
    """The rate times `factor` after every length `every`."""

    name: Literal["step"]
    every: Lasting
    factor: Share = 0.1


class Multistep(Part):
    """The rate times `factor` at each of `at`."""

    name: Literal["multistep"]
    at: Annotated[
        tuple[Lasting, ...],
        Field(min_length=1, description="a list of lengths, such as `[30 epochs, 60 epochs]`"),
    ]
    factor: Share = 0.1

    @model_validator(mode="after")
    def _rises(self) -> Multistep:
        falls = any(
            early.unit == late.unit and early.number >= late.number
            for early, late in pairwise(self.at)
        )
        if falls:
            message = f"the lengths of `at` must increase, and `[{_listed(self.at)}]` does not"
            units = {length.unit for length in self.at}
            help = (
                f"write `at: [{_listed(sorted(set(self.at)))}]`"
                if len(units) == 1
                else "put them in increasing order"
            )
            refuse([Conflict(("at",), message, help)])
        return self


def _listed(lengths: Sequence[Length]) -> str:
    return ", ".join(map(str, lengths))


class Cosine(Part):
    """Half a cosine from the rate down to the share `floor` of it."""

    name: Literal["cosine"]
    floor: Share = 0.0


class Linear(Part):
    """A line from the rate down to the share `floor` of it."""

    name: Literal["linear"]
    floor: Share = 0.0


class Plateau(Part):
    """The rate times `factor` once the loss on the held-out part has not fallen for `patience` evaluations."""

    name: Literal["plateau"]
    factor: Share = 0.1
    patience: Count = 5
    least: NotNegative = 1e-4


Schedule = Annotated[
    Constant | Step | Multistep | Cosine | Linear | Plateau, Field(discriminator="name")
]


class Warmup(Part):
    """The rate rises along a line from the share `start` of it, or stays at that share; `until_error`: also no longer than
    until the error on the training images, over an epoch's last part, is below it."""

    length: Lasting
    start: Share = 0.0
    shape: Literal["linear", "constant"] = "linear"
    until_error: Share | None = None


class Ema(Part):
    """An average of the weights and buffers, updated after every `every` steps; with `decay` to the power of `every`."""

    decay: PartialShare = 0.9999
    every: Count = 1


class Test(Part):
    """How test images are shown: the shorter side brought to `resize`, then a centre crop of `crop` pixels; null: as stored."""

    __test__: ClassVar[bool] = False  # pytest: this is no test

    resize: Pixels | None = None
    crop: Pixels | None = None
    interpolation: Interpolation = "bilinear"


class RandomResized(Part):
    """Szegedy et al. 2015: a rectangle of a random share of the area and a random ratio, brought to `size` pixels."""

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


class RandAugment(Part):
    """Cubuk et al. 2020, of timm's increasing kind: `operations` of magnitude `magnitude` in 10, each varied by `deviation`."""

    operations: Annotated[int, Field(ge=1, le=100, description="a whole number from 1 to 100")] = 2
    magnitude: Annotated[float, Field(ge=0, le=10, description="a number from 0 to 10")] = 7.0
    deviation: Annotated[float, Field(ge=0, le=10, description="a number from 0 to 10")] = 0.5


class Data(Part):
    """How training images are shown, in this order, then how test images are."""

    resize: Resize | None = None  # the shorter side, or the range it is drawn from
    random_resized: RandomResized | None = None
    pad: Border = 0  # pixels on each side, before the crop
    padding: Literal["zeros", "reflect"] = "zeros"
    crop: Pixels | None = None  # pixels of a random crop; null: the size of the image as it came
    shift: Border = 0  # short for a border of so many pixels, and a crop of the image's size
    flip: bool = False  # mirrored with probability 1/2
    trivialaugment: bool = False
    randaugment: RandAugment | None = None
    colour: Literal["pca", "jitter"] | None = (
        None  # Krizhevsky et al. 2012, or brightness and the like
    )
    # By each channel's mean and deviation, or by each pixel's mean alone: those of the training images, and for a folder of
    # images ImageNet's, whatever is in it.
    normalise: Literal["channel", "pixel-mean"] = "channel"
    erase: Share = 0.0  # probability that a rectangle is erased
    mixup: Alpha = 0.0  # alpha; 0: none
    cutmix: Alpha = 0.0  # alpha; 0: none
    repeated: Count = 1  # times an image is shown in a batch; an epoch keeps its length
    interpolation: Interpolation = "bilinear"
    draft: bool = False  # let the JPEG decoder shrink large files
    exif: Literal["upright", "ignore"] = (
        "upright"  # turned as EXIF says, in training and test; or as stored
    )
    test: Test = Test()

    @model_validator(mode="after")
    def _goes_together(self) -> Data:
        refuse(list(self._conflicts()))
        return self

    def _conflicts(self) -> Iterator[Conflict]:
        ways = [name for name in ("random_resized", "crop", "shift") if getattr(self, name)]
        if len(ways) > 1:
            message = f"`{ways[0]}` and `{ways[1]}` both crop the image"
            yield Conflict((ways[0], ways[1]), message, "leave one of them out")

        unused = (
            [name for name in ("resize", "pad") if getattr(self, name)]
            if self.random_resized
            else []
        )
        for name in unused:
            message = f"`{name}` has no effect together with `random_resized`, which crops from the whole image"
            yield Conflict((name, "random_resized"), message, f"leave `{name}` out")

        if self.pad and self.shift:
            message = "`pad` and `shift` both add a border"
            yield Conflict(("shift", "pad"), message, "leave one of them out")

        if isinstance(self.resize, tuple):
            low, high = self.resize
            if low > high:
                message = f"the range `resize: [{low}, {high}]` ends below its start"
                yield Conflict(("resize",), message, f"write `resize: [{high}, {low}]`")
            elif self.crop and self.crop > low:
                message = f"`crop: {self.crop}` does not fit into images of {low} pixels, where `resize` starts"
                yield Conflict(
                    ("crop", "resize"),
                    message,
                    f"write `crop: {low}`, or let `resize` start at {self.crop}",
                )


class Recipe(Part):
    """A whole recipe. `batch` is cut evenly over processes; batch norm sees `bn_batch` images at a time (null: as many as a
    process shows at a time). `holdout` is the share of the training images kept apart for `plateau` and for looking at."""

    source: str = ""
    duration: Lasting
    batch: Count
    bn_batch: Count | None = None
    optimizer: Optimizer = Sgd()
    schedule: Schedule = Constant()
    rate_changes: Literal["each iteration", "each epoch"] = "each iteration"
    warmup: Warmup | None = None
    loss: Literal["cross-entropy", "bce"] = "cross-entropy"
    smoothing: PartialShare = 0.0
    bce_threshold: Share | None = (
        None  # of a mixed image, the share from which on a class counts as there; null: as its share
    )
    decay_norms: bool = True  # weight decay on batch norm's weights and on biases too
    clip: Positive | None = None  # the largest norm of the gradient
    ema: Ema | None = None
    exact_bn: Natural = (
        0  # training images from which batch norm's statistics are measured in the end
    )
    data: Data = Data()
    holdout: PartialShare = 0.0
    evaluate: Lasting | None = None  # how often; null: once, at the end
    log: Count = 50  # iterations between two lines of the metrics
    checkpoint: Lasting = Length(1, "epochs")
    keep: Count = 2  # checkpoints that stay
    precision: Literal["auto", "fp32", "bf16", "fp16"] = (
        "auto"  # auto: what is fastest here without a loss of accuracy
    )
    micro_batch: Count | Literal["auto"] = (
        "auto"  # images that a process shows at a time; auto: as many as fit
    )
    compile: bool = False

    @model_validator(mode="after")
    def _fits_together(self) -> Recipe:
        refuse(list(self._conflicts()))
        return self

    def _conflicts(self) -> Iterator[Conflict]:
        if self.bce_threshold is not None and self.loss != "bce":
            message = f"`bce_threshold` has no effect with `loss: {self.loss}`"
            yield Conflict(
                ("bce_threshold", "loss"),
                message,
                "write `loss: bce`, or leave `bce_threshold` out",
            )

        unit, micro = self.bn_batch, self.micro_batch
        if unit and self.batch % unit:
            message = f"`batch: {self.batch}` must be a multiple of `bn_batch: {unit}`"
            below = self.batch // unit * unit or unit
            yield Conflict(
                ("batch", "bn_batch"), message, f"write `batch: {below}`, or another `bn_batch`"
            )

        if unit and micro != "auto" and micro % unit:
            message = f"`micro_batch: {micro}` must be a multiple of `bn_batch: {unit}`"
            yield Conflict(("micro_batch", "bn_batch"), message, "write `micro_batch: auto`")

        if micro != "auto" and micro > self.batch:
            message = f"`micro_batch: {micro}` is more than the whole batch, `batch: {self.batch}`"
            yield Conflict(("micro_batch", "batch"), message, "write `micro_batch: auto`")

        if self.data.repeated > self.batch:
            message = f"`repeated: {self.data.repeated}` is more than the whole batch, `batch: {self.batch}`"
            yield Conflict(
                ("data.repeated", "batch"),
                message,
                "write a smaller `repeated`, such as `repeated: 1`",
            )

        if self.schedule.name == "plateau" and not (self.holdout and self.evaluate):
            message = (
                "`schedule: plateau` needs held-out images, and needs to evaluate them regularly"
            )
            lacking = ["`holdout: 0.1`"] * (not self.holdout) + ["`evaluate: 1 epoch`"] * (
                not self.evaluate
            )
            yield Conflict(
                ("schedule", "holdout", "evaluate"), message, f"add {' and '.join(lacking)}"
            )

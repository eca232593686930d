"""How a network is trained, as data: what a file of `specs/recipes/` says. Rates and shares are plain numbers, batches are
global (of all processes together), and a length is a count with its unit: `64000 iterations`, `90 epochs`."""

from __future__ import annotations

import re
from fractions import Fraction
from math import ceil
from typing import Annotated, Any, ClassVar, Literal, NamedTuple

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, model_validator

Share = Annotated[float, Field(ge=0, le=1)]
Positive = Annotated[float, Field(gt=0)]
PositiveShare = Annotated[float, Field(gt=0, le=1)]
NotNegative = Annotated[float, Field(ge=0)]
Count = Annotated[int, Field(ge=1, le=10**9)]
Natural = Annotated[int, Field(ge=0, le=10**9)]
Decay = Annotated[float, Field(ge=0, lt=1)]  # of an average
Interpolation = Literal["nearest", "bilinear", "bicubic"]


class Length(NamedTuple):
    """A part of a run: so many iterations or epochs."""

    number: float
    unit: Literal["iterations", "epochs"]

    def steps(self, epoch: Fraction) -> int:
        """Iterations until it is over, where an epoch has `epoch` of them, which is rarely a whole number."""
        return ceil(self._exact(epoch))

    def ends_at(self, step: int, epoch: Fraction) -> bool:
        """Whether, of lengths like this one after another, one is over after so many steps, and was not one step before."""
        length = self._exact(epoch)
        return step > 0 and step // length > (step - 1) // length

    def _exact(self, epoch: Fraction) -> Fraction:
        return Fraction(self.number) * (1 if self.unit == "iterations" else epoch)

    def __str__(self) -> str:
        return f"{self.number:.12g} {self.unit if self.number != 1 else self.unit[:-1]}"


def _length(value: Any) -> Any:
    if isinstance(value, Length):
        return value
    found = re.fullmatch(r"\s*([0-9]{1,12}(?:\.[0-9]{1,12})?)\s+(iteration|epoch)s?\s*", str(value))
    if found is None or not float(found[1]):
        help = "a number above 0 with its unit, such as `90 epochs` or `64000 iterations`"
        raise ValueError(f"`{str(value)[:40]}` is no length; {help}")
    return Length(float(found[1]), "epochs" if found[2] == "epoch" else "iterations")


Lasting = Annotated[Length, BeforeValidator(_length), PlainSerializer(str)]


def _rising(ends: tuple[float, float]) -> tuple[float, float]:
    if ends[0] > ends[1]:
        raise ValueError(f"the range [{ends[0]:g}, {ends[1]:g}] ends below its start; `[{ends[1]:g}, {ends[0]:g}]`")
    return ends


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
            raise ValueError("`nesterov: true` has no momentum to look ahead along; `nesterov: false`, or a `momentum` above 0")
        return self


class AdamW(Part):
    """Loshchilov and Hutter 2019: decay apart from the gradient."""

    name: Literal["adamw"]
    rate: Positive = 1e-3
    betas: tuple[Decay, Decay] = (0.9, 0.999)
    eps: Positive = 1e-8
    weight_decay: NotNegative = 0.01


class Lamb(Part):
    """You et al. 2020: Adam's step of each tensor, as long as the rate times the tensor's own norm."""

    name: Literal["lamb"]
    rate: Positive = 5e-3
    betas: tuple[Decay, Decay] = (0.9, 0.999)
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
    at: tuple[Lasting, ...]
    factor: Share = 0.1


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


Schedule = Annotated[Constant | Step | Multistep | Cosine | Linear | Plateau, Field(discriminator="name")]


class Warmup(Part):
    """The rate rises along a line from the share `start` of it, or stays at that share; `until_error`: also no longer than
    until the error on the training images, over an epoch's last part, is below it."""

    length: Lasting
    start: Share = 0.0
    shape: Literal["linear", "constant"] = "linear"
    until_error: Share | None = None


class Ema(Part):
    """An average of the weights and buffers, updated after every `every` steps; with `decay` to the power of `every`."""

    decay: Share = 0.9999
    every: Count = 1


class Test(Part):
    """How test images are shown: the shorter side brought to `resize`, then a centre crop of `crop` pixels; null: as stored."""

    __test__: ClassVar[bool] = False  # pytest: this is no test

    resize: Count | None = None
    crop: Count | None = None
    interpolation: Interpolation = "bilinear"


class RandomResized(Part):
    """Szegedy et al. 2015: a rectangle of a random share of the area and a random ratio, brought to `size` pixels."""

    size: Count = 224
    scale: Annotated[tuple[PositiveShare, PositiveShare], AfterValidator(_rising)] = (0.08, 1.0)
    ratio: Annotated[tuple[Positive, Positive], AfterValidator(_rising)] = (3 / 4, 4 / 3)


class RandAugment(Part):
    """Cubuk et al. 2020, of timm's increasing kind: `operations` of magnitude `magnitude` in 10, each varied by `deviation`."""

    operations: Count = 2
    magnitude: NotNegative = 7.0
    deviation: NotNegative = 0.5


class Data(Part):
    """How training images are shown, in this order, then how test images are."""

    resize: Count | tuple[Count, Count] | None = None  # the shorter side, or the range it is drawn from
    random_resized: RandomResized | None = None
    pad: Natural = 0  # pixels on each side, before the crop
    padding: Literal["zeros", "reflect"] = "zeros"
    crop: Count | None = None  # pixels of a random crop; null: the size of the image as it came
    shift: Natural = 0  # short for a border of so many pixels, and a crop of the image's size
    flip: bool = False  # mirrored with probability 1/2
    trivialaugment: bool = False
    randaugment: RandAugment | None = None
    colour: Literal["pca", "jitter"] | None = None  # Krizhevsky et al. 2012, or brightness and the like
    normalise: Literal["channel", "pixel-mean"] = "channel"  # each channel's mean and deviation; each pixel's mean alone
    erase: Share = 0.0  # probability that a rectangle is erased
    mixup: NotNegative = 0.0  # alpha; 0: none
    cutmix: NotNegative = 0.0  # alpha; 0: none
    repeated: Count = 1  # times an image is shown in a batch; an epoch keeps its length
    interpolation: Interpolation = "bilinear"
    draft: bool = False  # let the JPEG decoder shrink large files
    exif: Literal["upright", "ignore"] = "upright"  # turned as EXIF says, in training and test; or as stored
    test: Test = Test()

    @model_validator(mode="after")
    def _one_way(self) -> Data:
        ways = [name for name in ("random_resized", "crop", "shift") if getattr(self, name)]
        if len(ways) > 1:
            raise ValueError(f"`{ways[0]}` and `{ways[1]}` both choose a part of the image; leave one out")
        if isinstance(self.resize, tuple):
            low, high = self.resize
            if low > high:
                raise ValueError(f"`resize: [{low}, {high}]` ends below its start; `[{high}, {low}]`")
            if self.crop and self.crop > low:
                told = f"`crop: {self.crop}` does not fit into images of {low} pixels, where `resize` starts"
                raise ValueError(f"{told}; `crop: {low}` does")
        return self


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
    smoothing: Share = 0.0
    bce_threshold: Share | None = None  # of a mixed image, the share from which on a class counts as there; null: as its share
    decay_norms: bool = True  # weight decay on batch norm's weights and on biases too
    clip: Positive | None = None  # the largest norm of the gradient
    ema: Ema | None = None
    exact_bn: Natural = 0  # training images from which batch norm's statistics are measured in the end
    data: Data = Data()
    holdout: Annotated[float, Field(ge=0, lt=1)] = 0.0
    evaluate: Lasting | None = None  # how often; null: once, at the end
    log: Count = 50  # iterations between two lines of the metrics
    checkpoint: Lasting = Length(1, "epochs")
    keep: Count = 2  # checkpoints that stay
    precision: Literal["auto", "fp32", "bf16", "fp16"] = "auto"  # auto: what is fastest here without a loss of accuracy
    micro_batch: Count | Literal["auto"] = "auto"  # images that a process shows at a time; auto: as many as fit
    compile: bool = False

    @model_validator(mode="after")
    def _fits_together(self) -> Recipe:
        if self.bce_threshold is not None and self.loss != "bce":
            raise ValueError("`bce_threshold` is read by `loss: bce` alone; leave it out, or set that")
        if self.bn_batch and self.batch % self.bn_batch:
            below = self.batch // self.bn_batch * self.bn_batch
            fits = f"`batch: {below or self.bn_batch}` is one"
            raise ValueError(f"the batch of {self.batch} is no multiple of the {self.bn_batch} that batch norm sees; {fits}")
        if self.bn_batch and self.micro_batch != "auto" and self.micro_batch % self.bn_batch:
            told = f"`micro_batch: {self.micro_batch}` is no multiple of the {self.bn_batch} that batch norm sees"
            raise ValueError(f"{told}; `micro_batch: auto` is one")
        if self.micro_batch != "auto" and self.micro_batch > self.batch:
            told = f"`micro_batch: {self.micro_batch}` is more than the whole batch of {self.batch}"
            raise ValueError(f"{told}; at most `micro_batch: {self.batch}`")
        if self.schedule.name == "plateau" and not (self.holdout and self.evaluate):
            raise ValueError("`schedule: plateau` has no held-out part to look at; `holdout: 0.1` and `evaluate: 1 epochs`")
        return self

"""Recipes as data: how a network is trained, as a file of `specs/recipes/` says it.

Learning rates and fractions are plain numbers, batch sizes are totals over all processes, and a
length within a run is a number with its unit: `500 iterations`, `30 epochs`. The names of keys are
those of PyTorch, torchvision or timm.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Annotated, Literal

from pydantic import Field, model_validator

from resspec.training.recipes.finetuning import FreezeConfig, Scales
from resspec.training.recipes.images import DataConfig
from resspec.training.recipes.kinds import (
    Betas,
    Conflict,
    Count,
    EpochCount,
    Lasting,
    Length,
    MemorySize,
    Natural,
    NotNegative,
    PartialShare,
    Positive,
    PositiveShare,
    RecipeSection,
    Share,
    refuse,
)

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


class PolynomialSchedule(RecipeSection):
    """A power of the rest of the run, from the learning rate down to `min_lr`."""

    name: Literal["polynomial"]
    power: Positive = 1.0
    min_lr: NotNegative = 0.0


class CosineRestartsSchedule(RecipeSection):
    """Half-cosines with warm restarts, as in SGDR (Loshchilov and Hutter 2017).

    The first one takes `t_0`, and each of the others `t_mult` times as long as the one before.
    """

    name: Literal["cosine-restarts"]
    t_0: Lasting
    t_mult: Count = 1
    min_lr: NotNegative = 0.0


class OneCycleSchedule(RecipeSection):
    """Up to the learning rate and down again (Smith and Topin 2018), as torch's OneCycleLR.

    It begins at the learning rate divided by `div_factor`, reaches it after `pct_start` of the
    steps, and ends at its beginning divided by `final_div_factor`.
    """

    name: Literal["one-cycle"]
    pct_start: PartialShare = 0.3
    div_factor: Positive = 25.0
    final_div_factor: Positive = 1e4
    anneal_strategy: Literal["cos", "linear"] = "cos"


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
    | PolynomialSchedule
    | CosineRestartsSchedule
    | OneCycleSchedule
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
    freeze: FreezeConfig | None = None
    lr_scale: Scales | None = None  # factors of the learning rate by section
    layer_decay: PositiveShare = 1.0  # of the learning rate, from each layer to the one before
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
    memory: MemorySize | None = None  # blocks are computed again to stay below it; null: none
    compile: bool = False

    @property
    def duration(self) -> Length:
        """The length of the whole training."""
        if self.epochs is not None:
            return Length(float(self.epochs), "epochs")
        assert self.iterations is not None
        return Length(float(self.iterations), "iterations")

    @property
    def never_trained(self) -> frozenset[str]:
        """The sections that are frozen to the end."""
        return frozenset(self.freeze.sections if self.freeze and not self.freeze.until else ())

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

        if self.memory and self.compile:
            message = (
                "`memory` and `compile: true` cannot be combined: torch compiles whole networks"
            )
            yield Conflict(("memory", "compile"), message, "leave one of them out")

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

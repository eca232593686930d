"""One training step: a batch changes the state, without a wait for the device."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from enum import Enum

import torch
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from resspec.training.data import Batch
from resspec.training.keys import Stream, stream_key
from resspec.training.machine import compiled_by_torch
from resspec.training.plan import Plan
from resspec.training.steps import batch_norm, guard, losses
from resspec.training.steps.ema import EMA
from resspec.training.steps.frozen import Frozen
from resspec.training.steps.recompute import recompute
from resspec.training.steps.schedules import learning_rate
from resspec.training.steps.state import State


class Phase(Enum):
    """The progress of a step."""

    WHOLE = "nothing has changed since the last step"
    GRADIENTS = "nothing has changed but what batch norm counts and averages"
    UPDATE = "weights and more are changing"


class Learner:
    """The state's module as it is trained: in micro-batches, compiled, with other processes."""

    def __init__(self, plan: Plan, state: State) -> None:
        self.plan, self.state = plan, state
        epoch = plan.order.epoch
        self.frozen = Frozen(state.module, plan.job.network, plan.recipe, epoch)
        if plan.recipe.bn_batch_size:
            for module in filter(None, (state.module, state.average)):
                batch_norm.split(module, plan.recipe.bn_batch_size)
        if plan.recomputation:
            recompute(state.module, plan.recomputation.blocks)
        self.statistics = guard.buffers(state.module)
        self.before = [torch.empty_like(buffer) for buffer in self.statistics]
        self.counts = guard.counters(state.module)
        self.counts_before = [torch.empty_like(count) for count in self.counts]
        self.phase = Phase.WHOLE
        average, config = state.average, plan.recipe.ema
        self.ema = EMA(average, state.module, config) if average and config else None
        self._ready: bool | None = None

    def prepare(self) -> None:
        """Make ready for the next step, before the first one and where frozen parts end."""
        is_over = self.frozen.is_over(self.state.step)
        if self._ready == is_over:
            return
        self._ready = is_over
        self.frozen.set(self.state.step)
        module = self.state.module
        self.frozen.train(module, self.state.step)
        self.parameters = [each for each in module.parameters() if each.requires_grad]
        self.run: nn.Module = module
        if self.plan.machine.compile:
            self.run = torch.compile(module, dynamic=False)  # type: ignore[assignment]
        if self.plan.processes.world > 1:
            self.run = DistributedDataParallel(
                self.run, gradient_as_bucket_view=True, broadcast_buffers=False
            )
            self._settle()

    def learn(self, batch: Batch) -> None:
        self.prepare()
        state, recipe = self.state, self.plan.recipe
        lr = learning_rate(state.step, recipe, self.plan.order.epoch, state.plateau)
        for group in state.optimizer.param_groups:
            group["lr"] = lr * group["lr_scale"]
        guard.keep(self.statistics, self.before)
        guard.keep(self.counts, self.counts_before)
        self.phase = Phase.GRADIENTS
        if not state.module.training:
            self.frozen.train(state.module, state.step)
        for parameter in self.parameters:
            parameter.grad = None
        loss, right = torch.zeros_like(state.guard.scale), torch.zeros_like(state.guard.bad)
        for part, scores, targets in self._losses(batch):
            (part * state.guard.scale).backward()
            loss += part.detach()
            right += losses.hits(scores, targets)
        self._agree(loss, right)
        gradients = [parameter.grad for parameter in self.parameters if parameter.grad is not None]
        self.phase = Phase.UPDATE
        found = state.guard.check(state.step, gradients, self.statistics, loss, state.optimizer)
        if recipe.clip_grad_norm:
            nn.utils.clip_grad_norm_(self.parameters, recipe.clip_grad_norm)
        state.optimizer.step()
        guard.restore(self.statistics, self.before, found)
        if self.ema:
            self.ema.update(state.step + 1)
        count = len(batch.images) * self.plan.processes.world
        state.sums += torch.where(
            found > 0, 0, torch.stack([loss.double() * count, right, torch.full_like(right, count)])
        )
        state.step += 1
        self.phase = Phase.WHOLE

    def undo(self) -> bool:
        """Undo a step that failed before it changed a weight; return whether the state is whole."""
        if self.phase is Phase.GRADIENTS:
            guard.keep(self.before, self.statistics)
            guard.keep(self.counts_before, self.counts)
            self.phase = Phase.WHOLE
        return self.phase is Phase.WHOLE

    def culprit(self, batch: Batch) -> str | None:
        """Return the first source of values that are not finite in a step with this batch."""
        self.prepare()
        self.frozen.train(self.state.module, self.state.step)
        return guard.first_layer(
            self.state.module, lambda: (loss for loss, _, _ in self._losses(batch))
        )

    def _losses(self, batch: Batch) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
        """Yield the share of the mean loss, the scores and the targets of each micro-batch.

        Dropout is a function of the seed and the position.
        """
        machine, processes = self.plan.machine, self.plan.processes
        size = machine.micro_batch_size
        parts = list(zip(batch.images.split(size), batch.targets.split(size), strict=True))
        place = self.state.step * self.plan.recipe.batch_size + processes.rank * len(batch.images)
        for i, (images, targets) in enumerate(parts):
            drawn = stream_key(self.plan.job.seed, Stream.DROPOUT, place + i * size)
            seed(drawn, processes.device)
            if machine.channels_last:
                images = images.contiguous(memory_format=torch.channels_last)  # noqa: PLW2901
            sync: AbstractContextManager[None] = nullcontext()
            if isinstance(self.run, DistributedDataParallel) and i < len(parts) - 1:
                sync = self.run.no_sync()  # the gradients are averaged after the last micro-batch
            with sync:
                with compiled_by_torch(), machine.autocast(processes.device):
                    scores = self.run(images)
                yield losses.loss(scores, targets, self.plan.recipe) / len(parts), scores, targets

    @torch.no_grad()
    def _agree(self, loss: Tensor, right: Tensor) -> None:
        """Average loss and running statistics over all processes, and add up correct predictions.

        The gradients are averaged too, so the state is the same in every process after every step,
        bit for bit, and so is its moving average.
        """
        world = self.plan.processes.world
        if world == 1:
            return
        right *= world  # of which the mean is all of them
        values = [loss, right, *self.statistics]
        own = torch.cat([value.flatten().double() for value in values])
        means = self.plan.processes.all_reduce_sum(own) / world
        for mean, value in zip(means.split([each.numel() for each in values]), values, strict=True):
            value.copy_(mean.view_as(value))

    def _settle(self) -> None:
        """Make a first step and forget its result.

        DDP cuts gradients into buckets anew after its first step, and the last bits of sums depend
        on that; a resumed run must sum as one that never stopped.
        """
        kept = {name: tensor.clone() for name, tensor in self.state.module.state_dict().items()}
        self.frozen.train(self.state.module, self.state.step)
        size = self.plan.recipe.bn_batch_size or 2
        dims = self.plan.job.network.input.dims
        images = torch.zeros(size, *dims, device=self.plan.processes.device)
        self.run(images).sum().backward()
        self.state.module.zero_grad()
        self.state.module.load_state_dict(kept)


def seed(number: int, device: torch.device) -> None:
    torch.default_generator.manual_seed(number)
    if device.type == "cuda":
        torch.cuda.manual_seed(number)

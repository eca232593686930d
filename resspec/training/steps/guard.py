"""Nothing that is not finite reaches the weights: decided on the device, without the host waiting for it.

Each step's loss, gradients and batch norm's statistics are looked at before the optimizer sees them. Where one is not finite
the optimizer changes nothing, the statistics go back to what they were, and, but for fp16, whose scale is then halved, no later
step changes anything either: the weights stand as that step found them, so that it can be told afterwards what went wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

LEAST_SCALE = 1.0  # below it fp16 does not overflow from its scale alone
GROWTH, GROWS_AFTER = 2.0, 2000


class Guard:
    """`bad` is the first step that was not finite, counted from 0, or -1; `scale` is what the loss is multiplied with, 1 but
    for fp16; `good` counts the steps since it last changed. All on the device; together with the weights they are state."""

    def __init__(self, device: torch.device, *, fp16: bool) -> None:
        self.fp16 = fp16
        self.bad = torch.full((), -1, dtype=torch.int64, device=device)
        self.scale = torch.full((), 2.0**16 if fp16 else 1.0, device=device)
        self.good = torch.zeros((), dtype=torch.int32, device=device)

    def tensors(self) -> dict[str, Tensor]:
        return {"bad": self.bad, "scale": self.scale, "good": self.good}

    @torch.no_grad()
    def check(
        self,
        step: int,
        gradients: list[Tensor],
        statistics: list[Tensor],
        loss: Tensor,
        optimizer: Optimizer,
    ) -> Tensor:
        """Takes the scale off the gradients, and tells the optimizer whether to leave all as it is: the result, 1 or 0. All
        that is looked at is the same in every process, and so is what is found."""
        found = (~torch.isfinite(loss.detach())).float()
        if self.fp16 and statistics:
            torch._amp_foreach_non_finite_check_and_unscale_(
                statistics, found, torch.ones_like(self.scale)
            )
        scaled = gradients if self.fp16 else gradients + statistics  # by 1, and so in one call
        torch._amp_foreach_non_finite_check_and_unscale_(scaled, found, self.scale.reciprocal())
        fatal = found > 0
        if self.fp16:
            torch._amp_update_scale_(self.scale, self.good, found, GROWTH, 1 / GROWTH, GROWS_AFTER)
            fatal &= self.scale < LEAST_SCALE
        self.bad.copy_(torch.where((self.bad < 0) & fatal, step, self.bad))
        found = torch.maximum(found, (self.bad >= 0).float())
        optimizer.found_inf, optimizer.grad_scale = found, None  # type: ignore[attr-defined]
        return found


def buffers(module: nn.Module) -> list[Tensor]:
    """What a forward pass changes: batch norm's running statistics."""
    return [buffer for buffer in module.buffers() if buffer.is_floating_point()]


def counters(module: nn.Module) -> list[Tensor]:
    """Return what else it changes: how many batches each batch norm has seen."""
    return [buffer for buffer in module.buffers() if not buffer.is_floating_point()]


@torch.no_grad()
def keep(now: list[Tensor], before: list[Tensor]) -> None:
    """`before` becomes what `now` is."""
    if now:
        torch._foreach_copy_(before, now)


@torch.no_grad()
def restore(now: Iterable[Tensor], before: Iterable[Tensor], found: Tensor) -> None:
    """Where `found` is 1, `now` becomes `before`."""
    bad = found > 0
    for buffer, old in zip(now, before, strict=True):
        torch.where(bad, old, buffer, out=buffer)


@torch.no_grad()
def first_non_finite(tensors: Iterable[tuple[str, Tensor]]) -> str | None:
    """The name of the first tensor that is not finite throughout. The host waits for it."""
    floating = [
        (name, tensor) for name, tensor in tensors if tensor.is_floating_point() and tensor.numel()
    ]
    if not floating:
        return None
    largest = torch._foreach_norm([tensor for _, tensor in floating], torch.inf)
    good = torch.stack([norm.double() for norm in largest]).isfinite().tolist()
    return next((name for (name, _), fine in zip(floating, good, strict=True) if not fine), None)


def first_layer(module: nn.Module, losses: Callable[[], Iterable[Tensor]]) -> str | None:
    """What is not finite first: of the layers in the order in which they run for `losses`, a tensor of theirs or what they
    leave; or else, from the last layer back, a gradient."""
    found: list[str] = []

    def look(name: str, layer: nn.Module, result: Tensor) -> None:
        own = {
            **dict(layer.named_parameters(recurse=False)),
            **dict(layer.named_buffers(recurse=False)),
        }
        if not found and (wrong := first_non_finite(own.items())):
            found.append(f"`{name}.{wrong}`")
        elif not found and not torch.isfinite(result).all():
            found.append(f"the output of `{name}`")

    hooks = [
        layer.register_forward_hook(lambda layer, _, result, name=name: look(name, layer, result))
        for name, layer in module.named_modules()
        if not list(layer.children())
    ]
    module.zero_grad()
    try:
        for loss in losses():
            if not found and not torch.isfinite(loss):
                found.append("the loss")
            loss.backward()
    finally:
        for hook in hooks:
            hook.remove()
    gradients = [
        (f"the gradient of `{name}`", p.grad)
        for name, p in module.named_parameters()
        if p.grad is not None
    ]
    return found[0] if found else first_non_finite(reversed(gradients))

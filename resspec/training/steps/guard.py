"""A guard that keeps values that are not finite out of the weights, without a wait for the device.

The loss, gradients and running statistics of each step are checked before the optimizer uses them.
If one is not finite, the optimizer changes nothing and the statistics are restored. With fp16 the
scale is then halved; else no later step changes anything either, so the weights stay as they were
before that step, and the cause can be found afterwards.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

LEAST_SCALE = 1.0  # below it fp16 does not overflow from its scale alone
GROWTH, GROWS_AFTER = 2.0, 2000


class Guard:
    """The state of the guard, all on the device and part of every checkpoint.

    Attributes:
        bad: The first step that was not finite, counted from 0, or -1.
        scale: The factor of the loss; 1 except for fp16.
        good: Steps since the scale last changed.
    """

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
        """Unscale the gradients, and let the optimizer skip the step if a value is not finite.

        All values are the same in every process, and so is the result.

        Returns:
            1 if the step must change nothing, else 0.
        """
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
    """Return the buffers that a forward pass changes: batch norm's running statistics."""
    return [buffer for buffer in module.buffers() if buffer.is_floating_point()]


def counters(module: nn.Module) -> list[Tensor]:
    """Return the counters that a forward pass changes: the batches each batch norm has seen."""
    return [buffer for buffer in module.buffers() if not buffer.is_floating_point()]


@torch.no_grad()
def keep(now: list[Tensor], before: list[Tensor]) -> None:
    """Copy the tensors `now` to `before`."""
    if now:
        torch._foreach_copy_(before, now)


@torch.no_grad()
def restore(now: Iterable[Tensor], before: Iterable[Tensor], found: Tensor) -> None:
    """Copy the tensors `before` to `now` if `found` is 1."""
    bad = found > 0
    for buffer, old in zip(now, before, strict=True):
        torch.where(bad, old, buffer, out=buffer)


@torch.no_grad()
def first_non_finite(tensors: Iterable[tuple[str, Tensor]]) -> str | None:
    """Return the name of the first tensor with a value that is not finite. Waits for the device."""
    floating = [
        (name, tensor) for name, tensor in tensors if tensor.is_floating_point() and tensor.numel()
    ]
    if not floating:
        return None
    largest = torch._foreach_norm([tensor for _, tensor in floating], torch.inf)
    good = torch.stack([norm.double() for norm in largest]).isfinite().tolist()
    return next((name for (name, _), fine in zip(floating, good, strict=True) if not fine), None)


def first_layer(module: nn.Module, losses: Callable[[], Iterable[Tensor]]) -> str | None:
    """Return the first source of values that are not finite, or None.

    Layers are checked in the order in which they run for `losses`: their tensors, then their
    outputs. After that come the losses, and the gradients from the last layer back.
    """
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

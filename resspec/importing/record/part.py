"""The shape that enters a submodule, found by running the module around it."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from resspec.diagnostics import UsageError
from resspec.ir.shape import Shape


class _Entered(Exception):
    """A signal that the submodule was called, so that nothing after it has to run."""


def shape_of_part(module: nn.Module, shape: Shape, path: str) -> Shape:
    """Return the shape of one sample that enters a submodule.

    Args:
        module: The module; it comes back on the meta device.
        shape: The shape of a sample that enters the module.
        path: The name of the submodule.

    Raises:
        UsageError: The module does not call it, or gives it more than one tensor.
    """
    found: list[Any] = []

    def keep(part: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        del part
        found.extend((*args, *kwargs.values()))
        raise _Entered

    module = module.eval().to("meta")
    hook = module.get_submodule(path).register_forward_pre_hook(keep, with_kwargs=True)
    try:
        with torch.no_grad():
            module(torch.empty((1, *shape.dims), device="meta"))
    except _Entered:
        pass
    except Exception as error:
        reason = str(error).partition("\n")[0]
        raise UsageError(f"the module cannot be run on {shape}: {reason}") from error
    else:
        raise UsageError(f"the module never calls `{path}`", "E0707")
    finally:
        hook.remove()
    tensors = [value for value in found if isinstance(value, Tensor)]
    if len(tensors) != 1 or len(found) > 1:
        what = f"`{path}` is called with {len(found)} values, but a part has one input"
        raise UsageError(f"{what}: choose a module that contains it, or one inside it", "E0708")
    return Shape(tuple(tensors[0].shape[1:]))

"""resspec: a declarative architecture-spec compiler for convolutional, above all residual, networks.

    network = resspec.load("specs/resnet152.res")   # or a shipped spec by name: "resnet152", "torchvision/resnet50"
    module = resspec.build(network)                 # a torch.nn.Module
    report = resspec.report(network)                # exact parameters, multiply-accumulates, activations

Errors are `resspec.SpecError`, with located diagnostics, and `resspec.UsageError`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from resspec.diagnostics import Diagnostic, InternalError, ResspecError, SpecError, UsageError

if TYPE_CHECKING:
    from resspec.backends.module import build
    from resspec.backends.report import report
    from resspec.compiler import check, load
    from resspec.ir.nodes import Network
    from resspec.ir.quantities import Conditions

__version__ = "0.1.0"

__all__ = [
    "Conditions",
    "Diagnostic",
    "InternalError",
    "Network",
    "ResspecError",
    "SpecError",
    "UsageError",
    "build",
    "check",
    "load",
    "report",
]

_LAZY = {
    "Conditions": "resspec.ir.quantities",
    "Network": "resspec.ir.nodes",
    "build": "resspec.backends.module",
    "check": "resspec.compiler",
    "load": "resspec.compiler",
    "report": "resspec.backends.report",
}


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


def __getattr__(name: str) -> Any:
    """The public names come from their own modules at first use, so that the front end starts at once."""
    if name not in _LAZY:
        raise AttributeError(f"module 'resspec' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_LAZY[name]), name)

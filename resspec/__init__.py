"""A compiler of declarative specs for convolutional, above all residual, networks.

>>> import resspec
>>> network = resspec.load("resnet152")  # a file, or the name of a spec that comes with resspec
>>> report = resspec.report(network)  # exact parameters, multiply-accumulates, memory
>>> module = resspec.build(network)  # a torch.nn.Module

Importing resspec is quick: torch is loaded only by the functions that need it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from resspec.diagnostics import Diagnostic, InternalError, ResspecError, SpecError, UsageError
from resspec.version import __version__

if TYPE_CHECKING:
    from resspec.api import (
        build,
        compile,
        diff,
        draw,
        evaluate,
        expand,
        import_module,
        open_run,
        report,
        train,
    )
    from resspec.backends.report import Report
    from resspec.compiler import check, load
    from resspec.ir.network import Network
    from resspec.ir.quantities import Conditions
    from resspec.passes.folding import fold
    from resspec.training.weights.folding import fold_weights

__all__ = [
    "Conditions",
    "Diagnostic",
    "InternalError",
    "Network",
    "Report",
    "ResspecError",
    "SpecError",
    "UsageError",
    "__version__",
    "build",
    "check",
    "compile",
    "diff",
    "draw",
    "evaluate",
    "expand",
    "fold",
    "fold_weights",
    "import_module",
    "load",
    "open_run",
    "report",
    "train",
]

_MODULES = {
    "Conditions": "resspec.ir.quantities",
    "Network": "resspec.ir.network",
    "Report": "resspec.backends.report",
    "check": "resspec.compiler",
    "fold": "resspec.passes.folding",
    "fold_weights": "resspec.training.weights.folding",
    "load": "resspec.compiler",
}


def load_ipython_extension(shell: Any) -> None:
    """Add `%%res` to a notebook: `%load_ext resspec`."""
    import importlib

    importlib.import_module("resspec.magic").register(shell)


def __dir__() -> list[str]:
    return __all__


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used, so that commands start at once."""
    if name not in __all__:
        raise AttributeError(f"module 'resspec' has no attribute {name!r}")
    import importlib

    found = getattr(importlib.import_module(_MODULES.get(name, "resspec.api")), name)
    globals()[name] = found
    return found

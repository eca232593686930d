"""What a command says where the packages that it needs are not installed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from resspec.diagnostics import UsageError


@contextmanager
def torch_installed(command: str) -> Iterator[None]:
    """Raises UsageError where torch, or what comes with it, is missing."""
    try:
        yield
    except ModuleNotFoundError as error:
        if error.name is None or error.name.startswith("resspec"):
            raise
        missing = error.name.split(".")[0]
        if missing == "tensorboard":
            raise UsageError("`--tensorboard` needs tensorboard, which is not installed: "
                             "pip install 'resspec[tensorboard]'") from None
        raise UsageError(f"`resspec {command}` needs torch and what comes with it, and {missing} is not installed: "
                         "pip install 'resspec[torch]'") from None

"""What a command says where what it needs is not there: packages, memory."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

from resspec.diagnostics import UsageError


def torch_installed(command: str) -> AbstractContextManager[None]:
    """Raises UsageError where torch, or what comes with it, is missing, and where memory is."""
    return _installed(f"`resspec {command}` needs torch and what comes with it", "torch")


def onnx_installed() -> AbstractContextManager[None]:
    """Raises UsageError where what writes and runs ONNX is missing, and where memory is."""
    return _installed("`--target onnx` needs torch, onnx, onnxscript and onnxruntime", "onnx")


@contextmanager
def _installed(what: str, extra: str) -> Iterator[None]:
    try:
        yield
    except ModuleNotFoundError as error:
        if error.name is None or error.name.startswith("resspec"):
            raise
        missing = error.name.split(".")[0]
        if missing == "tensorboard":
            raise UsageError("`--tensorboard` needs tensorboard, which is not installed: "
                             "pip install 'resspec[tensorboard]'") from None
        raise UsageError(f"{what}, and {missing} is not installed: pip install 'resspec[{extra}]'") from None
    except (MemoryError, RuntimeError) as error:
        if not isinstance(error, MemoryError) and not re.search("allocate memory|out of memory", str(error)):
            raise
        wanted = re.search(r"allocate ([0-9]+) bytes", str(error))
        much = f": {int(wanted[1]) / 1e9:.1f} GB more are wanted" if wanted else ""
        raise UsageError(f"there is not enough memory{much}; `resspec report` tells what a network takes") from None

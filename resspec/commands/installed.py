"""Messages about what a command needs and this machine lacks: packages, memory."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

from resspec.crash import memory_needed
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
        if missing in sys.stdlib_module_names:
            command = what.partition(" needs")[0]
            raise UsageError(
                f"{command} runs on Linux and macOS: this Python has no module {missing}"
            ) from None
        if missing == "tensorboard":
            raise UsageError(
                "`--tensorboard` needs tensorboard, which is not installed: "
                "pip install 'resspec[tensorboard]'"
            ) from None
        raise UsageError(
            f"{what}, and {missing} is not installed: pip install 'resspec[{extra}]'"
        ) from None
    except FileNotFoundError as error:
        if "temporary directory" not in str(error):
            raise
        raise UsageError(
            "no folder for temporary files can be written to: set TMPDIR to one that can"
        ) from None
    except (MemoryError, RuntimeError) as error:
        short = memory_needed(error)
        if short is None:
            raise
        raise UsageError(f"{short}; `resspec report` says how much a network needs") from None

"""Names of a network's files: its own, unless a module or a system already uses that name."""

from __future__ import annotations

import keyword
import sys

SUFFIX = "_net"

# Packages that torch loads, or that a program with a network may have. A file of such a name in
# the folder of a program is imported in place of the package; `torch.py` even by itself.
_PACKAGES = frozenset(
    """
    PIL cuda cv2 cython_runtime fsspec functorch filelock google jinja2 jax keras lark lightning
    markupsafe matplotlib mpmath networkx numpy nvidia onnx onnxruntime onnxscript packaging
    pandas pip pkg_resources pydantic pytest pytorch_lightning resspec rich safetensors scipy
    setuptools six sklearn sympy tensorboard tensorflow timm torch torchaudio torchgen
    torchvision tqdm transformers triton typing_extensions wheel yaml
    """.split()
)
_OF_WINDOWS = frozenset(
    [
        "con",
        "prn",
        "aux",
        "nul",
        *(f"{port}{number}" for port in ("com", "lpt") for number in range(10)),
    ]
)


def file_stem(name: str) -> str:
    """Return the name of a network's files, without a suffix.

    It is the name itself, or the name with `_net` where a file of the name could not be imported,
    would be imported in place of another module, or could not be written on Windows.
    """
    is_module = name in sys.stdlib_module_names or name in _PACKAGES
    is_special = keyword.iskeyword(name) or (name.startswith("__") and name.endswith("__"))
    if is_module or is_special or name.lower() in _OF_WINDOWS:
        return f"{name.strip('_') or 'a'}{SUFFIX}"
    return name

"""The tools whose totals a report can give in place of its own; the values are
`passes/like.py`'s.
"""

from __future__ import annotations

from typing import NamedTuple


class Tool(NamedTuple):
    """`version`: the one that its rule was compared with, on torch 2.14. `counts`: what its total
    adds up.
    """

    version: str
    counts: str


TOOLS = {
    "paper": Tool("He et al. 2015", "macs"),
    "torchvision": Tool("0.29.1", "macs; `_ops` is this in billions, which its tables call GFLOPS"),
    "timm": Tool(
        "1.0.31",
        "what fvcore counts on timm's networks, which has no pools; `infer_gmacs` is this in "
        "billions",
    ),
    "torch": Tool("2.14.1", "2 for each mac, as `FlopCounterMode` counts"),
    "pycls": Tool("0.1.1", "macs; biases"),
    "fvcore": Tool(
        "0.1.5.post20221221",
        "macs; 2 for each element of a batch norm, 5 of another norm; inputs of adaptive "
        "average pools",
    ),
    "torchinfo": Tool(
        "1.8.0", "macs, but linear layers at one position; biases; parameters of norms"
    ),
    "ptflops": Tool(
        "0.7.5", "macs; biases; 2 for each element of a norm, and each input of relu, gelu, pools"
    ),
    "thop": Tool(
        "0.1.1.post2209072238",
        "macs; 4 for each element of a batch norm; for each output of an average pool 1 "
        "and its window",
    ),
    "ultralytics": Tool(
        "8.4.190",
        "2 for each mac; 2 for what its thop adds: 4 for each element of a norm, an average pool's "
        "inputs and outputs",
    ),
    "deepspeed": Tool(
        "0.19.8",
        "2 for each mac; biases of convolutions; 2 for each element of a batch norm, 5 of another "
        "norm; inputs of relu, silu, gelu, pools",
    ),
    "keras": Tool(
        "3.15.1", "parameters, and running means and variances, as `count_params` counts them"
    ),
}

ALL = "all"


def tools_of(names: str) -> tuple[str, ...]:
    """Return the tools in a text such as `torch`, `fvcore,thop` or `all`, each once.

    Raises KeyError with the name that no tool has.
    """
    if names == ALL:
        return tuple(TOOLS)
    found = dict.fromkeys(name.strip() for name in names.split(","))
    for name in found:
        if name not in TOOLS:
            raise KeyError(name)
    return tuple(found)

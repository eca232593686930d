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
    "torchvision": Tool("0.29.1", "macs, as `_ops` in billions"),
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
    "deepspeed": Tool(
        "0.19.8",
        "2 macs; biases of convolutions; 2 for each element of a batch norm, 5 of another norm; "
        "inputs of relu, silu, gelu, pools",
    ),
}

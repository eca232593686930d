"""The quantities of a network: each by its name, with its unit and its meaning.

The values are `passes/quantities.py`'s; here stands what the language, the report and the command
share.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

DTYPES = {"float64": 8, "float32": 4, "float16": 2, "bfloat16": 2}  # bytes of an element

# Tensors of the size of the parameters that an optimizer keeps between steps.
OPTIMIZERS = {
    "sgd": 0,
    "momentum": 1,
    "nesterov": 1,
    "rmsprop": 1,
    "adagrad": 1,
    "lars": 1,
    "adam": 2,
    "adamw": 2,
    "lamb": 2,
}


class Conditions(NamedTuple):
    """Under which training and memory are counted: samples at once, the type of all values and
    parameters, the optimizer, the labels of sections whose parameters do not learn.
    """

    batch: int = 1
    dtype: str = "float32"
    optimizer: str = "momentum"
    frozen: frozenset[str] = frozenset()


class Quantity(NamedTuple):
    """`takes`: the fields of Conditions that it depends on; where it takes a batch, it is of the
    whole batch, else of one sample. `parts`: whether it is the sum of what each layer has of it.
    """

    unit: Literal["elements", "operations", "bytes", "layers"]
    says: str
    takes: tuple[str, ...] = ()
    parts: bool = True


QUANTITIES = {
    "params": Quantity("elements", "learnable parameters, each tensor once"),
    "trainable": Quantity(
        "elements", "parameters that are trained: those of sections that are not frozen"
    ),
    "buffers": Quantity(
        "elements", "values stored along with the parameters, such as running means"
    ),
    "macs": Quantity("operations", "multiply-accumulates of convolutions and linear layers"),
    "flops": Quantity("operations", "2 macs"),
    "elementwise": Quantity(
        "operations",
        "for each element 1 of a bias, activation or sum, 2 of a norm; 1 for each a pool reads",
    ),
    "acts": Quantity("elements", "outputs of convolutions and linear layers"),
    "outputs": Quantity("elements", "outputs of all steps that produce any"),
    "layers": Quantity(
        "layers",
        "weighted layers on the longest path, shortcuts and gates not counted",
        parts=False,
    ),
    "backward_macs": Quantity(
        "operations", "multiply-accumulates of the gradients of weights and inputs"
    ),
    "moved_bytes": Quantity(
        "bytes", "what all steps read and write in evaluation, without fusion", ("batch", "dtype")
    ),
    "saved_bytes": Quantity(
        "bytes", "what autograd keeps of a forward pass, including the input", ("batch", "dtype")
    ),
    "inference_bound_bytes": Quantity(
        "bytes",
        "the least peak memory in evaluation of any code that keeps this order",
        ("batch", "dtype"),
        parts=False,
    ),
    "inference_peak_bytes": Quantity(
        "bytes",
        "the peak memory of the emitted code in evaluation",
        ("batch", "dtype"),
        parts=False,
    ),
    "training_bound_bytes": Quantity(
        "bytes",
        "parameters, gradients, the optimizer's state, and what autograd keeps",
        ("batch", "dtype", "optimizer"),
        parts=False,
    ),
}

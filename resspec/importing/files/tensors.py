"""The tensors in a file: their descriptions, and their bytes on demand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import prod

from resspec.importing.files.errors import Malformed

SIZES = {  # of one element, by the names of torch's types
    "bool": 1,
    "uint8": 1,
    "int8": 1,
    "float16": 2,
    "bfloat16": 2,
    "int16": 2,
    "float32": 4,
    "int32": 4,
    "float64": 8,
    "int64": 8,
}
MOST = 1 << 40  # bytes of one tensor


@dataclass(frozen=True, slots=True)
class StoredTensor:
    """A tensor in a file.

    Attributes:
        name: Its name, as in a state dict.
        dtype: Its type, by torch's name.
        dims: Its sizes.
        strides: The distances of its elements along each axis, in elements.
        offset: The first element in `content`.
        is_parameter: Whether it is learned.
        content: Reads the little-endian bytes that hold its elements. Raises Malformed.
    """

    name: str
    dtype: str
    dims: tuple[int, ...]
    strides: tuple[int, ...]
    offset: int
    is_parameter: bool
    content: Callable[[], bytes]

    @property
    def extent(self) -> int:
        """The number of bytes of `content` that its elements reach to."""
        if 0 in self.dims:
            return 0
        reached = sum((n - 1) * step for n, step in zip(self.dims, self.strides, strict=True))
        return (self.offset + reached + 1) * SIZES[self.dtype]


def checked(tensor: StoredTensor) -> StoredTensor:
    """Return a tensor after checking its description. Raises Malformed."""
    if tensor.dtype not in SIZES:
        raise Malformed(f"`{tensor.name}` has the type {tensor.dtype}")
    numbers = (*tensor.dims, *tensor.strides, tensor.offset)
    if min(numbers) < 0 or len(tensor.dims) != len(tensor.strides):
        raise Malformed(f"`{tensor.name}` has the sizes {tensor.dims}")
    if prod(tensor.dims) * SIZES[tensor.dtype] > MOST:
        raise Malformed(f"`{tensor.name}` is too large")
    return tensor

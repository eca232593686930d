"""The tensors of an ONNX file: in the file itself, or in one beside it, never elsewhere."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING

from resspec.importing.files.errors import Malformed
from resspec.importing.files.tensors import SIZES, StoredTensor, checked

if TYPE_CHECKING:
    from numpy import ndarray
    from onnx import TensorProto

TYPES = {
    1: "float32",
    2: "uint8",
    3: "int8",
    5: "int16",
    6: "int32",
    7: "int64",
    9: "bool",
    10: "float16",
    11: "float64",
    16: "bfloat16",
}
FIELDS = {"float32": "float_data", "float64": "double_data", "int64": "int64_data"}
FORMATS = {"float32": "f", "float64": "d", "int64": "q", "int32": "i", "bool": "?", "int8": "b"}
EXTERNAL = 1  # of a tensor's `data_location`


def stored(proto: TensorProto, path: Path) -> StoredTensor:
    """Return the tensor of a file. Raises Malformed."""
    dtype = TYPES.get(proto.data_type)
    if dtype is None:
        raise Malformed(f"`{proto.name:.80}` has elements of a type that cannot be read")
    dims = tuple(proto.dims)
    if min(dims, default=0) < 0 or len(dims) > 8:
        raise Malformed(f"`{proto.name:.80}` has the sizes {dims!r:.80}")
    strides = tuple(prod(dims[axis + 1 :]) for axis in range(len(dims)))
    size = prod(dims) * SIZES[dtype]
    if proto.data_location == EXTERNAL:
        _located(proto, path, size)  # raises now if it could not be read later
    elif not _has(proto, dtype, dims):
        raise Malformed(f"`{proto.name:.80}` does not have as many elements as its sizes say")
    return checked(
        StoredTensor(
            proto.name, dtype, dims, strides, 0, True, lambda: _content(proto, path, dtype, size)
        )
    )


def _has(proto: TensorProto, dtype: str, dims: tuple[int, ...]) -> bool:
    """Return whether the elements are there."""
    if proto.HasField("raw_data"):
        return len(proto.raw_data) == prod(dims) * SIZES[dtype]
    return len(getattr(proto, FIELDS.get(dtype, "int32_data"))) == prod(dims)


def _content(proto: TensorProto, path: Path, dtype: str, size: int) -> bytes:
    if proto.data_location == EXTERNAL:
        file, offset = _located(proto, path, size)
        with file.open("rb") as opened:
            opened.seek(offset)
            return opened.read(size)
    if proto.HasField("raw_data"):
        return bytes(proto.raw_data)
    if dtype not in FORMATS:
        raise Malformed(f"`{proto.name:.80}` is stored in a way that cannot be read")
    values = getattr(proto, FIELDS.get(dtype, "int32_data"))
    return struct.pack(f"<{len(values)}{FORMATS[dtype]}", *values)


def _located(proto: TensorProto, path: Path, size: int) -> tuple[Path, int]:
    """Return the file beside the model that holds a tensor, and where it begins there."""
    given = {each.key: each.value for each in proto.external_data}
    folder = path.resolve().parent
    location = given.get("location", "")
    file = (folder / location).resolve() if "\0" not in location else folder
    if not location or not file.is_relative_to(folder) or file == folder:
        raise Malformed(
            f"the data of `{proto.name:.80}` is outside of its folder: `{location:.80}`"
        )
    offset = given.get("offset", "0")
    if not offset.isascii() or not offset.isdigit() or len(offset) > 18:
        raise Malformed(f"the data of `{proto.name:.80}` begins at `{offset:.40}`")
    if not file.is_file():
        raise Malformed(f"its data is in `{location:.80}`, which is not beside it")
    if file.stat().st_size < int(offset) + size:
        raise Malformed(f"`{location:.80}` is too short for `{proto.name:.80}`")
    return file, int(offset)


def small_numbers(proto: TensorProto) -> ndarray | None:
    """Return the numbers of a small tensor; None where they are elsewhere."""
    import numpy as np

    dtype = TYPES.get(proto.data_type, "")
    if proto.data_location == EXTERNAL or dtype not in FORMATS:
        return None
    content = _content(proto, Path(), dtype, 0)
    if len(content) != prod(proto.dims) * SIZES[dtype]:
        return None
    return np.frombuffer(content, dtype).reshape(tuple(proto.dims)).copy()


def is_small(dims: Sequence[int]) -> bool:
    """Return whether a tensor may hold sizes or an attribute."""
    return len(dims) == 0 or (len(dims) == 1 and dims[0] <= 64)

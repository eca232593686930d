"""The tensors of an exported program: raw bytes, each described in a table beside them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from resspec.importing.files.errors import Malformed, pickled, unreadable
from resspec.importing.files.tensors import StoredTensor, checked
from resspec.importing.pt2.archive import MODEL, Archive
from resspec.importing.pt2.program import TYPES

FOLDERS = ("data/weights/", "data/constants/")


def tensors_of(archive: Archive) -> dict[str, StoredTensor]:
    """Return all parameters, buffers and constants by their names.

    Raises:
        UsageError: Some are pickled, or their table is damaged.
    """
    found: dict[str, StoredTensor] = {}
    refused: list[str] = []
    for folder in FOLDERS:
        for name, entry in _table(archive, folder):
            try:
                if entry["use_pickle"]:
                    refused.append(name)
                elif "tensor_meta" in entry:
                    found[name] = _tensor(archive, name, folder + entry["path_name"], entry)
            except (KeyError, TypeError, ValueError) as error:
                raise unreadable(
                    archive.path, f"its table of tensors is damaged: {error!r}"
                ) from None
            except Malformed as error:
                raise unreadable(archive.path, str(error)) from None
    if refused:
        raise pickled(archive.path, refused)
    return found


def _table(archive: Archive, folder: str) -> Iterator[tuple[str, Any]]:
    kind = folder.split("/")[1]
    table = f"{folder}{MODEL}_{kind}_config.json"
    if table not in archive:
        if f"{folder}{MODEL}.pt" in archive:
            raise pickled(archive.path, [f"{folder}{MODEL}.pt"])
        return
    data = archive.json(table)
    config = data.get("config") if isinstance(data, Mapping) else None
    if not isinstance(config, Mapping):
        raise unreadable(archive.path, f"`{table}` is damaged")
    yield from config.items()


def _tensor(archive: Archive, name: str, entry: str, data: Any) -> StoredTensor:
    """Return a tensor whose bytes are there. Raises Malformed, or what its JSON lacks."""
    meta = data["tensor_meta"]
    dtype = TYPES.get(meta["dtype"])
    if dtype is None:
        raise Malformed(f"`{name}` has elements of a type that cannot be read")
    dims, strides = _numbers(meta["sizes"]), _numbers(meta["strides"])
    (offset,) = _numbers([meta["storage_offset"]])
    tensor = StoredTensor(
        name,
        dtype,
        dims,
        strides,
        offset,
        data["is_param"] is True,
        lambda: archive.content(entry),
    )
    checked(tensor)
    if tensor.extent > archive.size(entry):
        raise Malformed(f"`{entry}` is too short for `{name}`")
    return tensor


def _numbers(data: Any) -> tuple[int, ...]:
    numbers = tuple(each["as_int"] for each in data)
    if not all(isinstance(each, int) for each in numbers):
        raise Malformed(f"its sizes are {numbers!r:.80}")
    return numbers

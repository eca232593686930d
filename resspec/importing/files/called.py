"""The calls that a file lists, in the form in which those of a module are recorded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from resspec.importing.files.errors import Malformed
from resspec.importing.graph import ModulePath
from resspec.importing.trace import BATCH, Called, Value, Weight

MOST_CALLS = 1 << 16


class Calls:
    """The calls of a file so far.

    Attributes:
        made: In the order in which they are made.
    """

    def __init__(self, batch: int) -> None:
        self.made: list[Called] = []
        self._batch = batch
        self._values = 0
        self._visits = 0

    def value(self, dims: Sequence[int]) -> Value:
        """Return a new value with these sizes, the file's batch among them."""
        self._values += 1
        return Value(self._values - 1, self.sizes(dims))

    def sizes(self, dims: Sequence[int]) -> tuple[int, ...]:
        """Return sizes with the batch of all traces in place of the file's."""
        if not dims:
            return ()
        times, rest = divmod(dims[0], self._batch)
        return (dims[0] if rest else times * BATCH, *dims[1:])

    def add(
        self,
        name: str,
        args: Sequence[Any],
        kwargs: Mapping[str, Any],
        result: Value | list[Value],
        path: ModulePath,
        place: str = "",
    ) -> None:
        """Add a call by the module with this path. Raises Malformed where there are too many."""
        if len(self.made) >= MOST_CALLS:
            raise Malformed("it has too many operations")
        if not self.made or self.made[-1].path != path:
            self._visits += 1  # of a module that another one called
        self.made.append(Called(name, tuple(args), kwargs, result, path, self._visits, place))


def weight(name: str, dims: tuple[int, ...], is_parameter: bool) -> Weight:
    """Return the parameter or buffer with a dotted name."""
    return Weight(module_path(name), dims, is_parameter)


def module_path(name: str) -> ModulePath:
    """Return the names in a dotted name; none in an empty one."""
    return tuple(name.split(".")) if name else ()

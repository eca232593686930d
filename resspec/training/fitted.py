"""A network with as many classes and channels as the data that it is trained on."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from resspec.diagnostics import SpecError
from resspec.ir.network import Network
from resspec.training.data import Dataset

Make = Callable[[dict[str, int]], Network]  # a network with these values


def fitted(
    network: Network, make: Make, undecided: Sequence[str], data: Dataset
) -> tuple[Network, str]:
    """Return a network that fits the data, and the sentence that says what was set for it.

    The network itself is returned where it fits, or where no value of its parameters would help.

    Args:
        network: The network as its spec has it.
        make: Makes it again with other values.
        undecided: The parameters that nobody has given a value.
        data: The data to train on.
    """
    wanted = {"classes": len(data.classes), "channels": data.shape[0]}
    found = {"classes": network.output.channels, "channels": network.input.channels}
    values = {
        name: value
        for name, value in wanted.items()
        if name in undecided and value != found[name] and value > 0
    }
    if not values:
        return network, ""
    try:
        other = make(values)
    except SpecError:
        return network, ""
    is_set = {"classes": other.output.channels, "channels": other.input.channels}
    if any(is_set[name] != value for name, value in values.items()):
        return network, ""
    settings = " and ".join(f"{name}={value}" for name, value in values.items())
    return other, f"{network.name} is trained with {settings} to match {data.name}"

"""The metadata of a weights file, which is enough to use it without its run.

The metadata of `weights.safetensors`, and of an ONNX file, are texts by name:

    format          "pt", as others write it
    resspec         the number of this format
    network, hash   the network's name and its hash
    input           CxHxW, as JSON
    classes         their names in the order of the scores, as a JSON list
    preprocessing   see preprocessing.py, as JSON
    spec            the network as a spec, where that is not long
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from resspec.diagnostics import SpecError, UsageError
from resspec.ir.fingerprint import fingerprint
from resspec.ir.network import Network
from resspec.training.plan import Job
from resspec.training.run import sealed
from resspec.training.run.sealed import DamagedFile
from resspec.training.weights import LoadedWeights
from resspec.training.weights.preprocessing import checked, preprocessing

Metadata = dict[str, str]

FORMAT = 1
LONGEST_SPEC = 1 << 16  # characters
_OF_WEIGHTS = ("classes", "preprocessing", "spec")


def of_job(job: Job, spec: str) -> Metadata:
    """Return the metadata of the weights of a job, whose `spec.res` is `spec`."""
    told = {
        **of_network(job.network),
        "classes": json.dumps(list(job.data.classes)),
        "preprocessing": json.dumps(preprocessing(job)),
    }
    return {**told, "spec": spec} if len(spec) <= LONGEST_SPEC else told


def of_network(network: Network) -> Metadata:
    """Return the metadata of a network without weights."""
    return {
        "resspec": str(FORMAT),
        "network": network.name,
        "hash": fingerprint(network),
        "input": json.dumps(list(network.input.dims)),
    }


def exported(network: Network, weights: Mapping[str, str]) -> Metadata:
    """Return the metadata of a compiled network with weights of this metadata."""
    return {
        **of_network(network),
        **{name: weights[name] for name in _OF_WEIGHTS if name in weights},
    }


def folded(network: Network, weights: Mapping[str, str]) -> Metadata:
    """Return the metadata of a folded network with weights of this metadata."""
    from resspec.backends.expand import expand

    told = exported(network, weights)
    spec = expand(network)
    return {**told, "spec": spec} if len(spec) <= LONGEST_SPEC else told


def carried(weights: LoadedWeights, a: Network, b: Network) -> Metadata:
    """Return the metadata of weights of `a` that were carried to `b`, without what has changed."""
    holds = {"preprocessing": a.input == b.input, "classes": a.output == b.output}
    return {
        **of_network(b),
        **{
            name: weights.metadata[name]
            for name in holds
            if name in weights.metadata and holds[name]
        },
    }


def classes(weights: LoadedWeights) -> list[str] | None:
    """Return the names of the classes, if the file has them; raise a UsageError for damage."""
    found = _parsed(weights, "classes")
    if found is None:
        return None
    if not isinstance(found, list) or not all(isinstance(name, str) for name in found):
        raise _damaged(weights, "classes", "it is not a list of names")
    return found


def preprocessing_of(weights: LoadedWeights) -> dict[str, Any] | None:
    """Return the preprocessing, if the file has it; raise a UsageError for damage."""
    found = _parsed(weights, "preprocessing")
    try:
        return None if found is None else checked(found)
    except DamagedFile as damage:
        raise _damaged(weights, "preprocessing", str(damage)) from None


def network_of(weights: LoadedWeights) -> Network:
    """Return the network whose spec a file has; raise a UsageError for damage."""
    from resspec.compiler import Shared, load_text

    name = f"`spec` in {weights.path}"
    try:
        found = load_text(name, weights.metadata["spec"], Shared()).network
    except SpecError as error:
        raise _damaged(weights, "spec", error.diagnostics[0].brief) from None
    if fingerprint(found) != weights.metadata.get("hash"):
        raise _damaged(weights, "spec", "it is not the network of the weights")
    return found


def _parsed(weights: LoadedWeights, name: str) -> Any:
    if name not in weights.metadata:
        return None
    try:
        return sealed.parse(weights.metadata[name].encode())
    except DamagedFile as damage:
        raise _damaged(weights, name, str(damage)) from None


def _damaged(weights: LoadedWeights, name: str, why: str) -> UsageError:
    return UsageError(f"`{name}` in the metadata of {weights.path} is damaged: {why}", "E0611")

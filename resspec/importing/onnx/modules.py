"""The modules that an ONNX node was made of, as far as torch's exporters say."""

from __future__ import annotations

import re
from typing import NamedTuple

from resspec.importing.files.called import module_path
from resspec.importing.graph import ModulePath
from resspec.importing.onnx.node import OnnxNode

SCOPES = "pkg.torch.onnx.name_scopes"  # by the exporter that torch has from 2.5 on
CLASSES = "pkg.torch.onnx.class_hierarchy"
TRACE = "pkg.torch.onnx.stack_trace"
UNKNOWN = ""  # the class of a module that the older exporter names
MOST = 1 << 14  # characters of a text that is looked at


class Origin(NamedTuple):
    """The module that ran an operation.

    Attributes:
        path: Its names from the root.
        classes: The classes of it and the modules around it, by their paths.
        place: The source line, `net.py:90`, where it is known.
    """

    path: ModulePath
    classes: dict[ModulePath, str]
    place: str


def origin(node: OnnxNode) -> Origin:
    """Return the module that a node was made of."""
    if SCOPES in node.metadata:
        return _of_metadata(node)
    path = _of_name(node.name)
    return Origin(path, {path[:depth]: UNKNOWN for depth in range(len(path) + 1)}, "")


def with_classes(classes: dict[ModulePath, str]) -> dict[ModulePath, str]:
    """Return classes with one for each module whose class the exporter did not write: that of a row
    where all that it holds is numbered, else one by its name.
    """
    inside: dict[ModulePath, list[str]] = {}
    for path in classes:
        if path:
            inside.setdefault(path[:-1], []).append(path[-1])
    return {
        path: _class_of(path, inside.get(path, [])) if known == UNKNOWN else known
        for path, known in classes.items()
    }


def _class_of(path: ModulePath, inside: list[str]) -> str:
    if inside and all(name.isdigit() for name in inside):
        return "Sequential"
    word = path[-1].rstrip("0123456789_") if path else ""
    return word.title().replace("_", "") or "Block"


def _of_metadata(node: OnnxNode) -> Origin:
    """Return what the newer exporter wrote: the scopes, and their classes, each as a list."""
    *scopes, _ = _texts(node.metadata[SCOPES]) or [""]
    names = [path.partition("@")[0] for path in scopes]
    kinds = [each.rpartition(".")[2] for each in _texts(node.metadata.get(CLASSES, ""))]
    classes = {module_path(name): kind for name, kind in zip(names, kinds, strict=False)}
    lines = re.findall(
        r'File "([^"\n]{1,500})", line (\d{1,9})', _cut(node.metadata.get(TRACE, ""))
    )
    places = [f"{_base(file)}:{line}" for file, line in lines if "/torch/" not in file]
    return Origin(module_path(names[-1]) if names else (), classes, places[-1] if places else "")


def _of_name(name: str) -> ModulePath:
    """Return the path in a name of the older exporter, `/layer1/layer1.0/conv1/Conv`: what a
    `Sequential` holds bears its name too.
    """
    path: list[str] = []
    around = ""
    for part in _cut(name).split("/")[1:-1]:
        inside = part.removeprefix(f"{around}.") if around else part
        path.append(inside)
        around = part
    return tuple(path)


def _texts(text: str) -> list[str]:
    return re.findall("'([^']{0,300})'", _cut(text))


def _cut(text: str) -> str:
    return text[:MOST]


def _base(file: str) -> str:
    return re.split(r"[/\\]", file)[-1]

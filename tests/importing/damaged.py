"""Files of networks with damage in their bytes and in what they say."""

from __future__ import annotations

import json
import resource
import time
import zipfile
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

from resspec.diagnostics import InternalError, ResspecError
from resspec.importing.nest import network
from tests.importing.exported import read

ODD: list[Any] = [None, -1, 0, 1, 2, 3, 1 << 30, 1 << 62, 1 << 70, 0.5, "x", "", True, [], {}, [[]]]
SECONDS = 20.0  # a damaged small file takes no longer, on a machine that is busy
MEMORY = 1 << 30  # bytes that it may take


def assert_damage_is_named_or_harmless(seed: int, path: Path, folder: Path) -> str:
    """Damage a file, and read it: it is a network, or it is refused in one sentence."""
    random = Random(seed)
    mutant = folder / f"mutant{path.suffix}"
    mutant.write_bytes(damaged(random, path))
    began, before = time.process_time(), _memory()
    try:
        found = read(mutant)
        for tensor in found.tensors.values():
            tensor.content()
        network(found.graph)
        outcome = "read"
    except InternalError:
        raise
    except ResspecError as error:
        assert str(error)
        outcome = str(error.code)
    assert time.process_time() - began < SECONDS
    assert _memory() - before < MEMORY
    return outcome


def _memory() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def damaged(random: Random, path: Path) -> bytes:
    if path.suffix == ".onnx":
        content = _whole(path)
        return _bytes(random, content) if random.random() < 0.3 else _model(random, content)
    return _bytes(random, path.read_bytes()) if random.random() < 0.3 else _archive(random, path)


@cache
def _whole(path: Path) -> bytes:
    """An ONNX file with all its tensors inside."""
    import onnx

    found: bytes = onnx.load(path).SerializeToString()
    return found


def _bytes(random: Random, content: bytes) -> bytes:
    found = bytearray(content or b"empty")
    for _ in range(random.choice([1, 2, 10])):
        match random.randrange(4):
            case 0:
                del found[random.randrange(len(found) + 1) :]
            case 1:
                at = random.randrange(len(found) + 1)
                del found[at : at + random.randrange(100)]
            case 2:
                at = random.randrange(len(found) + 1)
                found[at:at] = random.randbytes(random.randrange(20))
            case _ if found:
                found[random.randrange(len(found))] = random.randrange(256)
    return bytes(found)


def _archive(random: Random, path: Path) -> bytes:
    """Change a value anywhere in one of the JSON entries, or one of the others' bytes."""
    new = path.parent / f"{random.random()}.zip"
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(new, "w") as archive:
        names = old.namelist()
        tables = [name for name in names if name.endswith(".json")]
        models = [name for name in tables if name.endswith("models/model.json")]
        chosen = random.choice(models * 4 + tables + names)
        for name in names:
            content = old.read(name)
            if name == chosen:
                if random.random() < 0.05:
                    continue
                is_json = name in tables
                content = _json(random, content) if is_json else _bytes(random, content)
            archive.writestr(name, content)
    content = new.read_bytes()
    new.unlink()
    return content


def _json(random: Random, content: bytes) -> bytes:
    data = json.loads(content)
    for _ in range(random.choice([1, 1, 2, 5])):
        _change(random, data)
    return json.dumps(data).encode()


def _change(random: Random, data: Any) -> None:
    """Change one value somewhere inside."""
    keys = list(data) if isinstance(data, dict) else list(range(len(data)))
    if not keys:
        return
    key = random.choice(keys)
    inner = data[key]
    if isinstance(inner, dict | list) and inner and random.random() < 0.9:
        _change(random, inner)
        return
    match random.randrange(4):
        case 0:
            del data[key]
        case 1:
            data[key] = data[random.choice(keys)]
        case _:
            data[key] = random.choice(ODD)


def _model(random: Random, content: bytes) -> bytes:
    """Change fields of an ONNX model."""
    import onnx

    model = onnx.load_from_string(content)
    for _ in range(random.choice([1, 1, 2, 5])):
        _field(random, model)
    found: bytes = model.SerializeToString()
    return found


def _field(random: Random, model: Any) -> None:
    graph = model.graph
    node, tensor = random.choice(graph.node), random.choice(graph.initializer)
    others = [name for each in graph.node for name in (*each.input, *each.output)]
    match random.randrange(10):
        case 0 if node.input:
            node.input[random.randrange(len(node.input))] = random.choice([*others, "", "gone"])
        case 1 if node.output:
            node.output[random.randrange(len(node.output))] = random.choice([*others, ""])
        case 2:
            node.op_type = random.choice([random.choice(graph.node).op_type, "Loop", "If", "Odd"])
        case 3 if node.attribute:
            attribute = random.choice(node.attribute)
            attribute.ints[:] = [random.choice([-1, 0, 1, 2, 1 << 40]) for _ in attribute.ints]
            attribute.i = random.choice([-(1 << 62), -1, 0, 1, 2, 1 << 40])
        case 4 if node.attribute:
            del node.attribute[random.randrange(len(node.attribute))]
        case 5:
            tensor.dims[:] = [random.choice([-1, 0, 1, 3, 1 << 40]) for _ in tensor.dims]
        case 6:
            tensor.data_type = random.randrange(30)
        case 7:
            at, to = random.randrange(len(graph.node)), random.randrange(len(graph.node))
            moved = graph.node[at]
            graph.node.insert(to, moved)
        case 8:
            del graph.node[random.randrange(len(graph.node))]
        case _:
            sides = graph.input[0].type.tensor_type.shape.dim
            if sides:
                side = random.choice(sides)
                side.dim_value = random.choice([-1, 0, 1, 7, 1 << 40])

"""What may happen to a file of a run from outside, kind by kind."""

from __future__ import annotations

import io
import json
import os
import re
import shutil
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from random import Random

from resspec import cli
from resspec.training.run import sealed
from tests.train.small import SPEC


def replaced_by(content: bytes) -> Callable[[Path], object]:
    return lambda path: path.write_bytes(content)


def cut(path: Path) -> None:
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])


def flipped(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 3] ^= 4
    path.write_bytes(content)


def with_a_number(number: str) -> Callable[[Path], object]:
    """The first number that stands behind a colon is another one."""
    return lambda path: path.write_bytes(
        re.sub(rb": [0-9.]+", f": {number}".encode(), path.read_bytes(), count=1)
    )


def twice(path: Path) -> None:
    """The first key stands there twice."""
    path.write_bytes(path.read_bytes().replace(b"{", b'{"format": 4, "step": 1, ', 1))


def a_folder(path: Path) -> None:
    path.unlink()
    (path / "inside").mkdir(parents=True)


def a_pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def a_link_to(target: str) -> Callable[[Path], object]:
    def link(path: Path) -> None:
        path.unlink()
        path.symlink_to(target)

    return link


DAMAGE: dict[str, Callable[[Path], object]] = {
    "empty": replaced_by(b""),
    "cut": cut,
    "zeros": replaced_by(bytes(200)),
    "a bit": flipped,
    "not UTF-8": replaced_by(b'{"format": 4, "name": "\xff\xfe"}\n'),
    "a list": replaced_by(b"[1, 2]\n"),
    "null": replaced_by(b"null\n"),
    "an empty object": replaced_by(b"{}\n"),
    "another object": replaced_by(
        b'{"format": 4, "step": {}, "part": ["test"], "loss": "x", "seconds": []}\n'
    ),
    "deep": replaced_by(b"[" * 200_000),
    "deep objects": replaced_by(b'{"a":' * 200_000),
    "not a number": with_a_number("NaN"),
    "infinite": with_a_number("1e999"),
    "huge": with_a_number("9" * 5000),
    "large": with_a_number("1" + "0" * 400),
    "twice": twice,
    "removed": lambda path: path.unlink(),
    "a folder": a_folder,
    "a pipe": a_pipe,
    "a dangling link": a_link_to("nowhere"),
    "a link to itself": lambda path: a_link_to(path.name)(path),
    "a device": a_link_to("/dev/zero"),
}


FILES = (
    "run.json",
    "result.json",
    "metrics.jsonl",
    "timings.jsonl",
    "spec.res",
    "recipe.yaml",
    "weights.safetensors",
    "metrics.csv",
)
TRAIN = (
    "train",
    "tiny.res",
    "--data",
    "digits",
    "--recipe",
    "digits",
    "--set",
    "iterations=4",
    "--set",
    "checkpoint=2 iterations",
    "--set",
    "log=2",
    "--run",
    "a",
)
COMMANDS = {"eval": ("eval", "a"), "probe": ("probe", "a", "--out", "out"), "train": TRAIN}
NEEDED = {  # without which a command has nothing to say
    "eval": {"run.json", "result.json", "spec.res", "weights.safetensors"},
    "probe": {"run.json", "result.json", "spec.res", "weights.safetensors"},
    "train": {"run.json", "result.json", "weights.safetensors"},
}
UNHARMED = (
    "not a number",
    "infinite",
    "huge",
    "large",
    "twice",
    "at random",
)  # of some files, which stay what they were


def check(command: str, name: str, kind: str) -> int:
    """The exit code of a command, after a file of the run `a` was damaged: it names that file where
    it fails.
    """
    err = io.StringIO()
    with redirect_stdout(io.StringIO()), redirect_stderr(err):
        code = cli.run(COMMANDS[command])
    said = err.getvalue()
    assert code in (0, 2), (name, kind, command, said)
    expected = (
        {"run.json": "a/run.json is missing", "result.json": "the run in a has not finished"}
        if kind == "removed"
        else {}
    )
    assert code == 0 or expected.get(name, f"a/{name}") in said, (name, kind, command, said)
    if name in NEEDED[command] and kind not in UNHARMED:
        unfinished = command in ("train", "eval") and (name, kind) == ("result.json", "removed")
        assert code == 2 or unfinished, (
            name,
            kind,
            command,
            said,
        )
    return code


def resealed(path: Path, key: str, value: object) -> None:
    """What a careful hand would leave: another fact, and a checksum that is right."""
    found = json.loads(path.read_bytes())
    found.pop("sha256")
    sealed.write(path, {**found, key: value})


def at_random(path: Path, rng: Random) -> None:
    """Some bytes of a file changed, lost, or put in."""
    content = bytearray(path.read_bytes())
    for _ in range(rng.randrange(1, 4)):
        start, length = rng.randrange(len(content) + 1), rng.choice([1, 1, 4, 60])
        match rng.randrange(4):
            case 0 if start < len(content):
                content[start] ^= 1 << rng.randrange(8)
            case 1:
                del content[start : start + length]
            case 2:
                content[start:start] = rng.randbytes(length)
            case _:
                other = rng.choice([b"{", b"}", b"[", b'"', b"\n", b"null", b"-1", b"1e999", b"\0"])
                content[start : start + length] = other
    path.write_bytes(content)


def lay_out(folder: Path) -> None:
    """In the current folder, which is `folder`, two runs that have ended, `a` and `b`."""
    (folder / "tiny.res").write_text(SPEC, encoding="utf-8")
    with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
        assert cli.run(TRAIN) == 0
        assert cli.run([*TRAIN[:-1], "b", "--seed", "1"]) == 0


def restore(run: Path, good: Path) -> None:
    shutil.rmtree(run, ignore_errors=True)
    shutil.copytree(good, run)

"""Files that cannot be read or written are named with the reason."""

from __future__ import annotations

import io
import os
import re
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from resspec import files
from resspec.diagnostics import UsageError
from tests.commands.typed import GOOD, Captured, ran, spec


def bound(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(os.path.relpath(path))


IN_THE_WAY: dict[str, tuple[Callable[[Path], object], str]] = {
    "file": (Path.touch, "is a file, not a folder"),
    "pipe": (os.mkfifo, "is a named pipe, not a folder"),
    "socket": (bound, "is a socket, not a folder"),
    "link": (lambda path: path.symlink_to("nowhere"), "is a link that leads nowhere"),
    "loop": (lambda path: path.symlink_to(path), "is a link that leads nowhere"),
}


@pytest.mark.parametrize("name", IN_THE_WAY)
@pytest.mark.parametrize("below", ["", "below/it"])
def test_what_is_in_the_way_of_a_folder_is_named(name: str, below: str, here: Path) -> None:
    make, reason = IN_THE_WAY[name]
    make(here / name)
    with pytest.raises(UsageError, match=rf"{re.escape(str(here / name))} {reason}$"):
        files.write(here / name / below / "x.txt", b"")


def test_the_nearest_folder_is_the_one_to_make_folders_in(here: Path) -> None:
    (here / "a").mkdir()
    (here / "link").symlink_to("a")
    assert files.nearest_folder(here / "a" / "b" / "c") == here / "a"
    assert files.nearest_folder(here / "link") == here / "link"
    assert files.nearest_folder(Path("x/y")) == Path()


def test_a_file_with_nothing_to_read_yet(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Waiting(io.BytesIO):
        def read(self, _: int | None = -1) -> bytes:
            return None  # type: ignore[return-value]

    def opened(descriptor: int, _: str) -> Waiting:
        os.close(descriptor)
        return Waiting()

    (here / "x.res").touch()
    monkeypatch.setattr(os, "fdopen", opened)
    with pytest.raises(UsageError, match=r"cannot read .*x\.res: it has nothing to read"):
        files.read(here / "x.res", 10)


@pytest.mark.parametrize("command", ["compile", "draw"])
def test_commands_name_what_is_in_the_way(command: str, here: Path, capsys: Captured) -> None:
    os.mkfifo(here / "pipe")
    out = "pipe" if command == "compile" else "pipe/a.svg"
    err = ran(f"{command} {spec('a.res', GOOD)} --out {out}", capsys, 2)[1]
    assert err.startswith("error: cannot write pipe/a.")
    assert err.endswith(": pipe is a named pipe, not a folder\n")


def test_compare_needs_a_folder_for_its_picture(here: Path, capsys: Captured) -> None:
    (here / "file").touch()
    out, err = ran("compare runs --out file", capsys, 2)
    assert (out, err) == ("", "error: file is a file, not a folder\n")


def test_compare_names_a_link_that_leads_to_itself(here: Path, capsys: Captured) -> None:
    (here / "loop").symlink_to("loop")
    err = ran("compare loop", capsys, 2)[1]
    assert err.startswith("error[E06") and "loop" in err

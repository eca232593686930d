"""`resspec fmt`: what it writes, prints and leaves alone."""

from __future__ import annotations

import io
import os
from pathlib import Path

import pytest

from resspec import cli, fixes
from resspec.fixes import fixed
from resspec.syntax import format as layout
from resspec.syntax.outline import outline

LOOSE = b"\xef\xbb\xbfblock a=relu # one\r\nblock\tb = bn->relu;\r\n"
STRICT = b"block a = relu    # one\nblock b = bn -> relu\n"
WRONG = b"block a=relu\r\nblock b = {\r\n"
WRITABLE = b"block b=conv 3x3, 4, stride=2\n"  # which `check --fix` mends, too

Captured = pytest.CaptureFixture[str]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "deep").mkdir()
    (tmp_path / "loose.res").write_bytes(LOOSE)
    (tmp_path / "deep" / "strict.res").write_bytes(STRICT)
    (tmp_path / "wrong.res").write_bytes(WRONG)
    return tmp_path


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_writes_what_is_laid_out_otherwise_and_leaves_what_does_not_parse(
    folder: Path, capsys: Captured
) -> None:
    (folder / "loose.res").chmod(0o640)
    strict = (folder / "deep" / "strict.res").stat()
    assert cli.run(["fmt", str(folder)]) == 1
    assert contents(folder) == {"loose.res": STRICT, "strict.res": STRICT, "wrong.res": WRONG}
    assert (folder / "loose.res").stat().st_mode & 0o777 == 0o640
    assert (folder / "deep" / "strict.res").stat() == strict
    out, err = capsys.readouterr()
    assert out == "1 of 3 files reformatted\n" and "error[E0104]" in err
    (folder / "wrong.res").unlink()
    assert cli.run(["fmt", str(folder)]) == 0


@pytest.mark.parametrize(
    ("flags", "code"), [(["--check"], 1), (["--diff"], 0), (["--check", "--diff"], 1)]
)
def test_looks_without_writing(flags: list[str], code: int, folder: Path, capsys: Captured) -> None:
    before = contents(folder)
    assert cli.run(["fmt", *flags, str(folder / "loose.res"), str(folder / "deep")]) == code
    out = capsys.readouterr().out
    assert contents(folder) == before
    assert ("-block\tb = bn->relu;<U+000D>\n" in out and "+block b = bn -> relu\n" in out) == (
        "--diff" in flags
    )
    assert ("1 of 2 files would be reformatted" in out) == (flags == ["--check"])
    assert cli.run(["fmt", *flags, str(folder / "deep")]) == 0


def test_standard_input(
    monkeypatch: pytest.MonkeyPatch, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    for given, flags, code, out in [
        (LOOSE, [], 0, STRICT),
        (STRICT, ["--check"], 0, b""),
        (LOOSE, ["--check"], 1, b""),
        (WRONG, [], 1, b""),
    ]:
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(given)))
        assert cli.run(["fmt", "-", *flags]) == code
        assert capsysbinary.readouterr().out == out


def test_a_link_stays_a_link(folder: Path) -> None:
    link = folder / "deep" / "link.res"
    link.symlink_to(folder / "loose.res")
    assert cli.run(["fmt", str(link)]) == 0
    assert link.is_symlink() and (folder / "loose.res").read_bytes() == STRICT


def test_what_cannot_be_read_or_written(
    folder: Path, capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert cli.run(["fmt", str(folder / "none.res"), str(folder / "loose.res")]) == 2
    assert (folder / "loose.res").read_bytes() == STRICT
    assert "cannot read" in capsys.readouterr().err
    (folder / "loose.res").write_bytes(LOOSE)
    monkeypatch.setattr(os, "fsync", _full)
    assert cli.run(["fmt", str(folder / "loose.res")]) == 2
    assert contents(folder)["loose.res"] == LOOSE and len(contents(folder)) == 3


@pytest.mark.parametrize("lost", ["# one", "bn ->", "\n"])
def test_a_layout_that_would_change_words_is_not_written(
    lost: str, folder: Path, capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    aligned = layout._aligned
    monkeypatch.setattr(
        layout,
        "_aligned",
        lambda lines: ["".join(line + "\n" for line in aligned(lines)).replace(lost, "")],
    )
    assert cli.run(["fmt", str(folder / "loose.res")]) == 2
    assert (folder / "loose.res").read_bytes() == LOOSE
    assert "would change its words" in capsys.readouterr().err


@pytest.mark.parametrize("command", [["fmt"], ["check", "--fix"]])
def test_a_file_that_nobody_may_write_stays(
    command: list[str], folder: Path, capsys: Captured
) -> None:
    path = folder / "loose.res"
    path.write_bytes(WRITABLE)
    path.chmod(0o444)
    assert cli.run([*command, str(path)]) == 2
    assert path.read_bytes() == WRITABLE
    assert "loose.res: it is read-only\n" in capsys.readouterr().err


@pytest.mark.parametrize("command", [["fmt"], ["check", "--fix"]])
def test_what_another_process_writes_meanwhile_stays(
    command: list[str], folder: Path, capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = folder / "loose.res"
    path.write_bytes(WRITABLE)
    monkeypatch.setattr(
        layout,
        "outline",
        lambda found: (path.write_bytes(b"block other = relu\n"), outline(found))[1],
    )
    monkeypatch.setattr(
        fixes, "fixed", lambda *given: (path.write_bytes(b"block other = relu\n"), fixed(*given))[1]
    )
    assert cli.run([*command, str(path)]) == 2
    assert path.read_bytes() == b"block other = relu\n"
    assert (
        "loose.res was changed in the meantime, and is left as it is\n" in capsys.readouterr().err
    )


def test_a_comment_that_hides_something_is_a_mistake(folder: Path, capsys: Captured) -> None:
    (folder / "loose.res").write_bytes(LOOSE + "# \u202e\r\n".encode())
    assert cli.run(["fmt", str(folder / "loose.res")]) == 1
    assert (folder / "loose.res").read_bytes() == LOOSE + "# \u202e\r\n".encode()
    assert "error[E0103]" in capsys.readouterr().err


def test_a_layout_that_is_too_large_is_not_written(folder: Path, capsys: Captured) -> None:
    deep = f"block b = {'{' * 60}relu{'}' * 60}\n"
    text = "".join(deep.replace("b =", f"b{i} =") for i in range(100)).encode()
    (folder / "loose.res").write_bytes(text)
    assert cli.run(["fmt", str(folder / "loose.res")]) == 2
    assert (folder / "loose.res").read_bytes() == text
    assert "when formatted; a spec has at most 1,048,576" in capsys.readouterr().err


def _full(_: int) -> None:
    raise OSError(28, "No space left on device")


@pytest.mark.parametrize("command", ["fmt", "check"])
def test_what_is_no_file_is_not_waited_for(command: str, folder: Path, capsys: Captured) -> None:
    os.mkfifo(folder / "pipe.res")
    (folder / "zero.res").symlink_to("/dev/zero")
    (folder / "folder.res").mkdir()
    for name, what in (("pipe.res", "a named pipe"), ("zero.res", "a device")):
        assert cli.run([command, str(folder / name)]) == 2
        assert f"{name}: it is {what}, not a file\n" in capsys.readouterr().err
    assert cli.run([command, str(folder / "folder.res")]) == 2
    assert "there is no .res file in" in capsys.readouterr().err
    assert cli.run([command, str(folder)]) == 2  # all others are told of as well
    output = capsys.readouterr()
    assert "wrong.res:" in output.err and "folder.res" not in output.err


def test_standard_input_without_an_end(capsys: Captured) -> None:
    with Path("/dev/zero").open(encoding="utf-8") as zeros, pytest.MonkeyPatch.context() as patch:
        patch.setattr("sys.stdin", zeros)
        assert cli.run(["fmt", "-"]) == 1
    assert "error[E0102]" in capsys.readouterr().err

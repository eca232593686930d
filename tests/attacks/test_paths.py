"""Paths out of the project, endless files and things that are not files are refused."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.attacks.confined import Taken
from tests.attacks.limits import assert_refused, assert_small
from tests.texts import chain, written

GIGABYTE = 10**9

Make = Callable[[Path], object]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A folder of a project, two levels below a file that belongs to nobody in it."""
    folder = tmp_path / "project" / "specs"
    folder.mkdir(parents=True)
    (tmp_path / "project" / ".git").mkdir()
    written(tmp_path, "let secret = 3", "secret.res")
    return folder


@pytest.mark.parametrize(
    "target",
    [
        "../../secret.res",
        "../../nowhere.res",
        "../../project/../secret.res",
        ".././../secret.res",
        "x/../../../secret.res",
        "/etc/passwd",
        "/etc/passwd/x.res",
        "//etc/passwd",
        "/dev/zero",
        "/dev/stdin",
        "/proc/self/mem",
        "/proc/self/environ",
        "/../../etc/passwd",
        "../" * 200 + "etc/passwd",
    ],
)
def test_paths_out_of_the_project(
    target: str, project: Path, check: Callable[[str], Taken]
) -> None:
    assert_refused(
        check(str(written(project, chain("conv 1x1, secret", f'use "{target}"')))), "E0218"
    )


@pytest.mark.parametrize(
    "target",
    [
        "~/secret.res",
        "$HOME/secret.res",
        "%2e%2e/%2e%2e/secret.res",
        "file:///etc/passwd",
        "https://example.org/x.res",
        "..\\..\\secret.res",
        "C:\\secret.res",
        "a" * 5000,
        "/".join("a" * 2000),
        "lib.res:secret",
        "*",
        "-",
        ".",
        "..",
    ],
)
def test_paths_to_nothing(target: str, project: Path, check: Callable[[str], Taken]) -> None:
    assert_refused(
        check(str(written(project, chain("conv 1x1, secret", f'use "{target}"')))), "E0217"
    )


def huge(path: Path) -> None:
    path.touch()
    os.truncate(path, GIGABYTE)


def bound(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as server:
        before = Path.cwd()
        os.chdir(path.parent)  # a socket's path is short
        try:
            server.bind(path.name)
        finally:
            os.chdir(before)


def linked(path: Path) -> None:
    """A hard link to the file that uses it."""
    path.with_name("spec.res").write_text("use lib\n", encoding="utf-8")
    os.link(path.with_name("spec.res"), path)


def ringed(path: Path) -> None:
    for i in range(40):
        written(path.parent, f"use ring{i + 1}", f"ring{i}.res")
    written(path.parent, "use lib", "ring40.res")
    written(path.parent, "use ring0", path.name)


def chained(path: Path) -> None:
    for i in range(500):
        written(path.parent, f"use row{i + 1}", f"row{i}.res")
    written(path.parent, "let last = 1", "row500.res")
    written(path.parent, "use row0", path.name)


def detoured(path: Path) -> None:
    """A link to a link, and so on, to what lies outside."""
    (path.parent / "link0").symlink_to("../../secret.res")
    for i in range(20):
        (path.parent / f"link{i + 1}").symlink_to(f"link{i}")
    path.symlink_to("link20")


LIBRARIES: dict[str, tuple[Make, str]] = {
    "a link to an absolute path": (lambda path: path.symlink_to("/etc/hostname"), "E0218"),
    "a link to a file outside": (lambda path: path.symlink_to("../../secret.res"), "E0218"),
    "a link to a link to a file outside": (detoured, "E0218"),
    "a link to itself": (lambda path: path.symlink_to("lib.res"), "E0217"),
    "a link to nothing": (lambda path: path.symlink_to("nowhere"), "E0217"),
    "a link to a device": (lambda path: path.symlink_to("/dev/zero"), "E0217"),
    "a hard link to its user": (linked, "E0216"),
    "a folder": (lambda path: path.mkdir(), "E0217"),
    "a pipe": (os.mkfifo, "E0217"),
    "a socket": (bound, "E0217"),
    "a gigabyte": (huge, "E0102"),
    "a byte too many": (lambda path: path.write_bytes(b"#" * ((1 << 20) + 1)), "E0102"),
    "zeros": (lambda path: path.write_bytes(bytes(1000)), "E0101"),
    "a ring of files": (ringed, "E0216"),
    "a row of files": (chained, "E0313"),
}


@pytest.mark.parametrize("name", LIBRARIES)
def test_libraries(name: str, project: Path, check: Callable[[str], Taken]) -> None:
    make, code = LIBRARIES[name]
    make(project / "lib.res")
    path = project / "spec.res"
    if not path.exists():
        written(project, chain("relu", "use lib"))
    assert_refused(check(str(path)), code)


def test_a_folder_that_leads_out(project: Path, check: Callable[[str], Taken]) -> None:
    (project / "out").symlink_to("../..", target_is_directory=True)
    assert_refused(
        check(str(written(project, chain("conv 1x1, secret", 'use "out/secret.res"')))), "E0218"
    )


def test_a_spec_of_a_gigabyte(project: Path, check: Callable[[str], Taken]) -> None:
    huge(project / "spec.res")
    assert_refused(check(str(project / "spec.res")), "E0102")


@pytest.mark.parametrize("name", ["a link to itself", "a link to a device", "a pipe", "a socket"])
def test_specs_that_are_no_files(name: str, project: Path, check: Callable[[str], Taken]) -> None:
    path = project / "spec.res"
    make = LIBRARIES[name][0]
    make(path) if name != "a link to itself" else path.symlink_to("spec.res")
    taken = check(str(path))
    assert taken.code == 2 and "spec.res" in taken.complaint and taken.complaint.count("\n") == 1
    assert_small(taken)

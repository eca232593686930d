"""A machine without a browser gets one, or a sentence on what to install.

The tests of pages are skipped there, but fail where CI is set.
"""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests import system

ROOT = Path(__file__).parents[1]
UBUNTU = (
    platform.freedesktop_os_release()["ID"] == "ubuntu"
)  # whose Chromium is a snap: it is not installed
PAGES = "tests/backends/html/test_drawing.py"
NO_BROWSER = "the tests of pages need a browser: install "

# It stands in for the package manager: what it installs is a program of that name beside it.
APT_GET = """#!/bin/sh
echo "$DEBIAN_FRONTEND" "$@" >> "$0.log"
case "$*" in *install*chromium*) cp "$0" "${0%/*}/chromium";; esac
"""
SUDO = """#!/bin/sh
shift
exec "$@"
"""


@pytest.fixture
def programs(tmp_path: Path) -> Path:
    """The only folder in which programs are looked for."""
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "env").symlink_to("/usr/bin/env")
    return folder


def python(
    programs: Path, *arguments: str, ci: str | None = None
) -> subprocess.CompletedProcess[str]:
    """Run Python in the root of the repository, where no other programs are found."""
    environment = {
        name: value
        for name, value in os.environ.items()
        if name != "CI" and not name.startswith("PYTEST")
    }
    environment |= {"PATH": str(programs), "PYTHONPATH": str(ROOT)} | (
        {} if ci is None else {"CI": ci}
    )
    command = [sys.executable, *arguments]
    return subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )


def program(path: Path, text: str) -> None:
    path.write_text(text, encoding="ascii")
    path.chmod(0o755)


@pytest.mark.parametrize("ci", [None, "false"])
def test_pages_are_skipped_on_the_machine_of_a_person(
    ci: str | None, programs: Path, font: str
) -> None:
    del font
    done = python(programs, "-m", "pytest", "-p", "no:cacheprovider", PAGES, ci=ci)
    assert done.returncode == 0, done.stdout
    assert NO_BROWSER in done.stdout
    assert " skipped" in done.stdout


def test_pages_fail_in_continuous_integration(programs: Path, font: str) -> None:
    del font
    done = python(programs, "-m", "pytest", "-p", "no:cacheprovider", PAGES, ci="true")
    assert done.returncode == 1, done.stdout
    assert NO_BROWSER in done.stdout
    assert "skipped" not in done.stdout


@pytest.mark.parametrize(("ci", "consequence"), [(None, "skipped"), ("true", "fail")])
def test_the_set_up_says_what_to_install(ci: str | None, consequence: str, programs: Path) -> None:
    done = python(programs, "-m", "tests.system", ci=ci)
    assert (done.returncode, done.stdout) == (0, "")
    (sentence,) = [line for line in done.stderr.splitlines() if "browser" in line]
    assert sentence.startswith(NO_BROWSER)
    assert consequence in sentence


def test_the_set_up_installs_what_is_missing(programs: Path) -> None:
    program(programs / "apt-get", APT_GET)
    program(programs / "sudo", SUDO)
    (programs / "true").symlink_to("/usr/bin/true")
    for name in ("cp", "sh"):
        (programs / name).symlink_to(shutil.which(name) or "")

    done = python(programs, "-m", "tests.system", ci="true")

    log = programs / "apt-get.log"
    if UBUNTU:
        assert "install Google Chrome" in done.stderr
        assert "chromium" not in (log.read_text(encoding="ascii") if log.exists() else "")
        return
    update, install = log.read_text(encoding="ascii").splitlines()
    assert update.startswith("noninteractive ")
    assert update.endswith(" update")
    assert " install --yes --no-install-recommends chromium" in install
    assert "browser" not in done.stderr


def test_the_set_up_does_nothing_where_all_is_there(programs: Path, font: str) -> None:
    del font
    for name in ("apt-get", "chromium"):
        program(programs / name, "#!/bin/sh\necho used >&2\n")
    done = python(programs, "-m", "tests.system")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_a_browser_of_any_name_is_found(programs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(programs))
    for name in reversed(system.BROWSERS):
        program(programs / name, "#!/bin/sh\n")
        assert system.chromium() == str(programs / name)


@pytest.mark.parametrize("kind", ["link", "script"])
def test_a_snap_cannot_open_the_files_of_tests(
    kind: str, programs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(programs))
    if kind == "link":
        program(programs / "snap", "#!/bin/sh\n")
        (programs / "chromium").symlink_to(programs / "snap")
    else:
        program(programs / "chromium", '#!/bin/sh\nexec /snap/bin/chromium "$@"\n')
    with pytest.raises(system.MissingError, match=r"/chromium, a snap, .* install"):
        system.chromium()

    program(programs / "google-chrome", "#!/bin/sh\n")
    assert system.chromium() == str(programs / "google-chrome")

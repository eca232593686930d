"""What the tests need of the machine beyond Python: a Chromium that opens pages, and a font.

As a program it installs what is missing, by apt where it may; elsewhere it says in one sentence
what to install.
"""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
FONTS = ("/usr/share/fonts", "/usr/local/share/fonts", "~/.local/share/fonts", "~/.fonts")
FONT_FILES = (".ttf", ".otf", ".ttc")
APT = ("env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-qq", "-o", "DPkg::Lock::Timeout=300")
BEGINNING = 1 << 16  # bytes of a program, in which a script names what it starts


class MissingError(Exception):
    """What is missing, and what to do."""


def chromium() -> str:
    """Return the path of the first Chromium that can open the files of the tests.

    Raises:
        MissingError: Where there is none.
    """
    found = [path for name in BROWSERS if (path := shutil.which(name))]
    usable = [path for path in found if not _is_snap(path)]
    if usable:
        return usable[0]

    advice = (
        "install Google Chrome"
        if _is_ubuntu()
        else "install Chromium (apt-get install chromium) or Google Chrome"
    )
    if found:
        raise MissingError(
            f"the tests of pages cannot use {found[0]}, a snap, which does not see files in /tmp: {advice}"
        )
    raise MissingError(f"the tests of pages need a browser: {advice}")


def font() -> str:
    """Return a font of this machine.

    Raises:
        MissingError: Where there is none.
    """
    for folder in FONTS:
        for path in Path(folder).expanduser().rglob("*"):
            if path.suffix.lower() in FONT_FILES:
                return str(path)
    raise MissingError(
        "the tests of drawings and pages need a font: install DejaVu Sans (apt-get install fonts-dejavu-core)"
    )


def required(need: Callable[[], str]) -> str:
    """Return what is needed, or skip the test; on a machine of continuous integration, fail."""
    try:
        return need()
    except MissingError as error:
        if _is_continuous_integration():
            pytest.fail(str(error), pytrace=False)
        pytest.skip(str(error))


def install() -> None:
    """Install what is missing, or say what to install."""
    missing = _missing()
    apt = _apt() if missing else []
    packages = [package for package in missing if not (package == "chromium" and _is_ubuntu())]
    if apt and packages:
        print(f"installing {' and '.join(packages)} by apt: the tests need them", flush=True)
        subprocess.run([*apt, "update"], check=False)
        subprocess.run(
            [*apt, "install", "--yes", "--no-install-recommends", *packages], check=False
        )
        missing = _missing()

    consequence = "they fail" if _is_continuous_integration() else "they are skipped"
    for sentence in missing.values():
        print(f"{sentence}; without it {consequence}", file=sys.stderr)


def _missing() -> dict[str, str]:
    """Return the package of each thing that is missing, with what to say of it."""
    missing: dict[str, str] = {}
    for package, need in (("chromium", chromium), ("fonts-dejavu-core", font)):
        try:
            need()
        except MissingError as error:
            missing[package] = str(error)
    return missing


def _apt() -> list[str]:
    """Return the command that installs packages without a password, or nothing."""
    if shutil.which("apt-get") is None:
        return []
    if os.geteuid() == 0:
        return [*APT]

    sudo = shutil.which("sudo")
    if (
        sudo
        and subprocess.run([sudo, "-n", "true"], capture_output=True, check=False).returncode == 0
    ):
        return [sudo, "-n", *APT]
    return []


def _is_continuous_integration() -> bool:
    return os.environ.get("CI", "").lower() not in ("", "0", "false")


def _is_ubuntu() -> bool:
    """Return whether the archive has Chromium as a snap only."""
    try:
        return platform.freedesktop_os_release()["ID"] == "ubuntu"
    except OSError:
        return False


def _is_snap(path: str) -> bool:
    """Return whether a program starts a snap: a link to `snap`, or Ubuntu's script."""
    program = Path(path).resolve()
    if program.name == "snap":
        return True
    with program.open("rb") as file:
        beginning = file.read(BEGINNING)
    return beginning.startswith(b"#!") and b"/snap/bin" in beginning


if __name__ == "__main__":
    install()

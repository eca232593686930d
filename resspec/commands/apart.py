"""An import in a process of its own, in another folder: what it runs leaves nothing behind here."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from resspec.diagnostics import UsageError

if TYPE_CHECKING:
    from resspec.project import ProjectNetwork

_SECONDS = 600


def text_from(network: ProjectNetwork, folder: Path) -> str:
    """Return the spec of a network of a project, as `resspec import` prints it in a folder.

    Raises UsageError with its message where it fails.
    """
    import subprocess

    flags = ["--no-verify"]
    flags += [f"--input={network.input}"] if network.input else []
    flags += [f"--arg={name}={value}" for name, value in network.arguments]
    words = _command(flags, network.source)
    try:
        done = subprocess.run(  # noqa: S603, no shell
            words,
            cwd=folder,
            env=_environment(),
            capture_output=True,
            timeout=_SECONDS,
            check=False,
            stdin=subprocess.DEVNULL,
        )
    except (OSError, ValueError, subprocess.TimeoutExpired) as error:
        raise UsageError(f"{network.source} cannot be imported: {error}") from None
    if done.returncode:
        raise UsageError(_message(done.stderr.decode(errors="replace"), network))
    return done.stdout.decode(errors="replace").replace("\r\n", "\n")


def import_in(folder: Path, source: str, flags: Sequence[str]) -> int:
    """Run `resspec import` in a folder, printing as here, and return its exit code."""
    import subprocess

    command = _command(flags, source)
    return subprocess.run(command, cwd=folder, env=_environment(), check=False).returncode  # noqa: S603


def _command(flags: Sequence[str], source: str) -> list[str]:
    """Return the command that imports a source: with -P, nothing in the working folder takes the
    place of a package, so that only the source can run.
    """
    return [sys.executable, "-P", "-m", "resspec", "import", *flags, "--", source]


def _environment() -> dict[str, str]:
    """Return the environment, in which relative paths still mean the folder of this process."""
    found = {**os.environ, "PYTHONUTF8": "1"}
    if path := found.get("PYTHONPATH"):
        entries = [str(Path(entry).absolute()) for entry in path.split(os.pathsep) if entry]
        found["PYTHONPATH"] = os.pathsep.join(entries)
    return found


def _message(printed: str, network: ProjectNetwork) -> str:
    lines = [line for line in printed.splitlines() if line.startswith("error")]
    (last,) = lines[-1:] or [f"{network.source} cannot be imported"]
    return last.partition(": ")[2] or last

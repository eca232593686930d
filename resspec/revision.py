"""Files as a revision of a git repository has them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory

from resspec.diagnostics import UsageError

_SECONDS = 20  # a repository on a slow disk answers in this time, or something is wrong
_SECONDS_TO_WRITE = 600  # all files of a commit

_FILE = b"100644 blob", b"100755 blob"  # how `git ls-tree` lists one


class Revision:
    """A commit of the git repository around the working folder. Paths are those of the checkout."""

    def __init__(self, name: str, folder: Path | None = None) -> None:
        """Find a commit.

        Args:
            name: The commit, as git names it.
            folder: A folder of the repository; by default the working folder.

        Raises:
            UsageError: There is no repository, or no such commit in it.
        """
        self.name = name
        self._folder = folder
        top = self._git("rev-parse", "--show-toplevel")
        self.root = Path(os.fsdecode(top).removesuffix("\n"))
        try:
            self.commit = (
                self._git("rev-parse", "--verify", "--end-of-options", f"{name}^{{commit}}")
                .decode()
                .strip()
            )
        except UsageError:
            raise UsageError(f"git has no revision {name!r}") from None

    @classmethod
    def fork(cls, name: str) -> Revision:
        """Return where the history of HEAD left that of another revision, as a pull request starts.

        It is named by its short hash.
        """
        commit = cls(name).commit
        try:
            base = _git("merge-base", commit, "HEAD").decode().strip()
        except UsageError:
            raise UsageError(f"{name!r} and HEAD have no commit in common") from None
        return cls(_git("rev-parse", "--short", base).decode().strip())

    def hashes(self) -> dict[Path, str]:
        """Return git's hash of each file of the commit by its path; symbolic links are left out."""
        listed = self._git("ls-tree", "-r", "-z", "--full-tree", self.commit).split(b"\0")
        entries = (entry.partition(b"\t") for entry in listed if entry.startswith(_FILE))
        return {
            self.root / os.fsdecode(name): facts.split()[-1].decode() for facts, _, name in entries
        }

    def path(self, text: str) -> Path:
        """Return a path as git reads it: from the top, or from here for `./` and `../`."""
        return Path(os.path.realpath(text)) if text.startswith(("./", "../")) else self.root / text

    def is_file(self, path: Path) -> bool:
        """Return whether the commit has a file, which a symbolic link is not."""
        inside = self._inside(path)
        listed = (
            self._git("ls-tree", "-z", "--full-tree", self.commit, "--", f":(literal){inside}")
            if inside
            else b""
        )
        return listed.startswith(_FILE)

    def read(self, path: Path) -> bytes:
        """Raises UsageError."""
        return self._git("cat-file", "blob", f"{self.commit}:{self._inside(path)}")

    @contextmanager
    def checked_out(self) -> Iterator[Path]:
        """Give the commit as a folder, which is removed in the end. Raises UsageError."""
        with TemporaryDirectory(prefix="resspec-") as around:
            folder = Path(around, "tree")
            hooks = f"core.hooksPath={os.devnull}"
            add = ("-c", hooks, "worktree", "add", "--detach", str(folder), self.commit)
            self._git(*add, seconds=_SECONDS_TO_WRITE)
            try:
                yield folder
            finally:
                self._git("worktree", "remove", "--force", str(folder), seconds=_SECONDS_TO_WRITE)

    def shown(self, path: Path) -> str:
        return f"{self.name}:{self._inside(path)}"

    def _git(self, *arguments: str, seconds: int = _SECONDS) -> bytes:
        return _git(*arguments, seconds=seconds, folder=self._folder)

    def _inside(self, path: Path) -> PurePosixPath | None:
        """Return a path from the top of the repository; None outside."""
        real = Path(os.path.normpath(path))
        return (
            PurePosixPath(real.relative_to(self.root).as_posix())
            if real.is_relative_to(self.root)
            else None
        )


def _git(*arguments: str, seconds: int = _SECONDS, folder: Path | None = None) -> bytes:
    """Return what git prints in a folder, without a shell, hooks or filters."""
    import subprocess

    try:
        done = subprocess.run(  # noqa: S603, no shell
            ["git", *arguments],  # noqa: S607
            capture_output=True,
            timeout=seconds,
            check=False,
            stdin=subprocess.DEVNULL,
            cwd=folder,
        )
    except (OSError, ValueError, subprocess.TimeoutExpired) as error:
        raise UsageError(f"cannot run git: {error}") from None
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip().split("\n")[0]
        raise UsageError(f"git: {said.removeprefix('fatal: ')}")
    return done.stdout

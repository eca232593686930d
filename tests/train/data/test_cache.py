"""The cache of inspections: it saves work and never matters."""

from __future__ import annotations

import multiprocessing
import os
import resource
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest
from PIL import Image

from resspec.training.data import cache
from resspec.training.data.cache import ImageCache, ImageSize
from resspec.training.data.inspection import DamagedImage
from tests.train.data.pictures import encoded, smooth, written
from tests.train.data.test_inspect import GOOD, SIZE, look


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "home"))
    (tmp_path / "home" / "resspec").mkdir(parents=True)
    return tmp_path / "home" / "resspec"


def cached(home: Path) -> Path:
    """The one file in the cache."""
    (path,) = (home / cache.NAME).iterdir()
    return path


def below_a_file(home: Path) -> None:
    home.rmdir()
    home.write_text("")


UNUSABLE: dict[str, Callable[[Path], object]] = {
    "a file": lambda home: written(home, cache.NAME, b"not a folder"),
    "a pipe": lambda home: os.mkfifo(home / cache.NAME),
    "a full device": lambda home: (home / cache.NAME).symlink_to("/dev/full"),
    "a link to nowhere": lambda home: (home / cache.NAME).symlink_to("/proc/nowhere/at/all"),
    "below a file": below_a_file,
}


@pytest.mark.parametrize("kind", UNUSABLE)
def test_a_cache_that_cannot_be_used_is_no_matter(kind: str, home: Path, tmp_path: Path) -> None:
    written(tmp_path, "a.jpg", GOOD["plain.jpg"])
    written(tmp_path, "b.jpg", GOOD["plain.jpg"][:-300])
    UNUSABLE[kind](home)
    for _ in range(2):
        good, bad = look(tmp_path, "a.jpg", "b.jpg", decode=True)
        assert good == SIZE
        assert isinstance(bad, DamagedImage)


def test_a_user_without_a_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", "")
    monkeypatch.setattr(
        "os.path.expanduser", lambda path: path
    )  # of a user without an entry either
    monkeypatch.chdir(tmp_path)
    written(tmp_path, "a.jpg", GOOD["plain.jpg"])
    assert look(tmp_path, "a.jpg") == [SIZE]
    assert [path.name for path in tmp_path.iterdir()] == ["a.jpg"]


def folder_instead(path: Path) -> None:
    path.unlink()
    path.mkdir()


DAMAGE: dict[str, Callable[[Path], object]] = {
    "no cache": lambda path: path.write_bytes(b"not a cache, but long enough to be looked at" * 30),
    "an empty file": lambda path: path.write_bytes(b""),
    "a file that was cut": lambda path: path.write_bytes(path.read_bytes()[:-1]),
    "a folder": folder_instead,
}


@pytest.mark.parametrize("kind", DAMAGE)
def test_a_damaged_cache_is_replaced(kind: str, home: Path, tmp_path: Path) -> None:
    path = written(tmp_path, "a.jpg", GOOD["plain.jpg"])
    look(tmp_path, "a.jpg")
    DAMAGE[kind](cached(home))
    assert look(tmp_path, "a.jpg") == [SIZE]
    if kind != "a folder":
        key = cache.file_key("a.jpg", path.stat())
        size = ImageSize(*SIZE, sideways=False, decoded=False)
        assert ImageCache(tmp_path).known == {key: size}


def test_bits_that_flip_in_the_cache_change_no_answer(home: Path, tmp_path: Path) -> None:
    names = [f"{i}.png" for i in range(40)]
    for i, name in enumerate(names):
        written(tmp_path, name, encoded(Image.fromarray(smooth(width=20 + i)), "PNG"))
    wanted = look(tmp_path, *names)
    path = cached(home)
    whole = path.read_bytes()
    rng = Random(0)
    for _ in range(20):
        content = bytearray(whole)
        for _ in range(20):
            content[rng.randrange(len(content))] ^= 1 << rng.randrange(8)
        path.write_bytes(content)
        assert look(tmp_path, *names) == wanted


def test_a_flipped_bit_in_what_is_remembered(home: Path, tmp_path: Path) -> None:
    written(tmp_path, "a.jpg", GOOD["plain.jpg"])
    look(tmp_path, "a.jpg")
    path = cached(home)
    found = path.read_bytes()
    for place in range(8 * len(found)):
        changed = bytearray(found)
        changed[place // 8] ^= 1 << place % 8
        path.write_bytes(changed)
        assert ImageCache(tmp_path).known == {}
    assert look(tmp_path, "a.jpg") == [SIZE]


def small_files() -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))


def test_a_disk_on_which_nothing_can_be_written(home: Path, tmp_path: Path) -> None:
    written(tmp_path, "a.jpg", GOOD["plain.jpg"])
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    small_files()
    try:
        found = [look(tmp_path, "a.jpg", decode=decode) for decode in (False, True)]
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert found == [[SIZE], [SIZE]]
    assert not list(home.glob(f"{cache.NAME}/[!.]*"))


def test_what_is_remembered_is_bounded(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    size = cache.DIGEST + 10 * 18
    monkeypatch.setattr(cache, "MAX_BYTES", 2 * size + 1)
    folders = [tmp_path / f"{i}" for i in range(5)]
    for folder in folders:
        for i in range(10):
            written(folder, f"{i}.gif", GOOD["plain.gif"])
        look(folder, *(f"{i}.gif" for i in range(10)))
        assert sum(path.stat().st_size for path in (home / cache.NAME).iterdir()) <= 2 * size
    assert [len(ImageCache(folder).known) for folder in folders] == [0, 0, 0, 10, 10]
    for i in range(40):
        written(folders[0], f"{i}.gif", GOOD["plain.gif"])
    look(folders[0], *(f"{i}.gif" for i in range(40)))
    assert not any(ImageCache(folder).known for folder in folders)


@pytest.mark.usefixtures("home")
def test_what_is_used_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache, "MAX_BYTES", 2 * (cache.DIGEST + 18))
    folders = [tmp_path / name for name in ("first", "second", "third")]
    for folder in folders:
        written(folder, "a.gif", GOOD["plain.gif"])
    for folder in (*folders[:2], folders[0], folders[2]):
        look(folder, "a.gif")
    assert [len(ImageCache(folder).known) for folder in folders] == [1, 0, 1]


def together(folder: str, go: int) -> None:
    os.read(go, 1)
    found = look(Path(folder), *(f"{i}.jpg" for i in range(300)))
    os._exit(0 if found == [SIZE] * 300 else 1)


@pytest.mark.usefixtures("home")
def test_several_processes_at_once(tmp_path: Path) -> None:
    for i in range(300):
        written(tmp_path, f"{i}.jpg", GOOD["plain.jpg"])
    fork = multiprocessing.get_context("fork")
    waits, starts = os.pipe()
    workers = [fork.Process(target=together, args=(str(tmp_path), waits)) for _ in range(4)]
    for worker in workers:
        worker.start()
    os.write(starts, bytes(4))
    for worker in workers:
        worker.join()
    assert [worker.exitcode for worker in workers] == [0] * 4
    assert len(ImageCache(tmp_path).known) == 300

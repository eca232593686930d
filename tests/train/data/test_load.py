"""Where data sets are found and in what forms, and errors for missing and damaged ones."""

import gzip
import pickle
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from resspec.diagnostics import UsageError
from resspec.training.data import idx, load, locate
from resspec.training.data.memory import InMemory
from resspec.training.names import DATA


def idx_bytes(array: np.ndarray[Any, Any]) -> bytes:
    return struct.pack(f">BBBB{array.ndim}I", 0, 0, 8, array.ndim, *array.shape) + array.tobytes()


def fashion(folder: Path, *, packed: bool = True) -> None:
    folder.mkdir(parents=True)
    pixels = np.random.default_rng(0).integers(0, 256, (30, 28, 28), dtype=np.uint8)
    for part, count in (("train", 20), ("t10k", 10)):
        for kind, array in (
            ("images-idx3", pixels[:count]),
            ("labels-idx1", np.arange(count, dtype=np.uint8) % 10),
        ):
            content = idx_bytes(array)
            path = folder / f"{part}-{kind}-ubyte{'.gz' if packed else ''}"
            path.write_bytes(gzip.compress(content) if packed else content)


def cifar(folder: Path, classes: int = 10) -> np.ndarray[Any, Any]:
    folder.mkdir(parents=True)
    pixels = np.random.default_rng(1).integers(0, 256, (60, 3072), dtype=np.uint8)
    labels = [i % classes for i in range(60)]
    names = [f"class {i}" for i in range(classes)]
    if classes == 10:
        files: dict[str, Any] = {
            f"data_batch_{i + 1}": {"data": pixels[i * 10 :][:10], "labels": labels[i * 10 :][:10]}
            for i in range(5)
        }
        files |= {
            "test_batch": {"data": pixels[50:], "labels": labels[50:]},
            "batches.meta": {"label_names": names},
        }
    else:
        files = {
            name: {"data": pixels[part], "fine_labels": labels[part]}
            for name, part in (("train", slice(0, 50)), ("test", slice(50, 60)))
        }
        files["meta"] = {"fine_label_names": names}
    for name, content in files.items():
        (folder / name).write_bytes(pickle.dumps(content, protocol=2))
    return pixels


def parts(name: str | Path) -> tuple[InMemory, InMemory]:
    data = load(str(name))
    assert isinstance(data.train, InMemory) and isinstance(data.test, InMemory)
    return data.train, data.test


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Away from any data that this machine may have."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("RESSPEC_DATA", raising=False)


@pytest.mark.parametrize("packed", [True, False])
def test_fashion_mnist_packed_and_not(
    packed: bool, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    fashion(tmp_path / "sets" / "FashionMNIST" / "raw", packed=packed)
    monkeypatch.setenv("RESSPEC_DATA", str(tmp_path / "sets"))
    data = load("fashion-mnist")
    train, test = parts("fashion-mnist")
    assert (data.shape, data.classes) == ((1, 28, 28), idx.FASHION)
    pixels = np.random.default_rng(0).integers(0, 256, (30, 28, 28), dtype=np.uint8)
    assert torch.equal(train.images[:, 0], torch.from_numpy(pixels[:20]))
    assert torch.equal(test.images[:, 0], torch.from_numpy(pixels[:10]))
    assert train.labels.tolist() == [*range(10), *range(10)]
    assert load(str(tmp_path / "sets")).train.digest == train.digest


@pytest.mark.parametrize("classes", [10, 100])
def test_cifar(classes: int, tmp_path: Path) -> None:
    folder = {10: "cifar-10-batches-py", 100: "cifar-100-python"}[classes]
    pixels = cifar(tmp_path / "data" / folder, classes)
    data = load(f"cifar-{classes}")
    train, test = parts(tmp_path / "data" / folder)
    assert (data.shape, len(data.classes), data.classes[3]) == ((3, 32, 32), classes, "class 3")
    assert torch.equal(train.images, torch.from_numpy(pixels[:50].reshape(50, 3, 32, 32)))
    assert torch.equal(test.labels, torch.arange(50, 60) % classes)


def test_a_pickle_that_would_run_something_is_refused(tmp_path: Path) -> None:
    cifar(tmp_path / "set")
    (tmp_path / "set" / "test_batch").write_bytes(b"cbuiltins\nexec\n(S'raise SystemExit(3)'\ntR.")
    with pytest.raises(
        UsageError,
        match=r"test_batch cannot be read: it contains a .*exec, which CIFAR files do not contain",
    ):
        load(str(tmp_path / "set"))


class Pickled:
    """An object that a pickle creates by a call, and gives a state."""

    def __init__(self, *how: Any) -> None:
        self.how = how

    def __reduce__(self) -> Any:
        return self.how


def of_flags(flags: int, content: object) -> Pickled:
    """Return a pickled array of ten images whose type has these flags; 63 are those of objects."""
    kind = Pickled(np.dtype, ("u1", False, True), (3, "|", None, None, None, -1, -1, flags))
    made: Any = np.zeros(1).__reduce__()[0]
    return Pickled(made, (np.ndarray, (0,), b"b"), (1, (10, 3072), kind, False, content))


def test_what_a_pickle_says_of_bytes_makes_no_pointers_of_them(tmp_path: Path) -> None:
    folder = tmp_path / "cifar-10-batches-py"
    pixels = cifar(folder)
    content = {"data": of_flags(63, pixels[:10].tobytes()), "labels": list(range(10))}
    (folder / "data_batch_1").write_bytes(pickle.dumps(content, protocol=2))
    train, _ = parts(folder)
    assert torch.equal(train.images[:10].flatten(1), torch.from_numpy(pixels[:10]))

    content["data"] = of_flags(63, [1] * 30720)
    (folder / "data_batch_1").write_bytes(pickle.dumps(content, protocol=2))
    with pytest.raises(UsageError, match="an array of objects, not of bytes"):
        parts(folder)


@pytest.mark.parametrize(
    "content", [b"", b"no pickle", pickle.dumps([1]), pickle.dumps({"data": 1})]
)
def test_a_broken_file_of_cifar_is_named(content: bytes, tmp_path: Path) -> None:
    cifar(tmp_path / "set")
    (tmp_path / "set" / "data_batch_2").write_bytes(content)
    with pytest.raises(UsageError, match=str(tmp_path / "set")):
        load(str(tmp_path / "set"))


@pytest.mark.parametrize(
    "damage",
    [
        lambda content: content[:200],
        lambda content: content[:50] + bytes([content[50] ^ 255]) + content[51:],
        lambda content: gzip.compress(gzip.decompress(content)[:-1]),
        lambda content: content[:0],
        lambda content: gzip.compress(b"\0\0\x0d\3" + content[:12]),
    ],
)
def test_a_broken_idx_file_is_named(damage: Any, tmp_path: Path) -> None:
    fashion(tmp_path / "set")
    path = tmp_path / "set" / "t10k-images-idx3-ubyte.gz"
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(UsageError, match=r"t10k-images-idx3-ubyte\.gz"):
        load(str(tmp_path / "set"))


def test_what_is_missing_is_said_with_where_it_was_looked_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("RESSPEC_DATA", "/somewhere")
    with pytest.raises(UsageError) as caught:
        load("cifar-10")
    assert str(caught.value).splitlines() == [
        "the data set `cifar-10` was not found in any of these places:",
        "  /somewhere/cifar-10-batches-py",
        "  /somewhere/cifar-10/cifar-10-batches-py",
        "  data/cifar-10-batches-py",
        "  data/cifar-10/cifar-10-batches-py",
        *(
            f"  {Path.cwd()}/cache/resspec/{name}"
            for name in ("cifar-10-batches-py", "cifar-10/cifar-10-batches-py")
        ),
    ]
    assert caught.value.remedy == "download"
    with pytest.raises(UsageError, match=r"train/ and val/"):
        load("imagenet")


def test_a_folder_that_holds_nothing_known(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="does not contain a data set"):
        load(str(tmp_path))


def test_the_names_that_are_told_are_those_that_are_looked_for() -> None:
    assert {"digits", *locate.FORMATS} == set(DATA)


def test_an_unknown_data_set_names_the_nearest() -> None:
    with pytest.raises(UsageError, match=r"no data set is called `digit`; did you mean `digits`\?"):
        load("digit")
    with pytest.raises(
        UsageError, match=r"no data set is called `places`; there is digits, .*or a folder's path"
    ):
        load("places")


def test_a_place_that_may_not_be_entered_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Here a name that is too long, since nothing is closed to root."""
    monkeypatch.setenv("RESSPEC_DATA", str(tmp_path / ("x" * 300)))
    with pytest.raises(UsageError, match="cannot be read: File name too long") as caught:
        load("cifar-10")
    assert caught.value.code == "E0519"


def test_a_download_that_fails_in_any_way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def failed(*_: object, **__: object) -> None:
        raise EOFError("Compressed file ended before the end-of-stream marker was reached")

    monkeypatch.setattr("torchvision.datasets.CIFAR10", failed)
    monkeypatch.setenv("RESSPEC_DATA", str(tmp_path))
    with pytest.raises(
        UsageError, match=r"CIFAR10 cannot be downloaded to .*: Compressed file ended"
    ) as caught:
        load("cifar-10", download=True)
    assert caught.value.code == "E0516"

"""Labels, class names and absurd files of sets in memory: errors name the file and image."""

from __future__ import annotations

import gzip
import pickle
import struct
import zlib
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torchvision.datasets import CIFAR10

from resspec.diagnostics import UsageError
from resspec.training.data import Dataset, idx, load
from resspec.training.data.idx import FASHION
from resspec.training.names import DATA
from tests.train.data.pictures import written_idx

Array = np.ndarray[Any, Any]
PIXELS = np.random.default_rng(0).integers(0, 256, (60, 5, 4), dtype=np.uint8)
TENS = (np.arange(60) % 10).astype(np.uint8)


def digits(folder: Path, labels: Array = TENS, tested: Array = TENS[:20], packed: str = "") -> Path:
    """IDX files of noise."""
    for part, these in (("train", labels), ("t10k", tested)):
        written_idx(folder / f"{part}-images-idx3-ubyte{packed}", PIXELS[: len(these)])
        written_idx(folder / f"{part}-labels-idx1-ubyte{packed}", these)
    return folder


def cifar(folder: Path, **changes: Callable[[dict[str, Any]], object]) -> Path:
    """CIFAR-10 in small; a file's content may be changed, which ends its name with `_`."""
    folder.mkdir(parents=True)
    pixels = np.random.default_rng(1).integers(0, 256, (60, 3072), dtype=np.uint8)
    files: dict[str, Any] = {
        f"data_batch_{i + 1}": {"data": pixels[i * 10 :][:10], "labels": list(range(10))}
        for i in range(5)
    }
    files["test_batch"] = {"data": pixels[50:], "labels": list(range(10))}
    files["batches.meta"] = {"label_names": [f"class {i}" for i in range(10)]}
    for name, content in files.items():
        if change := changes.get(name.replace(".", "_")):
            change(content)
        (folder / name).write_bytes(pickle.dumps(content, protocol=2))
    return folder


def refused(folder: Path, code: str) -> str:
    with pytest.raises(UsageError) as caught:
        load(str(folder))
    assert caught.value.code == code
    return str(caught.value).replace(str(folder), "d")


@pytest.mark.parametrize(
    "path", ["fashion", "my-fashion-photos/mnist", "FashionMNIST/raw", "fashion-mnist"]
)
def test_a_path_makes_no_fashion(path: str, tmp_path: Path) -> None:
    found = load(str(digits(tmp_path / path)))
    assert found.classes == tuple("0123456789")
    assert found.name not in DATA


@pytest.mark.parametrize("path", ["FashionMNIST/raw", "fashion-mnist"])
def test_what_is_asked_for_by_name_has_its_names(
    path: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    digits(tmp_path / path)
    monkeypatch.setenv("RESSPEC_DATA", str(tmp_path))
    found = load("fashion-mnist")
    assert (found.name, found.classes) == ("fashion-mnist", FASHION)


@pytest.mark.parametrize("packed", ["", ".gz"])
def test_fashion_is_known_by_its_labels(
    packed: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Wherever it lies."""
    monkeypatch.setattr(idx, "FASHION_LABELS", sha256(TENS.tobytes()).hexdigest())
    found = load(str(digits(tmp_path / "anything", packed=packed)))
    assert (found.name, found.classes) == ("fashion-mnist", FASHION)


def test_torchvisions_folder_has_the_name_of_its_set(tmp_path: Path) -> None:
    assert load(str(digits(tmp_path / "MNIST" / "raw"))).name == "MNIST"


def wild(label: int, at: int = 7) -> Array:
    labels = TENS.copy()
    labels[at] = label
    return labels


def test_a_label_that_no_class_has(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    message = (
        "image 7 has the label 250, but only 11 different labels occur; number the classes from 0"
    )
    assert (
        refused(digits(tmp_path / "a", wild(250)), "E0521")
        == f"d/train-labels-idx1-ubyte: {message}"
    )
    message = "image 7 has the label 10, but there are 10 classes, 0 to 9"
    assert (
        refused(digits(tmp_path / "b", TENS, wild(10)), "E0521")
        == f"d/t10k-labels-idx1-ubyte: {message}"
    )
    digits(tmp_path / "fashion-mnist", wild(10))
    monkeypatch.setenv("RESSPEC_DATA", str(tmp_path))
    with pytest.raises(
        UsageError,
        match=r"train-labels-idx1-ubyte: image 7 has the label 10, but there are 10 classes",
    ):
        load("fashion-mnist")


def test_classes_without_images_are_told(tmp_path: Path) -> None:
    """As in EMNIST's letters, which are numbered from 1; a small sample lacks some."""
    found = load(str(digits(tmp_path / "a", TENS % 9 + 1)))
    assert found.classes == tuple("0123456789")
    assert found.notes == ("no training images of 1 class (0)",)
    (note,) = load(str(digits(tmp_path / "b", TENS, TENS[:4]))).notes
    assert note == "no test images of 6 classes (4, 5, 6, 7, 8, and 1 more)"


def test_images_of_one_class_are_told(tmp_path: Path) -> None:
    found = load(str(digits(tmp_path / "a", np.zeros(30, np.uint8), np.zeros(5, np.uint8))))
    assert found.notes == ("all images belong to one class, `0`; training needs at least two",)


HEADER = struct.Struct(">BBBBIII")
ONLY_BYTES = "but only unsigned bytes are supported"
ABSURD: dict[str, tuple[bytes, str]] = {
    "empty": (b"", "it is empty"),
    "a part of the header": (b"\0\0\x08\x03\0\0", "it ends within its header"),
    "something else": (b"\x89PNG\r\n\x1a\n" + bytes(30), "it is not an IDX file"),
    "integers": (
        HEADER.pack(0, 0, 12, 3, 60, 5, 4) + bytes(4800),
        f"it holds 32-bit integers, {ONLY_BYTES}",
    ),
    "signed bytes": (
        HEADER.pack(0, 0, 9, 3, 60, 5, 4) + bytes(1200),
        f"it holds signed bytes, {ONLY_BYTES}",
    ),
    "other axes": (
        HEADER.pack(0, 0, 8, 4, 60, 5, 4) + bytes(1200),
        "it has 4 dimensions, but 3 are needed",
    ),
    "no images": (HEADER.pack(0, 0, 8, 3, 0, 5, 4), "it is an empty array of shape 0x5x4"),
    "no pixels": (HEADER.pack(0, 0, 8, 3, 60, 5, 0), "it is an empty array of shape 60x5x0"),
    "one byte less": (HEADER.pack(0, 0, 8, 3, 60, 5, 4) + bytes(1199), ""),
    "one byte more": (
        HEADER.pack(0, 0, 8, 3, 60, 5, 4) + bytes(1201),
        "it has more than the 1,200 bytes of 60x5x4",
    ),
    "gigabytes": (HEADER.pack(0, 0, 8, 3, 60_000, 200, 200) + bytes(1200), ""),
    "more than there is": (
        HEADER.pack(0, 0, 8, 3, *[2**32 - 1] * 3) + bytes(1200),
        "at most 8,589,934,592 bytes are allowed",
    ),
}


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("kind", ABSURD)
def test_an_absurd_idx_file(kind: str, packed: bool, tmp_path: Path) -> None:
    content, why = ABSURD[kind]
    digits(tmp_path, packed=".gz" if packed else "")
    path = tmp_path / f"train-images-idx3-ubyte{'.gz' if packed else ''}"
    path.write_bytes(gzip.compress(content) if packed else content)
    message = refused(tmp_path, "E0514")
    assert message.startswith(f"d/{path.name} cannot be read: ")
    assert message.endswith(why)


def test_a_file_that_unpacks_without_end(tmp_path: Path) -> None:
    """A thousand times its size: read as far as its header says, and not to the end."""
    digits(tmp_path, packed=".gz")
    path = tmp_path / "train-images-idx3-ubyte.gz"
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    zeros = bytes(2**24)
    with path.open("wb") as file:
        file.write(packer.compress(HEADER.pack(0, 0, 8, 3, 60, 5, 4)))
        for _ in range(8):
            file.write(packer.compress(zeros))
        file.write(packer.flush())
    assert refused(tmp_path, "E0514").endswith("it has more than the 1,200 bytes of 60x5x4")


def test_images_and_labels_of_other_numbers(tmp_path: Path) -> None:
    digits(tmp_path)
    written_idx(tmp_path / "train-labels-idx1-ubyte", TENS[:59])
    assert refused(tmp_path, "E0514") == "d: 60 images and 59 labels in the train part"


def test_test_images_of_another_size(tmp_path: Path) -> None:
    digits(tmp_path)
    written_idx(tmp_path / "t10k-images-idx3-ubyte", PIXELS[:20, :4])
    assert (
        refused(tmp_path, "E0514")
        == "d: training and test images have different sizes, 5x4 and 4x4"
    )


def put(key: str, value: Any) -> Callable[[dict[str, Any]], object]:
    return lambda content: content.update({key: value})


def change_label(label: object) -> Callable[[dict[str, Any]], object]:
    return lambda content: content["labels"].__setitem__(3, label)


NOISE = np.zeros((10, 3072), np.uint8)
WRONG: dict[str, tuple[str, Callable[[dict[str, Any]], object], str, str]] = {
    "too large a label": (
        "data_batch_2",
        change_label(10),
        "E0521",
        "image 3 has the label 10, but there are 10 classes",
    ),
    "a negative label": (
        "test_batch",
        change_label(-1),
        "E0521",
        "image 3 has the label -1, but there are 10 classes",
    ),
    "an endless label": (
        "test_batch",
        change_label(10**30),
        "E0521",
        "image 3 has the label 1,000,",
    ),
    "a label in words": (
        "test_batch",
        change_label("cat"),
        "E0514",
        "it has no `labels`, a list of whole numbers",
    ),
    "a fraction": (
        "test_batch",
        change_label(0.5),
        "E0514",
        "it has no `labels`, a list of whole numbers",
    ),
    "no labels": (
        "test_batch",
        lambda content: content.pop("labels"),
        "E0514",
        "it has no `labels`, a list of whole numbers",
    ),
    "too few labels": ("test_batch", put("labels", [1]), "E0514", "it has 10 images and 1 labels"),
    "no pixels": (
        "test_batch",
        lambda content: content.pop("data"),
        "E0514",
        "it has no `data`, a 2-D array of bytes",
    ),
    "other pixels": (
        "test_batch",
        put("data", NOISE[:, 1:]),
        "E0514",
        "its `data` has the shape 10x3071",
    ),
    "no images": ("test_batch", put("data", NOISE[:0]), "E0514", "its `data` has the shape 0x3072"),
    "a list of pixels": (
        "test_batch",
        put("data", [1, 2]),
        "E0514",
        "it has no `data`, a 2-D array of bytes",
    ),
    "a row of pixels": (
        "test_batch",
        put("data", NOISE[0]),
        "E0514",
        "it has no `data`, a 2-D array of bytes",
    ),
    "floats": (
        "test_batch",
        put("data", NOISE.astype(np.float64)),
        "E0514",
        "it contains an array of 'f8', not of bytes",
    ),
    "objects": (
        "test_batch",
        put("data", np.array([[None]])),
        "E0514",
        "it contains an array of 'O8', not of bytes",
    ),
    "no names": (
        "batches_meta",
        lambda content: content.clear(),
        "E0514",
        "it has no `label_names`, the names of the classes",
    ),
    "names of numbers": (
        "batches_meta",
        put("label_names", [1] * 10),
        "E0514",
        "it has no `label_names`",
    ),
    "a name": ("batches_meta", put("label_names", "airplane"), "E0514", "it has no `label_names`"),
    "other names": (
        "batches_meta",
        put("label_names", ["a"]),
        "E0514",
        "it names 1 classes, and cifar-10 has 10",
    ),
}


@pytest.mark.parametrize("kind", WRONG)
def test_a_wrong_file_of_cifar(kind: str, tmp_path: Path) -> None:
    name, change, code, why = WRONG[kind]
    message = refused(cifar(tmp_path / "set", **{name: change}), code)
    assert message.startswith(f"d/{name.replace('s_meta', 's.meta')}")
    assert why in message


BOMBS = {
    "a wide memo": b"\x80\x02}r\xff\xff\xff\x00.",
    "a memo in text": b"\x80\x02}p9999999\n.",
    "an endless text": b"\x80\x02\x8d" + struct.pack("<Q", 2**40) + b"abc.",
    "endless bytes": b"\x80\x02\x8e" + struct.pack("<Q", 2**62) + b"abc.",
    "an endless number": b"\x80\x02\x8b" + struct.pack("<i", 2**31 - 1) + b"abc.",
    "a huge array": b"\x80\x02cnumpy\nndarray\nJ\x00\x00\x00\x7f\x85R.",
    "an array that is filled with less": pickle.dumps(NOISE, protocol=2).replace(
        b"M\x00\x0c", b"J\xff\xff\xff\x7f"
    ),
    "nested lists": b"\x80\x02" + b"]" * 100_000 + b"a" * 99_999 + b".",
    "text in another encoding": b"\x80\x02c_codecs\nencode\nU\x01xU\x05idna-\x86R.",
    "nothing": b"",
    "half of it": pickle.dumps({"data": NOISE}, protocol=2)[:500],
    "another protocol": b"\x80\xff}.",
}


@pytest.mark.parametrize("kind", BOMBS)
def test_a_pickle_that_would_take_all_memory(kind: str, tmp_path: Path) -> None:
    folder = cifar(tmp_path / "set")
    (folder / "data_batch_1").write_bytes(BOMBS[kind])
    message = refused(folder, "E0514")
    assert message.startswith("d/data_batch_1 cannot be read: ")
    assert message.endswith("its objects are numbered wrongly") == ("memo" in kind)


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_cifar_of_every_protocol_is_torchvisions(protocol: int, tmp_path: Path) -> None:
    folder = cifar(tmp_path / CIFAR10.base_folder)
    for path in folder.iterdir():
        path.write_bytes(pickle.dumps(pickle.loads(path.read_bytes()), protocol=protocol))
    found = load(str(tmp_path))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("torchvision.datasets.cifar.check_integrity", lambda *_: True)
        theirs = CIFAR10(str(tmp_path))
    images = torch.stack([torch.from_numpy(pixels).permute(2, 0, 1) for pixels in theirs.data])
    assert torch.equal(in_memory(found), images)
    assert found.train.labels.tolist() == theirs.targets
    assert list(found.classes) == theirs.classes


def in_memory(found: Dataset) -> torch.Tensor:
    from resspec.training.data.memory import InMemory

    assert isinstance(found.train, InMemory)
    return found.train.images

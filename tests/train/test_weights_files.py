"""Files that are given as weights and are something else: one sentence each, which names the file
and what is in it.
"""

import argparse
import io
import json
import os
import pickle
import struct
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest
import torch
from safetensors.torch import save

from resspec.diagnostics import UsageError
from resspec.training import weights

NET = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.BatchNorm2d(4), torch.nn.Linear(4, 2))


def pickled(value: object, **how: bool) -> bytes:
    content = io.BytesIO()
    torch.save(value, content, **how)
    return content.getvalue()


def with_tensor(name: str, tensor: object) -> bytes:
    return pickled({**NET.state_dict(), name: tensor})


def header(text: bytes, length: int | None = None, rest: bytes = b"") -> bytes:
    return struct.pack("<Q", len(text) if length is None else length) + text + rest


def placed(**tensors: tuple[list[int], int, int]) -> bytes:
    """A header of tensors with their shapes, and where they begin and end."""
    found = {
        name: {"dtype": "F32", "shape": shape, "data_offsets": [start, end]}
        for name, (shape, start, end) in tensors.items()
    }
    return json.dumps(found).encode()


def zipped(files: dict[str, bytes], *, packed: bool = False) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(
        content, "w", zipfile.ZIP_DEFLATED if packed else zipfile.ZIP_STORED
    ) as archive:
        for name, each in files.items():
            archive.writestr(name, each)
    return content.getvalue()


def scripted() -> bytes:
    content = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.jit.save(torch.jit.trace(torch.nn.Linear(2, 2), torch.zeros(1, 2)), content)
    return content.getvalue()


def quantized() -> torch.Tensor:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return torch.quantize_per_tensor(torch.zeros(4), 0.1, 0, torch.qint8)


FILES: dict[str, tuple[Callable[[], bytes], str]] = {
    "empty": (lambda: b"", "it is empty"),
    "json": (lambda: b'{"weights": [1, 2]}', "neither a safetensors file nor one written"),
    "text": (lambda: b"not weights at all\n" * 9, "neither a safetensors file nor one written"),
    "header longer than the file": (lambda: header(b'{"a":1}', 1 << 39), "is longer than the file"),
    "header of absurd length": (
        lambda: header(b'{"a":1}', (1 << 64) - 1),
        "neither a safetensors file nor one written",
    ),
    "header that is not JSON": (lambda: header(b"{" * 3000), "invalid JSON in header"),
    "header of other JSON": (lambda: header(b'{"a": [1]}'), "invalid JSON in header"),
    "tensor beyond the file": (
        lambda: header(placed(a=([9_999_999] * 2, 0, 399_999_920_000_004))),
        "incomplete",
    ),
    "tensor of overflowing size": (lambda: header(placed(a=([1 << 32] * 3, 0, 0))), "overflow"),
    "two tensors in one place": (
        lambda: header(placed(a=([1], 0, 4), b=([1], 0, 4)), rest=bytes(4)),
        "invalid offset",
    ),
    "no tensor": (lambda: save({}), "it contains no tensors"),
    "cut short": (lambda: pickled(NET.state_dict())[:-200], "a damaged or incomplete ZIP archive"),
    "cut short, old": (
        lambda: pickled(NET.state_dict(), _use_new_zipfile_serialization=False)[:-20],
        "cannot read weights",
    ),
    "zip of other files": (
        lambda: zipped({"readme.txt": b"hello"}),
        "a ZIP archive, but torch.save did not write it",
    ),
    "zip bomb": (
        lambda: zipped({"a/data.pkl": bytes(300_000_000)}, packed=True),
        "it would unpack to 300 MB",
    ),
    "torchscript": (scripted, "a TorchScript archive"),
    "program": (
        lambda: pickled({"args": argparse.Namespace(), **NET.state_dict()}),
        "argparse.Namespace",
    ),
    "pickled list": (lambda: pickle.dumps([1, 2]), "cannot read weights from"),
    "a number": (lambda: pickled(7), "it contains an int instead of a dict of tensors"),
    "a list": (
        lambda: pickled([torch.zeros(2)]),
        "it contains a list instead of a dict of tensors",
    ),
    "a lone tensor": (
        lambda: pickled(torch.zeros(2)),
        "it contains a Tensor instead of a dict of tensors",
    ),
    "numbered": (
        lambda: pickled(dict(enumerate(NET.state_dict().values()))),
        "the name 0 of a tensor is not a string",
    ),
    "with an epoch": (lambda: with_tensor("epoch", 3), "`epoch` in it is an int, not a tensor"),
    "nested": (
        lambda: pickled({"net": NET.state_dict(), "epoch": 3}),
        "`net` in it is an OrderedDict, not a tensor",
    ),
    "sparse": (
        lambda: with_tensor("2.bias", torch.zeros(2).to_sparse()),
        "of the layout sparse_coo",
    ),
    "quantized": (lambda: with_tensor("1.weight", quantized()), "`1.weight` in it is quantized"),
    "meta": (
        lambda: with_tensor("1.weight", torch.zeros(4, device="meta")),
        "cannot read weights from",
    ),
    "complex": (
        lambda: with_tensor("1.weight", torch.zeros(4, dtype=torch.complex64)),
        "`1.weight` is complex64",
    ),
    "a scalar": (lambda: with_tensor("1.weight", torch.tensor(1.0)), "1.weight scalar → 4"),
    "absurdly strided": (
        lambda: with_tensor("1.weight", torch.zeros(1).expand(10**9, 10**9)),
        "1.weight 1000000000x10",
    ),
    "twice": (
        lambda: with_tensor("module.1.weight", torch.zeros(4)),
        "two tensors in it are called `1.weight`",
    ),
    "packed float4": (
        lambda: with_tensor(
            "1.weight", torch.zeros(4, dtype=torch.uint8).view(torch.float4_e2m1fn_x2)
        ),
        "1.weight",
    ),
}


@pytest.mark.parametrize("kind", FILES)
@pytest.mark.parametrize("ending", ["pth", "safetensors"])
def test_what_is_not_weights_is_told_in_a_sentence(kind: str, ending: str, tmp_path: Path) -> None:
    make, said = FILES[kind]
    path = tmp_path / f"w.{ending}"
    path.write_bytes(make())
    with pytest.raises(UsageError) as caught:
        weights.read(path).into(NET)
    message = str(caught.value)
    assert caught.value.code in ("E0610", "E0611")
    assert message.startswith(
        (f"cannot read weights from {path}: ", f"the weights of {path} do not fit this network")
    )
    assert said in message


def test_safetensors_may_say_nothing_of_themselves(tmp_path: Path) -> None:
    content = save(NET.state_dict())
    length = int.from_bytes(content[:8], "little")
    text = json.dumps({"__metadata__": None, **json.loads(content[8 : 8 + length])}).encode()
    path = tmp_path / "w.safetensors"
    path.write_bytes(len(text).to_bytes(8, "little") + text + content[8 + length :])
    found = weights.read(path)
    assert found.metadata == {} and found.tensors.keys() == NET.state_dict().keys()


def test_what_is_not_a_file_is_named_and_waited_for_by_nobody(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.pth")
    (tmp_path / "folder.safetensors").mkdir()
    (tmp_path / "loop.pth").symlink_to(tmp_path / "loop.pth")
    for name, said in (
        ("pipe.pth", "a named pipe"),
        ("folder.safetensors", "a folder"),
        ("loop.pth", "symbolic links"),
        ("none.pth", "No such file"),
        ("a" * 300, "name too long"),
        ("/dev/zero", "a device"),
    ):
        with pytest.raises(UsageError, match=said) as caught:
            weights.read(tmp_path / name)
        assert caught.value.code == "E0611"


@pytest.mark.parametrize(
    "dtype", [torch.float16, torch.bfloat16, torch.float64, torch.float8_e4m3fn, torch.float8_e5m2]
)
def test_other_floating_types_and_layouts_in_memory_are_taken(
    dtype: torch.dtype, tmp_path: Path
) -> None:
    tensors = {name: tensor.clone() for name, tensor in NET.state_dict().items()}
    tensors["0.weight"] = (
        tensors["0.weight"].to(dtype).contiguous(memory_format=torch.channels_last)
    )
    tensors["1.weight"] = torch.arange(8).to(dtype)[::2]
    torch.save(tensors, tmp_path / "w.pth")
    net = torch.nn.Sequential(
        torch.nn.Conv2d(3, 4, 3), torch.nn.BatchNorm2d(4), torch.nn.Linear(4, 2)
    )
    weights.read(tmp_path / "w.pth").into(net)
    assert torch.equal(net.state_dict()["0.weight"], tensors["0.weight"].float())
    assert net.state_dict()["1.weight"].tolist() == [0, 2, 4, 6]


def test_the_form_is_told_by_the_content_and_not_by_the_name(tmp_path: Path) -> None:
    (tmp_path / "w.pth").write_bytes(save(NET.state_dict()))
    (tmp_path / "w.safetensors").write_bytes(pickled(NET.state_dict()))
    (tmp_path / "w.bin").write_bytes(
        pickled(NET.state_dict(), _use_new_zipfile_serialization=False)
    )
    for name in ("w.pth", "w.safetensors", "w.bin"):
        found = weights.read(tmp_path / name).tensors
        assert all(torch.equal(tensor, found[name]) for name, tensor in NET.state_dict().items())


@pytest.mark.parametrize("seed", range(40))  # the campaign takes 10,000
def test_random_damage_is_named_or_harmless(seed: int, tmp_path: Path) -> None:
    assert_damage_is_named_or_harmless(seed, tmp_path)


def assert_damage_is_named_or_harmless(seed: int, folder: Path) -> None:
    rng, path, tensors = Random(seed), folder / "w", NET.state_dict()
    match seed % 3:
        case 0:
            content = bytearray(pickled(tensors))
        case 1:
            content = bytearray(pickled(tensors, _use_new_zipfile_serialization=False))
        case _:
            content = bytearray(save(tensors))

    match rng.randrange(4):
        case 0:
            del content[rng.randrange(len(content)) :]
        case 1:
            start = rng.randrange(len(content))
            content[start : start + 30] = rng.randbytes(rng.randrange(30))
        case _:
            content[rng.randrange(min(len(content), 600))] ^= 1 << rng.randrange(8)

    path.write_bytes(content)
    try:
        weights.read(path).into(NET)
    except UsageError as error:
        assert str(path) in str(error)


def test_metadata_that_is_damaged_is_told(tmp_path: Path) -> None:
    from resspec.training.weights import metadata

    good = {
        "input": [1, 8, 8],
        "exif": "upright",
        "resize": None,
        "interpolation": "bilinear",
        "crop": None,
        "mean": [0.5],
        "std": [0.2],
        "mean_image": None,
    }
    for name, value in (
        ("classes", "[1, 2]"),
        ("classes", "{"),
        ("classes", "[" * 100_000),
        ("preprocessing", "[]"),
        *(
            ("preprocessing", json.dumps({**good, key: bad}))
            for key, bad in (
                ("mean", "x"),
                ("mean", [1, 2]),
                ("std", None),
                ("crop", -1),
                ("exif", 7),
                ("input", []),
                ("mean_image", 3),
                ("mean", None),
            )
        ),
    ):
        (tmp_path / "w").write_bytes(save(NET.state_dict(), {name: value}))
        given = weights.read(tmp_path / "w")
        with pytest.raises(UsageError, match=f"`{name}` in the metadata of .*w is damaged"):
            metadata.classes(given) if name == "classes" else metadata.preprocessing_of(given)
    (tmp_path / "w").write_bytes(save(NET.state_dict(), {"preprocessing": json.dumps(good)}))
    assert metadata.preprocessing_of(weights.read(tmp_path / "w")) == good

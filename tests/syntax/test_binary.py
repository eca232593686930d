"""A binary file in place of a spec is named by what it is."""

from __future__ import annotations

from pathlib import Path

import pytest

from resspec.compiler import compile_spec, to_onnx
from resspec.syntax.binary import recognize
from tests.commands.typed import GOOD, Captured, ran, spec

pytestmark = pytest.mark.usefixtures("here")


def test_files_as_their_libraries_write_them() -> None:
    import torch
    from PIL import Image
    from safetensors.torch import save_file

    tensors = {"fc.weight": torch.zeros(100, 100), "fc.bias": torch.zeros(3)}
    save_file(tensors, "x.safetensors")
    torch.save(tensors, "x.pth")
    torch.save(tensors, "old.pth", _use_new_zipfile_serialization=False)
    Image.new("RGB", (3, 3)).save("x.png")
    Image.new("RGB", (3, 3)).save("x.jpg")
    Image.new("RGB", (3, 3)).save("x.gif")
    Path("x.onnx").write_bytes(to_onnx(compile_spec(spec("a.res", GOOD))).content)

    found = {path.name: recognize(path.read_bytes()) for path in Path().glob("*.*")}
    names = {name: kind.name for name, kind in found.items() if kind}
    assert names == {
        "x.safetensors": "a safetensors file",
        "x.pth": "a file of torch.save",
        "old.pth": "a pickle, as old versions of torch.save write",
        "x.png": "a PNG image",
        "x.jpg": "a JPEG image",
        "x.gif": "a GIF image",
        "x.onnx": "an ONNX file",
    }
    weights = {name for name, kind in found.items() if kind and kind.is_weights}
    assert weights == {"x.safetensors", "x.pth", "old.pth"}


def test_a_file_of_weights_longer_than_any_spec_is_weights(capsys: Captured) -> None:
    Path("w.safetensors").write_bytes(b"\x10" + bytes(7) + b"{" + bytes(1 << 21))
    for command in ("report", "check", "eval", "train"):
        err = ran(f"{command} w.safetensors", capsys, 1)[1]
        assert "error[E0101]: this is a safetensors file, not a spec" in err
        assert ("--weights FILE" in err) == (command in ("eval", "train"))

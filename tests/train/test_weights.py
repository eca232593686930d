"""Weights to start from: what fits is taken, what does not is told as the diff tells it, and a last
layer may be new.
"""

import re
from pathlib import Path

import pytest
import torch
import torchvision
from safetensors.torch import save_file

from resspec import cli
from resspec.backends.module import build
from resspec.compiler import load
from resspec.diagnostics import UsageError
from resspec.training import weights

NETWORK = (
    "network small {{ input 3x8x8; stem conv 3x3, {width} -> bn; head avgpool -> fc {classes} }}\n"
)


def small(folder: Path, width: int = 4, classes: int = 5) -> torch.nn.Module:
    (folder / "small.res").write_text(NETWORK.format(width=width, classes=classes))
    return build(load(folder / "small.res"))


def test_torchvisions_weights_in_both_forms(tmp_path: Path) -> None:
    theirs = torchvision.models.resnet18().state_dict()
    torch.save(
        {"state_dict": {f"module.{name}": tensor for name, tensor in theirs.items()}},
        tmp_path / "w.pth",
    )
    save_file(
        {k: v.contiguous() for k, v in theirs.items() if "num_batches" not in k},
        tmp_path / "w.safetensors",
    )
    for path in (tmp_path / "w.pth", tmp_path / "w.safetensors"):
        module = build(load("torchvision/resnet18"))
        weights.read(path).into(module)
        assert all(
            torch.equal(tensor, theirs[name]) for name, tensor in module.state_dict().items()
        )


def test_a_new_head_starts_at_random_and_all_else_as_in_the_file(tmp_path: Path) -> None:
    source = small(tmp_path)
    save_file(source.state_dict(), tmp_path / "w.safetensors")
    module = small(tmp_path, classes=7)
    own = {name: tensor.clone() for name, tensor in module.state_dict().items()}
    with pytest.raises(UsageError) as caught:
        weights.read(tmp_path / "w.safetensors").into(module)
    assert str(caught.value).splitlines()[1:] == [
        "the file loads into the network only without its reshaped tensors: 5 of 7 tensors, 116 of 151 parameters",
        "  2 reshaped: fc.weight 5x4 → 7x4, fc.bias 5 → 7",
    ]
    assert all(torch.equal(tensor, own[name]) for name, tensor in module.state_dict().items())
    said = weights.read(tmp_path / "w.safetensors").into(module, new_head=True)
    assert said == ("`fc` has 7 outputs, not 5: it is initialized at random",)
    for name, tensor in module.state_dict().items():
        assert torch.equal(
            tensor, own[name] if name.startswith("fc.") else source.state_dict()[name]
        )


def test_a_new_head_is_no_leave_for_other_misfits(tmp_path: Path) -> None:
    tensors = {**small(tmp_path).state_dict(), "more": torch.zeros(2)}
    del tensors["bn1.bias"]
    save_file(tensors, tmp_path / "w.safetensors")
    for new_head in (False, True):
        with pytest.raises(
            UsageError, match=r"\n  2 reshaped: fc.*\n  1 vanished: more\n  1 appeared: bn1\.bias$"
        ):
            weights.read(tmp_path / "w.safetensors").into(
                small(tmp_path, classes=7), new_head=new_head
            )
    with pytest.raises(UsageError, match="nothing in the file fits the network"):
        weights.read(tmp_path / "w.safetensors").into(build(load("vgg16")))


def test_what_holds_no_weights(tmp_path: Path) -> None:
    class Program:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return print, ("run",)

    torch.save({"w": Program()}, tmp_path / "program.pth")
    (tmp_path / "noise.safetensors").write_bytes(b"noise")
    save_file({}, tmp_path / "empty.safetensors")
    for name, said in (
        ("program.pth", "besides tensors"),
        ("noise.safetensors", "cannot read weights from"),
        ("empty.safetensors", "cannot read weights from"),
        ("none.pth", "cannot read"),
    ):
        with pytest.raises(UsageError, match=re.escape(said)):
            weights.read(tmp_path / name)


def test_what_torch_compile_and_several_devices_put_before_names(tmp_path: Path) -> None:
    source = small(tmp_path)
    for prefix in ("_orig_mod.", "module._orig_mod.", "_orig_mod.module."):
        torch.save(
            {f"{prefix}{name}": tensor for name, tensor in source.state_dict().items()},
            tmp_path / "w.pth",
        )
        module = small(tmp_path)
        weights.read(tmp_path / "w.pth").into(module)
        assert all(
            torch.equal(tensor, source.state_dict()[name])
            for name, tensor in module.state_dict().items()
        )


def test_files_that_are_nearly_weights(tmp_path: Path) -> None:
    tensors = small(tmp_path).state_dict()
    (tmp_path / "empty.pth").write_bytes(b"")
    torch.save(dict(enumerate(tensors.values())), tmp_path / "numbered.pth")
    torch.save(
        {name: tensor.to_sparse() for name, tensor in tensors.items()}, tmp_path / "sparse.pth"
    )
    for name in ("empty.pth", "numbered.pth", "sparse.pth"):
        with pytest.raises(UsageError, match="cannot read weights from") as caught:
            weights.read(tmp_path / name)
        assert caught.value.code == "E0611"


def test_a_counter_of_a_layer_that_is_not_here_is_left_out(tmp_path: Path) -> None:
    source = small(tmp_path)
    torch.save(
        {**source.state_dict(), "x.num_batches_tracked": torch.tensor(3)}, tmp_path / "w.pth"
    )
    module = small(tmp_path)
    weights.read(tmp_path / "w.pth").into(module)
    assert torch.equal(module.state_dict()["fc.weight"], source.state_dict()["fc.weight"])


def test_values_that_no_training_leaves(tmp_path: Path) -> None:
    tensors = small(tmp_path).state_dict()
    for spoiled, said in (
        (torch.full((5,), torch.nan), "`fc.bias` has values that are not finite"),
        (torch.zeros(5, dtype=torch.int64), "`fc.bias` is int64, the network's is float32"),
    ):
        torch.save({**tensors, "fc.bias": spoiled}, tmp_path / "w.pth")
        with pytest.raises(UsageError, match=said):
            weights.read(tmp_path / "w.pth").into(small(tmp_path))


def test_weights_that_do_not_fit_take_no_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    tensors = {
        name: tensor
        for name, tensor in build(load("digits")).state_dict().items()
        if not name.startswith("fc.")
    }
    save_file(
        {**tensors, "fc.weight": torch.zeros(3, 64), "fc.bias": torch.zeros(3)}, "w.safetensors"
    )
    asked = [
        "train",
        "digits",
        "--weights",
        "w.safetensors",
        "--run",
        "r",
        "--set",
        "iterations=1",
    ]
    assert cli.run(asked) == 0
    assert "note: `fc` has 10 outputs, not 3: it is initialized at random\n" in (
        capsys.readouterr().err
    )

"""Networks of which a part cannot be written as a spec, imported with placeholders."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from resspec import load, report
from resspec.diagnostics import UsageError
from resspec.importing.errors import Unimportable
from resspec.importing.imported import Imported, ImportOptions, import_object
from resspec.importing.sources import source_of
from resspec.ir import walk
from resspec.ir.network import Network
from resspec.ir.nodes import Op
from tests.commands.typed import Captured, ran
from tests.importing.test_graphs import same

WIDTH = 8


class Spectrum(nn.Module):
    """A call without a layer, between two layers."""

    def __init__(self) -> None:
        super().__init__()
        self.before = nn.Conv2d(WIDTH, WIDTH, 3, padding=1)
        self.after = nn.Conv2d(WIDTH, WIDTH, 1)

    def forward(self, x: Tensor) -> Tensor:
        after: Tensor = self.after(torch.cumsum(self.before(x), 1))
        return after


class Attention(nn.Module):
    """A product of two values that no layer computes: only all of it has one input."""

    def __init__(self) -> None:
        super().__init__()
        self.query = nn.Conv2d(WIDTH, WIDTH, 1)
        self.key = nn.Conv2d(WIDTH, WIDTH, 1)

    def forward(self, x: Tensor) -> Tensor:
        weights: Tensor = self.query(x).flatten(2).transpose(1, 2) @ self.key(x).flatten(2)
        return (x.flatten(2) @ weights).view(x.shape)


class Crossed(nn.Module):
    """Branches that cross, from which the layers around have no way to differ."""

    def __init__(self) -> None:
        super().__init__()
        self.convs = nn.ModuleList(nn.Conv2d(WIDTH, WIDTH, 3, padding=1) for _ in range(3))

    def forward(self, x: Tensor) -> Tensor:
        a, b, c = self.convs
        first = a(x)
        second = x + first
        result: Tensor = b(first) + c(second)
        return result


class Around(nn.Module):
    def __init__(self, *parts: nn.Module) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, WIDTH, 3, stride=2, padding=1)
        self.parts = nn.Sequential(*parts)
        self.head = nn.Linear(WIDTH, 10)

    def forward(self, x: Tensor) -> Tensor:
        head: Tensor = self.head(self.parts(self.stem(x)).mean((2, 3)))
        return head


def imported(module: nn.Module) -> Imported:
    return import_object(module, ImportOptions((32,), partial=True))


def placeholders(network: Network) -> dict[str, str]:
    """The shapes of a network's placeholders, by their full names."""
    return {
        path: str(step.node.output)
        for path, step in walk.layers(walk.whole(network))
        if isinstance(step.node, Op) and step.node.layer.kind == "placeholder"
    }


@pytest.mark.parametrize(
    ("part", "path", "hidden"),
    [
        (Spectrum(), "parts.0.placeholder1", 0),
        (Attention(), "parts.0.placeholder1", 4),
        (Crossed(), "parts.0.placeholder1", 6),
    ],
)
def test_the_smallest_part_around_is_a_placeholder(part: nn.Module, path: str, hidden: int) -> None:
    module = Around(part)
    with pytest.raises(Unimportable):
        import_object(module, ImportOptions((32,)))
    found = imported(module)
    assert placeholders(found.network) == {path: "8x16x16"}
    assert found.proof.hidden == hidden
    assert found.proof.loaded == len(module.state_dict()) - hidden
    assert found.proof.outputs is None
    assert f"parts.0 ({type(part).__name__})" in found.text


def test_a_module_that_is_hidden_gives_its_class_to_the_block() -> None:
    found = imported(Around(Attention(), nn.ReLU(), Attention()))
    assert "block attention { placeholder 8, 16x16 }" in found.text
    assert "stage parts: attention -> relu -> attention" in found.text
    assert set(placeholders(found.network)) == {
        "parts.0.placeholder1",
        "parts.2.placeholder1",
    }


def test_all_that_is_around_is_counted(here: Path, capsys: Captured) -> None:
    """The rest has the figures that it has without the part."""
    (here / "net.res").write_text(imported(Around(Spectrum())).text, encoding="utf-8")
    whole = load("net.res")
    layers = [nn.Conv2d(3, WIDTH, 3), *Spectrum().children(), nn.Linear(WIDTH, 10)]
    params = sum(tensor.numel() for layer in layers for tensor in layer.parameters())
    assert report(whole).totals["params"] == params
    out, err = ran("report net.res --format json", capsys)
    assert json.loads(out)["placeholders"] == 1
    assert "warning[W0312]" in err
    assert "1 placeholder has unknown figures" in ran("report net.res", capsys)[0]
    ran("draw net.res -o net.svg", capsys)
    assert "placeholder" in (here / "net.svg").read_text(encoding="utf-8")


@pytest.mark.parametrize("command", ["compile net.res", "compile net.res --target onnx"])
def test_nothing_is_compiled_with_a_placeholder(
    command: str, here: Path, capsys: Captured, request: pytest.FixtureRequest
) -> None:
    (here / "net.res").write_text(
        "network net { input 3x8x8; stem a: placeholder 8, 4x4 -> 2 x placeholder 4; head fc 3 }"
    )
    _, err = ran(command, capsys, code=2)
    (message,) = [line for line in err.splitlines() if line.startswith("error")]
    same("E0403", message, update=request.config.getoption("--update"))
    assert not (here / "build").exists()


def test_an_obstacle_in_the_network_itself(request: pytest.FixtureRequest) -> None:
    class Whole(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return x.flatten(2).transpose(1, 2) @ x.flatten(2)

    with pytest.raises(UsageError) as raised:
        imported(Whole())
    assert raised.value.code == "E0711"
    same("E0711", str(raised.value), update=request.config.getoption("--update"))


def test_channels_that_come_last_stay_last() -> None:
    class Last(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.norm = nn.LayerNorm(WIDTH)

        def forward(self, x: Tensor) -> Tensor:
            return torch.cumsum(self.norm(x.permute(0, 2, 3, 1)), 1).permute(0, 3, 1, 2)

    found = imported(Around(Last(), nn.Conv2d(WIDTH, WIDTH, 1)))
    assert found.network.output.dims == (10,)
    assert placeholders(found.network) == {"parts.0.placeholder1": "8x16x16"}


def test_a_file_is_imported_in_part(tmp_path: Path) -> None:
    from resspec.importing.imported import import_source

    program = torch.export.export(Around(Spectrum()).eval(), (torch.zeros(2, 3, 32, 32),))
    path = tmp_path / "net.pt2"
    torch.export.save(program, path)
    source = source_of(str(path))
    assert source is not None
    found = import_source(source, ImportOptions(partial=True))
    assert list(placeholders(found.network).values()) == ["8x16x16"]
    assert found.proof.loaded == found.proof.tensors == 8

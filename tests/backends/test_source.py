"""Emitted files: the module's twin to the bit, readable, harmless, and importing torch alone."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Callable
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from resspec.backends import layers
from resspec.backends.module import build
from resspec.backends.source import copied, emit
from resspec.backends.source.syntax import GLOBALS
from resspec.compiler import load
from resspec.diagnostics import SpecError
from resspec.ir.fingerprint import fingerprint
from resspec.ir.json import from_json, to_json
from resspec.ir.network import Network
from tests.backends.random_networks import random_network, with_texts
from tests.random_specs import random_spec
from tests.specs.families import SMALL

Golden = Callable[[str, str], None]

VALUES = ["digits", "plain20", "resnet20", "regnet_y_400mf", "mobilenet_v2", "densenet121"]
GOLDEN = [
    "resnet152", "resnet20", "preact_resnet50", "resnet50d", "se_resnet50", "mobilenet_v2", "densenet121", "regnet_y_400mf",
    "torchvision/vgg16_bn",
]  # fmt: skip

ODD = """
shortcut A { same: identity; change: subsample /stride -> pad_channels out }
block torch(width) {
    residual conv 3x3, width, /stride -> bn -> relu -> conv 3x3, width -> bn scale=0 -> drop_path 0.3 * (index + 1) / count
    shortcut A
    after relu
}
block squeeze(width) { mul { identity | avgpool -> conv 1x1, width, bias=true -> relu -> conv 1x1, in, bias=true -> sigmoid } }
block nn { add { conv 3x3, in | conv 1x1, in -> identity | identity } -> silu }
block branches { concat { chunk 2, 0 | chunk 2, 1 -> conv 3x3, in / 2 -> ln2d -> gelu } -> shuffle 2 }
block last { to_last -> concat { slice 0, 4 | linear 4 } -> add { identity | ln | linear 8 } -> to_first -> layer_scale 0.5 }
block many { 40 x { conv 1x1, in -> bn -> relu -> drop_path 0.1 } }
network class {
    input 3x16x16
    stem conv 3x3, 8 -> gn groups=2 -> relu6 -> maxpool 3x3, /2
    stage while: 5 x torch 8
    stage two-0..: 2 x torch 16, /2 -> squeeze 4 -> squeeze 8 -> nn -> branches
    stage three.a: upconv 2x2, 8, /2
    stage 4: last -> many
    stage three.b: { conv 3x3, 8 -> hardswish -> dropout 0.5 }
    stage three.c.x0..: 3 x nn
    head avgpool -> import: fc 7 -> self: fc 5
    init conv: kaiming_normal mode=fan_out
    init fc: normal std=0.01
    init linear: xavier_uniform
}
"""


@pytest.fixture
def odd(tmp_path: Path) -> Network:
    path = tmp_path / "odd.res"
    path.write_text(ODD, encoding="utf-8")
    return load(path)


def execute(text: str) -> Callable[[], nn.Module]:
    """The function that an emitted file is there for."""
    names: dict[str, Any] = {}
    exec(compile(text, "<emitted>", "exec"), names)
    function: Callable[[], nn.Module] = names[names["__all__"][1]]
    return function


def assert_twins(network: Network, size: int | None = None) -> None:
    """The same parameters in the same order, from the same seed the same values, outputs and
    gradients, all to the bit.
    """
    make = execute(emit(network))
    built, emitted = _seeded(lambda: build(network)), _seeded(make)
    assert [name for name, _ in emitted.named_parameters()] == [
        name for name, _ in built.named_parameters()
    ]
    _assert_equal(emitted.state_dict(), built.state_dict())
    dims = network.input.dims if size is None else (network.input.channels, size, size)
    x = torch.randn(2, *dims)
    _assert_equal(_step(emitted, x), _step(built, x))
    with torch.no_grad():
        assert torch.equal(emitted.eval()(x), built.eval()(x))


def _seeded(make: Callable[[], nn.Module]) -> nn.Module:
    """A module, and the next random number after it as an attribute."""
    torch.manual_seed(0)
    module = make()
    module.register_buffer("next_random_number", torch.rand(1))
    return module


def _step(module: nn.Module, x: Tensor) -> dict[str, Tensor]:
    torch.manual_seed(1)
    x = x.clone().requires_grad_()
    y = module.train()(x)
    y.sum().backward()
    assert x.grad is not None
    return {
        "y": y,
        "x": x.grad,
        **{name: p.grad for name, p in module.named_parameters() if p.grad is not None},
    }


def _assert_equal(a: dict[str, Tensor], b: dict[str, Tensor]) -> None:
    assert list(a) == list(b)
    assert [name for name in a if not torch.equal(a[name].nan_to_num(), b[name].nan_to_num())] == []


# --- twins ---


@pytest.mark.parametrize("name", SMALL)
def test_shipped_names_and_shapes(name: str) -> None:
    network = load(name)
    with torch.device("meta"):
        built, emitted = build(network), execute(emit(network))()
    assert [(k, v.shape) for k, v in emitted.state_dict().items()] == [
        (k, v.shape) for k, v in built.state_dict().items()
    ]


@pytest.mark.parametrize("name", VALUES)
def test_shipped_values(name: str) -> None:
    network = load(name)
    assert_twins(network, min(32, *network.input.spatial))


@pytest.mark.parametrize("name", ["resnet20", "mobilenet_v2", "regnet_y_400mf"])
def test_values_without_declarations(name: str) -> None:
    network = from_json(to_json(load(name)))
    assert_twins(network, min(32, *network.input.spatial))


def test_every_construct(odd: Network) -> None:
    assert_twins(odd)
    assert_twins(from_json(to_json(odd)))


@pytest.mark.parametrize("seed", range(16))
def test_random_networks(seed: int) -> None:
    assert_twins(random_network(seed))


STOCHASTIC = """
block unit { residual conv 1x1, in -> drop_path FORMULA; shortcut identity }
network n { input 2x4x4; stage a: 9 x unit; stage b: 14 x unit; head avgpool -> fc 2 }
"""


@pytest.mark.parametrize(
    "formula",
    ["0.5 * (index + 1) / count", "0.07 + 0.3 * index / 11", "0.2 * index / count", "0.1"],
)
def test_stochastic_depth_to_the_bit(formula: str, tmp_path: Path) -> None:
    path = tmp_path / "n.res"
    path.write_text(STOCHASTIC.replace("FORMULA", formula), encoding="utf-8")

    def probabilities(module: nn.Module) -> list[object]:
        return [child.p for child in module.modules() if type(child).__name__ == "DropPath"]

    network = load(path)
    built = probabilities(build(network))
    assert len(built) == 23
    for each in (network, from_json(to_json(network))):
        assert probabilities(execute(emit(each))()) == built


CHOOSING = """
block unit(width, act=relu) {
    residual (stride > 1) x avgpool 2x2, /stride
          -> conv 3x3, width if width != in else divisible(1.1 * width, 8), groups=max(1, width // 16)
          -> act
    shortcut S
}
shortcut S { same: identity; widen: conv 1x1, out; change: avgpool 2x2, /2 -> conv 1x1, out }
network n(deep=true, width=64) {
    input 3x16x16
    stem conv 3x3, 16 if width < 32 else 32 -> deep x conv 3x3, 32 -> (width == 3) x { bn -> relu }
    stage layer1: (3 if deep else 2) x unit 16 -> unit 32, /2, act=silu if deep else gelu
    head avgpool -> fc round(width / 4 + 0.5)
}
"""


@pytest.mark.parametrize("parameters", [{}, {"deep": False}, {"width": 3}])
def test_choices_and_functions(parameters: dict[str, Any], tmp_path: Path) -> None:
    path = tmp_path / "n.res"
    path.write_text(CHOOSING, encoding="utf-8")
    network = load(path, **parameters)
    assert_twins(network)
    assert "def __init__(self)" in emit(network)  # since other values make other networks


ARMS = ("same: identity", "widen: conv 1x1, out", "narrow: slice 0, out", "change: none")


@pytest.mark.parametrize("arms", [*combinations(ARMS, 3), ARMS])
@pytest.mark.parametrize(
    "calls", ["u 8 -> u 9 -> u 7", "u 9 -> u 9 -> u 8", "u 8 -> u 7, /2", "u 7"]
)
def test_arms(arms: tuple[str, ...], calls: str, tmp_path: Path) -> None:
    path = tmp_path / "n.res"
    path.write_text(
        f"shortcut S {{ {'; '.join(arms)} }}\n"
        "block u(width) { residual conv 3x3, width, /stride; shortcut S }\n"
        f"network n {{ input 8x8x8; stem {calls}; head avgpool -> fc 2 }}",
        encoding="utf-8",
    )
    try:
        network = load(path)
    except SpecError as error:
        assert {each.code for each in error.diagnostics} <= {"E0309", "E0306"}
    else:
        assert_twins(network)


@pytest.mark.parametrize("seed", [17, 31, 33, 44, 88, 185, 486])
def test_random_specs(seed: int, tmp_path: Path) -> None:
    assert_twins(load(_random_spec(tmp_path, seed)))


def _random_spec(folder: Path, seed: int) -> Path:
    path = folder / f"random{seed}.res"
    path.write_text(random_spec(seed), encoding="utf-8")
    return path


# --- text ---


@pytest.mark.parametrize("name", GOLDEN)
def test_golden(name: str, golden: Golden) -> None:
    network = load(name)
    golden(f"source/{Path(name).name}.py", emit(network, fingerprint(network)))


def test_golden_odd(odd: Network, golden: Golden) -> None:
    golden("source/odd.py", emit(odd))


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("mobilenet_v2", "Inverted(16, 24, t=6, stride=2),  # 24x56x56"),
        ("mobilenet_v2", "cbr(3, 3, 32, stride=2),  # 32x112x112"),
        ("densenet121", "def __init__(self, in_channels: int, growth: int) -> None:"),
        ("torchvision/googlenet", "if isinstance(module, (nn.Conv2d, nn.Linear)):"),
        ("torchvision/inception_v3", "self.branch3x3_2b = CBR2(384, (3, 1), 384)"),
        ("torchvision/inception_v3", "branch2 = torch.cat((branch2_1, branch2_2), 1)"),
        ("torchvision/densenet121", "channels2 = (channels + 12 * growth) // 2"),
        ("torchvision/densenet121", "transition2=transition(channels + 12 * growth),  # 256x14x14"),
        ("torchvision/resnext50_32x4d", "inner = groups * group_width * width // 64"),
    ],
)
def test_declarations_keep_their_names(name: str, line: str) -> None:
    assert line in [each.strip() for each in emit(load(name)).splitlines()]


def test_a_network_takes_what_its_template_takes(tmp_path: Path) -> None:
    path = tmp_path / "n.res"
    path.write_text(
        "use he2015\nnetwork n(classes=10, width=8, n=2) {\n"
        "input 3x8x8; shortcut B; stem conv 3x3, width -> bn -> relu\n"
        "stage layer1: n x basic width; stage layer2: n x basic 2 * width, /2; head avgpool -> fc classes }",
        encoding="utf-8",
    )
    make: Any = execute(emit(load(path)))
    other = load(path, classes=7, width=4)
    with torch.device("meta"):
        built, emitted = build(other), make(classes=7, width=4)
    assert [(k, v.shape) for k, v in emitted.state_dict().items()] == [
        (k, v.shape) for k, v in built.state_dict().items()
    ]
    with pytest.raises(TypeError):
        make(n=3)  # how often a block is repeated is written out


def test_resnet152_is_short() -> None:
    assert 90 <= len(emit(load("resnet152")).splitlines()) <= 110


def test_depth_costs_no_lines() -> None:
    assert len(emit(load("resnet1202")).splitlines()) == len(emit(load("resnet20")).splitlines())


def test_laid_out_as_ruff_does(tmp_path: Path, odd: Network) -> None:
    for name in SMALL:
        (tmp_path / f"{name.replace('/', '_')}.py").write_text(emit(load(name)), encoding="utf-8")
    for seed in range(16):
        (tmp_path / f"network{seed}.py").write_text(emit(random_network(seed)), encoding="utf-8")
    for seed in [17, 44, 185, *range(200, 220)]:
        (tmp_path / f"spec{seed}.py").write_text(
            emit(load(_random_spec(tmp_path, seed))), encoding="utf-8"
        )
    (tmp_path / "odd.py").write_text(emit(odd), encoding="utf-8")
    for command in (
        ["format", "--line-length=100", "--diff"],
        ["check", "--select=E,F,W", "--ignore=E501"],
    ):
        ruff = [sys.executable, "-m", "ruff", *command, "--isolated", str(tmp_path)]
        result = subprocess.run(ruff, check=False, capture_output=True, text=True)
        assert result.returncode == 0, result.stdout


def test_imports_torch_alone(odd: Network) -> None:
    for text in [
        emit(odd),
        *(emit(load(name)) for name in GOLDEN),
        *(emit(random_network(seed)) for seed in range(8)),
    ]:
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.Import):
                assert [alias.name.split(".")[0] for alias in node.names] == ["torch"]
            elif isinstance(node, ast.ImportFrom):
                assert node.module == "torch"


def test_names_that_copied_layers_use_are_kept_free() -> None:
    tree = ast.parse(Path(layers.__file__).read_text(encoding="utf-8"))
    names = [node for node in ast.walk(tree) if isinstance(node, ast.Name)]
    own = {node.id for node in names if isinstance(node.ctx, ast.Store)}
    own |= {node.arg for node in ast.walk(tree) if isinstance(node, ast.arg)}
    assert {node.id for node in names} - own <= GLOBALS | copied.definitions().keys()


def test_emitting_imports_no_torch() -> None:
    code = "import sys; from resspec.compiler import load; from resspec.backends.source import emit; emit(load('resnet20'))"
    subprocess.run([sys.executable, "-c", f"{code}; assert 'torch' not in sys.modules"], check=True)


# --- what a spec cannot do ---

HOSTILE = [
    'x"""\nboom()\n"""', "a'); boom(); ('", "a\nboom()", "a\\", "{boom()}", "a#", "\N{RIGHT-TO-LEFT OVERRIDE}a", "a b", "",
    "é", "__init__", "None", "lambda: boom()", 'f"{boom()}"', "%s", "self.x = 1", "__", "_",
]  # fmt: skip


@pytest.mark.parametrize("text", HOSTILE)
def test_texts_stay_texts(text: str) -> None:
    network = with_texts(random_network(3), text)
    emitted = emit(network)
    tree = ast.parse(emitted)
    called = {ast.unparse(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    assert "boom" not in called
    assert emitted.isascii()
    assert_twins(network)

"""Built modules: their tree, values and initial weights, and that torch's tools accept them."""

from __future__ import annotations

import copy
import io
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from resspec.backends.layers import DropPath
from resspec.backends.module import Flow, build
from resspec.compiler import load
from resspec.ir.network import Network
from resspec.lowering.module_attributes import MODULE_ATTRIBUTES

EVERYTHING = """
shortcut A { same: identity; change: subsample /stride -> pad_channels out }
shortcut B { same: identity; change: conv 1x1, out, /stride -> bn }
block basic(width) {
    residual conv 3x3, width, /stride -> bn -> relu -> conv 3x3, width -> bn -> drop_path 0.4 * (index + 1) / count
    shortcut
    after relu
}
block squeeze { mul { identity | avgpool -> conv 1x1, 2, bias=true -> relu -> conv 1x1, in, bias=true -> sigmoid } }
block last {
    residual conv 3x3, in, groups=in -> to_last -> ln -> linear 2 * in -> gelu -> linear in -> to_first -> layer_scale 0.5
    shortcut identity
}
block branches {
    concat { chunk 2, 0 | chunk 2, 1 -> conv 3x3, in / 2 -> ln2d -> silu } -> shuffle 2
}
block last_branches { to_last -> concat { slice 0, 4 | linear 4 } -> add { identity | ln | linear 8 } -> to_first }
network n {
    input 3x16x16
    shortcut B
    stem conv 3x3, 8 -> gn groups=2 -> relu6 -> maxpool 3x3, /2
    stage one: 3 x basic 8
    stage two: basic 16, /2 -> squeeze -> last -> branches
    stage three.a: upconv 2x2, 8, /2
    stage four: last_branches
    stage three.b: { conv 3x3, 8 -> hardswish -> dropout 0.5 }
    head avgpool -> fc 5
    init conv: kaiming_normal mode=fan_out
}
"""


def network(tmp_path: Path, text: str) -> Network:
    path = tmp_path / "n.res"
    path.write_text(text, encoding="utf-8")
    return load(path)


def of(tmp_path: Path, clauses: str, blocks: str = "") -> nn.Module:
    return build(network(tmp_path, f"{blocks}\nnetwork n {{ input 4x6x6; {clauses} }}")).eval()


@pytest.fixture
def everything(tmp_path: Path) -> nn.Module:
    torch.manual_seed(0)
    return build(network(tmp_path, EVERYTHING))


@pytest.fixture
def picture() -> Tensor:
    return torch.randn(2, 3, 16, 16, generator=torch.Generator().manual_seed(1))


# --- the tree ---


def test_rows_are_sequential_and_the_rest_flows(everything: nn.Module) -> None:
    inner = {name: module for name, module in everything.named_modules() if list(module.children())}
    flows = {"", "one.0", "one.1", "one.2", "two.0", "two.1", "two.2", "two.3", "four"}
    rows = {"one", "two", "two.0.downsample", "three.b"}
    assert {name for name, module in inner.items() if type(module) is Flow} == flows
    assert {name for name, module in inner.items() if type(module) is nn.Sequential} == rows
    assert type(inner["three"]) is nn.Module


def test_children_stand_in_the_order_of_the_program(everything: nn.Module) -> None:
    assert list(dict(everything.named_children())) == [
        "conv1",
        "gn1",
        "relu61",
        "maxpool1",
        "one",
        "two",
        "three",
        "four",
        "avgpool1",
        "fc",
    ]
    assert list(dict(everything.get_submodule("two.1").named_children())) == [
        "avgpool1",
        "conv1",
        "relu1",
        "conv2",
        "sigmoid1",
    ]


def test_is_printed_with_the_names_of_blocks(everything: nn.Module) -> None:
    text = str(everything)
    assert text.startswith("n(\n  (conv1): Conv2d(3, 8,")
    assert "(0): basic(\n" in text and "(drop_path1): DropPath(p=0.08)" in text


def test_numbers_grow_over_repeats(tmp_path: Path) -> None:
    """Stochastic depth over the turns of a repeat, and names over the turns of two."""
    residual = (
        "block b { residual conv 3x3, 4 -> drop_path 0.5 * index / count; shortcut identity }"
    )
    module = of(tmp_path, "head 5 x b", residual)
    assert [m.p for m in module.modules() if isinstance(m, DropPath)] == pytest.approx(
        [0.0, 0.1, 0.2, 0.3, 0.4]
    )
    module = of(
        tmp_path,
        "head conv 1x1, 4 -> 2 x { bn -> 2 x { conv 1x1, 4 } -> conv 3x3, 4 } -> conv 1x1, 4",
    )
    names = [name for name, child in module.named_children() if isinstance(child, nn.Conv2d)]
    assert sorted(names) == [f"conv{i}" for i in range(1, 9)]
    assert [
        i + 1
        for i, name in enumerate(sorted(names))
        if module.get_submodule(name).kernel_size == (3, 3)
    ] == [4, 7]


def test_shared_scopes_are_entered_again(tmp_path: Path) -> None:
    """Neighbors in a scope are one row; a scope in several places holds all of its children."""
    row = of(tmp_path, "stem a.x: conv 1x1, 4; stage a.y: bn; head a.z: relu")
    assert [type(m) for m in row.modules()][:2] == [nn.Sequential, nn.Sequential]
    torch.manual_seed(0)
    stages = "stage b: relu; stage a.i.y: conv 3x3, 4; stage c: sigmoid"
    net = of(tmp_path, f"stem a.i.x: conv 1x1, 4; {stages}; head a.z: conv 1x1, 4")
    assert list(net.state_dict()) == ["a.i.x.weight", "a.i.y.weight", "a.z.weight"]
    a, x = net.get_submodule("a"), torch.randn(2, 4, 6, 6)
    middle = a.get_submodule("i.y")(a.get_submodule("i.x")(x).relu())
    assert torch.equal(net(x), a.get_submodule("z")(middle.sigmoid()))


@pytest.mark.parametrize(
    "module",
    [nn.Module(), nn.Sequential(), Flow("block", {}, ())],
    ids=["Module", "Sequential", "Flow"],
)
def test_no_label_is_an_attribute(module: nn.Module) -> None:
    """The language refuses all attributes of modules as labels, and every `__name`."""
    assert {name for name in dir(module) if not name.startswith("__")} <= MODULE_ATTRIBUTES


def test_a_replaced_child_is_used(everything: nn.Module, picture: Tensor) -> None:
    everything.fc = nn.Linear(8, 7)
    assert everything(picture).shape == (2, 7)


# --- what it computes ---


@pytest.mark.parametrize(
    ("merge", "expected"),
    [
        ("add { relu | identity | sigmoid }", lambda x: x.relu() + x + x.sigmoid()),
        ("mul { relu | identity | sigmoid }", lambda x: x.relu() * x * x.sigmoid()),
        ("mul { relu | avgpool }", lambda x: x.relu() * x.mean((2, 3), keepdim=True)),
        (
            "concat { relu | slice 1, 2 | sigmoid }",
            lambda x: torch.cat([x.relu(), x[:, 1:2], x.sigmoid()], 1),
        ),
        (
            "to_last -> concat { relu | slice 1, 2 }",
            lambda x: torch.cat([x.relu(), x[:, 1:2]], 1).permute(0, 2, 3, 1),
        ),
        (
            "flatten -> concat { relu | slice 1, 3 }",
            lambda x: torch.cat([x.flatten(1).relu(), x.flatten(1)[:, 1:3]], 1),
        ),
        ("add { identity | identity }", lambda x: 2 * x),
        (
            "add { sigmoid -> add { relu | identity } | relu } -> relu",
            lambda x: 2 * x.sigmoid() + x.relu(),
        ),
        (
            "ln2d eps=0.5",
            lambda x: (x - x.mean(1, True)) / (x.var(1, correction=0, keepdim=True) + 0.5).sqrt(),
        ),
        ("layer_scale 0.25", lambda x: x / 4),
        (
            "subsample /2 -> pad_channels 6",
            lambda x: torch.cat([x[:, :, ::2, ::2], x.new_zeros(2, 2, 3, 3)], 1),
        ),
        ("chunk 2, 1 -> subsample /3x1", lambda x: x[:, 2:, ::3]),
        ("2 x avgpool to=3x3", lambda x: x.unflatten(2, (3, 2)).unflatten(4, (3, 2)).mean((3, 5))),
    ],
)
def test_merges_compute_sums_products_and_concatenations(
    merge: str, expected: Callable[[Tensor], Tensor], tmp_path: Path
) -> None:
    x = torch.randn(2, 4, 6, 6)
    torch.testing.assert_close(of(tmp_path, f"head {merge}")(x), expected(x), rtol=0, atol=1e-6)


def test_drop_path_drops_whole_samples(tmp_path: Path) -> None:
    module = of(tmp_path, "head drop_path 0.25").train()
    torch.manual_seed(0)
    kept = module(torch.ones(4000, 4, 6, 6)).flatten(1)
    assert kept.unique().tolist() == pytest.approx([0, 4 / 3])
    assert torch.equal(kept.amin(1), kept.amax(1))
    assert float((kept[:, 0] > 0).float().mean()) == pytest.approx(0.75, abs=0.03)


# --- how it starts ---

LAWS: dict[str, Callable[[Tensor], Tensor]] = {
    "kaiming_normal": lambda w: nn.init.kaiming_normal_(w, nonlinearity="relu"),
    "kaiming_uniform mode=fan_out, nonlinearity=linear": lambda w: nn.init.kaiming_uniform_(
        w, mode="fan_out", nonlinearity="linear"
    ),
    "xavier_normal gain=2": lambda w: nn.init.xavier_normal_(w, gain=2),
    "xavier_uniform": nn.init.xavier_uniform_,
    "normal std=0.5": lambda w: nn.init.normal_(w, std=0.5),
    "trunc_normal mean=1, std=3": lambda w: nn.init.trunc_normal_(w, mean=1, std=3),
    "uniform a=-1": lambda w: nn.init.uniform_(w, a=-1),
    "constant value=0.25": lambda w: nn.init.constant_(w, 0.25),
    "default": lambda w: w,
}


@pytest.mark.parametrize("law", LAWS)
def test_starts_by_its_law(law: str, tmp_path: Path) -> None:
    """After torch's constructors, in the order of modules."""
    chain = "head conv 3x3, 4, bias=true -> b: { conv 1x1, 8 -> bn } -> avgpool -> fc 3"
    torch.manual_seed(0)
    module = of(tmp_path, f"{chain}; init {law}{',' if ' ' in law else ''} bias=0.5")
    torch.manual_seed(0)
    expected = of(tmp_path, chain)
    for name in "conv1", "b.0", "fc":
        LAWS[law](expected.get_parameter(f"{name}.weight"))
        if name != "b.0":
            nn.init.constant_(expected.get_parameter(f"{name}.bias"), 0.5)
    assert {name: t.tolist() for name, t in module.state_dict().items()} == {
        name: t.tolist() for name, t in expected.state_dict().items()
    }


def test_a_residual_can_start_at_zero(tmp_path: Path) -> None:
    block = "block b { residual conv 3x3, 4 -> bn -> relu -> conv 3x3, 4 -> bn; shortcut identity; after relu }"
    module, x = (
        of(tmp_path, "head 3 x b; init residual: constant value=0", block),
        torch.randn(2, 4, 6, 6),
    )
    assert torch.equal(module(x), x.relu())
    assert all(bool((module.get_parameter(f"b{i}.bn1.weight") == 1).all()) for i in (1, 2, 3))


# --- torch's own machinery ---


def test_runs_on_meta(tmp_path: Path) -> None:
    with torch.device("meta"):
        module = build(network(tmp_path, EVERYTHING))
        assert module(torch.empty(2, 3, 16, 16)).shape == (2, 5)
    assert {t.device.type for t in module.state_dict().values()} == {"meta"}


def test_compiles_whole(everything: nn.Module, picture: Tensor) -> None:
    compiled = torch.compile(everything, fullgraph=True, backend="aot_eager")
    for training in True, False:
        everything.train(training)
        torch.manual_seed(0)
        expected = everything(picture)
        torch.manual_seed(0)
        torch.testing.assert_close(compiled(picture), expected)


def test_torch_export_keeps_the_values_for_any_batch_size(
    everything: nn.Module, picture: Tensor
) -> None:
    """For any batch size, strictly and not."""
    everything.eval()
    expected = everything(picture)
    for strict in True, False:
        exported = torch.export.export(
            everything, (picture,), dynamic_shapes=({0: torch.export.Dim("n")},), strict=strict
        )
        assert torch.equal(exported.module()(picture), expected)
        assert exported.module()(picture[:1]).shape == (1, 5)


@pytest.fixture
def one_process(tmp_path: Path) -> Iterator[None]:
    dist.init_process_group("gloo", init_method=f"file://{tmp_path}/store", rank=0, world_size=1)
    yield
    dist.destroy_process_group()


@pytest.mark.usefixtures("one_process")
def test_trains_distributed(everything: nn.Module, picture: Tensor) -> None:
    twin = copy.deepcopy(everything)
    for module in DistributedDataParallel(twin), everything:
        torch.manual_seed(0)
        module(picture).sum().backward()
    for ours, others in zip(everything.parameters(), twin.parameters(), strict=True):
        assert (
            ours.grad is not None
            and others.grad is not None
            and torch.equal(ours.grad, others.grad)
        )


def test_is_copied_and_pickled(everything: nn.Module, picture: Tensor) -> None:
    buffer = io.BytesIO()
    torch.save(everything, buffer)
    buffer.seek(0)
    expected = everything.eval()(picture)
    for twin in copy.deepcopy(everything), torch.load(buffer, weights_only=False).eval():
        assert torch.equal(twin(picture), expected)
        with torch.no_grad():
            for parameter in twin.parameters():
                parameter.zero_()
    assert torch.equal(everything(picture), expected)


def test_takes_channels_last(everything: nn.Module, picture: Tensor) -> None:
    everything.eval()
    expected = everything(picture)
    layouts: list[bool] = []
    everything.to(memory_format=torch.channels_last)
    everything.get_submodule("one").register_forward_hook(
        lambda *given: layouts.append(given[-1].is_contiguous(memory_format=torch.channels_last))
    )
    torch.testing.assert_close(
        everything(picture.to(memory_format=torch.channels_last)), expected, rtol=1e-4, atol=1e-5
    )
    assert layouts == [True]


def test_trains_in_bfloat16(everything: nn.Module, picture: Tensor) -> None:
    with torch.autocast("cpu", dtype=torch.bfloat16):
        output = everything(picture)
    output.float().sum().backward()
    assert output.dtype == torch.bfloat16
    gradients = [parameter.grad for parameter in everything.parameters()]
    assert all(
        grad is not None and grad.dtype == torch.float32 and bool(grad.isfinite().all())
        for grad in gradients
    )

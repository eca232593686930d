"""Networks derived from others: their parameters, the clauses that they replace, and bases by path."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch

from resspec.backends.module import build
from resspec.backends.source import emit
from resspec.compiler import check, load
from resspec.diagnostics import SpecError
from resspec.ir.fingerprint import fingerprint
from resspec.lowering.network import network_parameters, template_parameters
from resspec.opening import open_spec, sources
from resspec.passes.measure import measure
from resspec.source import Source
from resspec.syntax import ast
from resspec.syntax.parse import parse
from tests.lowering.test_networks import TEMPLATE
from tests.random_specs import random_spec
from tests.specs.tensors import operations
from tests.texts import codes
from tests.texts import written as written_to


@pytest.mark.parametrize(
    ("derived", "written"),
    [
        ("t n=2 { input 2x6x6 }", "t n=2, size=2x6x6"),
        ("t n=2 { shortcut none }", "t n=2, option=none"),
        ("t n=2 { stage s: 3 x unit 8 }", "t n=3, w=8 { head avgpool -> fc 4 }"),
        ("t n=3 { head avgpool -> fc n }", "t n=3 { head avgpool -> fc 3 }"),
        ("t n=3 { let c = n + 1; head avgpool -> fc c }", "t n=3 { head avgpool -> fc 4 }"),
        ("t n=3 { stage s: n x unit w }", "t n=3"),
        ("t n=3, w=8 { stage s: identity -> 2 x unit w / 2 }", None),
    ],
)
def test_a_clause_of_a_derived_network_replaces_that_of_its_base(
    tmp_path: Path, derived: str, written: str | None
) -> None:
    text = f"{TEMPLATE}network d = {derived}\nnetwork e = {written or derived}\n"
    path = written_to(tmp_path, text)
    assert fingerprint(load(path, network="d")) == fingerprint(load(path, network="e"))


def test_parameters_of_derived_networks(tmp_path: Path) -> None:
    text = f"""{TEMPLATE}
network d(m, w=4) = t n=m + 1, w=2 * w
network e(width=1) = d w=width {{ head fc m * width }}
"""
    path = written_to(tmp_path, text)
    assert template_parameters(open_spec(path).library, "e") == ["m"]
    assert network_parameters(open_spec(path).library, "e")[:3] == ["width", "m", "w"]
    for given in ({"m": 2}, {"m": 2, "w": 4}):  # what is given can be given again
        template = load(path, network="t", n=3, w=8)
        assert fingerprint(
            load(path, network="d", input=None, output=None, **given)
        ) == fingerprint(template)
    network = load(path, network="e", m=2, width=5, size=(1, 4, 4))
    assert (network.input.dims, network.output.dims) == ((1, 4, 4), (10,))
    with pytest.raises(SpecError, match="E0237"):
        load(path, network="e")
    with pytest.raises(SpecError, match="E0203"):
        load(path, network="e", m=2, k=3)


def test_laws_of_derived_networks(tmp_path: Path) -> None:
    text = "network b { input 3x8x8; init conv: normal; init fc: kaiming_normal; stem conv 3x3, 4; head fc 2 }"
    derived = "network d = b { init conv: xavier_normal; init uniform }"
    found = operations(load(written_to(tmp_path, f"{text}\n{derived}"), network="d"))
    laws = {op.kind: op.init.law for _, op in found if op.init}
    assert laws == {"conv": "xavier_normal", "fc": "kaiming_normal"}


@pytest.mark.parametrize(
    ("networks", "codes"),
    [
        ("network a(w=4) { BODY; expect params == 0 }\nnetwork b = a w=5", ["E0311"]),
        ("network a(w) { BODY; expect params == 0 }\nnetwork b = a w=5", ["E0311"]),
        ("network a(w=4) { BODY; expect layers == w }\nnetwork b = a w=5", ["E0311", "E0311"]),
        ("network a(w=4) { BODY; expect layers == 2 }\nnetwork b = a w=5 { head relu }", []),
        ("network a(w) { BODY; expect layers == 9 }\nnetwork b = a w=5 { head relu }", []),
        ("network a(w) { BODY; expect layers == 9 }\nnetwork b = a w=5 { let c = 1 }", ["E0311"]),
        ("network a(w) { BODY }\nnetwork b = a w=5 { head relu; expect layers == 2 }", ["E0311"]),
        ("network a(w) { BODY; expect layers == n; let n = w }\nnetwork b = a w=5", ["E0311"]),
    ],
)
def test_expectations_of_bases(tmp_path: Path, networks: str, codes: list[str]) -> None:
    body = "input 3x8x8; stem conv 3x3, w; head fc 2"
    path = written_to(tmp_path, networks.replace("BODY", body))
    assert [each.code for each in check(path)] == codes


def test_expectations_for_values_from_outside(tmp_path: Path) -> None:
    clauses = "input 3x8x8; stem conv 3x3, w; head fc 2; expect layers == w; expect params == 0"
    path = written_to(tmp_path, f"network a(w=2) {{ {clauses} }}")
    assert [each.code for each in check(path)] == ["E0311"]
    assert [each.code for each in check(path, w=2)] == []
    assert [each.code for each in check(path, w=3)] == ["E0311"]
    assert [each.code for each in check(path, w=3, input=9)] == []


@pytest.mark.parametrize("seed", range(40))
def test_a_network_that_replaces_clauses_by_the_same_is_the_same(tmp_path: Path, seed: int) -> None:
    text = random_spec(seed)
    (declared,) = [
        each
        for each in parse(Source("spec", text)).declarations
        if isinstance(each, ast.NetworkDecl)
    ]
    clauses = [each for each in declared.clauses if not isinstance(each, ast.Expect)]
    body = "; ".join(each.span.text for each in clauses)
    path = written_to(tmp_path, f"{text}\nnetwork d = n {{ {body} }}")
    assert fingerprint(load(path, network="d")) == fingerprint(load(path, network="n"))


# --- bases by path ---

SMALL = "network b(w=4) { input 3x8x8; stem conv 3x3, w; head fc 3 }"


def test_a_path_leads_to_a_spec_beside_or_a_shipped_one(tmp_path: Path) -> None:
    (tmp_path / "nets").mkdir()
    written_to(tmp_path / "nets", SMALL, "b.res")
    text = "network a = torchvision/resnet18 { head avgpool -> fc 10 }; network c = nets/b w=5"
    path = written_to(tmp_path, f"{text}; network d = resnet20 classes=5")
    a, theirs = load(path, network="a"), load("torchvision/resnet18", classes=10)
    assert (fingerprint(a), a.name) == (fingerprint(theirs), "a")
    assert measure(load(path, network="c")).params == 5 * 27 + 5 * 64 * 3 + 3
    assert fingerprint(load(path, network="d")) == fingerprint(load("resnet20", classes=5))
    assert check(path) == []
    assert len(sources(str(path))) == 6  # with libraries of the bases


def test_a_spec_beside_wins_over_a_shipped_one(tmp_path: Path) -> None:
    written_to(tmp_path, SMALL.replace("network b", "network resnet18"), "resnet18.res")
    path = written_to(tmp_path, "network mine = resnet18 { input 1x8x8 }")
    assert load(path, network="mine").input.dims == (1, 8, 8)


def test_a_declared_network_wins_over_a_spec(tmp_path: Path) -> None:
    text = f"{SMALL.replace('network b', 'network resnet18')}; network mine = resnet18"
    assert load(written_to(tmp_path, text), network="mine").input.dims == (3, 8, 8)


def test_a_path_brings_no_names(tmp_path: Path) -> None:
    written_to(tmp_path, f"let k = 3; block u = relu; {SMALL}", "b.res")
    assert codes(tmp_path, "network a = b { head fc k }") == ["E0202"]
    assert codes(tmp_path, "network a = b { head u -> fc w }") == ["E0201"]
    assert codes(tmp_path, "network a = b { head fc w }") == []


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"b.res": "network a = b; network b { input 3; head relu }"}, []),
        ({"b.res": "network c { input 3x8x8; head }"}, ["E0108"]),
        ({"b.res": "network c { input 3x8x8; head relu }; network d = c"}, ["E0252"]),
        ({"b.res": "block c = relu"}, ["E0252"]),
        ({"b.res": "network c = t/t", "t/t.res": "network c { input 3; head relu }"}, []),
        ({"b.res": "network c = t/t"}, ["E0251"]),
        ({"b.res": "network b = spec"}, ["E0216"]),
    ],
)
def test_mistakes_in_the_spec_of_a_base(
    tmp_path: Path, files: dict[str, str], expected: list[str]
) -> None:
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        written_to((tmp_path / name).parent, text, Path(name).name)
    assert codes(tmp_path, "network mine = b") == expected


def test_a_base_outside_of_the_project(tmp_path: Path) -> None:
    project = tmp_path / "project"
    project.mkdir()
    written_to(tmp_path, SMALL, "b.res")
    (project / "b.res").symlink_to(tmp_path / "b.res")
    assert codes(project, "network mine = b") == ["E0218"]


# --- emitted source ---


def test_the_source_of_a_derived_network_is_its_module(tmp_path: Path) -> None:
    text = """
    use torchvision
    network a(classes=3, width=8) = resnet unit=basic, n=[1, 2, 1, 1], classes=classes {
        input channels, 16x16
        stem conv 3x3, width -> bn -> relu
        stage layer4: 2 x basic 2 * width
        head avgpool -> fc classes
        replace bn: gn groups=4
    }
    network b = a width=4, channels=1 { stage layer2: basic 2 * width, /2; init conv: normal }
    """
    path = written_to(tmp_path, text)
    for name, most in (("a", 80), ("b", 80)):
        network = load(path, network=name)
        source = emit(network)
        assert len(source.splitlines()) < most  # a class for each block, not for each call
        names: dict[str, Any] = {}
        exec(source, names)
        modules = []
        for make in (partial(build, network), names[name]):
            torch.manual_seed(0)
            modules.append(make().eval())
        state, other = (module.state_dict() for module in modules)
        assert list(state) == list(other)
        assert all(torch.equal(state[key], other[key]) for key in state)
        x = torch.randn(2, *network.input.dims)
        assert torch.equal(modules[0](x), modules[1](x))

"""Finding specs and networks, and which files a spec can read."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from resspec.compiler import load
from resspec.diagnostics import SpecError, UsageError
from resspec.opening import locate, shipped_names
from resspec.texts import project_root
from tests.texts import chain, codes, written

ONE = "network one { input 3x8x8; head fc 1 }\n"
TWO = ONE + "network two { input 3x8x8; head fc 2 }\n"
THREE = TWO + "network spec { input 3x8x8; head fc 3 }\n"


def width(network: object) -> int:
    output: tuple[int, ...] = network.output.dims  # type: ignore[attr-defined]
    return output[0]


# --- which network ---


def test_the_only_network_of_a_file(tmp_path: Path) -> None:
    assert width(load(written(tmp_path, ONE))) == 1


def test_the_network_that_is_called_like_the_file(tmp_path: Path) -> None:
    assert width(load(written(tmp_path, THREE))) == 3


def test_a_network_by_name(tmp_path: Path) -> None:
    path = written(tmp_path, THREE)
    assert (
        width(load(f"{path}:two"))
        == width(load(path, network="two"))
        == width(load(f"{path}:one", network="two"))
        == 2
    )


@pytest.mark.parametrize(
    ("text", "name", "message"),
    [
        (TWO, "", r"has 2 networks \(one, two\): name one, as in .*spec.res:NAME"),
        (TWO, ":tow", "has no network 'tow'; did you mean 'two'"),
        ("let width = 3", "", "has no network"),
        (TWO, ":", "has no network ''|there is no spec|name one"),
    ],
)
def test_a_network_that_cannot_be_chosen_is_a_usage_error(
    tmp_path: Path, text: str, name: str, message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        load(f"{written(tmp_path, text)}{name}")


def test_a_network_of_a_used_library_is_not_one_of_the_file(tmp_path: Path) -> None:
    written(tmp_path, ONE, "lib.res")
    with pytest.raises(UsageError, match="has no network"):
        load(written(tmp_path, "use lib"))


# --- which file ---


def test_shipped_specs_by_their_bare_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert {"resnet152", "torchvision/resnet50", "resnet50d"} <= set(shipped_names())
    assert load("resnet20").name == "resnet20"
    assert load("torchvision/resnet18").name == "resnet18"
    assert load("resnet34:resnet34_a").name == "resnet34_a"
    assert not any(name.startswith("lib/") for name in shipped_names())


def test_a_file_comes_before_a_shipped_spec(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    written(tmp_path, ONE, "resnet20")
    assert width(load("resnet20")) == 1


def test_a_colon_may_be_part_of_a_path(tmp_path: Path) -> None:
    assert width(load(written(tmp_path, ONE, "a:b.res"))) == 1
    assert width(load(f"{written(tmp_path, TWO, 'a:b.res')}:two")) == 2


@pytest.mark.parametrize(
    "spec",
    [
        "",
        "nope.res",
        "resnet1522",
        "../specs/resnet20",
        "/etc/hostname/x",
        "a" * 5000,
        "a\0b",
        ".",
        "resnet20.re",
    ],
)
def test_an_unknown_spec_is_a_usage_error(spec: str) -> None:
    with pytest.raises(UsageError, match="there is no spec"):
        load(spec)


def test_an_unknown_spec_is_answered_with_the_nearest() -> None:
    with pytest.raises(UsageError, match="did you mean 'torchvision/resnet50'"):
        locate("torchvision/resnet5")


def test_mistakes_name_the_file_as_it_was_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written(tmp_path, chain("reluu"))
    monkeypatch.chdir(tmp_path)
    with pytest.raises(
        SpecError, match=r"^error\[E0201\]: no layer .* `reluu`\n --> spec.res:2:31\n"
    ):
        load("spec.res")
    with pytest.raises(SpecError, match=r"E0237.*\n +--> specs/lib/he2015.res:\d+:9\n"):
        load("lib/he2015:cifar")


# --- what a spec can read ---


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project of two folders, beside a file that is none of its own."""
    (tmp_path / "project" / ".git").mkdir(parents=True)
    (tmp_path / "project" / "specs").mkdir()
    written(tmp_path, "let secret = 3", "secret.res")
    written(tmp_path / "project", "let shared = 3", "shared.res")
    return tmp_path / "project" / "specs"


def test_the_root_is_the_nearest_folder_with_git_else_the_files_own(project: Path) -> None:
    assert project_root(written(project, ONE)) == project.parent.resolve()
    assert project_root(written(project.parent.parent, ONE)) == project.parent.parent.resolve()


def test_files_of_the_project_can_be_used(project: Path) -> None:
    assert codes(project, chain("conv 1x1, shared", 'use "../shared.res"')) == []


@pytest.mark.parametrize(
    "target",
    [
        "../../secret.res",
        "../../nowhere.res",
        "{}/secret.res",
        "/etc/passwd",
        "/dev/zero",
        "../../project/../secret.res",
    ],
)
def test_files_outside_of_it_cannot(project: Path, target: str) -> None:
    outside = target.format(project.parent.parent)
    assert codes(project, chain("conv 1x1, secret", f'use "{outside}"')) == ["E0218"]


@pytest.mark.parametrize(
    "link",
    [
        lambda folder: (folder / "lib.res").symlink_to(folder.parent.parent / "secret.res"),
        lambda folder: (folder / "lib.res").symlink_to("../../secret.res"),
        lambda folder: (folder / "lib.res").symlink_to("/etc/hostname"),
    ],
)
def test_links_out_of_it_cannot(project: Path, link: Callable[[Path], None]) -> None:
    link(project)
    assert codes(project, chain("conv 1x1, secret", "use lib")) == ["E0218"]
    assert codes(project, chain("conv 1x1, secret", 'use "lib.res"')) == ["E0218"]


def test_folders_that_are_links_cannot_lead_out(project: Path) -> None:
    (project / "out").symlink_to(project.parent.parent, target_is_directory=True)
    assert codes(project, chain("conv 1x1, secret", 'use "out/secret.res"')) == ["E0218"]


def test_links_inside_of_it_are_files(project: Path) -> None:
    (project / "lib.res").symlink_to("../shared.res")
    assert codes(project, chain("conv 1x1, shared", "use lib")) == []


@pytest.mark.parametrize(
    "target",
    ["lib.res", "", ".", "..", "../specs", "spec.res/x", "a" * 300, "loop.res", "nowhere.res"],
)
def test_what_is_no_file(project: Path, target: str) -> None:
    (project / "lib.res").mkdir()
    (project / "loop.res").symlink_to("loop.res")
    assert codes(project, chain("bn", f'use "{target}"')) == ["E0217"]


def test_a_library_name_of_any_length(project: Path) -> None:
    assert codes(project, chain("bn", f"use {'a' * 5000}")) == ["E0217"]

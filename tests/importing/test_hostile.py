"""Modules whose options, types or results no spec has are refused, and none is proven wrongly."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

import resspec
from resspec.diagnostics import UsageError
from resspec.importing.imported import ImportOptions, import_source
from resspec.importing.sources import source_of


class Between(nn.Module):
    """A function between two convolutions."""

    def __init__(self, function: Callable[[Tensor], Any]) -> None:
        super().__init__()
        self.first = nn.Conv2d(3, 4, 3)
        self.second = nn.Conv2d(4, 4, 3, padding=1)
        self.function = function

    def forward(self, x: Tensor) -> Any:
        return self.second(self.function(self.first(x)))


class Returning(Between):
    """A function after a convolution."""

    def forward(self, x: Tensor) -> Any:
        return self.function(self.first(x))


def expanded(x: Tensor) -> Tensor:
    return x.mean((2, 3), keepdim=True).expand_as(x)


def with_fixed_statistics(x: Tensor) -> Tensor:
    return F.batch_norm(x, torch.zeros(4, device=x.device), torch.ones(4, device=x.device))


def exiting(_: Tensor) -> Tensor:
    raise SystemExit(3)


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (lambda x: x * float("inf"), "a factor of inf"),
        (lambda x: x.to(torch.float16).to(torch.float32), "rounds to `torch.float16`"),
        (lambda x: F.dropout(x, 0.5), "drops values in eval mode"),
        (nn.BatchNorm2d(4, momentum=None), "averages all batches"),
        (with_fixed_statistics, "`running_mean` is computed"),
        (expanded, "expanded to other sizes"),
        (exiting, "SystemExit: 3"),
    ],
)
def test_what_no_layer_does_is_refused(function: Callable[[Tensor], Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        resspec.import_module(Between(function), 16)


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (lambda x: (x, x), "returns a value twice"),
        (lambda _: {}, "returns nothing"),
        (lambda _: None, "in its result"),
        (expanded, "returns a value that was expanded"),
    ],
)
def test_results_that_no_spec_has_are_refused(
    function: Callable[[Tensor], Any], message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        resspec.import_module(Returning(function), 16)


def test_a_layer_alone_is_refused() -> None:
    with pytest.raises(UsageError, match="`weight` belongs to no submodule"):
        resspec.import_module(nn.Conv2d(3, 4, 3), 16)


def test_a_border_before_the_batch_may_be_empty() -> None:
    module = Between(lambda x: F.pad(x, (1, 1, 1, 1, 0, 0, 0, 0)))
    assert resspec.import_module(module, 16).proof.is_bitwise


def test_gradients_that_a_module_keeps_back_are_no_proof() -> None:
    found = resspec.import_module(Between(torch.detach), 16).proof
    assert found.outputs is not None and found.outputs.off == 0
    assert not found.is_bitwise
    assert "`first.weight`" in found.failure


def test_a_parameter_with_two_names_has_one_value() -> None:
    module = Returning(torch.relu)
    module.second = module.first
    assert resspec.import_module(module, 16).proof.is_bitwise


PRINTING = """
import sys
from torch import nn
print("loaded")
class Net(nn.Sequential):
    def __init__(self):
        super().__init__(nn.Conv2d(3, 4, 3), nn.ReLU())
    def forward(self, x):
        print("called")
        return super().forward(x)
def lazy():
    return nn.Sequential(nn.LazyConv2d(4, 3))
def leaving():
    sys.exit(3)
"""


def imported_from(path: Path, name: str) -> resspec.Imported:
    path.write_text(PRINTING)
    source = source_of(f"{path}:{name}")
    assert source is not None
    return import_source(source, ImportOptions(dims=(16,)))


def test_what_a_module_prints_is_not_in_the_spec(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    imported_from(tmp_path / "printing.py", "Net")
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "called" in captured.err


@pytest.mark.parametrize(("name", "message"), [("lazy", "lazy layers"), ("leaving", "SystemExit")])
def test_modules_that_cannot_be_made(tmp_path: Path, name: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        imported_from(tmp_path / "unmade.py", name)

"""Keys of other trainers as settings of a command."""

from __future__ import annotations

import pytest

from resspec import cli


def test_the_command_tells_it_too(tmp_path: object, capsys: pytest.CaptureFixture[str]) -> None:
    del tmp_path
    assert (
        cli.run(
            [
                "train",
                "digits",
                "--plan",
                "--set",
                "rate=0.1",
                "--set",
                "batch=32",
                "--set",
                "seed=1",
            ]
        )
        == 2
    )
    output = capsys.readouterr().err
    assert (
        "a recipe does not have these keys\n  `rate`: it is called `optimizer.lr`; write `optimizer.lr=0.1`\n"
        in output
    )
    assert "write `batch_size=32`" in output
    assert "the seed belongs to the command that trains" in output


@pytest.mark.parametrize(
    ("name", "advised"),
    [
        ("data.batch", "batch_size=3"),
        ("weight-decay", "optimizer.weight_decay=3"),
        ("optimizer.rate", "optimizer.lr=3"),
        ("data.test.size", "data.random_resized_crop.size=3"),
        ("Batch-Size", "batch_size=3"),
    ],
)
def test_the_command_tells_where_a_key_belongs(
    name: str, advised: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.run(["train", "digits", "--plan", "--set", f"{name}=3"]) == 2
    assert f"write `{advised}`" in capsys.readouterr().err

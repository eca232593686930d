"""What torchrun's own command line leaves to us."""

from argparse import ArgumentParser

import pytest
from torch.distributed.run import get_args_parser

from resspec.commands import train


def left(*ours: str) -> list[str]:
    """What torchrun gives to the module that it starts."""
    parsed = get_args_parser().parse_args(
        ["--nproc-per-node", "2", "-m", "resspec", "train", "digits", *ours]
    )
    assert (parsed.module, parsed.training_script) == (True, "resspec")
    return list(parsed.training_script_args)


def test_every_option_but_run_passes_torchrun(capsys: pytest.CaptureFixture[str]) -> None:
    parser = ArgumentParser()
    train.arguments(parser)
    options = [
        option
        for action in parser._actions
        for option in action.option_strings
        if option != "--run"
    ]
    assert "-r" in options
    assert left(*options) == ["train", "digits", *options]
    with pytest.raises(SystemExit):
        left("--run", "runs/a")
    assert "could match --run-path" in capsys.readouterr().err
    parsed = get_args_parser().parse_args(
        ["-m", "--", "resspec", "train", "digits", "--run", "runs/a"]
    )
    assert parsed.training_script_args == ["train", "digits", "--run", "runs/a"]

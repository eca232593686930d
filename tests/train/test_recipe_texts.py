"""Whatever a recipe's text is, it is read or refused at a place of it, soon and in little memory."""

from __future__ import annotations

import os
from pathlib import Path
from resource import RUSAGE_SELF, getrusage

import pytest

from resspec import cli
from resspec.collector import paused
from resspec.diagnostics import Diagnostic, SpecError
from resspec.render import render
from resspec.source import Source
from resspec.training import recipe_file
from tests.limits import soon

LINES = "epochs: 9\nbatch_size: 8\n"
ALIASES = "".join(f"a{i + 1}: &a{i + 1} [*a{i}, *a{i}]\n" for i in range(40))
BOMBS = {
    "aliases that double": ("E0518", f"a0: &a0 [1, 1]\n{ALIASES}{LINES}"),
    "an alias of what it is in": ("E0518", f"{LINES}source: &a [*a]\n"),
    "an alias of nothing": ("E0518", f"{LINES}source: *a\n"),
    "brackets": ("E0518", f"{LINES}source: {'[' * 30_000}"),
    "braces": ("E0518", f"{LINES}source: {'{a: ' * 7000}"),
    "blocks": ("E0518", LINES + "".join(f"{' ' * i}a:\n" for i in range(200))),
    "lists": ("E0518", f"{LINES}source:\n  {'- ' * 15_000}"),
    "keys in keys": ("E0518", f"{LINES}{'? ' * 15_000}a"),
    "a key that is a list": ("E0518", f"{LINES}[1, 2]: 3\n"),
    "a key that is a mapping": ("E0518", f"{LINES}{{a: b}}: 3\n"),
    "a tag of Python": ("E0518", f"{LINES}source: !!python/object/apply:os.system [echo]\n"),
    "a tag of its own": ("E0518", f"{LINES}source: !mine x\n"),
    "a time that is none": ("E0518", f"{LINES}source: !!timestamp x\n"),
    "a tag of the whole": ("E0518", f"!!set\n{LINES}"),
    "two documents": ("E0518", f"{LINES}---\n{LINES}"),
    "digits": ("E0507", f"{LINES}log: {'9' * 5000}\n"),
    "sixties": ("E0507", f"{LINES}log: 1{':59' * 9000}\n"),
    "sixties and a point": ("E0507", f"{LINES}clip_grad_norm: 1{':59' * 9000}.5\n"),
    "digits in hexadecimal": ("E0507", f"{LINES}log: 0x{'f' * 30_000}\n"),
    "no binary digit": ("E0541", f"{LINES}log: 0b_\n"),
    "a float too large": ("E0507", f"{LINES}clip_grad_norm: 1.0e+400\n"),
    "infinity": ("E0507", f"{LINES}clip_grad_norm: .inf\n"),
    "no number": ("E0507", f"{LINES}label_smoothing: .nan\n"),
    "a batch of ten digits": ("E0507", "epochs: 9\nbatch_size: 9999999999\n"),
    "a date that is none": ("E0541", f"{LINES}source: 2026-13-45\n"),
    "an hour that is none": ("E0541", f"{LINES}source: 2026-11-25 99:00:00\n"),
    "an equals sign": ("E0541", f"{LINES}source: =\n"),
    "a long duration": ("E0507", f"epochs: {'9' * 400}\nbatch_size: 8\n"),
    "Arabic digits": ("E0507", "epochs: \u0663\nbatch_size: 8\n"),
    "no duration": ("E0507", "epochs: 0\nbatch_size: 8\n"),
    "checkpoints without end": ("E0507", f"{LINES}checkpoint: 0 iterations\n"),
    "a list": ("E0507", "- 1\n- 2\n"),
    "a word": ("E0507", "epochs\n"),
    "a merge": ("E0505", f"{LINES}<<: {{log: 1}}\n"),
    "keys": ("E0505", LINES + "".join(f"a{i}: 1\n" for i in range(3500))),
    "twice the same": ("E0504", LINES + "batch_size: 8\n" * 2300),
    "a list of many": (
        "E0507",
        f"{LINES}schedule: {{name: multistep, milestones: [{'1, ' * 10_000}]}}\n",
    ),
    "a bell": ("E0503", f"{LINES}source: \a\n"),
    "half a pair": ("E0503", f"{LINES}source: \ud800\n"),
    "an escape of half a pair": ("E0507", f'{LINES}source: "\\ud800"\n'),
    "a quote": ("E0503", f'{LINES}source: "{"a" * 30_000}'),
    "nothing": ("E0503", ""),
    "a comment": ("E0503", "#" * 30_000),
}


def refused(text: str) -> tuple[Diagnostic, ...]:
    """What is said of a text; its places are in it, and it can be shown."""
    with soon():
        found = _diagnostics(text)
        for diagnostic in found[:100]:
            span = diagnostic.labels[0].span
            assert 0 <= span.start <= span.end <= len(text)
            assert len(diagnostic.message) < 400
            assert all(line.isprintable() for line in render(diagnostic).splitlines())
    return found


def _diagnostics(text: str) -> tuple[Diagnostic, ...]:
    try:
        with paused():  # as the command has it
            recipe_file.parse(Source("recipe.yaml", text))
    except SpecError as error:
        assert error.diagnostics
        return error.diagnostics
    return ()


@pytest.mark.parametrize("what", BOMBS)
def test_a_bomb(what: str) -> None:
    code, text = BOMBS[what]
    assert len(text) < 1 << 15
    before = getrusage(RUSAGE_SELF).ru_maxrss
    assert {diagnostic.code for diagnostic in refused(text)} == {code}
    assert getrusage(RUSAGE_SELF).ru_maxrss - before < 128 << 10


def test_a_number_is_told_with_what_it_may_be() -> None:
    output = [
        refused(f"{LINES}{line}\n")[0]
        for line in ("keep: 0", "log: 5000000000", "clip_grad_norm: .inf", "label_smoothing: 2")
    ]
    assert [(each.message, each.help) for each in output] == [
        ("`keep` must be a whole number from 1 to 1,000,000,000, not `0`", None),
        (
            "`log` must be a whole number from 1 to 1,000,000,000, or `null`, not `5000000000`",
            None,
        ),
        ("`.inf` is not a finite number", "`clip_grad_norm` must be a number above 0, or `null`"),
        ("`label_smoothing` must be a number of at least 0 and below 1, not `2`", None),
    ]


def test_a_setting_replaces_what_has_no_parts() -> None:
    source = Source("recipe.yaml", f"{LINES}warmup: null\n")
    warmup = recipe_file.parse(source, [("warmup.length", "3 epochs")]).warmup
    assert warmup and str(warmup.length) == "3 epochs"
    with pytest.raises(SpecError, match="E0518"):
        recipe_file.parse(source, [("lr", "[" * 10_000)])


def test_what_is_no_file_is_not_waited_for(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    os.mkfifo(tmp_path / "pipe.yaml")
    (tmp_path / "folder.yaml").mkdir()
    (tmp_path / "device.yaml").symlink_to("/dev/zero")
    for name, what in (("pipe", "a named pipe"), ("folder", "a folder"), ("device", "a device")):
        assert (
            cli.run(["train", "digits", "--recipe", str(tmp_path / f"{name}.yaml"), "--plan"]) == 2
        )
        assert capsys.readouterr().err.endswith(f"{name}.yaml: it is {what}, not a file\n")
    (tmp_path / "huge.yaml").touch()
    os.truncate(tmp_path / "huge.yaml", 1 << 30)
    with pytest.raises(SpecError, match="E0518"):
        recipe_file.load(str(tmp_path / "huge.yaml"))

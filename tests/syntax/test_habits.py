"""What users of other frameworks write: one mistake, and a help that says what to write here."""

from __future__ import annotations

import pytest

from resspec.compiler import check
from tests.texts import written


@pytest.mark.parametrize(
    ("stage", "marked", "help"),
    [
        ("log_softmax", "log_softmax", "leave it out: the loss applies it"),
        ("nn.Softmax(dim=1)", "nn", "call a layer by its name alone: `conv 3x3, 64`"),
        ("residual { conv 3x3, 16 } -> relu", "residual", "write `add { identity | … } -> relu`"),
        ("skip { conv 3x3, 16 }", "skip", "write `add { identity | … } -> relu`"),
        ("conv3x3 32", "conv3x3", "the kernel is an argument: `conv 3x3, 64`"),
        ("conv3x3, 32", "conv3x3", "the kernel is an argument: `conv 3x3, …`"),
        ("conv_5x5 -> relu", "conv_5x5", "the kernel is an argument: `conv 5x5, 64`"),
        ("conv(3, 16)", "(3, 16)", "write arguments without parentheses: `conv 3x3, 16`"),
        ("conv( 3,16 )", "( 3,16 )", "write arguments without parentheses: `conv 3x3, 16`"),
        ("2 x conv(5, 8)", "(5, 8)", "write arguments without parentheses: `conv 5x5, 8`"),
        ("Conv2d(16, 32, 3)", "(16, 32, 3)", "write arguments without parentheses: `conv 3x3, 32`"),
        ("maxpool(3, 2)", "(3, 2)", "write arguments without parentheses: `maxpool 3x3, /2`"),
        ("Linear(512, 10)", "(512, 10)", "write arguments without parentheses: `fc 10`"),
        ("thing(1, 2)", "(1, 2)", "write arguments without parentheses: `thing 1, 2`"),
        ("depthwise 3x3", "depthwise", "a depthwise conv is `conv 3x3, in, groups=in` in a block"),
        ("dwconv 3x3", "dwconv", "a depthwise conv is `conv 3x3, in, groups=in` in a block"),
        ("conv 3x3, 16, pad=same", "pad", "`padding=same`"),
        ("conv 3x3, 16, padding=SAME", "SAME", "`padding=same`"),
        ("conv 3x3, 16, pad=1", "pad", "did you mean `padding`?"),
        ("conv 3x3, filters=32", "filters", "did you mean `out_channels`?"),
        ("dropout rate=0.5", "rate", "did you mean `p`?"),
    ],
)
def test_a_habit_is_one_mistake_with_its_help(
    stage: str, marked: str, help: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    text = (
        f"network n {{ input 3x32x32; stem conv 3x3, 16; stage a: {stage}; head avgpool -> fc 9 }}"
    )
    (mistake,) = check(written(tmp_path_factory.mktemp("habits"), text))
    assert mistake.labels[0].span.text == marked
    assert (mistake.help or "").startswith(help)

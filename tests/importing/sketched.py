"""Small graphs, each step in a line: `name = kind of the steps that it reads`."""

from __future__ import annotations

from fractions import Fraction

from resspec.importing.graph import INPUT, Graph, Step
from resspec.ir.nodes import Merge
from resspec.ir.ops import Layer
from resspec.ir.ops.activation import Relu
from resspec.ir.ops.arrange import SliceOp
from resspec.ir.ops.conv import Conv
from resspec.ir.ops.regularize import Dropout
from resspec.ir.ops.resize import Upsample
from resspec.ir.ops.window import MaxPool
from resspec.ir.shape import Shape

IMAGE = Shape((8, 4, 4))


def graph(text: str, *outputs: str, classes: dict[str, str] | None = None) -> Graph:
    """Return a graph of images with 8 channels.

    `a.b = conv input` is a convolution of the module `a`, `relu a.b in a` a function in it, and
    `sum = add a.b input in a` a sum there. The outputs are the last step, or these.
    """
    numbers = {"input": INPUT}
    steps: list[Step] = []
    for line in text.strip().splitlines():
        name, _, right = map(str.strip, line.partition("="))
        what, is_function, module = right.partition(" in ")
        word, *read = what.split()
        inputs = tuple(numbers[each] for each in read)
        entered = [IMAGE if i == INPUT else steps[i].output for i in inputs]
        does = STEPS[word]
        output = does.infer(entered[0]) if isinstance(does, Layer) else _merged(does, entered)
        is_named = isinstance(does, Layer) and not is_function
        path = tuple((name if is_named else module).split(".")) if is_named or module else ()
        place = f"net.py:{len(steps) + 10}"
        numbers[name] = len(steps)
        steps.append(Step(does, inputs, output, path, is_named, place))
    ends = [numbers[each] for each in outputs] or [len(steps) - 1]
    named = {tuple(p.split(".")) if p else (): name for p, name in (classes or {}).items()}
    return Graph("net", IMAGE, tuple(steps), tuple((str(i), i) for i in ends), named)


STEPS: dict[str, Layer | Merge] = {
    "add": "add",
    "mul": "mul",
    "concat": "concat",
    "conv": Conv(
        kernel_size=(3, 3),
        out_channels=8,
        stride=(1, 1),
        padding=(1, 1),
        dilation=(1, 1),
        groups=1,
        bias=False,
    ),
    "narrow": Conv(
        kernel_size=(1, 1),
        out_channels=4,
        stride=(1, 1),
        padding=(0, 0),
        dilation=(1, 1),
        groups=1,
        bias=False,
    ),
    "pool": MaxPool((2, 2), (2, 2), (0, 0)),
    "crop": MaxPool((2, 2), (1, 1), (0, 0)),
    "up": Upsample((2, 2)),
    "low": SliceOp(0, 4),
    "high": SliceOp(4, 8),
    "relu": Relu(),
    "dropout": Dropout(Fraction(1, 2)),
}


def _merged(merge: Merge, shapes: list[Shape]) -> Shape:
    if merge == "concat":
        return shapes[0].with_channels(sum(shape.channels for shape in shapes))
    return max(shapes, key=lambda shape: shape.elements)

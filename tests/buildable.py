"""Random specs, about half of which cannot be built, with torch's verdict on each.

Nothing here comes from resspec. A step is its text and the torch modules that it stands for. Steps
run while a spec is written: if torch, or one of the few rules that the language adds, refuses one,
the spec ends with it, or another step is tried instead.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from random import Random
from typing import NamedTuple

import torch
from torch import nn

from tests.buildable_layers import LayerSteps
from tests.buildable_newer import convolving, normalizing, resizing
from tests.naive_steps import (
    REFUSALS,
    Step,
    Trace,
    Value,
    built,
    joined,
    merged,
    picture,
    row,
    runs,
    traced,
    widened,
)

WRONG = 0.25  # share of steps which cannot be built that stay


class Spec(NamedTuple):
    """A text, and in `trace` the shape after each layer, merge and block; None if it is refused."""

    text: str
    trace: Trace | None


def spec(seed: int, device: str) -> Spec:
    """`device`: `meta`, or `cpu`, which computes and so refuses more."""
    with on(device):
        return _Writer(Random(seed)).spec()


@contextmanager
def on(device: str) -> Iterator[None]:
    """Run without oneDNN.

    In torch 2.14 it aborts at a 1x1 convolution of a narrow image, channels last, whose padding is
    wider than its kernel.
    """
    before, *_ = torch.backends.mkldnn.set_flags(False)
    try:
        with torch.device(device), torch.no_grad():
            yield
    finally:
        torch.backends.mkldnn.set_flags(before)


class _Writer(LayerSteps):
    def __init__(self, random: Random) -> None:
        super().__init__(random)
        self.declarations: list[str] = []
        self.is_wrong = False
        self.names = 0

    def name(self, kind: str) -> str:
        self.names += 1
        return f"{kind}{self.names}"

    def spec(self) -> Spec:
        choose = self.random.choice
        channels, height, width = choose([1, 3, 4]), choose([5, 8, 15, 16]), choose([5, 8, 12, 17])
        x = Value(torch.empty(2, channels, height, width))
        trace: Trace = []
        lines = [f"network n {{ input {channels}x{height}x{width}"]
        for clause in ("stem", *(f"stage s{i}:" for i in range(self.random.randint(1, 2))), "head"):
            texts, x = self.chain(x, trace, 2, self.head if clause == "head" else self.step)
            lines.append(f"{clause} {' -> '.join(texts)}")
            if self.is_wrong:
                break
        if self.is_wrong and not lines[-1].startswith("head"):
            lines.append("head relu")
        return Spec(
            "\n".join([*self.declarations, *lines, "}\n"]), None if self.is_wrong else trace
        )

    def chain(
        self, x: Value, trace: Trace, depth: int, write: Callable[[Value, int], Step]
    ) -> tuple[list[str], Value]:
        """Steps that run on x one after the other; the last one may be wrong."""
        texts = []
        for _ in range(self.random.randint(1, 3)):
            step, y = self.possible(partial(write, x, depth), x, trace)
            texts.append(step.text)
            if y is None:
                break
            x = y
        return texts, x

    def possible(
        self, write: Callable[[], Step], x: Value, trace: Trace
    ) -> tuple[Step, Value | None]:
        """A step and what it makes of x: None where it cannot be built and stays all the same."""
        while True:
            declared, own = len(self.declarations), Trace()
            step = write()
            try:
                y = step.run(x, own)
                trace += own
                return step, y
            except REFUSALS:
                if self.random.random() < WRONG:
                    self.is_wrong = True
                    return step, None
                del self.declarations[declared:]

    # --- steps ---

    def newer(self, x: Value, depth: int) -> Step:
        del depth
        return self.random.choice([resizing, normalizing, convolving])(self.random, x)

    def head(self, x: Value, depth: int) -> Step:
        return self.random.choice([self.fc, self.fc, self.pool, self.window, self.step])(x, depth)

    def step(self, x: Value, depth: int) -> Step:
        kinds = [
            self.conv,
            self.conv,
            self.conv,
            self.window,
            self.norm,
            self.norm,
            self.activation,
            self.arrange,
            self.newer,
        ]
        if depth > 0:
            kinds += [
                self.repeat,
                self.merge,
                self.merge,
                self.residual,
                self.residual,
                self.block,
                self.braces,
                self.mixer,
            ]
        else:
            kinds += [self.rare]
        return self.random.choice(kinds)(x, depth - 1)

    # --- steps of steps ---

    def braces(self, x: Value, depth: int) -> Step:
        return row(self.inside(x, depth))

    def inside(self, x: Value, depth: int) -> list[Step]:
        """Of which the last may not fit, or not fit at another place."""
        steps: list[Step] = []
        for _ in range(self.random.randint(1, 3)):
            steps.append(self.step(x, min(depth, 1)))
            try:
                x = steps[-1].run(x, [])
            except REFUSALS:
                if self.random.random() < 0.3:
                    break
                steps.pop()
        return steps or [Step("relu", built(lambda _: nn.ReLU(), reads_any=True))]

    def repeat(self, x: Value, depth: int) -> Step:
        count = self.random.choice([0, 1, 2, 3])
        kinds = [
            self.conv,
            self.window,
            self.block,
            self.residual,
            self.braces,
            self.norm,
            self.merge,
        ]
        step = self.random.choice(kinds)(x, depth)
        text = (
            f"{{ {step.text} }}"
            if step.text.partition(" ")[0] in ("add", "mul", "concat")
            else step.text
        )

        def run(x: Value, trace: Trace) -> Value:
            for i in range(count):
                x = (step.run if i == 0 else step.later or step.run)(x, trace)
            return x

        return row([Step(f"{count} x {text}", run)])

    def merge(self, x: Value, depth: int) -> Step:
        kind = self.random.choice(["add", "add", "concat", "mul"])
        paths = [self.path(x, depth) for _ in range(self.random.choice([2, 2, 3]))]

        def run(x: Value, trace: Trace) -> Value:
            return merged(kind, [path.run(x, trace) for path in paths], trace)

        return Step(f"{kind} {{ {' | '.join(path.text for path in paths)} }}", run)

    def path(self, x: Value, depth: int) -> Step:
        choose = self.random.choice
        gate = [
            self.pool(x, depth),
            Step(f"conv 1x1, {x.channels}", built(lambda y: nn.Conv2d(y.channels, x.channels, 1))),
        ]
        kinds: list[Callable[[], Step]] = [
            lambda: Step("identity", lambda x, _: x),
            lambda: self.step(x, 0),
            lambda: self.step(x, 0),
            lambda: joined(gate),
            lambda: joined(self.inside(x, depth)),
        ]
        return choose(kinds)()

    def block(self, x: Value, depth: int) -> Step:
        """A module of its own, with a width that is given."""
        name = self.name("b")
        first = self.conv(x, depth, "width")
        width = int(first.run(x, []).channels) if runs(first, x) else 0
        if not width or "upconv" in first.text:
            return self.activation(x, depth)
        chain = joined([first, *self.inside(first.run(x, []), depth)])
        self.declarations.append(f"block {name}(width) {{ {chain.text} }}")
        return Step(f"{name} {width}", lambda x, trace: traced(chain.run(x, trace), trace))

    def residual(self, x: Value, depth: int) -> Step:
        del depth
        choose, name = self.random.choice, self.name("r")
        stride, width = choose([1, 1, 2]), choose([x.channels, x.channels, 4, 8])
        kernel, groups = choose([1, 3, 3, 3, 2]), choose([1, 1, 1, 2])
        preact, after, is_first = (
            choose([False, False, True]),
            choose([False, True]),
            choose([False, False, True]),
        )
        same = choose(["identity", "conv"])
        widen = choose(["conv", "identity", "pad", None])
        narrow = choose(["conv", "cut", "none", None])
        change = choose([*STRIDED])
        arms = f"same: {ARMS[same]}; change: {ARMS[change]}"
        arms += f"; widen: {ARMS[widen]}" if widen else ""
        arms += f"; narrow: {ARMS[narrow]}" if narrow else ""
        self.declarations.append(f"shortcut {name}s {{ {arms} }}")
        chain = f"conv {kernel}, width, /stride -> bn -> relu -> conv 3x3, width, groups={groups}"
        clauses = [f"residual {chain}", f"shortcut {name}s"]
        clauses = (
            ["preact bn -> relu"] * preact
            + clauses[:: -1 if is_first else 1]
            + ["after relu"] * after
        )
        self.declarations.append(f"block {name}(width) {{ {'; '.join(clauses)} }}")

        def strided(stride: int) -> Callable[[Value, Trace], Value]:
            padding = kernel // 2 * (kernel % 2)
            residual = [
                built(lambda x: nn.Conv2d(x.channels, width, kernel, stride, padding)),
                BN,
                RELU,
                built(lambda x: nn.Conv2d(x.channels, width, 3, 1, 1, 1, groups)),
            ]

            def run(x: Value, trace: Trace) -> Value:
                entered = RELU(BN(x, trace), trace) if preact else x
                arm = same
                if stride > 1:
                    arm = change
                elif width != x.channels:
                    arm = widen or change
                    if width < x.channels:
                        arm = narrow or arm
                before = x if arm == "identity" else entered
                shortcut = Trace()
                h = None if arm == "none" else _arm(arm, before, width, stride, shortcut)
                trace += shortcut if is_first else []
                y = entered
                for layer in residual:
                    y = layer(y, trace)
                trace += shortcut if not is_first else []
                if h is not None:
                    y = merged("add", [y, h], trace)
                return traced(RELU(y, trace) if after else y, trace)

            return run

        return Step(f"{name} {width}" + f", /{stride}" * (stride > 1), strided(stride), strided(1))


ARMS = {
    "identity": "identity",
    "conv": "conv 1x1, out, /stride -> bn",
    "pool": "avgpool 2x2, /stride -> conv 1x1, out",
    "sub": "subsample /stride -> pad_channels out",
    "pad": "pad_channels out",
    "cut": "slice 0, out",
    "none": "none",
}
STRIDED = ("conv", "pool", "sub", "none")
BN = built(lambda x: nn.BatchNorm2d(x.channels))
RELU = built(lambda _: nn.ReLU(), reads_any=True)


def _arm(arm: str, x: Value, out: int, stride: int, trace: Trace) -> Value:
    layers = {
        "identity": [],
        "conv": [built(lambda x: nn.Conv2d(x.channels, out, 1, stride)), BN],
        "pool": [
            built(lambda _: nn.AvgPool2d(2, stride)),
            built(lambda x: nn.Conv2d(x.channels, out, 1)),
        ],
        "sub": [
            built(lambda _: lambda t: picture(t)[:, :, ::stride, ::stride]),
            built(lambda _: lambda t: widened(t, out)),
        ],
        "pad": [built(lambda _: lambda t: widened(t, out))],
        "cut": [built(lambda _: lambda t: t[:, :out])],
    }
    for layer in layers[arm]:
        x = layer(x, trace)
    return x

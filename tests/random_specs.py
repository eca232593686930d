"""Random specs that are valid by construction, of every construct of the language.

`random_spec(seed)` is a text with one network `n`; with `plainly=True` the same network without
repeats, abbreviations and constants.
"""

from __future__ import annotations

import re
from math import gcd
from random import Random
from typing import NamedTuple

from resspec.ir.ops.window import window_output
from tests.random_layers import ACTIVATIONS, ARRANGING, LAWS, NORMS

STEPS = (
    "layer",
    "layer",
    "unit",
    "residual",
    "residual",
    "repeat",
    "repeat",
    "group",
    "merge",
    "gate",
    "dense",
    "part",
)
OPTIONS = """
shortcut A { same: identity; change: subsample /stride -> pad_channels out }
shortcut B { same: identity; change: conv 1x1, out, /stride -> bn }
shortcut C { same: conv 1x1, out; change: conv 1x1, out, /stride }
shortcut D { same: identity; widen: identity -> conv 1x1, out -> bn; change: avgpool 2x2, /stride, ceil=true -> conv 1x1, out }
shortcut N { same: identity; widen: pad_channels out; narrow: slice 0, out; change: none }
shortcut M { same: identity; change: none }
shortcut G(size, norm=bn) { same: identity; change: conv size, out, /stride -> norm }
"""
GIVEN = ("leaky_relu(0.2)", "gn(groups=1)", "dropout(half)")  # layers with bound arguments


class Picture(NamedTuple):
    channels: int
    height: int
    width: int

    def strided(self, stride: int) -> Picture:
        return Picture(self.channels, -(-self.height // stride), -(-self.width // stride))

    def wide(self, channels: int) -> Picture:
        return Picture(channels, self.height, self.width)


def random_spec(seed: int, *, plainly: bool = False) -> str:
    return _Writer(Random(seed), plainly).spec()


class _Writer:
    """A writer of the declarations that a network needs; `x` is the image that enters a step."""

    def __init__(self, random: Random, plainly: bool) -> None:
        self.random = random
        self.plainly = plainly
        self.declarations: list[str] = []
        self.labels = 0
        self.stages = 0
        self.blocks = 0

    def spec(self) -> str:
        choose = self.random.choice
        x = Picture(choose([3, 4]), choose([12, 15, 16]), choose([12, 16, 17]))
        option = choose([*"ABCDMN", "G 1x1", "G 3x3, norm=gn(groups=1)"])
        clauses = [f"input {x.channels}x{x.height}x{x.width}", f"shortcut {option}"]
        clauses += self.random.sample([f"init {law}" for law in LAWS[:3]], 1) * (
            self.random.random() < 0.5
        )
        clauses += [
            f"init {kind}: {choose(LAWS)}"
            for kind in ("conv", "fc", "linear", "stem", "head")
            if self.random.random() < 0.3
        ]
        clauses += choose(
            [[], [], [f"init bn: {choose(['normal mean=1, std=0.1', 'constant value=2, bias=1'])}"]]
        )
        clauses += choose([[], [], ["replace relu: silu"], ["replace bn: gn groups=1"]])
        sections = [self.section(kind) for kind in ("stem", *["stage"] * self.random.randint(1, 3))]
        texts = []
        for kind, wide in sections:
            text, x = self.chain(x, 2 if wide else 1, labels=True)
            texts.append(f"{kind} {text}")
        if self.random.random() < 0.4:
            more, x = self.listed(x)
            texts += more
        head = choose(
            [
                "avgpool -> fc 10",
                "avgpool -> flatten -> fc 5, bias=false -> relu -> fc 3",
                "maxpool to=2x2 -> fc 7",
                "conv 1x1, 10, bias=true -> avgpool -> flatten",
                "avgpool -> top: { dropout 0.5 -> fc 10 }",
                "to_last -> linear 6 -> ln -> gelu -> to_first -> avgpool to=1x2 -> fc 4",
            ]
        )
        network = "\n".join(f"    {clause}" for clause in [*clauses, *texts, f"head {head}"])
        text = "\n".join([*self.declarations, f"network n {{\n{network}\n}}", ""])
        constants = {"narrow": "8", "half": "1 / 2"}
        if self.plainly:
            for name, value in constants.items():
                text = re.sub(rf"\b{name}\b", f"({value})", text)
        return "\n".join(
            [OPTIONS, *(f"let {name} = {value}" for name, value in constants.items()), text]
        )

    def section(self, kind: str) -> tuple[str, bool]:
        self.stages += 1
        labels = [
            f"layer{self.stages}:",
            f"trunk.part{self.stages}:",
            f"trunk.block{self.stages}-0..:",
            f"{self.stages}:",
        ]
        return (kind if kind == "stem" else f"stage {self.random.choice(labels)}"), kind != "stem"

    def listed(self, x: Picture) -> tuple[list[str], Picture]:
        """A clause `stages`, or the stages that it stands for."""
        choose = self.random.choice
        name = self.declared("listed")
        self.declarations.append(
            f"block {name}(width, act=relu) {{ conv 3x3, width, /stride -> bn -> act }}"
        )
        length = choose([1, 2, 3])
        counts = [choose([1, 2, 3]) for _ in range(length)]
        widths = [choose([4, 6, 8]) for _ in range(length)]
        strides = [choose([1, 1, 2]) for _ in range(length)]
        for width, stride in zip(widths, strides, strict=True):
            x = x.wide(2 * width).strided(stride)
        if not self.plainly:
            chain = f"{counts} x {name} 2 * {widths}, gelu, /{strides}"
            return [f"stages deep.7..: {chain}"], x
        turns = zip(counts, widths, strides, strict=True)
        return [
            f"stage deep.{7 + i}: {count} x {name} {2 * width}, gelu, /{stride}"
            for i, (count, width, stride) in enumerate(turns)
        ], x

    # --- chains ---

    def chain(self, x: Picture, depth: int, labels: bool) -> tuple[str, Picture]:
        steps = []
        for _ in range(self.random.randint(1, 3)):
            text, x = self.step(x, depth, labels)
            steps.append(text)
        return " -> ".join(steps), x

    def step(self, x: Picture, depth: int, labels: bool) -> tuple[str, Picture]:
        if depth == 0:
            return self.layer(x)
        kind = self.random.choice(STEPS)
        text, y = getattr(self, f"_{kind}")(x, depth) if kind != "layer" else self.layer(x)
        if labels and kind not in ("repeat", "dense") and self.random.random() < 0.3:
            self.labels += 1
            text = f"{self.random.choice(['p', 'own.p', 'own.in.p', 'relu90', 'c-'])}{self.labels}: {text}"
        elif labels and kind == "repeat" and self.random.random() < 0.5:
            self.labels += 1
            text = f"{self.random.choice(['run', 'own.'])}{self.labels}00..: {text}"
        return text, y

    def layer(self, x: Picture) -> tuple[str, Picture]:
        choose = self.random.choice
        match self.random.randrange(8):
            case 0 | 1 | 2:
                return self.conv(x)
            case 3:
                return choose([n for n in NORMS if "gn groups" not in n or x.channels % 2 == 0]), x
            case 4:
                return choose(ACTIVATIONS), x
            case 5:
                return self.pool(x)
            case 6:
                return choose(ARRANGING), x
            case _:
                groups = gcd(x.channels, 2)
                return choose(
                    [
                        (f"shuffle {groups}", x),
                        (f"chunk {groups}, {groups - 1}", x.wide(x.channels // groups)),
                        (f"slice 1, {x.channels}", x.wide(x.channels - 1))
                        if x.channels > 4
                        else ("identity", x),
                        (f"pad_channels {x.channels + 3}", x.wide(x.channels + 3)),
                        self.resized(x),
                    ]
                )

    def resized(self, x: Picture) -> tuple[str, Picture]:
        """Only small pictures grow."""
        bordered = Picture(x.channels, x.height + 1, x.width + 2)
        doubled = Picture(x.channels, 2 * x.height, 2 * x.width)
        choices = [
            ("pad 1, 1, 0, 1", bordered),
            ("pad 1, 1, 0, 1, mode=replicate", bordered),
            ("pad 1, 1, 0, 1, mode=lowest -> maxpool 3x3", bordered),
            ("upsample size=5x7, mode=bilinear, align_corners=true", Picture(x.channels, 5, 7)),
        ]
        if min(x.height, x.width) > 1:
            choices.append(("pad 1, 1, 0, 1, mode=reflect", bordered))
        if x.height * x.width <= 300:
            choices.append(("upsample 2", doubled))
            choices.append(("upsample 2, mode=bilinear", doubled))
            choices.append((f"conv 1x1, {4 * x.channels} -> pixel_shuffle 2", doubled))
            choices.append(("upsample 2 -> pixel_unshuffle 2", x.wide(4 * x.channels)))
        return self.random.choice(choices)

    def conv(self, x: Picture) -> tuple[str, Picture]:
        choose = self.random.choice
        size, width, stride = (
            choose(["1x1", "3x3", "3", "1x3", "5x1"]),
            choose([4, 6, 8, 12]),
            choose([1, 1, 1, 2]),
        )
        groups = choose([1, 1, gcd(width, x.channels)])
        chosen = [f"max({width}, 3)", f"{width} if half < 1 else 3"]
        shown = choose([str(width), f"({width - 1} + 1)", *chosen, *["narrow"] * (width == 8)])
        extras = [f"/{stride}"] * (stride > 1 or self.random.random() < 0.1)
        extras += [f"groups={groups}"] * (groups > 1) + choose(
            [[], ["dilation=2"], ["bias=true"], ["bias=false"]]
        )
        self.random.shuffle(extras)
        if stride == 2 and self.random.random() < 0.3:
            extras.append("padding=same")
        if self.random.random() < 0.1 and min(x.height, x.width) > 2:
            return f"upconv 2x2, {shown}, /2", Picture(width, 2 * x.height, 2 * x.width).strided(1)
        kind = choose([*["conv"] * 6, "std_conv", "scaled_std_conv"])
        if groups == x.channels and size == "1x1":
            kind = "conv"  # a single weight cannot be standardized
        return ", ".join([f"{kind} {size}", shown, *extras]), x.wide(width).strided(stride)

    def pool(self, x: Picture) -> tuple[str, Picture]:
        kind, ceil = self.random.choice(["maxpool", "avgpool"]), self.random.random() < 0.5
        if min(x.height, x.width) < 4:
            return f"{kind} 3x3", x
        size, stride, padding = self.random.choice(
            [(2, 2, 0), (3, 2, 1), (3, 2, 0), (3, 3, 1), (5, 2, 2), (3, 1, 1)]
        )
        if self.random.random() < 0.2:
            text = f"{kind} {size}x{size}, /{stride}, padding=same"
            return text, x.strided(stride)
        window = ((size, size), (stride, stride), (padding, padding), (1, 1))
        out = window_output((x.height, x.width), *window, ceil=ceil)
        extras = [f"padding={padding}"] * (padding != size // 2 * (size % 2)) + ["ceil=true"] * ceil
        return ", ".join([f"{kind} {size}x{size}", f"/{stride}", *extras]), Picture(
            x.channels, *out
        )

    # --- steps of several layers ---

    def _group(self, x: Picture, depth: int) -> tuple[str, Picture]:
        text, y = self.chain(x, depth - 1, labels=False)
        word = self.random.choice(["", "sequential "])
        return f"{word}{{ {text} }}", y

    def _repeat(self, x: Picture, depth: int) -> tuple[str, Picture]:
        count = self.random.choice([1, 2, 3, 5])
        text, y = self.random.choice([self._residual, self._unit, self._dense, self._same])(
            x, depth
        )
        if text.startswith("dense"):
            y = x.wide(x.channels + count * (y.channels - x.channels))
        repeated = self.random.choice(
            [f"{count} x {text}", f"(half + {2 * count - 1} / 2) x {text}"]
        )
        later = text.replace(", /2", "")  # a stride goes to the first turn only
        return "{ " + " -> ".join(
            [text, *[later] * (count - 1)]
        ) + " }" if self.plainly else repeated, y

    def _same(self, x: Picture, depth: int) -> tuple[str, Picture]:
        del depth
        return self.random.choice(
            [
                f"{{ conv 3x3, {x.channels} -> relu }}",
                "sequential { bn }",
                "relu",
                f"2 x conv 1x1, {x.channels}",
            ]
        ), x

    def _merge(self, x: Picture, depth: int) -> tuple[str, Picture]:
        del depth
        width, other = (
            self.random.choice([4, 8]),
            self.random.choice(["bn", "relu -> conv 1x1, 4", "conv 3x1, 6, bias=true"]),
        )
        merge = self.random.choice(
            [
                f"add {{ conv 3x3, {width} -> bn | conv 1x1, {width} }}",
                f"mul {{ conv 1x1, {width} | avgpool -> conv 1x1, {width} -> sigmoid }}",
                f"conv 1x1, {width} -> mul {{ identity | avgpool -> channel_conv 3 -> softmax parts=2 }}",
                f"add {{ identity | relu | {{ bn -> relu }} -> conv 3x3, {x.channels} }}",
            ]
        )
        if "identity" not in merge or merge.startswith("conv"):
            return merge, x.wide(width)
        if self.random.random() < 0.5:
            return merge, x
        added = {"bn": x.channels, "relu -> conv 1x1, 4": 4}.get(other, 6)
        return f"concat {{ identity | {other} }}", x.wide(x.channels + added)

    def _unit(self, x: Picture, depth: int) -> tuple[str, Picture]:
        """An abbreviation."""
        del depth
        name, norm = self.declared("unit"), self.random.choice(["bn", "gn 1", "identity"])
        self.declarations.append(
            f"block {name}(width, act=relu, size=3x3)"
            " = conv size, width if act == relu else max(width, 2), /stride"
            f" -> (size != 1) x {norm} -> act"
        )
        width, stride = self.random.choice([4, 8]), self.random.choice([1, 2])
        calls = [("", "relu", "3x3"), (", act=silu", "silu", "3x3"), (", gelu, 1x1", "gelu", "1x1")]
        calls += [(f", act={given}", given, "3x3") for given in GIVEN]
        given, act, size = self.random.choice(calls)
        strided, y = f", /{stride}" * (stride > 1), x.wide(width).strided(stride)
        if self.plainly:
            norm = "" if size == "1x1" else f"-> {norm} "
            act = act.replace("(", " ").removesuffix(")")
            return f"{{ conv {size}, {width}{strided} {norm}-> {act} }}", y
        return f"{name} {width}{given}{strided}", y

    def _gate(self, x: Picture, depth: int) -> tuple[str, Picture]:
        del depth
        name = self.declared("gate")
        self.declarations.append(
            f"block {name}(s) {{ mul {{ identity | avgpool -> fc1: conv 1x1, s, bias=true -> relu "
            "-> fc2: conv 1x1, in, bias=true -> sigmoid } }"
        )
        return f"{name} {self.random.choice([4, 6])}", x

    def _dense(self, x: Picture, depth: int) -> tuple[str, Picture]:
        del depth
        name, growth = self.declared("dense"), self.random.choice([2, 4])
        self.declarations.append(
            f"block {name}(growth) {{ concat {{ identity | norm1: bn -> relu -> conv 3x3, growth }} }}"
        )
        return f"{name} {growth}", x.wide(x.channels + growth)

    def _part(self, x: Picture, depth: int) -> tuple[str, Picture]:
        """A module of one chain, with a block handed over."""
        name = self.declared("part2")
        inside, y = self.chain(x, depth - 1, labels=True)
        self.declarations.append(f"block {name}(act) {{ {inside} -> act }}")
        return f"{name} {self.random.choice(['relu', 'act=gelu', 'identity', *GIVEN])}", y

    def _residual(self, x: Picture, depth: int) -> tuple[str, Picture]:
        del depth
        choose, name = self.random.choice, self.declared("res")
        stride, width = choose([1, 1, 2]), choose([x.channels, x.channels, x.channels + 4])
        drop = choose(
            [
                "",
                "",
                " -> drop_path 0.1 * (index + 1) / count",
                " -> bn -> drop_path half * index / 40",
            ]
        )
        residual = choose(
            [
                "conv 3x3, width, /stride -> bn -> relu -> conv 3x3, width -> bn",
                "f: { conv 1x1, 2 * in -> bn -> relu -> 9: conv 3x3, width, /stride, groups=1 -> bn }",
                "conv 3x3, in, /stride, groups=in -> 2 x { bn -> relu } -> conv 1x1, width",
                "(stride > 1) x { bn -> relu } -> conv 3x3, max(in, width), /stride -> conv 1x1, width",
            ]
        )
        clauses = [
            f"residual {residual}{drop}",
            f"shortcut{choose(['', ' proj:', ''])}{choose(['', ' B', ' option', ' G 1x1'])}",
        ]
        if width >= x.channels and self.random.random() < 0.3:
            clauses.reverse()
        clauses += choose([[], ["after relu"], ["after relu6 -> dropout 0.1"]])
        clauses.insert(0, choose(["let unused = 3", "preact bn -> relu"]))
        self.declarations.append(f"block {name}(width, option=C) {{ {'; '.join(clauses)} }}")
        return f"{name} {width}" + choose(
            ["", ", option=D", ", option=G(3x3)"]
        ) + f", /{stride}" * (stride > 1), x.wide(width).strided(stride)

    def declared(self, kind: str) -> str:
        self.blocks += 1
        return f"{kind}_{self.blocks}{self.random.choice(['', 'a', 'x1'])}"

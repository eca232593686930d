"""Random IRs of every construct, with odd names, also such as no spec of ours has."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from random import Random

from resspec.ir import walk
from resspec.ir.init import Init
from resspec.ir.network import Network, Section
from resspec.ir.nodes import Located, Merge, Op, Parallel, Repeat, Scope, Series
from resspec.ir.ops import OPS, Layer
from resspec.ir.ops.layer import Ramp
from resspec.ir.shape import Name, Shape
from resspec.passes.inplace import inplace

SPAN = "random.res:1:1-1:1"
LABELS = [
    "conv",
    "a",
    "x",
    "self",
    "nn",
    "torch",
    "class",
    "block2-0",
    "__secret",
    "residual",
    "out",
    "import",
    "i",
]
BLOCKS = [
    "unit",
    "squeeze",
    "torch",
    "nn",
    "class",
    "None",
    "x",
    "module",
    "named",
    "Tensor",
    "DropPath",
    None,
]
LAWS = [
    None,
    Init("kaiming_normal", (("mode", "fan_out"), ("nonlinearity", "relu"))),
    Init("constant", (("value", Fraction(0)),)),
    Init("default", (), Fraction(0)),
    Init("normal", (("mean", Fraction(0)), ("std", Fraction(1, 100))), None),
]


def random_network(seed: int) -> Network:
    """A network from a small picture to five classes."""
    random = _Random(seed)
    scope = _Namer(random)
    x = Shape((random.choice([2, 4]), 6, 6))
    sections, entering = [], x
    for _ in range(3):
        body = random.series(scope, x, depth=2)
        sections.append(Section("stage", "any.label", body, SPAN))
        x = body.node.output
    flat = random.op("flatten", x, None)
    head = _series([flat, random.op("fc", flat.node.output, Name("fc"), out_features=5)], x)
    sections.append(Section("head", "head", head, SPAN))
    name = random.choice(["net", "torch", "class", "2nd-net", "F", "Net"])
    network = Network(name, entering, head.node.output, tuple(sections), SPAN)
    return inplace(walk.normal(network))


class _Namer:
    """Names in one scope, each once."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self.next: Counter[str] = Counter()
        self.taken: set[str] = set()
        self.shared: dict[str, _Namer] = {}
        self.in_repeat = False
        self.numbered = random.random() < 0.4

    def name(self, key: str) -> Name:
        if not self.numbered and not self.in_repeat and self.random.random() < 0.3:
            label = self.random.choice(LABELS)
            if label not in self.taken:
                self.taken.add(label)
                return Name(label)
        key = "" if self.numbered else key
        number = self.next[key] + (0 if self.numbered else 1)
        self.next[key] += 1
        return Name(key, number)


class _Random(Random):
    def op(self, kind: str, x: Shape, name: Name | None, **given: object) -> Located:
        layer: Layer = OPS[kind](**given)
        init = self.choice(LAWS if layer.weighted else LAWS[2:]) if layer.parameters(x) else None
        return Located(Op(x, layer.infer(x), layer, init), SPAN, (), name)

    def series(
        self, scope: _Namer, x: Shape, depth: int, keep: bool = False, ramp: bool = False
    ) -> Located:
        children: list[Located] = []
        y = x
        for _ in range(self.randint(1, 4)):
            children.append(self.node(scope, y, depth, ramp))
            y = children[-1].node.output
        if keep and y != x:
            children.append(self.back(scope, y, x))
        return _series(children, x)

    def back(self, scope: _Namer, y: Shape, x: Shape) -> Located:
        """A convolution from one shape back to another, which is as large."""
        assert y.spatial == x.spatial
        return self.op("conv", y, scope.name("conv"), kernel_size=(1, 1), out_channels=x.channels)

    def node(self, scope: _Namer, x: Shape, depth: int, ramp: bool) -> Located:
        choices = ["op"] * 4 + (
            ["add", "concat", "mul", "repeat", "scope", "scope", "shared"] if depth else []
        )
        match self.choice(choices):
            case "op":
                return self.layer(scope, x, ramp)
            case "add":
                paths: list[Located] = [
                    self.series(scope, x, depth - 1, keep=True, ramp=ramp),
                    _series([], x),
                ]
                if self.random() < 0.3:
                    paths.insert(1, self.back(scope, x, x))
                residual = paths[0]
                if self.random() < 0.3:
                    self.shuffle(paths)
                index = paths.index(residual) if self.random() < 0.7 else None
                return _merged("add", paths, x, x, index)
            case "concat":
                paths = [
                    *(
                        self.series(scope, x, depth - 1, ramp=ramp)
                        for _ in range(self.randint(1, 2))
                    ),
                    _series([], x),
                ]
                y = x.with_channels(sum(path.node.output.channels for path in paths))
                merged = _merged("concat", paths, x, y)
                return _series([merged, self.back(scope, y, x)], x)
            case "mul":
                pool = self.op("avgpool", x, scope.name("avgpool"))
                gate = _series([pool, self.back(scope, pool.node.output, pool.node.output)], x)
                paths = [_series([], x), gate]
                if self.random() < 0.3:
                    paths.reverse()
                return _merged("mul", paths, x, x)
            case "repeat":
                return self.repeat(scope, x, depth)
            case "shared" if not scope.in_repeat:
                inner = scope.shared.setdefault("shared", _Namer(self))
                body = self.series(inner, x, depth - 1, ramp=ramp)
                return _scope(Name("shared"), body)
            case _:
                return self.scope(scope, x, depth, ramp)

    def repeat(self, scope: _Namer, x: Shape, depth: int) -> Located:
        before, outer, scope.in_repeat = Counter(scope.next), scope.in_repeat, True
        body = self.series(scope, x, depth - 1, keep=True, ramp=True)
        scope.in_repeat = outer
        count = self.choice([2, 3, 5])
        moves = {key: n - before[key] for key, n in scope.next.items()}
        for key, n in moves.items():
            scope.next[key] += n * (count - 1)
        body = _grown(body, moves)
        return Located(Repeat(x, x, count, body.node), SPAN, (body,))

    def scope(self, scope: _Namer, x: Shape, depth: int, ramp: bool) -> Located:
        block = self.choice(BLOCKS)
        name = scope.name(block or "part")
        if block and self.random() < 0.5:
            body = self.unit(_Namer(self), x)
        else:
            body = self.series(_Namer(self), x, depth - 1, ramp=ramp)
        return _scope(name, body, block)

    def unit(self, scope: _Namer, x: Shape) -> Located:
        """The same block each time, with another width, and a projection where it widens."""
        scope.numbered = False
        width = self.choice([2, 4])
        first = self.op(
            "conv", x, Name("conv1"), kernel_size=(3, 3), padding=(1, 1), out_channels=width
        )
        norm = self.op("bn", first.node.output, Name("bn1"))
        last = self.op(
            "conv", norm.node.output, Name("conv2"), kernel_size=(1, 1), out_channels=2 * width
        )
        f = _series([first, norm, self.op("relu", norm.node.output, Name("relu1")), last], x)
        h = _series([], x)
        if x.channels != 2 * width:
            projection = self.op("conv", x, Name("", 0), kernel_size=(1, 1), out_channels=2 * width)
            h = _scope(Name("downsample"), projection)
        added = _merged("add", [f, h], x, f.node.output, 0)
        return _series([added, self.op("relu", f.node.output, Name("relu2"))], x)

    def layer(self, scope: _Namer, x: Shape, ramp: bool) -> Located:
        kind = self.choice(
            [
                "conv",
                "conv",
                "bn",
                "relu",
                "silu",
                "gelu",
                "ln2d",
                "gn",
                "dropout",
                "drop_path",
                "layer_scale",
                "gain",
                "identity",
                "slice",
                "shuffle",
                "maxpool",
                "pad_channels",
                "linear",
            ]
        )
        given: dict[str, object] = {}
        match kind:
            case "conv":
                size = self.choice([1, 3])
                groups = self.choice([1, x.channels])
                given = {
                    "kernel_size": (size, size),
                    "padding": (size // 2, size // 2),
                    "bias": self.random() < 0.3,
                    "groups": groups,
                    "out_channels": self.choice([2, 4, 8]) if groups == 1 else 2 * x.channels,
                }
            case "gn" | "shuffle":
                given = {("num_groups" if kind == "gn" else "groups"): 1}
            case "dropout" | "drop_path":
                p = Fraction(self.randint(0, 3), 7)
                given = {
                    "p": Ramp(p, Fraction(1, 35))
                    if ramp and kind == "drop_path" and self.random() < 0.7
                    else p
                }
            case "gain":
                given = {
                    "init_value": Fraction(self.randint(1, 3), 2),
                    "shape": self.choice(["one", "scalar", "C", "Cx1x1"]),
                }
            case "slice":
                given = {"start": 0, "stop": x.channels}
            case "maxpool":
                given = {"kernel_size": (3, 3), "stride": (1, 1), "padding": (1, 1)}
            case "pad_channels":
                given = {"out_channels": x.channels + 1}
            case "linear":
                kind, given = "conv", {"kernel_size": (1, 1), "out_channels": x.channels}
        return self.op(kind, x, scope.name(kind), **given)


def _series(children: Sequence[Located], x: Shape) -> Located:
    output = children[-1].node.output if children else x
    node = Series(x, output, tuple(child.node for child in children))
    return Located(node, SPAN, tuple(children))


def _merged(
    merge: Merge, paths: Sequence[Located], x: Shape, y: Shape, residual: int | None = None
) -> Located:
    node = Parallel(x, y, merge, tuple(path.node for path in paths), residual)
    return Located(node, SPAN, tuple(paths))


def _scope(name: Name, body: Located, block: str | None = None) -> Located:
    node = Scope(body.node.input, body.node.output, body.node)
    return Located(node, SPAN, (body,), name, block)


def _grown(located: Located, moves: dict[str, int]) -> Located:
    name = located.name
    if isinstance(located.node, Op | Scope):
        if name is None or name.number is None:
            return located
        return replace(located, name=name._replace(steps=(moves[name.prefix], *name.steps)))
    return walk.with_parts(located, tuple(_grown(part, moves) for part in located.parts))


def with_texts(network: Network, text: str) -> Network:
    """Return the network with a text in each place that a spec's author can name.

    Steps with weights keep their names, which are keys of the state dict and cannot hold a dot.
    """
    sections = tuple(
        replace(section, label=text, located=_with_texts(section.located, text))
        for section in network.sections
    )
    return replace(network, name=text, sections=sections)


def _with_texts(located: Located, text: str) -> Located:
    name = located.name
    if name is not None:
        name = name._replace(prefix=f"{text}{name.prefix}".replace(".", ""))
    parts = tuple(_with_texts(part, text) for part in located.parts)
    return replace(located, name=name, block=located.block and text, parts=parts)

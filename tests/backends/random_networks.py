"""Random IRs of every construct, odd names included: what no spec of ours says, and any spec may."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from fractions import Fraction
from random import Random

from resspec.ir.init import Init
from resspec.ir.nodes import Network, Node, Op, Parallel, Repeat, Scope, Section, Series
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
        sections.append(Section(kind="stage", label="any.label", body=body, span=SPAN))
        x = body.output
    flat = random.op("flatten", x, None)
    head = _series([flat, random.op("fc", flat.output, Name("fc"), out_features=5)], x)
    sections.append(Section(kind="head", label="head", body=head, span=SPAN))
    name = random.choice(["net", "torch", "class", "2nd-net", "F", "Net"])
    return inplace(
        Network(name=name, input=entering, output=head.output, sections=tuple(sections), span=SPAN)
    )


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
    def op(self, kind: str, x: Shape, name: Name | None, **given: object) -> Op:
        layer: Layer = OPS[kind](**given)
        init = self.choice(LAWS if layer.weighted else LAWS[2:]) if layer.parameters(x) else None
        return Op(input=x, output=layer.infer(x), span=SPAN, name=name, layer=layer, init=init)

    def series(
        self, scope: _Namer, x: Shape, depth: int, keep: bool = False, ramp: bool = False
    ) -> Series:
        children: list[Node] = []
        y = x
        for _ in range(self.randint(1, 4)):
            children.append(self.node(scope, y, depth, ramp))
            y = children[-1].output
        if keep and y != x:
            children.append(self.back(scope, y, x))
        return _series(children, x)

    def back(self, scope: _Namer, y: Shape, x: Shape) -> Node:
        """A convolution from one shape back to another, which is as large."""
        assert y.spatial == x.spatial
        return self.op("conv", y, scope.name("conv"), kernel_size=(1, 1), out_channels=x.channels)

    def node(self, scope: _Namer, x: Shape, depth: int, ramp: bool) -> Node:
        choices = ["op"] * 4 + (
            ["add", "concat", "mul", "repeat", "scope", "scope", "shared"] if depth else []
        )
        match self.choice(choices):
            case "op":
                return self.layer(scope, x, ramp)
            case "add":
                paths: list[Node] = [
                    self.series(scope, x, depth - 1, keep=True, ramp=ramp),
                    _series([], x),
                ]
                if self.random() < 0.3:
                    paths.insert(1, self.back(scope, x, x))
                residual = paths[0]
                if self.random() < 0.3:
                    self.shuffle(paths)
                index = paths.index(residual) if self.random() < 0.7 else None
                return Parallel(
                    input=x, output=x, span=SPAN, merge="add", paths=tuple(paths), residual=index
                )
            case "concat":
                paths = [
                    *(
                        self.series(scope, x, depth - 1, ramp=ramp)
                        for _ in range(self.randint(1, 2))
                    ),
                    _series([], x),
                ]
                y = x.with_channels(sum(path.output.channels for path in paths))
                merged = Parallel(input=x, output=y, span=SPAN, merge="concat", paths=tuple(paths))
                return _series([merged, self.back(scope, y, x)], x)
            case "mul":
                pool = self.op("avgpool", x, scope.name("avgpool"))
                gate = _series([pool, self.back(scope, pool.output, pool.output)], x)
                paths = [_series([], x), gate]
                if self.random() < 0.3:
                    paths.reverse()
                return Parallel(input=x, output=x, span=SPAN, merge="mul", paths=tuple(paths))
            case "repeat":
                return self.repeat(scope, x, depth)
            case "shared" if not scope.in_repeat:
                inner = scope.shared.setdefault("shared", _Namer(self))
                body = self.series(inner, x, depth - 1, ramp=ramp)
                return Scope(input=x, output=body.output, span=SPAN, name=Name("shared"), body=body)
            case _:
                return self.scope(scope, x, depth, ramp)

    def repeat(self, scope: _Namer, x: Shape, depth: int) -> Repeat:
        before, outer, scope.in_repeat = Counter(scope.next), scope.in_repeat, True
        body = self.series(scope, x, depth - 1, keep=True, ramp=True)
        scope.in_repeat = outer
        count = self.choice([2, 3, 5])
        moves = {key: n - before[key] for key, n in scope.next.items()}
        for key, n in moves.items():
            scope.next[key] += n * (count - 1)
        return Repeat(input=x, output=x, span=SPAN, count=count, body=_grown(body, moves))

    def scope(self, scope: _Namer, x: Shape, depth: int, ramp: bool) -> Scope:
        block = self.choice(BLOCKS)
        name = scope.name(block or "part")
        if block and self.random() < 0.5:
            body = self.unit(_Namer(self), x)
        else:
            body = self.series(_Namer(self), x, depth - 1, ramp=ramp)
        return Scope(input=x, output=body.output, span=SPAN, name=name, body=body, block=block)

    def unit(self, scope: _Namer, x: Shape) -> Series:
        """The same block each time, with another width, and a projection where it widens."""
        scope.numbered = False
        width = self.choice([2, 4])
        first = self.op(
            "conv", x, Name("conv1"), kernel_size=(3, 3), padding=(1, 1), out_channels=width
        )
        norm = self.op("bn", first.output, Name("bn1"))
        last = self.op(
            "conv", norm.output, Name("conv2"), kernel_size=(1, 1), out_channels=2 * width
        )
        f = _series([first, norm, self.op("relu", norm.output, Name("relu1")), last], x)
        h: Node = _series([], x)
        if x.channels != 2 * width:
            projection = self.op("conv", x, Name("", 0), kernel_size=(1, 1), out_channels=2 * width)
            h = Scope(
                input=x,
                output=projection.output,
                span=SPAN,
                name=Name("downsample"),
                body=projection,
            )
        added = Parallel(input=x, output=f.output, span=SPAN, merge="add", paths=(f, h), residual=0)
        return _series([added, self.op("relu", f.output, Name("relu2"))], x)

    def layer(self, scope: _Namer, x: Shape, ramp: bool) -> Op:
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
            case "slice":
                given = {"start": 0, "stop": x.channels}
            case "maxpool":
                given = {"kernel_size": (3, 3), "stride": (1, 1), "padding": (1, 1)}
            case "pad_channels":
                given = {"out_channels": x.channels + 1}
            case "linear":
                kind, given = "conv", {"kernel_size": (1, 1), "out_channels": x.channels}
        return self.op(kind, x, scope.name(kind), **given)


def _series(children: Sequence[Node], x: Shape) -> Series:
    return Series(
        input=x, output=children[-1].output if children else x, span=SPAN, children=tuple(children)
    )


def _grown(node: Node, moves: dict[str, int]) -> Node:
    match node:
        case Op(name=name) | Scope(name=name):
            if name is None or name.number is None:
                return node
            return node.changed(name=name._replace(steps=(moves[name.prefix], *name.steps)))
        case Series(children=children):
            return node.changed(children=tuple(_grown(child, moves) for child in children))
        case Parallel(paths=paths):
            return node.changed(paths=tuple(_grown(path, moves) for path in paths))
        case Repeat(body=body):
            return node.changed(body=_grown(body, moves))


def with_texts(network: Network, text: str) -> Network:
    """The network with a text wherever a spec's author chooses one: its name, its stages', blocks', and steps' that have
    no weights (those of others are keys of the state dict, and cannot hold a dot)."""
    sections = tuple(
        section.changed(label=text, body=_with_texts(section.body, text))
        for section in network.sections
    )
    return network.changed(name=text, sections=sections)


def _with_texts(node: Node, text: str) -> Node:
    match node:
        case Op(name=name):
            named = name and name._replace(prefix=f"{text}{name.prefix}".replace(".", ""))
            return node.changed(name=named)
        case Scope(name=name, body=body):
            name = name._replace(prefix=f"{text}{name.prefix}".replace(".", ""))
            return node.changed(name=name, block=node.block and text, body=_with_texts(body, text))
        case Series(children=children):
            return node.changed(children=tuple(_with_texts(child, text) for child in children))
        case Parallel(paths=paths):
            return node.changed(paths=tuple(_with_texts(path, text) for path in paths))
        case Repeat(body=body):
            return node.changed(body=_with_texts(body, text))

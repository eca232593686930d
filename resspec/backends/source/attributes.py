"""The attributes of a class: what its statements call, and how the constructor makes it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import product

from resspec.backends.source.classes import Arms, EmittedClass, EmittedStatement, runs
from resspec.backends.source.layout import Code, Statement, block
from resspec.backends.source.modules import Constructors, Turns
from resspec.backends.source.syntax import Names, attribute, label, quoted, register
from resspec.backends.source.terms import TorchLayer, Term
from resspec.ir.shape import Name
from resspec.lowering.module_attributes import MODULE_ATTRIBUTES
from resspec.passes.schedule import ApplyStatement, LoopStatement, MergeStatement

ARMS = ("change", "widen", "narrow", "same", "")  # in the order in which they are tested


class ClassAttributes:
    """Walks the statements of a class once, in order: the lines of the constructor, and expressions
    for `forward`.
    """

    def __init__(self, cls: EmittedClass, constructors: Constructors) -> None:
        self.cls = cls
        self.constructors = constructors
        self._test = constructors.signature.test
        self.body: list[Statement] = []
        self.flags: dict[Arms, str] = {}  # by the arms that have the statements
        self._of: dict[EmittedStatement, str] = {}
        self._spaces: set[tuple[Name, ...]] = set()
        self._shared: dict[str, str] = {}
        self._names = Names({*_fixed(cls.slots), *MODULE_ATTRIBUTES})
        self._construct(_as_registered(cls), (), self.body)

    def __getitem__(self, slot: EmittedStatement) -> str:
        """Return the module that a statement runs."""
        return self._of[slot]

    def _construct(
        self, slots: Iterable[EmittedStatement], turns: Turns, body: list[Statement]
    ) -> None:
        for run in runs(slots):
            if run[0].optional == "flag" and run[0].present not in self.flags:
                self._flag(run[0])
            inside: list[Statement] = []
            for slot in run:
                match slot.statement:
                    case ApplyStatement(path=path):
                        self._module(slot, path, turns, inside)
                    case LoopStatement(turns=count):
                        variable, made = self.constructors.loop(turns), list[Statement]()
                        self._construct(slot.inner, (*turns, variable), made)
                        inside += block(f"for {variable} in range({count}):", made)
                    case _:
                        pass
            is_tested = run[0].optional == "flag"
            body += block(f"if {self.flags[run[0].present]}:", inside) if is_tested else inside

    def _flag(self, slot: EmittedStatement) -> None:
        """Make the attribute that says whether statements run."""
        statement = slot.statement
        is_gate = isinstance(statement, MergeStatement) and statement.kind == "mul"
        flag = f"self.{self._names.new('scale' if is_gate else 'residual')}"
        self.flags[slot.present] = flag
        self.body.append(Code(f"{flag} = {self._test(slot.present, self.cls.arms)}"))

    def _module(
        self, slot: EmittedStatement, path: tuple[Name, ...], turns: Turns, body: list[Statement]
    ) -> None:
        if _is_free(slot):
            self._of[slot] = self._free(slot, path[-1].prefix, turns)
            return
        owner = "self"
        for i, part in enumerate(path[:-1]):
            name = label(part)
            if path[: i + 1] not in self._spaces:
                self._spaces.add(path[: i + 1])
                self.body.append(register(owner, name, Code("nn.Module()")))
            owner = attribute(owner, name)
        name = label(path[-1], turns)
        self._of[slot] = attribute(owner, name)
        body += self._made(slot, owner, name, turns)

    def _free(self, slot: EmittedStatement, wanted: str, turns: Turns) -> str:
        """Return the attribute of a module without state, which equal ones share."""
        key = self.constructors.expression(slot.options[0][1], turns).text
        is_shared = len(slot.options) == 1 and slot.optional in (None, "flag")
        if not is_shared or key not in self._shared:
            name = self._names.new(wanted)
            self.body += self._made(slot, "self", quoted(name), turns)
            if not is_shared:
                return f"self.{name}"
            self._shared[key] = f"self.{name}"
        return self._shared[key]

    def _made(self, slot: EmittedStatement, owner: str, name: str, turns: Turns) -> list[Statement]:
        """Return the statements that register a module: one, or one for each arm of the shortcut
        option that has another.
        """
        options = sorted(slot.options, key=lambda option: min(map(ARMS.index, option[0])))
        made: list[Statement] = [self._registered(owner, name, term, turns) for _, term in options]
        without = {"identity": "nn.Identity()", "none": "None"}.get(slot.optional or "")
        if without is None and len(options) == 1:
            return made
        lines: list[Statement] = [register(owner, name, Code(without))] if without else []
        among, word = self.cls.arms, "if"
        for (arms, _), line in zip(options, made, strict=True):
            is_last = without is None and among == arms
            lines += block("else:" if is_last else f"{word} {self._test(arms, among)}:", [line])
            among, word = among - arms, "elif"
        return lines

    def _registered(self, owner: str, name: str, term: Term, turns: Turns) -> Code:
        is_parameter = isinstance(term, TorchLayer) and term.operand is not None
        method = "register_parameter" if is_parameter else "add_module"
        return register(owner, name, self.constructors.expression(term, turns), method)


def _as_registered(cls: EmittedClass) -> list[EmittedStatement]:
    """Return the statements in the order of their modules: all of a scope that stands in several
    places where it is first entered.
    """
    entered = dict(cls.template.program.entered)

    def place(k: int) -> tuple[float, ...]:
        match cls.slots[k].statement:
            case ApplyStatement(path=(*path, _)) | LoopStatement(path=path):
                scopes = [tuple(path[: i + 1]) for i in range(len(path))]
                return (*(entered[scope] - 0.5 for scope in scopes), k)
            case _:
                return (k,)

    return [cls.slots[k] for k in sorted(range(len(cls.slots)), key=place)]


def _is_free(slot: EmittedStatement) -> bool:
    """Return whether the attribute may have any name, since it leaves no trace in a state dict."""
    return all(isinstance(term, TorchLayer) and term.free for _, term in slot.options)


def _fixed(slots: Iterable[EmittedStatement], counts: tuple[int, ...] = ()) -> Iterator[str]:
    """Yield the names under which weights stand."""
    for slot in slots:
        match slot.statement:
            case ApplyStatement(path=(name, *_)) if not _is_free(slot):
                turns = product(*map(range, counts)) if any(name.steps) else [()]
                yield from (name.at(*each) for each in turns)
            case LoopStatement(turns=count):
                yield from _fixed(slot.inner, (*counts, count))
            case _:
                pass

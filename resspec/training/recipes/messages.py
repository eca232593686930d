"""The diagnostics of mistakes in a recipe: what is wrong, where, and what to write instead."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from pydantic_core import ErrorDetails

from resspec.diagnostics import Diagnostic
from resspec.source import Span
from resspec.suggest import listed, nearest
from resspec.training import errors
from resspec.training.recipes import fields
from resspec.training.recipes.advice import Advice
from resspec.training.recipes.fields import EXAMPLES, SHORTHAND, Key, Keys, Path, keys_of
from resspec.training.recipes.foreign import kind_of, like, substitute
from resspec.training.recipes.kinds import Length
from resspec.training.recipes.repairs import repaired
from resspec.training.recipes.scalars import Trap, read
from resspec.training.recipes.syntax import other_language
from resspec.training.recipes.text import RecipeText
from resspec.training.recipes.tree import RecipeNode, Scalar

_SHOWN = 40  # characters of a value
_NO_DATA = (
    "leave it out: `data` says how images are preprocessed, "
    "and the data set belongs to the command that trains"
)


class Messages:
    """Makes the diagnostics of one text."""

    def __init__(self, text: RecipeText) -> None:
        self.text = text

    # --- keys ---

    def no_keys(self) -> Diagnostic:
        """Return the mistake of a text that is empty, one value or a list."""
        least = "at least `epochs: 90` and `batch_size: 256`"
        root = self.text.root
        if root.content == Scalar("", quoted=False):
            start = Span(self.text.source, 0, 0)
            return errors.not_yaml(start, "the recipe is empty", f"write {least}")
        if found := other_language(self.text.source):
            return found
        help = f"write keys with values, {least}"
        return errors.wrong_value(root.span, "a recipe has keys, but this has none", help)

    def unknown_keys(self, unknown: Iterable[Keys], advice: Advice) -> Iterator[Diagnostic]:
        """Yield the mistakes of keys that there are not; the list of those there are comes once."""
        helps = advice.helps()
        listings = set[str]()
        for path in unknown:
            word, owner, span = path[-1], self._owner(path[:-1]), self.text.key(path)
            if each := advice.foreign.get(path):
                mistake = errors.foreign_key(span, word, owner, each.why, helps[path])
                yield mistake._replace(remedy=each.remedy)
                continue
            help = self._own_keys(path)
            mistake = errors.unknown_key(span, word, owner, help)
            yield mistake._replace(help=None) if help in listings else mistake
            if help.startswith("it has "):
                listings.add(help)

    def _own_keys(self, path: Keys) -> str:
        """Return what to write instead of a key that is not known anywhere."""
        around = path[:-1]
        kind = self.text.kind(around[:1])
        known = fields.section(around, kind)
        if near := nearest(path[-1], known):
            return f"did you mean `{near}`?"
        if known.keys() - {"name"}:
            return f"it has {listed([*known])}"
        return f"write `{around[-1]}: {kind}`, which needs no other key"

    def missing_key(self, path: Keys) -> Diagnostic:
        around, word = path[:-1], path[-1]
        example = f"{word}: {EXAMPLES[word]}"
        owner = self._owner(around)
        if not around or self.text.is_section(around):
            return errors.missing_key(self.text.key(path), owner, word, f"add `{example}`")
        help = f"write `{around[-1]}: {{name: {self.text.kind(around)}, {example}}}`"
        return errors.missing_key(self.text.mark((*around, "name")), owner, word, help)

    def missing_kind(self, path: Keys, advice: Advice) -> Diagnostic:
        """Return the mistake of an optimizer or a schedule without its name."""
        help = f"write `{advice.section(path)}`"
        return errors.missing_key(self.text.key(path), f"`{path[-1]}`", "name", help)

    def unknown_kind(self, path: Keys, node: RecipeNode) -> tuple[Diagnostic, str]:
        """Return the mistake of an unknown optimizer or schedule, and the one that was meant."""
        kinds = fields.kinds(path)
        word = node.content.text if isinstance(node.content, Scalar) else "…"
        ours = kind_of(f"{path[-1]}.name", word)
        meant = ours if ours in kinds else ""
        *others, last = [f"`{name}`" for name in kinds]
        there_are = f"there are {', '.join(others)} and {last}"
        if meant:
            help = f"write `{meant}`"
        elif instead := substitute(word):
            help = f"{instead}; {there_are}"
        else:
            near = nearest(word, kinds)
            help = f"did you mean `{near}`?" if near else there_are
        place = self.text.mark((*path, "name"))
        return errors.unknown_kind(place, path[-1], word[:_SHOWN], help), meant or like(word)

    # --- values ---

    def too_long(self, path: Path, node: RecipeNode, length: Length, whole: Length) -> Diagnostic:
        """Return the mistake of a part of a run that is longer than the whole."""
        if isinstance(path[-1], int):
            how, action = "is after the end of the training", "leave it out"
        else:
            how, action = "is longer than the whole training", "make it shorter"
        message = f"`{self._word(path)}: {length}` {how}, {whole}"
        return errors.wrong_value(node.span, message, f"{action}, or train for more {whole.unit}")

    def trap(self, path: Path, node: RecipeNode, trap: Trap, meant: Sequence[str]) -> Diagnostic:
        """Return the mistake of a scalar that YAML parsers read differently, or no recipe needs."""
        key = self.text.known(path)
        assert key is not None
        help = self._write(path, node, meant[:2]) if meant else self._example(path, node, key)
        help = help or f"`{self._word(path)}` must be {key}"
        error = errors.ambiguous_value if trap.ambiguous else errors.wrong_value
        return error(node.span, trap.why, help)

    def wrong_value(self, path: Path, detail: ErrorDetails) -> Diagnostic:
        """Return the mistake of a value that its key cannot have."""
        node, key = self.text.nearest(path), self.text.known(path)
        place = self.text.mark(path)
        if key is None or node is self.text.root:
            return errors.wrong_value(place, detail["msg"])
        short = SHORTHAND.get(keys_of(path))
        kinds = f"a section with keys of its own, or its `{short}` alone" if short else key
        must = f"`{self._word(path)}` must be {kinds}"
        match node.content:
            case Scalar() as scalar:
                return self._wrong_scalar(path, node, scalar, key, must)
            case list() as items:
                return errors.wrong_value(place, *self._wrong_list(path, node, items, key, must))
        return errors.wrong_value(place, f"{must}, not a section", self._example(path, node, key))

    def _wrong_scalar(
        self, path: Path, node: RecipeNode, scalar: Scalar, key: Key, must: str
    ) -> Diagnostic:
        value, text = read(scalar), scalar.text[:_SHOWN]
        meant = repaired(scalar, key, ".".join(keys_of(path))) or self._for_section(path, scalar)
        help = self._write(path, node, meant[:1]) if meant else None
        example = self._example(path, node, key)
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        if value is None:
            message, help = f"`{self._word(path)}` needs a value", help or example
        elif str(key).startswith("a length") and is_number:
            both = (f"{value} epochs", f"{value} iterations")
            help = self._write(path, node, both) if text[0] in "123456789" else help
            message = f"{must}, but `{text}` has no unit"
        else:
            message = f"{must}, not the text '{text}'" if scalar.quoted else f"{must}, not `{text}`"
            is_word = isinstance(value, str) and key.kind is not str and not key.choices
            if key.is_required or key.is_section or is_word:
                help = help or example
        return errors.wrong_value(node.span, message, help)

    def _for_section(self, path: Path, scalar: Scalar) -> tuple[str, ...]:
        """Return what a value in place of a section may have meant: `null` for `warmup: none`."""
        keys = keys_of(path)
        around = self.text.known(keys[:-1]) if self._word(path) != keys[-1] else None
        return repaired(scalar, around) if around else ()

    def _wrong_list(
        self, path: Path, node: RecipeNode, items: list[RecipeNode], key: Key, must: str
    ) -> tuple[str, str | None]:
        if "list" in must:
            return f"{must}, not a list of {len(items)}", None
        match items:
            case [RecipeNode(content=Scalar() as scalar)] if key.fits(read(scalar)):
                return f"{must}, not a list", self._write(path, node, [scalar.text])
        return f"{must}, not a list", self._example(path, node, key)

    # --- words ---

    def _owner(self, path: Keys) -> str:
        if not path:
            return "a recipe"
        kind = self.text.kind(path)
        name = ".".join(path)
        return f"`{name}: {kind}`" if kind in fields.kinds(path) else f"`{name}`"

    def _word(self, path: Path) -> str:
        """Return the key as it is written: that of the section, where a value replaces it."""
        *around, last = keys_of(path)
        section = Keys(around)
        is_short = SHORTHAND.get(section) == last and not self.text.is_section(section)
        return section[-1] if is_short else last

    def _example(self, path: Path, node: RecipeNode, key: Key) -> str | None:
        """Return an example of a value, or that the key may be left out; None if neither helps."""
        word = keys_of(path)[-1]
        if path == ("data",) and isinstance(node.content, Scalar):
            return _NO_DATA
        if word in EXAMPLES:
            optional = "" if key.is_required else ", or leave the key out"
            return f"write, for example, {self._spelled(path, node, EXAMPLES[word])}{optional}"
        if not key.is_required and not key.is_item and key.field.default is not None:
            return "leave the key out for its default"
        return None

    def _write(self, path: Path, node: RecipeNode, values: Sequence[str]) -> str:
        return f"write {' or '.join(self._spelled(path, node, value) for value in values)}"

    def _spelled(self, path: Path, node: RecipeNode, value: str) -> str:
        """Return a value as it is to be written: in a list, as a setting, or beside its key."""
        if isinstance(path[-1], int):
            return f"`{value}`"
        if node.is_setting:
            return f"`{'.'.join(keys_of(path))}={value}`"
        return f"`{self._word(path)}: {value}`"

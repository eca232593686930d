"""Recipes as files: YAML in, a Recipe or diagnostics at their places out; values given beside the file go over it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, NamedTuple, Union, get_args, get_origin

import yaml
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from resspec import shipped
from resspec.diagnostics import Diagnostic, SpecError, UsageError
from resspec.source import Source, Span
from resspec.suggest import nearest
from resspec.train import errors
from resspec.train.recipe import Recipe

_NEEDS = {"float": "a number", "int": "a whole number", "bool": "true or false", "string": "a text", "tuple": "a list"}
_BOUNDS = {"gt": "above", "ge": "at least", "lt": "below", "le": "at most"}

Path_ = tuple[str, ...]  # of a key: `("optimizer", "rate")`


def load(given: str, settings: Sequence[tuple[str, str]] = ()) -> Recipe:
    """A recipe that comes with resspec, by its name, or a file; then each setting, `("optimizer.rate", "0.2")` or
    `("rate", "0.2")` where one key alone is called so. Raises SpecError, UsageError."""
    return parse(_read(given), settings)


def parse(source: Source, settings: Sequence[tuple[str, str]] = ()) -> Recipe:
    """Raises SpecError, UsageError."""
    text = _Text()
    text.add((), _composed(source))
    for name, value in settings:
        path = matching(name)[0]
        if path[-1] == "name":  # another optimizer has other fields
            text.forget(path[:-1])
        text.add(path, _composed(Source(f"--set {name}", value)))
    try:
        recipe = Recipe.model_validate(text.value(()))
    except ValidationError as error:
        raise SpecError(_told(error, text)) from None
    _check_warmup(recipe, text)
    return recipe


def _check_warmup(recipe: Recipe, text: _Text) -> None:
    """A file whose warm-up outlasts the training is wrong; a short try of one, `--epochs 1`, is not. Raises SpecError."""
    warmup, duration = text.entries.get(("warmup", "length")), text.entries[("duration",)]
    if warmup is None or recipe.warmup is None or warmup.span.source is not duration.span.source:
        return
    length = recipe.warmup.length
    if length.unit == recipe.duration.unit and length.number > recipe.duration.number:
        why = f"a warm-up of {length} is longer than the training, {recipe.duration}"
        raise SpecError([errors.wrong_value(warmup.span, why)])


def dump(recipe: Recipe) -> str:
    """All of a recipe as a file of its own."""
    return yaml.safe_dump(recipe.model_dump(mode="json"), sort_keys=False, allow_unicode=True)


def names() -> list[str]:
    """The recipes that come with resspec."""
    return sorted(path.stem for path in shipped.path("specs", "recipes").glob("*.yaml"))


def matching(name: str) -> list[Path_]:
    """The one key that a name means, whole or the end of it; none where there is no such key. Raises UsageError where there
    are several."""
    parts = tuple(name.split("."))
    found = [path for path in sorted(set(_keys(Recipe, ()))) if path[-len(parts) :] == parts]
    if parts in found:
        return [parts]
    if len(found) > 1:
        raise UsageError(f"`{name}` may be {', '.join('.'.join(path) for path in found)}: say which")
    return found


def keys() -> list[str]:
    """Every key of a recipe, in full and by its last name."""
    return sorted({word for path in _keys(Recipe, ()) for word in (".".join(path), path[-1])})


def _read(given: str) -> Source:
    path = Path(given)
    if path.suffix not in (".yaml", ".yml"):
        if given not in names():
            near = nearest(given, names())
            raise UsageError(f"no recipe is called `{given}`; " + (f"did you mean `{near}`?" if near else
                             f"there is {', '.join(names())}, or give a file that ends in .yaml"), "E0509")
        path = shipped.path("specs", "recipes", f"{given}.yaml")
    try:
        return Source(str(path), path.read_text(encoding="utf-8-sig"))
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"cannot read {path}: {getattr(error, 'strerror', None) or error}", "E0510") from None


def _keys(model: type[BaseModel], at: Path_) -> Iterator[Path_]:
    for name, field in model.model_fields.items():
        yield (*at, name)
        for inner in _models(field.annotation):
            yield from _keys(inner, (*at, name))


def _models(kind: Any) -> Iterator[type[BaseModel]]:
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        yield kind
    elif get_origin(kind) in (Annotated, Union, UnionType):
        for part in get_args(kind):
            yield from _models(part)


# --- the text, its values and their places ---


class _Entry(NamedTuple):
    """What stands at a path: where its key is, where its value is; the value, None for a mapping."""

    key: Span
    span: Span
    is_mapping: bool
    value: Any


class _Node(NamedTuple):
    source: Source
    node: yaml.Node


class _Text:
    def __init__(self) -> None:
        self.entries: dict[Path_, _Entry] = {}

    def add(self, path: Path_, composed: _Node, key: Span | None = None) -> None:
        source, node = composed
        span = Span(source, node.start_mark.index, node.end_mark.index)
        span = Span(source, span.start, span.start + len(span.text.rstrip()))
        self.forget(path)
        if not isinstance(node, yaml.MappingNode):
            self.entries[path] = _Entry(key or span, span, False, _plain(node))
            return
        first = Span(source, span.start, span.start + len(span.text.partition("\n")[0].partition(":")[0]))
        self.entries[path] = _Entry(key or first, span, True, None)
        for name, value in node.value:
            place, word = Span(source, name.start_mark.index, name.end_mark.index), str(name.value)
            if (twice := self.entries.get((*path, word))) is not None:
                raise SpecError([errors.key_twice(place, twice.key, word)])
            self.add((*path, word), _Node(source, value), place)

    def forget(self, path: Path_) -> None:
        for known in [known for known in self.entries if known[: len(path)] == path]:
            del self.entries[known]

    def value(self, path: Path_) -> Any:
        entry = self.entries.get(path)
        if entry is not None and not entry.is_mapping:
            return entry.value
        inner = {known[len(path)]: None for known in self.entries if known[: len(path)] == path and len(known) > len(path)}
        return {word: self.value((*path, word)) for word in inner}

    def nearest(self, path: Path_) -> _Entry:
        """What stands at a path, or around it."""
        while path and path not in self.entries:
            path = path[:-1]
        return self.entries[path]


def _composed(source: Source) -> _Node:
    try:
        node = yaml.compose(source.text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        raise SpecError([_no_yaml(source, error)]) from None
    except yaml.YAMLError as error:
        raise SpecError([errors.no_yaml(Span(source, 0, 0), str(error).splitlines()[0])]) from None
    if node is None:
        raise SpecError([errors.no_yaml(Span(source, 0, 0), "there is nothing in it")])
    return _Node(source, node)


def _no_yaml(source: Source, error: yaml.MarkedYAMLError) -> Diagnostic:
    """At what YAML stumbled over; a key without its colon, at the key."""
    if (key := error.context_mark) and error.context == "while scanning a simple key":
        span = Span(source, key.index, key.index + len(source.text[key.index :].partition("\n")[0].rstrip()))
        return errors.no_yaml(span, "a key without a colon", "`key: value`")
    mark = error.problem_mark or error.context_mark
    at = mark.index if mark else 0
    span = Span(source, at, min(at + 1, len(source.text)))
    if span.text == "\t":
        return errors.no_yaml(span, "a tab before a key", "indent with blanks")
    return errors.no_yaml(span, str(error.problem))


def _plain(node: yaml.Node) -> Any:
    """The value, in which YAML's types are those of its safe schema."""
    loader = yaml.SafeLoader("")
    try:
        return loader.construct_object(node, deep=True)
    finally:
        loader.dispose()


# --- what pydantic says, at its places ---


_KEYS = frozenset(path[-1] for path in _keys(Recipe, ()))


def _told(error: ValidationError, text: _Text) -> Iterable[Diagnostic]:
    found: dict[Span, Diagnostic] = {}
    for detail in error.errors():
        diagnostic = _diagnostic(detail["type"], detail["loc"], _message(detail), text)
        found.setdefault(diagnostic.labels[0].span, diagnostic)
    return sorted(found.values(), key=lambda diagnostic: diagnostic.labels[0].span.start)


def _message(detail: ErrorDetails) -> str:
    """In an author's words: what the key needs, and what it has."""
    kind, limits, given = detail["type"], detail.get("ctx", {}), detail["input"]
    needs = _NEEDS.get(kind.partition("_")[0]) if kind.endswith(("_type", "_parsing", "_from_float")) else None
    needs = needs or next((f"{words} {limits[name]:g}" for name, words in _BOUNDS.items() if name in limits), None)
    if kind == "literal_error":
        needs = f"one of {limits['expected'].replace(chr(39), '`')}"
    key = next((part for part in reversed(detail["loc"]) if isinstance(part, str) and part in _KEYS), None)
    return f"`{key}` is {needs}, not `{given}`" if needs and key and not isinstance(given, dict) else detail["msg"]


def _diagnostic(kind: str, loc: tuple[int | str, ...], message: str, text: _Text) -> Diagnostic:
    path = _path(loc, text)
    if kind == "extra_forbidden":
        siblings = {known[-1] for known in _keys(Recipe, ()) if known[:-1] == path[:-1]}
        return errors.unknown_key(text.nearest(path).key, path[-1], ".".join(path[:-1]), nearest(path[-1], siblings))
    if kind == "missing":
        word = str(loc[-1])
        return errors.missing_key(text.nearest(path).key, word)
    if kind == "union_tag_invalid":
        known = re.findall(r"'(\w+)'", message)[2:]
        word = str(text.value((*path, "name")))
        return errors.unknown_kind(text.nearest((*path, "name")).span, path[-1], word, known, nearest(word, known))
    if kind == "union_tag_not_found":
        return errors.missing_key(text.nearest(path).key, "name")
    entry = text.nearest(path)
    message = message.removeprefix("Value error, ").removeprefix("Assertion failed, ")
    if entry.is_mapping and kind == "value_error":  # of several keys: the first that is named is marked
        words = [path + tuple(word.split(".")) for word in re.findall(r"`([\w.]+)", message)]
        words += [(*path, word) for word in re.findall(r"\w+", message)]
        entry = next((text.entries[word] for word in words if word in text.entries), entry)
        return errors.wrong_value(entry.key, message)
    return errors.wrong_value(entry.key if entry.is_mapping else entry.span, message[:1].lower() + message[1:])


def _path(loc: tuple[int | str, ...], text: _Text) -> Path_:
    """The keys of pydantic's location, which also names the kinds that it tried."""
    path: Path_ = ()
    for i, part in enumerate(loc):
        if isinstance(part, str) and ((*path, part) in text.entries or (i == len(loc) - 1 and part.isidentifier()
                                                                        and text.nearest(path).is_mapping)):
            path = (*path, part)
    return path

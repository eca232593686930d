"""From a network to text as if written by hand.

collect.py    the IR as rows of steps, with repeats written out
repeats.py    equal neighbors as repeats again
slots.py      several rows as one, with slots that some leave out
solver.py     columns of numbers as constants, parameters and formulas
fill.py       the text for each number of a slot
labels.py     the names that must be written
residual.py, options.py    residual blocks and their shortcuts
family.py, blocks.py       the declarations
sections.py   stem, stages and head
write.py      slots as text
check.py      the check that a text means the network
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

from resspec.backends.expand import expand
from resspec.collector import paused
from resspec.importing.fold.blocks import Blocks
from resspec.importing.fold.check import Check
from resspec.importing.fold.collect import collect
from resspec.importing.fold.libraries import Written, with_library
from resspec.importing.fold.ramps import Ramp, ramp
from resspec.importing.fold.sections import sections
from resspec.importing.fold.slots import UnlikeError
from resspec.importing.fold.terms import Expr
from resspec.ir import walk
from resspec.ir.network import Network
from resspec.ir.uninitialized import without_init


@paused()
def text(network: Network) -> str:
    """Return the text of a network, as if written by hand.

    Args:
        network: The network. The blocks of its modules are named after their classes.

    Returns:
        A self-contained `.res` text that lowers to the same network, except for initial values. A
        class that cannot be one block with parameters becomes a block for each of its bodies; a
        network that cannot be folded at all is written as `resspec expand` prints it.
    """
    grows = ramp(collect(network))
    found = _folded(network, grows) if grows.formula else None
    found = found or _folded(network, Ramp())
    return found or expand(without_init(network))


def _folded(network: Network, grows: Ramp) -> str | None:
    """Return a text that means the network, None where there is none."""
    check = Check(grows.applied(network))
    for apart in _attempts(network):
        try:
            found = written(network, apart, grows.formula)
        except UnlikeError:
            continue
        if check.holds(found.text()):
            return with_library(found, check.holds)
    return None


def _attempts(network: Network) -> Iterator[Collection[str]]:
    """Yield the classes whose bodies are blocks of their own: as few as possible first."""
    yield ()
    blocks = {part.block for part in walk.distinct(walk.whole(network)) if part.block}
    classes = sorted(blocks)
    yield from ([each] for each in classes)
    if len(classes) > 1:
        yield classes


def written(network: Network, apart: Collection[str], drop_path: Expr | None = None) -> Written:
    """Return a text that may not mean the network. Raises UnlikeError.

    Args:
        network: The network.
        apart: The classes whose bodies are blocks of their own.
        drop_path: What is written for the probability of each `drop_path`, if not its number.
    """
    root = collect(network, drop_path)
    blocks = Blocks(root, network.name, apart)
    clauses = list(sections(blocks, root))
    default = blocks.default_option()
    options = [option.declared for option in blocks.options if option.declared]
    declared = {each.name: each.declaration(default) for each in blocks.families}
    declared |= {option.name: option.text() for option in options}
    shortcut = [f"shortcut {default.declared.name}"] if default and default.declared else []
    outputs = [f"output {' '.join(network.outputs)}"] if network.outputs else []
    body = [f"input {network.input}", *shortcut, *clauses, *outputs]
    whole = "\n".join([f"network {network.name} {{", *body, "}"])
    return Written(network.name, declared, whole)

"""The IR as one Python file that imports torch alone, as one writes it by hand: a class for each block type, loops for repeats.

    terms.py       what modules are and what is done with them, as data that can be compared
    collect.py     IR → terms: rows of modules, and distinct bodies
    align.py patterns.py parameters.py families.py
                   bodies → classes: what they share, what is optional, what becomes a parameter
    modules.py attributes.py forward.py initialise.py
                   classes → syntax: expressions, `__init__`, `forward`
    syntax.py printer.py copied.py
                   names that are safe, layout, and the layers that torch.nn lacks

Nothing of a spec reaches the text but as the name of an attribute or a class, which must be an identifier, as a constant,
which is written by `repr`, or as a shape in a comment.
"""

from __future__ import annotations

from resspec.backends.source.write import emit

__all__ = ["emit"]

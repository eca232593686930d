"""The IR as one Python file that imports torch alone, as one writes it by hand: a class for each
block type, loops for repeats.

Nothing of a spec reaches the text but as the name of an attribute or a class, which must be an
identifier, as a constant, which is written by `repr`, or as a shape in a comment.
"""

from __future__ import annotations

from resspec.backends.source.write import emit

__all__ = ["emit"]

"""Studies train as tests of the trainer do."""

from tests.train.fixtures import complete, server, shortcut

__all__ = ["complete", "server", "shortcut"]

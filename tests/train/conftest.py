"""What starts trainers, once for all tests."""

from tests.train.fixtures import complete, server, shortcut

__all__ = ["complete", "server", "shortcut"]

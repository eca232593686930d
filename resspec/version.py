"""The version of resspec."""

__version__ = "0.1.0"

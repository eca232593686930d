"""Runs a module once, on the meta device, and notes every call as data."""

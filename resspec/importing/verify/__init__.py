"""Proves that an imported network computes what the module that it came from computes."""

"""The proof that an imported network computes the same as its module."""

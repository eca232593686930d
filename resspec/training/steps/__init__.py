"""Training steps: the loop, the state, and what changes it."""

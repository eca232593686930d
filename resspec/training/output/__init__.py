"""The visible output of a run: progress, plans and curves."""

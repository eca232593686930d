"""What people see of a run: progress, plans and curves."""

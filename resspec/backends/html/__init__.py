"""Pages for a browser: one file that loads nothing, with a drawing, a table and the spec."""

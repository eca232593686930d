"""Pages for a browser: one file each that loads nothing, with a drawing, a table and the spec, linked with each other."""

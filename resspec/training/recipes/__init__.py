"""From the text of a recipe to a `Recipe`, or to all of its mistakes at once.

`recipe_file.py` is the entry.

tree           YAML with the places of everything, without the features that recipes do not need
syntax         the diagnostics of a text that is not YAML
scalars        the values of scalars, and those on which YAML parsers disagree
text           the tree with settings from beside the file over it
fields, kinds  the keys of the classes of `recipe.py`, and the kinds of their values
mistakes       all mistakes of a text, or its Recipe
messages       the diagnostics of mistakes
repairs        what a wrong value was meant to be
foreign        the keys and names of other trainers, from the table `foreign_keys.yaml`
conversions    how their values become ours
replacements   what to write instead of one foreign key
advice         what to write instead of all of them together
sketch         a part of a recipe, as YAML in one line
"""

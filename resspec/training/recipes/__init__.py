"""From the text of a recipe to a `Recipe`, or to all that is wrong with it at once. `recipe_file.py` is the door.

tree           YAML with the places of everything, and nothing of YAML that a recipe has no use for
syntax         what is said of a text that is not YAML
scalars        what a single value is, and the values on which readers of YAML do not agree
text           the tree with settings from beside the file over it
fields, kinds  what the classes of `recipe.py` say of their keys and values
mistakes       all that is wrong, and the Recipe if nothing is
messages       what is said of a mistake
repairs        what a value that a key cannot have was meant to be
foreign_keys   the keys and names of other trainers, as tables
foreign        which of them an unknown key is
carry          how its value is carried over to ours
sketch         a part of a recipe, as YAML in one line
advice         what to write in place of all foreign keys together
"""

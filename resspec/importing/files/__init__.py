"""The common parts of the readers of `.onnx` and `.pt2` files. Neither reader runs anything in a
file, or opens a file that it names outside of its folder.
"""

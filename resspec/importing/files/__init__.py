"""Files that hold a network, `.onnx` and `.pt2`: what their readers have in common. None of them
runs anything that a file holds, or opens a file that it names outside of its own folder.
"""

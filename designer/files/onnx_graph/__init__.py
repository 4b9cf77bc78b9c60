"""ONNX files, read as data: each node becomes calls of ATen, followed with tensors that have no numbers.

No runtime is used to look at a file. Weights stay where they lie, in the file or beside it, and are mapped.
"""

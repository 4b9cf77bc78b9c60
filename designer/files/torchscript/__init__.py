"""TorchScript files, traced and scripted, read as data: their text by ``ast``, their objects by an own pickle reader.

``torch.jit.load`` is never used: it runs what a file holds. A program is followed with tensors that have no numbers.
"""

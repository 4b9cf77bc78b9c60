"""Read and write files, a format a file; nothing in them is executed to look at them."""

from designer.files.errors import FileError
from designer.files.project import load, save

__all__ = ["FileError", "load", "save"]

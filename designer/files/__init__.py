"""Read and write files, a format a file; nothing in them is executed to look at them."""

from designer.files.attach import attach_values
from designer.files.errors import FileError
from designer.files.imports import Import, import_pytorch
from designer.files.project import load, save
from designer.files.report import Report
from designer.files.weights import save_weights

__all__ = ["FileError", "Import", "Report", "attach_values", "import_pytorch", "load", "save", "save_weights"]

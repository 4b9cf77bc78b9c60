"""Build, open, tie, check and run PyTorch networks as values; torch is loaded when something first needs it."""

from designer.analysis import analyze
from designer.edits import (
    align,
    arrange,
    change_owner,
    distribute,
    free_size,
    freeze,
    group,
    reinitialize,
    take_values,
    tie,
    transfer,
    ungroup,
    untie,
)
from designer.files import FileError, attach_values, import_pytorch, load, save, save_weights
from designer.model import Network, NetworkError
from designer.showing import picture, show
from designer.source import build, initialize, parameter_groups, state_dict, write_pytorch

__version__ = "0.1.0"

__all__ = [
    "FileError",
    "Network",
    "NetworkError",
    "align",
    "analyze",
    "arrange",
    "attach_values",
    "build",
    "change_owner",
    "distribute",
    "free_size",
    "freeze",
    "group",
    "import_pytorch",
    "initialize",
    "load",
    "parameter_groups",
    "picture",
    "reinitialize",
    "save",
    "save_weights",
    "show",
    "state_dict",
    "take_values",
    "tie",
    "transfer",
    "ungroup",
    "untie",
    "write_pytorch",
]

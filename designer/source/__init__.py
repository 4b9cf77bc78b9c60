"""From a network to PyTorch source, and to the nn.Module that runs it."""

from designer.source.modules import build, import_source, results
from designer.source.optimizing import parameter_groups
from designer.source.state_dicts import state_dict
from designer.source.values import arriving, free_memory, initialize
from designer.source.written import Written, write_located, write_pytorch

__all__ = [
    "Written",
    "arriving",
    "build",
    "free_memory",
    "import_source",
    "initialize",
    "parameter_groups",
    "results",
    "state_dict",
    "write_located",
    "write_pytorch",
]

"""Networks, layers and groups: values, and the edits that give new ones."""

from designer.model.errors import NetworkError
from designer.model.layer import CATEGORIES, Layer, Shape, layer_types
from designer.model.names import Port
from designer.model.network import Network
from designer.model.places import Holder
from designer.model.properties import prop
from designer.model.structure import BUNDLE, DTYPES, Call, Group, Input, Output, Parameter, returned

__all__ = [
    "BUNDLE",
    "CATEGORIES",
    "DTYPES",
    "Call",
    "Group",
    "Holder",
    "Input",
    "Layer",
    "Network",
    "NetworkError",
    "Output",
    "Parameter",
    "Port",
    "Shape",
    "layer_types",
    "prop",
    "returned",
]

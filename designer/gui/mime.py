"""What is dragged from the library: a layer type with its first properties."""

import json
from typing import Any

from PySide6.QtCore import QMimeData

from designer.model import Layer, layer_types

LAYER = "application/x-network-designer-layer"


def layer_mime(type_name: str, properties: dict[str, Any] | None = None) -> QMimeData:
    """Pack a layer type, and properties that differ from its defaults, for a drag."""
    data = QMimeData()
    data.setData(LAYER, json.dumps({"type": type_name, "properties": properties or {}}).encode())
    return data


def dragged_layer(data: QMimeData) -> Layer | None:
    """Give the layer that is dragged, None if something else is."""
    if not data.hasFormat(LAYER):
        return None
    packed = json.loads(bytes(data.data(LAYER)).decode())
    layer_type = layer_types.get(packed["type"])
    return layer_type(**packed["properties"]) if layer_type else None

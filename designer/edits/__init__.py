"""Whole workflows as pure functions of a network."""

from designer.edits.aligning import align, distribute
from designer.edits.arrange import arrange
from designer.edits.calling import call
from designer.edits.copying import duplicate
from designer.edits.free_sizes import free_size
from designer.edits.freezing import freeze
from designer.edits.groups import group, ungroup
from designer.edits.levels import lift
from designer.edits.likeness import alike, differences, nearly_alike
from designer.edits.owners import change_owner
from designer.edits.ports import move_port, remove_port
from designer.edits.taking import reinitialize, take_values
from designer.edits.ties import tie, transfer, untie
from designer.edits.views import separate, tie_view

__all__ = [
    "align",
    "alike",
    "arrange",
    "call",
    "change_owner",
    "differences",
    "distribute",
    "duplicate",
    "free_size",
    "freeze",
    "group",
    "lift",
    "move_port",
    "nearly_alike",
    "reinitialize",
    "remove_port",
    "separate",
    "take_values",
    "tie",
    "tie_view",
    "transfer",
    "ungroup",
    "untie",
]

"""Whole workflows as pure functions of a network."""

from designer.edits.arrange import arrange
from designer.edits.copying import duplicate
from designer.edits.freezing import freeze
from designer.edits.groups import group, ungroup
from designer.edits.ties import tie, transfer, untie

__all__ = ["arrange", "duplicate", "freeze", "group", "tie", "transfer", "ungroup", "untie"]

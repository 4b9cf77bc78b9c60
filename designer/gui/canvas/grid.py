"""Which nodes stand where, asked thousands of times while ties are led."""

from PySide6.QtCore import QRectF

from designer.gui.canvas.node import NodeItem

CELL = 512.0
Cell = tuple[int, int]


class Grid:
    """The nodes by the squares of the scene that their frames touch.

    The index of the scene is rebuilt for each item that comes; asked between two of them it takes seconds.
    """

    def __init__(self) -> None:
        self._cells: dict[Cell, set[NodeItem]] = {}
        self._of: dict[NodeItem, tuple[int, int, int, int]] = {}
        self._frames: dict[NodeItem, QRectF] = {}

    def put(self, node: NodeItem) -> QRectF:
        """Take in a node, or note that it moved or grew; give its frame until now."""
        frame = node.frame
        known, self._frames[node] = self._frames.get(node, frame), frame
        span = _span(frame)
        if self._of.get(node) != span:
            self._leave(node)
            self._of[node] = span
            for cell in _cells(span):
                self._cells.setdefault(cell, set()).add(node)
        return known

    def drop(self, node: NodeItem) -> None:
        self._frames.pop(node, None)
        self._leave(node)

    def _leave(self, node: NodeItem) -> None:
        for cell in _cells(self._of.pop(node, (0, 0, -1, -1))):
            self._cells[cell].discard(node)

    def within(self, rect: QRectF) -> set[NodeItem]:
        """The nodes whose frames meet a rectangle."""
        return {node for node in self._near(rect) if self._frames[node].intersects(rect)}

    def frames(self, rect: QRectF, *but: NodeItem) -> list[QRectF]:
        """The frames that meet a rectangle, without those of some nodes."""
        frames = self._frames
        return [frame for node in self._near(rect) if node not in but and (frame := frames[node]).intersects(rect)]

    def _near(self, rect: QRectF) -> set[NodeItem]:
        left, top, right, bottom = span = _span(rect)
        found: set[NodeItem] = set()
        if (right - left + 1) * (bottom - top + 1) > len(self._cells):
            for (x, y), nodes in self._cells.items():
                if left <= x <= right and top <= y <= bottom:
                    found |= nodes
        else:
            for cell in _cells(span):
                found |= self._cells.get(cell, _NONE)
        return found


_NONE: set[NodeItem] = set()


def cells(rect: QRectF) -> list[Cell]:
    """The squares that a rectangle touches."""
    return _cells(_span(rect))


def _span(rect: QRectF) -> tuple[int, int, int, int]:
    return (
        int(rect.left() // CELL),
        int(rect.top() // CELL),
        int(rect.right() // CELL),
        int(rect.bottom() // CELL),
    )


def _cells(span: tuple[int, int, int, int]) -> list[Cell]:
    left, top, right, bottom = span
    return [(x, y) for x in range(left, right + 1) for y in range(top, bottom + 1)]

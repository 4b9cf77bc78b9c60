"""Which nodes stand where, asked thousands of times while ties are led."""

from PySide6.QtCore import QRectF

from designer.gui.canvas.node import NodeItem

CELL = 512.0
Cell = tuple[int, int]
Span = tuple[int, int, int, int]  # of squares: left, top, right, bottom
Edges = tuple[float, float, float, float]  # so too


class Grid:
    """The nodes by the squares of the scene that their frames touch.

    The index of the scene is rebuilt for each item that comes; asked between two of them it takes seconds.
    """

    def __init__(self) -> None:
        self._cells: dict[Cell, dict[NodeItem, None]] = {}
        self._of: dict[NodeItem, Span] = {}
        self._frames: dict[NodeItem, QRectF] = {}
        self._edges: Edges | None = None  # of all frames together; None: not known

    def put(self, node: NodeItem) -> QRectF:
        """Take in a node, or note that it moved or grew; give its frame until now."""
        frame = node.frame
        known, self._frames[node] = self._frames.get(node, frame), frame
        if self._edges is not None:
            self._move_edges(self._edges, known.getCoords(), frame.getCoords())
        span = _span(frame)
        if self._of.get(node) != span:
            self._leave(node)
            self._of[node] = span
            for cell in _cells(span):
                self._cells.setdefault(cell, {})[node] = None
        return known

    def drop(self, node: NodeItem) -> None:
        known = self._frames.pop(node, None)
        if known is not None and self._edges is not None and _reaches(known.getCoords(), self._edges):
            self._edges = None
        self._leave(node)

    def area(self) -> QRectF:
        """The rectangle that holds all nodes."""
        if self._edges is None:
            lefts, tops, rights, bottoms = zip(*map(QRectF.getCoords, self._frames.values() or [QRectF()]))
            self._edges = min(lefts), min(tops), max(rights), max(bottoms)
        left, top, right, bottom = self._edges
        return QRectF(left, top, right - left, bottom - top)

    def _move_edges(self, edges: Edges, known: Edges, now: Edges) -> None:
        """Follow a frame: only where the one that reached an edge went back from it, all must be looked at again."""
        left, top, right, bottom = edges
        edges = min(left, now[0]), min(top, now[1]), max(right, now[2]), max(bottom, now[3])
        back = any(was == edge != to for was, edge, to in zip(known, edges, now))
        self._edges = None if back else edges

    def _leave(self, node: NodeItem) -> None:
        for cell in _cells(self._of.pop(node, (0, 0, -1, -1))):
            self._cells[cell].pop(node, None)

    def within(self, rect: QRectF) -> set[NodeItem]:
        """The nodes whose frames meet a rectangle."""
        return {node for node in self._near(rect) if self._frames[node].intersects(rect)}

    def frames(self, rect: QRectF, *but: NodeItem) -> list[QRectF]:
        """The frames that meet a rectangle, without those of some nodes."""
        frames = self._frames
        return [frame for node in self._near(rect) if node not in but and (frame := frames[node]).intersects(rect)]

    def _near(self, rect: QRectF) -> dict[NodeItem, None]:
        """The nodes in the squares that a rectangle touches, in an order that is the same from run to run."""
        left, top, right, bottom = span = _span(rect)
        found: dict[NodeItem, None] = {}
        if (right - left + 1) * (bottom - top + 1) > len(self._cells):
            for (x, y), nodes in self._cells.items():
                if left <= x <= right and top <= y <= bottom:
                    found |= nodes
        else:
            for cell in _cells(span):
                found |= self._cells.get(cell, _NONE)
        return found


_NONE: dict[NodeItem, None] = {}


def cells(rect: QRectF) -> list[Cell]:
    """The squares that a rectangle touches."""
    return _cells(_span(rect))


def _reaches(frame: Edges, edges: Edges) -> bool:
    return any(one == other for one, other in zip(frame, edges))


def _span(rect: QRectF) -> Span:
    left, top, right, bottom = rect.getCoords()
    return int(left // CELL), int(top // CELL), int(right // CELL), int(bottom // CELL)


def _cells(span: Span) -> list[Cell]:
    left, top, right, bottom = span
    if left == right and top == bottom:
        return [(left, top)]
    return [(x, y) for x in range(left, right + 1) for y in range(top, bottom + 1)]

"""Bookmarks on the canvas: B keeps a view, Shift+B lists what was kept."""

from typing import TYPE_CHECKING

from PySide6.QtCore import QPoint, QPointF

from designer.gui.bookmarks import Bookmark, clean, unlike
from designer.gui.canvas.box import EDGE, Box, Line, matching
from designer.gui.document import is_group

if TYPE_CHECKING:
    from designer.gui.canvas.canvas import Canvas

BELOW = 40  # the path pill


class Bookmarking:
    """What B and Shift+B do. Bookmarks are kept with the document and are no steps of its history."""

    def __init__(self, canvas: "Canvas", box: Box):
        self.canvas, self.box = canvas, box

    @property
    def bookmarks(self) -> tuple[Bookmark, ...]:
        return self.canvas.document.view.bookmarks

    def add(self) -> None:
        """Keep what is shown, under the name of the layer in its middle."""
        document, camera = self.canvas.document, self.canvas.view
        if not self.canvas.mirror.nodes:
            document.refused.emit("There is nothing to come back to yet.")
            return
        place = (round(camera.center.x(), 1), round(camera.center.y(), 1), round(camera.zoom, 4))
        same = next((mark for mark in self.bookmarks if (mark.path, mark.place) == (document.view.path, place)), None)
        if same is not None:
            document.told.emit(f"This view is bookmarked already, as {same.name}.")
            return
        name = unlike(self._middle(), [mark.name for mark in self.bookmarks])
        document.look(bookmarks=(*self.bookmarks, Bookmark(name, document.view.path, place)))
        document.told.emit(f"Bookmarked this view as {name}. Shift+B lists the bookmarks.")

    def _middle(self) -> str:
        """The path of the selected layer that is in view, else of the one nearest to the middle."""
        seen, center = self.canvas.view.visible(), self.canvas.view.center
        chosen = [path for path in self.canvas.selected_layers() if self.canvas.node(path).frame.intersects(seen)]
        if len(chosen) == 1:
            return chosen[0]

        def far(path: str) -> float:
            return (self.canvas.node(path).frame.center() - center).manhattanLength()

        return min(self.canvas.mirror.nodes, key=far)

    def open(self) -> None:
        """List the bookmarks."""
        if not self.bookmarks:
            self.canvas.document.refused.emit("There are no bookmarks: B keeps the view that is shown.")
            return
        self.box.ask(QPoint(EDGE + 4, BELOW + EDGE + 4), "Go to a bookmark", "F2 renames, Del removes", self._lines)

    def _lines(self, text: str) -> list[Line]:
        none = f"No bookmark is called {text.strip()}." if text.strip() else "There are no bookmarks."
        return matching(map(self._line, self.bookmarks), text) or [Line(none)]

    def _line(self, mark: Bookmark) -> Line:
        return Line(
            mark.name,
            f"in {mark.path}" if mark.path else "",
            f"{100 * mark.place[2]:.0f} %",
            icon="bookmark",
            tip=mark.name,
            run=lambda _: self.go(mark),
            cut=lambda: self.remove(mark),
            rename=lambda: self._ask_name(mark),
        )

    def go(self, mark: Bookmark) -> None:
        """Show what was kept."""
        document = self.canvas.document
        if not is_group(document.network, mark.path):
            document.refused.emit(f"The group {mark.path} of the bookmark {mark.name} is no more.")
            return
        self.canvas.enter(mark.path)
        x, y, zoom = mark.place
        self.canvas.view.set_camera(QPointF(x, y), zoom)

    def remove(self, mark: Bookmark) -> None:
        self.canvas.document.look(bookmarks=tuple(other for other in self.bookmarks if other != mark))
        self.canvas.document.told.emit(f"Removed the bookmark {mark.name}.")

    def _ask_name(self, mark: Bookmark) -> None:
        """Ask for another name in the place of the list."""
        at = QPoint(EDGE + 4, BELOW + EDGE + 4)
        self.box.ask(at, f"New name of {mark.name}", "", lambda text: [self._naming(mark, text)])
        self.box.field.setText(mark.name)
        self.box.field.selectAll()

    def _naming(self, mark: Bookmark, text: str) -> Line:
        name = clean(text)
        if not name:
            return Line("A bookmark needs a name.")
        if name != mark.name and any(other.name == name for other in self.bookmarks):
            return Line(f"Another bookmark is called {name}.")
        return Line(f"Call it {name}", icon="bookmark", run=lambda _: self._rename(mark, name))

    def _rename(self, mark: Bookmark, name: str) -> bool:
        """Rename a bookmark, and list all of them again."""
        marks = tuple(other._replace(name=name) if other == mark else other for other in self.bookmarks)
        self.canvas.document.look(bookmarks=marks)
        self.open()
        return True

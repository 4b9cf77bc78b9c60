"""Rename in place: a field over the name of a node."""

from typing import TYPE_CHECKING

from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QKeyEvent

from designer.gui.canvas.group_ports import end_of, field_rect
from designer.gui.canvas.port import PortItem
from designer.gui.editors import Field
from designer.gui.tips import tip
from designer.model import NetworkError
from designer.model.names import parent

if TYPE_CHECKING:
    from designer.gui.canvas.canvas import Canvas

LEFT, MIDDLE, RIGHT, HEIGHT = 33, 22, 8, 28  # of the field, in the header of a node
NARROWEST = 96


class Naming(Field):
    """The field. Enter and leaving it keep the name, Escape does not; a wrong one is refused where it stands."""

    def __init__(self, canvas: "Canvas"):
        super().__init__("Name", 0, self._rename)
        self.setParent(canvas.view.viewport())
        self.setObjectName("name")
        self.canvas, self.path = canvas, ""
        self.problem.setParent(self)  # its sentence stands in the status bar and the tooltip
        self.hide()
        canvas.view.moved.connect(self.follow)

    def open(self, path: str) -> None:
        """Lie over the name of a layer or group that is shown, all of it chosen."""
        if (node := self.canvas.mirror.nodes.get(path)) is None:
            return
        view = self.canvas.view
        if not view.visible().contains(node.view.frame):
            view.set_camera(node.view.frame.center(), max(view.zoom, 0.7))
        self._open(path)

    def open_end(self, path: str) -> None:
        """Lie over the name of a port of a group that is shown; ``path`` is that of its Input or Output."""
        if self._port_of(path) is not None:
            self._open(path)

    def _open(self, path: str) -> None:
        self.path = path
        self.show_text(path.rpartition(".")[2])
        self.setToolTip("Enter keeps the name, Escape the old one.")
        self.follow()
        self.show()
        self.selectAll()
        self.setFocus(Qt.FocusReason.OtherFocusReason)

    def open_selected(self) -> None:
        paths = self.canvas.selected_layers()
        end = self.canvas.view.pointed_end()
        if end is not None and (not paths or paths == [parent(end)]):
            self.open_end(end)
        elif len(paths) == 1:
            self.open(paths[0])
        else:
            self.canvas.document.refused.emit("Select one layer to rename it.")

    def follow(self) -> None:
        """Stay over the name while the view is moved; go when the layer is gone."""
        node = self.canvas.mirror.nodes.get(self.path) if self.path else None
        view = self.canvas.view
        if node is None and (port := self._port_of(self.path)) is not None:
            rect = view.viewportTransform().mapRect(field_rect(port.node, port)).toRect()
            self.setGeometry(rect.x(), rect.center().y() - HEIGHT // 2, max(NARROWEST, rect.width()), HEIGHT)
            return
        if node is None:
            self.close_field()
            return
        frame = node.view.frame
        middle = node.view.form.top + min(MIDDLE, frame.height() / 2)
        at = view.viewportTransform().map(frame.topLeft() + QPointF(LEFT, middle)).toPoint()
        width = max(NARROWEST, round((frame.width() - LEFT - RIGHT) * view.zoom))
        self.setGeometry(at.x(), at.y() - HEIGHT // 2, width, HEIGHT)

    def _port_of(self, path: str) -> PortItem | None:
        node = self.canvas.mirror.nodes.get(parent(path)) if path else None
        ports = node.view.ports() if node is not None else ()
        return next((port for port in ports if end_of(self.canvas, port) == path), None)

    def close_field(self) -> None:
        """Go away; what was typed and not kept is dropped."""
        self.path = ""
        self.setModified(False)
        if self.isVisible():
            if self.hasFocus():
                self.canvas.view.setFocus(Qt.FocusReason.PopupFocusReason)
            self.hide()

    def _rename(self, text: str) -> str | None:
        document, path, name = self.canvas.document, self.path, text.strip()
        if not path or name == path.rpartition(".")[2]:
            return None
        try:
            network = document.network.rename(path, name)
        except NetworkError as refusal:
            self.setToolTip(tip(str(refusal)))
            document.refused.emit(str(refusal))
            return str(refusal)
        self.path = ""
        document.edit(f"Rename {path} to {name}", network)
        return None

    def refuse(self, problem: str | None) -> None:
        super().refuse(problem)
        self.problem.hide()
        if problem is None:
            self.setToolTip("Enter keeps the name, Escape the old one.")

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self.setText(self.shown)
            self.close_field()
            return
        super().keyPressEvent(event)
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            event.accept()  # it would enter the group else
            if not self.property("wrong"):
                self.close_field()

    def focusOutEvent(self, event) -> None:
        super().focusOutEvent(event)
        if event.reason() not in (Qt.FocusReason.ActiveWindowFocusReason, Qt.FocusReason.PopupFocusReason):
            self.close_field()

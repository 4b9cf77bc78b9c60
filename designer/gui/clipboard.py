"""Cut, copy, paste and duplicate: layers as the text of a project, between windows and programs."""

from typing import TYPE_CHECKING

from PySide6.QtCore import QMimeData, QObject
from PySide6.QtGui import QCursor
from PySide6.QtWidgets import QApplication

from designer.edits.copying import Part, copy, duplicate, paste
from designer.edits.deletion import delete
from designer.files.errors import FileError
from designer.files.part import read_part, write_part
from designer.gui.document import Document, is_group
from designer.gui.properties import split
from designer.gui.session import Session
from designer.model import Network, NetworkError
from designer.source.script import write_script

if TYPE_CHECKING:
    from designer.gui.canvas import Canvas

LAYERS = "application/x-network-designer"
HANG = 84.0, 22.0  # where what is pasted hangs at the pointer, as a dropped layer does
GRID = 8


class Clipboard(QObject):
    """What the keys of the clipboard do to one document."""

    def __init__(self, document: Document, session: Session):
        super().__init__(document)
        self.document, self.session = document, session
        self.canvas: Canvas | None = None

    def _selected(self) -> tuple[str, ...]:
        return split(self.document.network, self.document.view.selection)[0]

    def _drawn(self) -> dict[str, tuple[float, float]]:
        """Where the selected layers are drawn."""
        assert self.canvas is not None
        nodes = {path: self.canvas.node(path) for path in self.canvas.selected_layers()}
        return {path: (node.x(), node.y()) for path, node in nodes.items()}

    def copy(self) -> bool:
        """Copy the selected layers; whether there are any."""
        part = self.part()
        if part is None:
            return False
        names = [name for name in part.network.layers if name not in part.lenders]
        self._keep(part)
        self.document.told.emit(f"Copied {_count(names)}.")
        return True

    def part(self) -> Part | None:
        """Give the selected layers as a part; where none can be given, say so."""
        paths = self._selected()
        if not paths or self.canvas is None:
            self.document.refused.emit("Select the layers to copy first.")
            return None
        shown = {
            path: (node.x(), node.y()) for path in self.canvas.selected_layers() if (node := self.canvas.node(path))
        }
        analysis = None if self.document.stale else self.document.analysis
        try:
            return copy(self.document.network, paths, analysis, shown)
        except NetworkError as refusal:
            self.document.refused.emit(str(refusal))
            return None

    def _keep(self, part: Part) -> None:
        """Put a part on the clipboard; its text is written beside the window, since it may be long."""
        self.session.copied = part, None

        def came(text: str) -> None:
            if self.session.copied is None or self.session.copied[0] is not part:
                return  # something else was copied meanwhile
            data = QMimeData()
            data.setData(LAYERS, text.encode())
            data.setText(text)
            self.session.copied = part, text
            QApplication.clipboard().setMimeData(data)

        def failed(error: BaseException) -> None:
            if not isinstance(error, FileError | NetworkError | OSError):
                raise error
            self.session.copied = part, QApplication.clipboard().text()
            self.document.refused.emit(f"Copied for this program alone: {error}")

        self.session.files.run(lambda: write_part(part), came, failed)

    def cut(self) -> None:
        """Copy the selected layers and delete them; what others borrow is handed over first."""
        if not self.copy():
            return
        chosen = sorted(self.document.view.selection)
        said: list[str] = []

        def edit(network: Network) -> Network:
            new, said[:] = delete(network, *chosen)
            return new

        self.document.attempt(f"Cut {_count(self._selected())}", edit, then=lambda: self._tell(said))

    def paste(self) -> None:
        """Paste layers at the pointer, else a little beside where they stood, into the group that is open now."""
        data = QApplication.clipboard().mimeData()
        text = ""
        if data is not None:  # as it is offscreen, of another program
            text = bytes(data.data(LAYERS).data()).decode(errors="replace") if data.hasFormat(LAYERS) else data.text()
        kept, at, home = self.session.copied, self._pointer(), self.document.view.path
        if kept is not None and kept[1] in (None, text):
            self._paste(kept[0], 0, at, home)
        elif not text:
            self.document.refused.emit("There is nothing on the clipboard that could be pasted.")
        else:
            self.session.files.run(
                lambda: read_part(text), lambda read: self._paste(read[0], read[1], at, home), self._failed
            )

    def _failed(self, error: BaseException) -> None:
        if self.document.closed:
            return
        if not isinstance(error, FileError):
            raise error
        self.document.refused.emit(str(error))

    def _pointer(self) -> tuple[float, float] | None:
        """Where the pointer is in the scene; None when it is not over the canvas."""
        assert self.canvas is not None
        seen = self.canvas.view.viewport()
        at = seen.mapFromGlobal(QCursor.pos())
        if not seen.rect().contains(at) or not seen.underMouse():
            return None
        scene = self.canvas.view.scene_at(at.toPointF())
        return scene.x(), scene.y()

    def _paste(self, part: Part, left: int, at: tuple[float, float] | None, home: str) -> None:
        if self.document.closed:
            return
        if not is_group(self.document.network, home):
            self.document.refused.emit(f"Not pasted, since there is no group {home} any more.")
            return
        analysis = None if self.document.stale else self.document.analysis
        names = [name for name in part.network.layers if name not in part.lenders]
        if not names:
            self.document.refused.emit("There are no layers in what was copied.")
            return
        shift = _to(part, names, at) if at else None
        made: list[str] = []
        said: list[str] = []

        def edit(network: Network) -> Network:
            pasted = paste(network, part, home, shift, analysis)
            made[:], said[:] = pasted.paths, pasted.said
            return pasted.network

        def done() -> None:
            where = ""
            if self.document.view.path == home:
                self.document.look(selection=frozenset(made))
            else:  # another group was opened meanwhile
                where = f" into {home or self.document.name}"
            anew = ["Their values did not come along: they are initialised anew."] if left else []
            self._tell([f"Pasted {_count(names)}{where}.", *said, *anew])

        self.document.attempt(f"Paste {_count(names)}", edit, then=done)

    def duplicate(self) -> None:
        """Copy the selected layers a little beside themselves."""
        paths = self._selected()
        if not paths or self.canvas is None:
            self.document.refused.emit("Select the layers to duplicate first.")
            return
        made: list[str] = []
        places = self._drawn()

        def edit(network: Network) -> Network:
            new, made[:] = duplicate(network, paths, places)
            return new

        text = f"Duplicate {_count(paths)}"
        self.document.attempt(text, edit, then=lambda: self.document.look(selection=frozenset(made)))

    def copy_picture(self) -> None:
        """Put a picture of the selected layers, or of all, on the clipboard."""
        from designer.gui.canvas.picture import image

        paths = self._selected()
        if self.canvas is None or not self.canvas.nodes():
            self.document.refused.emit("There is nothing to draw.")
            return
        QApplication.clipboard().setImage(image(self.canvas, paths))
        self.session.copied = None
        self.document.told.emit(f"Copied a picture of {_count(paths) if paths else 'the network'}.")

    def copy_python(self) -> None:
        """Put the code that makes the selected layers, or all, on the clipboard; values are no part of it."""
        part = self.part() if self._selected() else Part(self.document.network)
        if part is None:
            return
        what = _count(self._selected()) if self._selected() else "the network"

        def came(text: str) -> None:
            QApplication.clipboard().setText(text)
            self.session.copied = None
            self._tell([f"Copied the Python code of {what}."])

        self.session.files.run(lambda: write_script(part.network), came)

    def _tell(self, said: list[str]) -> None:
        if said and not self.document.closed:
            self.document.told.emit(" ".join(said))


def _to(part: Part, names: list[str], at: tuple[float, float]) -> tuple[float, float]:
    """How far a part moves so that its middle hangs at a point."""
    places = [place for name, place in part.network.positions.items() if name in names] or [(0.0, 0.0)]
    shift = []
    for axis in (0, 1):
        middle = (min(place[axis] for place in places) + max(place[axis] for place in places)) / 2
        shift.append(float(GRID * round((at[axis] - HANG[axis] - middle) / GRID)))
    return shift[0], shift[1]


def _count(names: "tuple[str, ...] | list[str]") -> str:
    return names[0].rpartition(".")[2] if len(names) == 1 else f"{len(names)} layers"

"""What is set for all learnables that layers own at once: factors, and whether training changes them."""

from collections.abc import Sequence

from PySide6.QtWidgets import QVBoxLayout, QWidget

from designer.edits import freeze
from designer.gui.document import Document
from designer.gui.editors import Field
from designer.gui.learnable_row import FACTORS, set_factor
from designer.gui.switches import Switch
from designer.gui.widgets import Label, line, row


class Together(QWidget):
    """Two factors and a switch; a field is empty, "mixed", where the learnables differ."""

    def __init__(self, document: Document, paths: Sequence[str]):
        super().__init__()
        self.document, self.paths = document, tuple(paths)
        self.fields = {
            field: Field(f"{name} of all learnables", 72, lambda text, field=field: self._set(field, text))
            for field, (name, _) in FACTORS.items()
        }
        self.frozen = Switch("Freeze all learnables")
        self.frozen.toggled_by_user.connect(self._freeze)
        lines: list[QWidget] = []
        for field, editor in self.fields.items():
            name, tip = FACTORS[field]
            editor.setToolTip(f"{tip} For all learnables here.")
            lines += [_line(name, editor), row(editor.problem, margins=(28, 0, 12, 0))]
        self.frozen.setToolTip("Training leaves all learnables here as they are")
        self.some = Label("", "t3")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 8)
        layout.setSpacing(0)
        heading = row(Label("All together", "t3"), margins=(28, 8, 12, 0), height=32)
        for each in (row(line(), margins=(12, 0, 12, 0)), heading, *lines, _line("Frozen", self.some, self.frozen)):
            layout.addWidget(each)

    def refresh(self) -> None:
        """Show what is so now; called in its place only, else it would flash as a window of its own."""
        network = self.document.network
        owners = [(layer, owned) for path in self.paths if (owned := (layer := network.layer(path)).owned)]
        self.setVisible(sum(len(owned) for _, owned in owners) > 1)  # one has them in its row
        for field, editor in self.fields.items():
            found: set[float] = set()
            for layer, owned in owners:
                given = dict(getattr(layer, field))
                found.update((given.get(name, 1.0) for name in owned) if given else (1.0,))
            editor.setPlaceholderText("mixed" if len(found) > 1 else "")
            editor.show_text(f"{found.pop():g}" if len(found) == 1 else "")
        states = {name in layer.frozen for layer, owned in owners for name in owned}
        self.frozen.setChecked(states == {True})
        self.some.say("some" if len(states) > 1 else "")

    def _set(self, field: str, text: str) -> str | None:
        paths = [path for path in self.paths if self.document.network.layer(path).owned]
        return set_factor(self.document, paths, field, text)

    def _freeze(self, on: bool) -> None:
        paths = [path for path in self.paths if self.document.network.layer(path).owned]
        whose = paths[0] if len(paths) == 1 else f"{len(paths)} layers"
        self.document.attempt(f"{'Freeze' if on else 'Unfreeze'} {whose}", lambda net: freeze(net, *paths, frozen=on))
        self.refresh()


def _line(text: str, *pieces: QWidget) -> QWidget:
    return row(Label(text, "t2"), 8, None, *pieces, margins=(28, 0, 12, 0), gap=8, height=36)

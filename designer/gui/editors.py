"""One editor for each kind of property: a switch, a choice, or a field; what does not fit is refused in place."""

import ast
import dataclasses
import typing
from collections.abc import Callable, Iterator
from decimal import Decimal, InvalidOperation
from typing import Any

from PySide6.QtCore import QRectF, Qt, QTimer
from PySide6.QtGui import QKeyEvent, QPainter, QPaintEvent, QWheelEvent
from PySide6.QtWidgets import QComboBox, QLineEdit, QVBoxLayout, QWidget

from designer.gui import drawing, theme
from designer.gui.switches import Switch
from designer.gui.widgets import Label, row, sentence
from designer.model.properties import LARGEST

STEPPED = 300  # ms after the last step of a number that the edit is made
MIXED = object()  # the value of several layers that differ
Apply = Callable[[Any], str | None]  # makes the edit; the sentence of a refusal


def write(value: Any) -> str:
    """Write a property as its field shows it: ``3``, ``3, 3``, ``B, T``; nothing is an empty field."""
    if value is None or value is MIXED:
        return ""
    if isinstance(value, tuple):
        return ", ".join(write(entry) if not isinstance(entry, tuple) else f"({write(entry)})" for entry in value)
    return f"{value:g}" if isinstance(value, float) and float(f"{value:g}") == value else str(value)


def read(text: str, hint: Any) -> Iterator[Any]:
    """Give what a text may mean, the likeliest first; the layer decides what fits."""
    kinds = _kinds(hint)
    plain = text.strip()
    if not plain or plain.lower() == "none":
        if type(None) in kinds:
            yield None
        if any(typing.get_origin(kind) is tuple or kind is tuple for kind in kinds):
            yield ()
        if str in kinds:
            yield plain
        return
    if kinds == {str}:
        yield plain
        return
    entries = tuple(_entry(part) for part in _split(plain))
    if len(entries) == 1 and not plain.endswith(","):
        yield entries[0]
    yield entries


def _kinds(hint: Any) -> set[Any]:
    args = typing.get_args(hint)
    return set(args) if args and typing.get_origin(hint) is not tuple else {hint}


def _split(text: str) -> list[str]:
    """Split at commas outside of brackets; one pair of brackets around everything is dropped."""
    if text[0] in "([" and text[-1] in ")]" and text.count(text[0]) == 1:
        text = text[1:-1]
    parts, depth = [""], 0
    for sign in text:
        depth += (sign in "([") - (sign in ")]")
        if sign == "," and not depth:
            parts.append("")
        else:
            parts[-1] += sign
    return [part.strip() for part in parts if part.strip()]


def _entry(text: str) -> Any:
    """Read a number, a truth value or a tuple as Python writes it, anything else as text."""
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return {"inf": float("inf"), "-inf": float("-inf"), "nan": float("nan")}.get(text.lower(), text)


class Field(QLineEdit):
    """A line of text that is applied when it is left or on Enter; Escape takes the old text back."""

    def __init__(self, name: str, width: int, apply: Callable[[str], str | None]):
        super().__init__()
        self.apply, self.shown = apply, ""
        self.setAccessibleName(name)
        if width:
            self.setFixedWidth(width)
            self.setAlignment(Qt.AlignmentFlag.AlignRight)
        self.problem = sentence(name="error")
        self.problem.setContentsMargins(0, 0, 0, 6)
        self.problem.hide()
        self.editingFinished.connect(self._finish)
        self.textEdited.connect(lambda: self.refuse(None))

    def show_text(self, text: str) -> None:
        """Show what is so, unless something else is being typed."""
        typed = self.isModified() and self.hasFocus()
        self.shown = text
        if not typed and self.text() != text:
            self.setText(text)
            self.setCursorPosition(0)  # the beginning of a long name says more
        if not typed:
            self.refuse(None)

    def refuse(self, problem: str | None) -> None:
        """Mark the text as wrong, and say why; None: it is right."""
        self.problem.setText(problem or "")
        self.problem.setVisible(bool(problem))
        if self.property("wrong") != bool(problem):
            self.setProperty("wrong", bool(problem))
            self.style().unpolish(self)
            self.style().polish(self)

    def _finish(self) -> None:
        if self.text() == self.shown:
            self.setModified(False)
            return
        problem = self.apply(self.text())
        self.refuse(problem)
        if problem is None:
            self.setModified(False)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape and self.text() != self.shown:
            self.setText(self.shown)
            self.setModified(False)
            self.refuse(None)
            return
        super().keyPressEvent(event)


class NumberField(Field):
    """A number that the arrow keys, and the wheel while the field has the keyboard, make larger or smaller.

    Several steps are one edit, made shortly after the last.
    """

    def __init__(self, name: str, width: int, apply: Callable[[str], str | None], low: float, high: float):
        super().__init__(name, width, apply)
        self.low, self.high = low, high
        self.wait = QTimer(self, singleShot=True, interval=STEPPED)
        self.wait.timeout.connect(self._finish)

    def step(self, by: int) -> None:
        """Change the number by units of its last digit, within its bounds."""
        try:
            number = Decimal(self.text().strip())
            exponent = min(0, int(number.as_tuple().exponent))
        except (InvalidOperation, ValueError):  # it is no number, or infinite
            return
        if not exponent and self.high <= 1:
            exponent = -1
        stepped = number + by * Decimal(1).scaleb(exponent)
        if stepped != number and Decimal(self.low) <= stepped <= Decimal(self.high):
            self.setText(f"{stepped:f}" if exponent > -5 else f"{float(stepped):g}")
            self.setModified(True)
            self.refuse(None)
            self.wait.start()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        steps = {Qt.Key.Key_Up: 1, Qt.Key.Key_Down: -1, Qt.Key.Key_PageUp: 10, Qt.Key.Key_PageDown: -10}
        if event.key() in steps:
            self.step(steps[Qt.Key(event.key())])
            return
        self.wait.stop()
        super().keyPressEvent(event)

    def wheelEvent(self, event: QWheelEvent) -> None:
        if self.hasFocus() and event.angleDelta().y():
            self.step(1 if event.angleDelta().y() > 0 else -1)
            event.accept()
        else:
            event.ignore()

    def _finish(self) -> None:
        self.wait.stop()
        super()._finish()


class Dropdown(QComboBox):
    """A list that opens, with the arrow that says so."""

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        place = QRectF(self.width() - 20, self.height() / 2 - 6, 12, 12)
        drawing.draw_icon(painter, "chevron-down", place, theme.current().text3, 2.5)
        painter.end()


class Choice(Dropdown):
    """One of a few; the wheel scrolls the panel and never changes it."""

    def __init__(self, name: str, choices: tuple[Any, ...], apply: Apply):
        super().__init__()
        self.choices, self.apply = choices, apply
        self.setAccessibleName(name)
        self.addItems(["none" if choice is None else str(choice).lower() for choice in choices])
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMinimumWidth(96)
        self.activated.connect(lambda place: self.apply(self.choices[place]))

    def show_value(self, value: Any) -> None:
        self.setCurrentIndex(self.choices.index(value) if value in self.choices else -1)
        self.setPlaceholderText("mixed" if value is MIXED else "")

    def wheelEvent(self, event: QWheelEvent) -> None:
        event.ignore()


class Setting(QWidget):
    """A property of a layer: its name, its editor, and below them why a value does not fit."""

    def __init__(self, field: "dataclasses.Field[Any]", hint: Any, apply: Apply):
        super().__init__()
        self.name, self.hint, self.apply = field.name, hint, apply
        kinds, choices = _kinds(hint), field.metadata["choices"]
        self.editor: QWidget
        if kinds == {bool}:
            self.editor = Switch(field.name)
            self.editor.toggled_by_user.connect(apply)
        elif kinds == {bool, type(None)}:
            self.editor = Choice(field.name, (None, True, False), apply)
        elif choices and kinds <= {str, type(None)}:
            none = (None,) if type(None) in kinds else ()
            self.editor = Choice(field.name, none + choices, apply)
        else:
            plain = kinds - {type(None)} <= {int, float}
            if kinds & {int, float}:
                limits = field.metadata["minimum"], field.metadata["maximum"]
                self.editor = NumberField(field.name, 96 if plain else 124, self._read, *limits)
            else:
                self.editor = Field(field.name, 124, self._read)
        self.setToolTip(self._tip(field))
        self.editor.setAccessibleDescription(field.metadata["doc"])
        self.help = sentence(field.metadata["doc"], "t3")
        self.help.setContentsMargins(0, 0, 0, 8)
        self.help.hide()
        label = Label(field.name, "t2", Qt.TextElideMode.ElideRight)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(28, 0, 12, 0)
        layout.setSpacing(0)
        self.mixed = Label("mixed", "t3")
        self.mixed.hide()
        layout.addWidget(row(label, 8, None, self.mixed, 8, self.editor, height=36))
        if isinstance(self.editor, Field):
            layout.addWidget(self.editor.problem)
        layout.addWidget(self.help)

    def _tip(self, field: "dataclasses.Field[Any]") -> str:
        """What it means, what fits, and what it is if nothing is said."""
        doc, low, high = (field.metadata[name] for name in ("doc", "minimum", "maximum"))
        bounds = ""
        if isinstance(self.editor, NumberField):
            bounds = (
                f"\nFrom {low:,} to {high:,}." if high < LARGEST else f"\nAt least {low:,}." if low > -LARGEST else ""
            )
        if field.default in (dataclasses.MISSING, None, ()):
            return f"{doc}{bounds}"
        return f"{doc}{bounds}\nBy default {write(field.default).lower()}."

    def show_value(self, value: Any) -> None:
        if isinstance(self.editor, Switch):
            self.editor.setChecked(value is True)
            self.mixed.setVisible(value is MIXED)
        elif isinstance(self.editor, Choice):
            self.editor.show_value(value)
        else:
            nothing = "none" if type(None) in _kinds(self.hint) else ""
            self.editor.setPlaceholderText("mixed" if value is MIXED else nothing)
            self.editor.show_text(write(value))

    def _read(self, text: str) -> str | None:
        """Apply the first meaning that fits; else say why the likeliest does not."""
        problem = None
        for value in read(text, self.hint):
            refusal = self.apply(value)
            if refusal is None:
                return None
            problem = problem or refusal
        return problem or f"{self.name} must not be empty."

"""Tooltips show their text as it is: Qt takes what looks like HTML for that, and would read the files that it names."""

from html import escape

from PySide6 import QtGui


def tip(text: str) -> str:
    """Give a text for a tooltip that stands there as it was written, whatever a file put into it."""
    if not QtGui.Qt.mightBeRichText(text):
        return text
    return f"<span>{escape(text, quote=False)}</span>".replace("\n", "<br>")

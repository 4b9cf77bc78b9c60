"""What this program is, in a box over its window."""

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QMessageBox

if TYPE_CHECKING:
    from designer.gui.main_window import MainWindow


def show_about(window: "MainWindow") -> None:
    """Say the versions, and whose fonts and icons are shown."""
    from designer import __version__

    box = QMessageBox(window)
    box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    box.setWindowTitle("About Network Designer")
    box.setText(f"Network Designer {__version__}")
    version = window.session.torch.version or "loading"
    box.setInformativeText(
        f"PyTorch networks, ties included.\n\ntorch {version}. Fonts: Inter, JetBrains Mono. Icons: Lucide."
    )
    box.setModal(False)
    box.show()

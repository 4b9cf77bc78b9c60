"""The canvas: the open network as nodes and wires, drawn and edited with the mouse.

The only package that knows NodeGraphQt. Its model, its undo stack, its menus and its sessions are not used: the
document is the truth, and the scene its mirror.
"""

from designer.gui.canvas.canvas import Canvas

__all__ = ["Canvas"]

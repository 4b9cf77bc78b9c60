"""Hide wires and show them again: a matter of the view, and no step of the history."""

from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING

from designer.model import Port

if TYPE_CHECKING:
    from designer.gui.canvas.canvas import Canvas
    from designer.gui.canvas.menus import Menu
    from designer.gui.canvas.port import PortItem


def hide(canvas: "Canvas", targets: Collection[str]) -> None:
    """Take wires from the picture; the ends of each say where it leads. They are selected no more."""
    view = canvas.document.view
    canvas.document.look(hidden=view.hidden | set(targets), selection=view.selection - set(targets))
    ends = "Its ends say where it leads" if len(targets) == 1 else "Their ends say where they lead"
    canvas.document.told.emit(f"Hid {_what(canvas, targets)}. {ends}.")


def show(canvas: "Canvas", targets: Collection[str]) -> None:
    """Draw hidden wires again."""
    canvas.document.look(hidden=canvas.document.view.hidden - set(targets))
    canvas.document.told.emit(f"Showed {_what(canvas, targets)}.")


def _what(canvas: "Canvas", targets: Collection[str]) -> str:
    if len(targets) != 1:
        return f"{len(targets):,} wires"
    (target,) = targets
    source = canvas.document.network.wires.get(Port.parse(target))
    into = Port.parse(target).layer
    return f"the wire from {source.layer} to {into}" if source is not None else f"the wire to {into}"


def chosen_wires(canvas: "Canvas") -> list[str]:
    """The selected wires that are in the open group."""
    return sorted(str(target) for target in canvas.mirror.wires if str(target) in canvas.selection)


def hidden_at(canvas: "Canvas", paths: Iterable[str]) -> list[str]:
    """The hidden wires of some layers that are shown."""
    if not canvas.document.view.hidden:
        return []
    items = [port for path in paths for port in canvas.node(path).ports()]
    return sorted({str(wire.target) for port in items for wire in port.connected_pipes if wire.hidden})


def hide_selected(canvas: "Canvas") -> None:
    """Hide the selected wires."""
    targets = [name for name in chosen_wires(canvas) if name not in canvas.document.view.hidden]
    if targets:
        hide(canvas, targets)
    else:
        canvas.document.refused.emit("Select the wires to hide first: click them, with Shift for several.")


def show_selected(canvas: "Canvas") -> None:
    """Show the hidden wires of the selection."""
    chosen = set(chosen_wires(canvas)) & canvas.document.view.hidden
    if targets := chosen | set(hidden_at(canvas, canvas.selected_layers())):
        show(canvas, targets)
    else:
        canvas.document.refused.emit("Nothing that is selected has a hidden wire.")


def show_all(canvas: "Canvas") -> None:
    """Show all wires, in every group."""
    if hidden := canvas.document.view.hidden:
        show(canvas, hidden)
    else:
        canvas.document.refused.emit("No wire is hidden.")


# What menus say.


def port_lines(menu: "Menu", item: "PortItem") -> None:
    """Hide or show the wires of a port; what a switch has put there goes when it is switched off."""
    canvas, wires = menu.canvas, item.connected_pipes
    for text, run, hidden in (("Hide", hide, False), ("Show", show, True)):
        if targets := [str(wire.target) for wire in wires if wire.hidden == hidden]:
            menu.add(f"{text} wire{'s' * (len(targets) > 1)}", lambda run=run, targets=targets: run(canvas, targets))
    port = item.look.port
    layer = canvas.document.network.find(port.layer)
    if not item.wired and layer is not None:
        switched = layer.output_learnables if item.out else layer.input_learnables
        if port.name in switched:
            menu.add("Hide", lambda: canvas.switch([port.layer], (port.name,), item.out, False))


def layer_lines(menu: "Menu", paths: list[str]) -> None:
    """Show the hidden wires of layers."""
    if targets := hidden_at(menu.canvas, paths):
        whose = "its" if len(paths) == 1 else "their"
        count = f" ({len(targets):,})" if len(targets) > 1 else ""
        text = f"Show {whose} hidden wire{'s' * (len(targets) > 1)}{count}"
        menu.add(f"{text}\tShift+H", lambda: show(menu.canvas, targets))


def canvas_lines(menu: "Menu") -> None:
    """Show all hidden wires."""
    if hidden := menu.canvas.document.view.hidden:
        menu.menu.addSeparator()
        menu.add(f"Show all hidden wires ({len(hidden):,})", lambda: show_all(menu.canvas))


def wire_lines(menu: "Menu", targets: list[str]) -> None:
    """Hide wires, or show those of them that are hidden."""
    hidden = menu.canvas.document.view.hidden
    if shown := [target for target in targets if target not in hidden]:
        menu.add("Hide\tH" if len(shown) == 1 else f"Hide {len(shown):,} wires\tH", lambda: hide(menu.canvas, shown))
    if back := [target for target in targets if target in hidden]:
        text = "Show wire" if len(back) == 1 else f"Show {len(back):,} wires"
        menu.add(text, lambda: show(menu.canvas, back))

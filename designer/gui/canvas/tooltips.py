"""What the canvas tells about what lies under the pointer."""

from typing import TYPE_CHECKING

from designer.analysis import Analysis
from designer.gui.canvas.look import shape_of
from designer.gui.drawing import shape_text
from designer.model import Network, Port

if TYPE_CHECKING:
    from designer.gui.canvas.hits import Hit


def tooltip(hit: "Hit", network: Network, analysis: Analysis | None) -> str:
    """Say it in full where the node had to cut it short."""
    if hit.what == "port":
        return _port(hit, network, analysis)
    if hit.what in ("wire", "label"):
        return _wire(hit.wire.source, hit.wire.target, analysis)
    if hit.stub is not None and len(hit.stub.wires) == 1:
        target = Port.parse(hit.stub.wires[0])
        return "Hidden: " + _wire(network.wires[target], target, analysis)
    if hit.stub is not None:
        return "Go to " + ", ".join(hit.stub.far)
    if hit.node is None:
        return ""
    look, row = hit.node.look, hit.part.row
    if hit.what == "badge":
        return "\n".join(look.says)
    if hit.what == "alike":
        return f"{look.alike:,} groups have this body; a click lists them"
    if hit.what == "offers":
        whole = ", ".join(row.names)
        return (
            f"OutputLearnables: {whole}. Offers {_of(look.name, row.names)} on a port, so that other layers can use it."
        )
    if hit.what == "takes":
        whole = ", ".join(row.names)
        return f"InputLearnables: {whole}. Takes {whole} from a wire instead of storing its own."
    if hit.what == "fold":
        return f"Tie: offer or take learnables\n{look.owns}".strip()
    lines = [f"{look.path}: {look.subtitle}", look.owns, *look.says]
    return "\n".join(line for line in lines if line)


def _of(layer: str, names: tuple[str, ...]) -> str:
    return ", ".join(f"{layer}.{name}" for name in names)


def _port(hit: "Hit", network: Network, analysis: Analysis | None) -> str:
    port, out = hit.port.look.port, hit.port.out
    source = port if out else network.source_of(port)
    if source is None:
        return f"{port.layer}.{port.name}: nothing is connected"
    return _wire(source, None if out else port, analysis)


def _wire(source: Port, target: Port | None, analysis: Analysis | None) -> str:
    learnable = analysis.learnable_shape(source) if analysis else None
    shape = learnable if learnable is not None else shape_of(analysis, source)
    kind = analysis.dtype(source) if analysis and analysis.network.has_output(source) else None
    ends = f"{source.layer}.{source.name}" + (f" to {target.layer}.{target.name}" if target else "")
    return f"{ends}\n{shape_text(shape)}" + (f", {kind}" if kind else "")

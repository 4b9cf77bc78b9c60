"""Which layers could stand at the end of a wire, or on it: tried on a small network, as large ones take long."""

from collections.abc import Callable

from designer.analysis import Analysis
from designer.edits.insertion import insert
from designer.gui.canvas.joins import End, Join, join, join_layer
from designer.layers import Identity, Linear
from designer.model import BUNDLE, Group, Input, Layer, Network, NetworkError, Parameter, Port

START, NEW = "start", "new"
Fits = Callable[[Layer], bool]


def joined(network: Network, analysis: Analysis | None, start: End, path: str) -> Join:
    """Wire a port to a layer that has just been added."""
    if isinstance(network.layer(path), Parameter) and not start.out:
        return join(network, analysis, start, End(Port(path, "value"), True))
    found = join_layer(network, analysis, start, path)
    return found.choices[0] if found.choices else found


def fits_port(network: Network, analysis: Analysis | None, port: Port, out: bool) -> Fits:
    """Tell which layers a wire from a port could lead to."""
    stand_in, name = _like(network, port, out)
    small, start = Network().add(start=stand_in), End(Port(START, name), out)
    takes = _takes(port, analysis) if out and name == "out" else lambda layer: True
    return lambda layer: takes(layer) and not joined(small.add(new=layer), None, start, NEW).refused


def fits_wire(network: Network, analysis: Analysis | None, target: Port) -> Fits:
    """Tell which layers could be put on the wire to a port."""
    source = network.source_of(target)
    if source is None or source.name == BUNDLE:
        return lambda layer: False
    takes = _takes(source, analysis)
    stand_in, name = _like(network, source, True)
    small = Network().add(start=stand_in, end=Identity()).connect(Port(START, name), "end/in")

    def fits(layer: Layer) -> bool:
        if not takes(layer):
            return False
        try:
            insert(small, "end/in", NEW, layer)
        except NetworkError:
            return False
        return True

    return fits


def _takes(source: Port, analysis: Analysis | None) -> Fits:
    """Tell which layers take numbers of the type that an output gives: weights are no whole numbers, indices are."""
    dtype = analysis.dtype(source) if analysis and analysis.network.has_output(source) else None
    if dtype is None:
        return lambda layer: True
    if dtype.startswith(("float", "bfloat", "complex")):
        return lambda layer: not layer.indices
    return lambda layer: layer.indices or not layer.learnables() or isinstance(layer, Parameter | Group)


def _like(network: Network, port: Port, out: bool) -> tuple[Layer, str]:
    """A layer with a port that carries what this one does, and the name of that port."""
    layer = network.layer(port.layer)
    if port.name == BUNDLE:
        return Linear(), BUNDLE
    if port.name in (layer.output_learnables if out else layer.input_learnables):
        return layer, port.name
    if not out:
        return Identity(), "in"
    return (Parameter(), "value") if network.is_learnable(port) else (Input(), "out")

"""Untie beside the window, and measure what it did to the outputs."""

from collections.abc import Sequence

from designer.edits.ties import untie
from designer.files.compare import Comparison
from designer.gui.document import Document
from designer.model import Network, Port


def borrows(network: Network, port: Port) -> bool:
    """Whether a learnable arrives at a port on a wire."""
    source = network.wires.get(port)
    taken = port.name in network.layer(port.layer).input_learnables
    return taken and source is not None and network.is_learnable(source)


def untie_ports(document: Document, ports: Sequence[Port]) -> None:
    """Let borrowers own copies of what arrives at them, in one step; then say how far the outputs moved."""
    before = document.network
    paths = tuple(dict.fromkeys(port.layer for port in ports))
    whose = paths[0].rpartition(".")[2] if len(paths) == 1 else f"{len(paths)} layers"
    said = "; ".join(_owns(document, path, [port for port in ports if port.layer == path]) for path in paths)
    apart = document.path is not None or bool(document.report)  # it came from a file

    def measure() -> None:
        after = document.network
        document.told.emit(f"{said}; comparing the outputs…")

        def work() -> Comparison:
            from designer.files.difference import difference

            return difference(before, after, apart)

        def came(found: Comparison) -> None:
            if document.closed:
                return
            if found.difference is None:
                document.followed.emit(f"{said}; the outputs were not compared: {found.reason}.")
            else:
                document.followed.emit(f"{said}; max |difference| of the outputs: {found.difference:g}.")

        document.beside(work, came, document.failed)

    document.attempt(f"Untie {whose}", lambda net: untie(net, *map(str, ports)), then=measure)


def _owns(document: Document, path: str, ports: Sequence[Port]) -> str:
    """Say what a layer owns copies of, by the keys of the owners."""
    analysis = document.analysis
    tied = analysis.row(path).tied_to if analysis and path in analysis.network.all else {}
    owners = [tied.get(port.name) or str(document.network.wires[port]).replace("/", ".") for port in ports]
    count = len(ports)
    listed = ", ".join(owners) if count <= 3 else f"{', '.join(owners[:2])} and {count - 2} more"
    return f"{path} owns {'a copy' if count == 1 else 'copies'} of {listed}"

"""Where layers stand that have no position of their own, and what new ones are called."""

from designer.analysis import Analysis
from designer.edits.arrange import arrange
from designer.edits.outline import Outline
from designer.gui.canvas.form import Form, form
from designer.gui.canvas.look import look
from designer.gui.canvas.mirror import Place
from designer.gui.document import View
from designer.model import Network, NetworkError
from designer.model.names import check_name, join

BELOW = 200.0  # a gap under the layers that have a place


class Placing:
    """The places that layers without a position were given: kept, so that they stay where they are, but no edit."""

    def __init__(self) -> None:
        self.given: dict[str, Place] = {}

    def places(self, network: Network, view: View, analysis: Analysis | None) -> dict[str, Place]:
        """Where the layers of the open group stand, by path from the root."""
        path = view.path
        shown = network.network_at(path)
        own = {join(path, name): at for name, at in shown.positions.items()} if path else dict(shown.positions)
        missing = [join(path, name) for name in shown.layers if name not in shown.positions]
        fresh = [at for at in missing if at not in self.given]
        if fresh:
            sizes = outlines(network, view, analysis)
            made = arrange(network, sizes, path, rows=True).network_at(path).positions
            if not own:
                fresh = missing  # nothing was placed by hand: all of it is arranged anew
            standing = [own.get(at) or self.given[at] for at in (*own, *missing) if at not in fresh]
            self.given |= _below(standing, {at: made[at.rpartition(".")[2]] for at in fresh}, shown.down)
        return own | {at: self.given[at] for at in missing}


def _below(standing: list[Place], made: dict[str, Place], down: bool = False) -> dict[str, Place]:
    """The places that were made, moved to under what stands already."""
    if not standing:
        return made
    if down:  # beside it
        turned = _below([(y, x) for x, y in standing], {at: (y, x) for at, (x, y) in made.items()})
        return {at: (x, y) for at, (y, x) in turned.items()}
    lower = max(y for _, y in standing) + BELOW - min(y for _, y in made.values())
    right = min(x for x, _ in standing) - min(x for x, _ in made.values())
    return {at: (x + right, y + lower) for at, (x, y) in made.items()}


def outlines(network: Network, view: View, analysis: Analysis | None) -> dict[str, Outline]:
    """The frames that the nodes of the open group will have."""
    learnable, found = network.learnable_ports, {}
    for name in network.network_at(view.path).layers:
        made = form(look(network, path := join(view.path, name), view, analysis, learnable=learnable))
        found[path] = outline_of(made)
    return found


def outline_of(made: Form) -> Outline:
    """What arranging needs to know of the measures of a node."""
    inputs, outputs = (
        {name: at.x() if made.down else at.y() for name, at in side.items()} for side in (made.inputs, made.outputs)
    )
    return Outline(made.width, made.height, inputs, outputs)


def fresh_name(network: Network, name: str) -> str:
    """A name for a new layer: ``linear``, ``linear2``, ...; ``conv2d_2`` where there is a digit already."""
    number, tried = 1, name
    while tried in network.layers or not _allowed(tried, network):
        number += 1
        tried = f"{name}_{number}" if any(map(str.isdigit, name)) else f"{name}{number}"
    return tried


def _allowed(name: str, network: Network) -> bool:
    try:
        check_name(name, network.layers)
    except NetworkError:
        return False
    return True

"""Cut several wires at once, without taking from a borrower what it used."""

from collections.abc import Iterable

from designer.edits.switches import borrowers
from designer.edits.ties import untie
from designer.model import BUNDLE, Network, Port


def cut_wires(network: Network, targets: Iterable[Port]) -> Network:
    """Cut wires by their targets. What borrowed through one of them owns what arrived, so the outputs stay."""
    for target in targets:
        layer, source = network.find(target.layer), network.wires.get(target)
        if layer is None or source is None:  # gone with a tie that was cut before
            continue
        if target.name != BUNDLE and network.is_learnable(source):
            ends = [target]
            if target.name not in layer.input_learnables:
                outs = network.outputs_of(target.layer)
                ends = [end for out in outs for end in borrowers(network, Port(target.layer, out))]
            network = untie(network, *map(str, dict.fromkeys(ends)))
        if network.wires.get(target) == source:
            network = network.disconnect(target)
    return network

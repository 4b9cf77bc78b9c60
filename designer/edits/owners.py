"""Hand a shared learnable from the layer that owns it to one that borrows it."""

import dataclasses
from typing import Any

from designer.edits.ties import learnable
from designer.layers import Permute
from designer.model import Layer, Network, NetworkError, Parameter, Port
from designer.model.names import common, free, join, parent
from designer.model.values import check_value

FACTORS = ("learn_rate_factors", "weight_decay_factors")


def change_owner(network: Network, borrower: str) -> Network:
    """Let a borrower own what it takes, and the owner borrow it: ``change_owner(net, "fc/weight")``.

    Values, factors and frozen go along. A Permute between them is turned round, no other layer can be.
    """
    heir = learnable(network, borrower)
    owner, between = _owner(network, heir)
    while owner.name in network.layer(owner.layer).input_learnables:  # it is taken and offered on: step by step
        network = change_owner(network, str(owner))
        owner, between = _owner(network, heir)
    if isinstance(network.layer(owner.layer), Parameter):
        raise NetworkError(f"{owner.layer} is nothing but what it owns, so it stays the owner.")
    old, new = network.layer(owner.layer), network.layer(heir.layer)
    network = _with_values(network, old.key(*owner), new.key(*heir), _order(network, between))
    network = network.disconnect(heir)
    users = [] if between else list(network.targets.get(owner, ()))
    for user in users:
        network = network.disconnect(user)
    turned = between if between and Port(between, "out") not in network.targets else ""
    if turned:
        network = network.disconnect(f"{turned}/in")
    network = network.set(heir.layer, **_ports(new, heir.name, owns=True), **_moved(new, heir.name, old, owner.name))
    offers, old = owner in network.targets, network.layer(owner.layer)  # which may be the heir's
    network = network.set(owner.layer, **_ports(old, owner.name, False, offers), **_moved(old, owner.name, None, ""))
    for user in users:
        network = network.connect(heir, user)
    if not between:
        return network.connect(heir, owner)
    back = _inverse(_order(network, between))
    if turned:
        network = network.set(turned, dims=back)
    else:
        home = common(parent(heir.layer), parent(owner.layer))
        turned = join(home, free("permute", network.network_at(home).layers))
        network = network.add(**{turned: Permute(back)})
    return network.connect(heir, f"{turned}/in").connect(f"{turned}/out", owner)


def _owner(network: Network, heir: Port) -> tuple[Port, str]:
    """The learnable port that a borrower is fed by, and the Permute between them, "" for none."""
    source = network.source_of(heir)
    if (
        heir.name not in network.layer(heir.layer).input_learnables
        or source is None
        or not network.is_learnable(source)
    ):
        raise NetworkError(f"{heir} takes no learnable from a wire, so there is no owner to change.")
    layer = network.layer(source.layer)
    if source.name in layer.output_learnables:
        return source, ""
    before = network.source_of(Port(source.layer, "in"))
    if isinstance(layer, Permute) and before and before.name in network.layer(before.layer).output_learnables:
        return before, source.layer
    raise NetworkError(f"{heir} is computed by {source.layer}, so {heir.layer} cannot own what that is made of.")


def _order(network: Network, between: str) -> tuple[int, ...]:
    layer = network.layer(between) if between else None
    return layer.dims if isinstance(layer, Permute) else ()


def _inverse(order: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(sorted(range(len(order)), key=lambda at: order[at] % len(order)))


def _with_values(network: Network, old: str, new: str, order: tuple[int, ...]) -> Network:
    """The value, and the names that it had in a file, with the new owner's key."""
    values = {key: value for key, value in network.values.items() if key != old}
    if old in network.values:
        value = network.values[old]
        check_value(value)
        values[new] = value.detach().permute(order).contiguous().clone() if order else value
    aliases = {alias: new if key == old else key for alias, key in network.aliases.items() if alias != new}
    if order:  # what an old name stood for is another tensor now
        aliases = {alias: key for alias, key in aliases.items() if key != new}
    elif network.aliases:
        aliases[old] = new
    return dataclasses.replace(network, values=values, aliases=aliases)


def _ports(layer: Layer, name: str, owns: bool, offers: bool = True) -> dict[str, Any]:
    """The switches of a layer, those of one learnable set."""
    takes, gives = _without(layer.input_learnables, name), _without(layer.output_learnables, name)
    return {
        "input_learnables": takes if owns else (*takes, name),
        "output_learnables": (*gives, name) if offers else gives,
    }


def _moved(layer: Layer, name: str, origin: Layer | None, learnable: str) -> dict[str, Any]:
    """Factors and frozen of one learnable as another layer has them; as new without one."""
    frozen = _without(layer.frozen, name)
    found: dict[str, Any] = {"frozen": (*frozen, name) if origin and learnable in origin.frozen else frozen}
    for field in FACTORS:
        kept = {key: factor for key, factor in getattr(layer, field) if key != name}
        given = dict(getattr(origin, field)) if origin else {}
        found[field] = tuple((kept | ({name: given[learnable]} if learnable in given else {})).items())
    return found


def _without(names: tuple[str, ...], name: str) -> tuple[str, ...]:
    return tuple(other for other in names if other != name)

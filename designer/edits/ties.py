"""Share learnables, stop sharing them, replace a head."""

import dataclasses
from collections.abc import Mapping
from typing import Any

from designer.analysis import Analysis, analyze, permutations
from designer.layers import Permute
from designer.model import BUNDLE, Layer, Network, NetworkError, Parameter, Port
from designer.model.names import common, free, join, parent
from designer.model.rules import needs, upstream
from designer.source import arriving, initialize


def tie(
    network: Network,
    owner: str,
    *borrowers: str,
    permute: tuple[int, ...] | None = None,
    analysis: Analysis | None = None,
) -> Network:
    """Let layers borrow a learnable: ``tie(net, "emb/weight", "fc/weight")``.

    Switches the ports on and inserts the ``Permute`` that the shapes ask for; ``permute=()`` ties directly. A free
    Parameter that borrows is no more: what takes it takes the owner's. An analysis of the network at hand saves asking
    torch. Raises NetworkError where no order of dimensions fits, or where several do and none is named.
    """
    source = learnable(network, owner)
    for target in [learnable(network, borrower) for borrower in borrowers]:
        if permute is None:
            order = _order(analysis or analyze(network), source, target)
        else:
            order = _asked(tuple(permute))
        network = borrow(network, source, target, *[Permute(order)] * (order != tuple(range(len(order)))))
    return network


def borrow(network: Network, source: Port, target: Port, *between: Layer) -> Network:
    """Let a layer take a learnable through layers that only compute, one after the other; it stores nothing more.

    A free Parameter gives its place to the last of them, and is no more where there are none.
    """
    layer = network.layer(target.layer)
    alone, key = isinstance(layer, Parameter), layer.key(*target)
    new = _switch(network, source, "output_learnables", True)
    owners = owner_keys(new, source)
    if not alone:
        new = _switch(new, target, "input_learnables", True)
    elif source == target:
        raise NetworkError(f"Connecting {source} to {target} would make a loop.")
    arrives, home = source, common(parent(source.layer), parent(target.layer))
    for n, step in enumerate(between, 1):
        if alone and n == len(between):
            name = target.layer
            new = new.replace(name, step)
        else:
            name = join(home, free(type(step).__name__.lower(), new.network_at(home).layers))
            new = new.add(**{name: step})
        new = new.connect(arrives, f"{name}/in")
        arrives = Port(name, "out")
    for user in network.targets.get(target, ()) if alone else (target,):
        new = new.connect(arrives, user)
    new = _with_other_owner(network, new, key, owners)
    gone = target.layer if alone and not between else ""
    while gone and (gone == target.layer or not new.network_at(gone).layers):  # nor does a group stay for nothing
        new, gone = new.remove(gone), parent(gone)
    return new


def _with_other_owner(before: Network, network: Network, key: str, owners: set[str]) -> Network:
    """Drop the value of what is borrowed now; the names that it has in a file are those of its owner."""
    aliases = dict(network.aliases)
    if aliases or getattr(before.values.get(key), "mapped", None) is not None:
        aliases[key] = key
    owner = next(iter(owners)) if len(owners) == 1 else ""
    aliases = {name: owner if old == key else old for name, old in aliases.items() if old != key or owner}
    values = {name: value for name, value in network.values.items() if name != key}
    names = dict(network.file_names)
    if owner and network.find(key) is None:  # a free Parameter that is no more: its names are the owner's
        gone = {name: old for name, old in before.file_names.items() if name not in names}
        names |= {name: owner for name, old in gone.items() if old == key}
    if len(values) == len(before.values) and aliases == network.aliases and names == network.file_names:
        return network
    return dataclasses.replace(network, values=values, aliases=aliases, file_names=names)


def learnable(network: Network, text: str) -> Port:
    """The port of a learnable, written "emb/weight"."""
    port = Port.parse(str(text))
    names = network.layer(port.layer).learnables()
    if not port.name and len(names) == 1:
        return Port(port.layer, names[0])
    if port.name not in names:
        known = f"has {', '.join(names)}" if names else "has no learnables"
        raise NetworkError(f"{text} is no learnable: {port.layer} {known}.")
    return port


def _order(analysis: Analysis, source: Port, target: Port) -> tuple[int, ...]:
    """The permutation that a tie needs, () for none, from the shapes."""
    have, want = analysis.learnable_shape(source), analysis.learnable_shape(target)
    if have is None or want is None:
        return ()
    orders = permutations(have, want)
    written = " and ".join(
        f"{port} is {' x '.join(map(str, s)) or 'a number'}" for port, s in ((source, have), (target, want))
    )
    if not orders:
        raise NetworkError(f"{written}: no permutation fits.")
    if len(orders) > 1:
        raise NetworkError(f"{written}: they fit by permute={' and by permute='.join(map(str, orders))}, so say which.")
    return orders[0]


def _asked(order: tuple[int, ...]) -> tuple[int, ...]:
    """The permutation that was asked for, refused where it is none; whether it fits is for the analysis to say."""
    if sorted(d + len(order) if d < 0 else d for d in order) != list(range(len(order))):
        raise NetworkError(f"permute={order} is no order of dimensions: each comes once.")
    return order


def untie(network: Network, *borrowers: str) -> Network:
    """Let borrowers own what arrives at them: the outputs stay the same, bias and factors are kept.

    An owner without a value is initialised first, so that both store the same. Layers that only computed for the
    tie, the owner's port and a free Parameter go where nothing else uses them.
    """
    for target in [learnable(network, borrower) for borrower in borrowers]:
        source = network.source_of(target)
        if source is None or not network.is_learnable(source):
            raise NetworkError(f"No learnable arrives at {target}.")
        network = initialize(network, only=owner_keys(network, source))
        value = arriving(network, source).detach().clone().contiguous()
        key = network.layer(target.layer).key(*target)
        network = tidied(_switch(network, target, "input_learnables", False), source)
        aliases = {old: owner for old, owner in network.aliases.items() if old != key}
        aliases |= {old: key for old in aliases if network.file_names.get(old) == key}
        network = dataclasses.replace(network, aliases=aliases).with_values({key: value})
    return network


def owner_keys(network: Network, port: Port) -> set[str]:
    """The keys of the learnables that a port is made of."""
    layers = ((at, network.layer(at.layer)) for at in upstream(network, port))
    return {layer.key(*at) for at, layer in layers if at.name in layer.owned and at.name in layer.output_learnables}


def tidied(network: Network, source: Port) -> Network:
    """Remove what only a tie needed: expressions, free learnables, the owner's port."""
    todo = [source]
    while todo:
        at = todo.pop()
        layer = network.find(at.layer)
        if layer is None or at in network.targets:
            continue
        if at.name in layer.output_learnables and not isinstance(layer, Parameter):
            network = _switch(network, at, "output_learnables", False)
        elif not any(Port(at.layer, out) in network.targets for out in layer.outputs()):
            todo += [found for need in needs(network, at) if (found := network.source_of(need))]
            network = network.remove(at.layer)
    return network


def _switch(network: Network, port: Port, ports: str, on: bool) -> Network:
    """Switch the port of a learnable on or off."""
    names = getattr(network.layer(port.layer), ports)
    if on == (port.name in names):
        return network
    return network.set(port.layer, **{ports: (*names, port.name) if on else tuple(n for n in names if n != port.name)})


def transfer(
    network: Network,
    path: str,
    name: str | None = None,
    learn_rate_factor: float | Mapping[str, float] = 1.0,
    **properties: Any,
) -> Network:
    """Replace a head by a new one that owns and has yet to learn everything; the rest keeps its values and ties.

    ``learn_rate_factor`` is one number for all its learnables or a number for each name.
    """
    layer = network.layer(path)
    for learnable in (*layer.output_learnables, BUNDLE):
        if users := network.targets.get(Port(path, learnable)):
            does = "calls" if learnable == BUNDLE else f"borrows the {learnable} of"
            raise NetworkError(f"{users[0].layer} {does} {path}: untie that first.")
    sources = [network.source_of(Port(path, learnable)) for learnable in layer.input_learnables]
    network = network.set(path, input_learnables=(), learn_rate_factors=(), frozen=(), **properties)
    factors = learn_rate_factor
    if not isinstance(factors, Mapping):
        factors = dict.fromkeys(network.layer(path).learnables(), factors)
    network = network.set(path, learn_rate_factors=tuple(factors.items()))
    old = {layer.key(path, learnable) for learnable in layer.learnables()}
    values = {key: value for key, value in network.values.items() if not _belongs(key, path)}
    aliases = {key: to for key, to in network.aliases.items() if not _belongs(to, path) and key not in old}
    names = {name: key for name, key in network.file_names.items() if not _belongs(key, path)}
    network = dataclasses.replace(network, values=values, aliases=aliases, file_names=names)
    for source in filter(None, sources):
        network = tidied(network, source)
    return network.rename(path, name) if name else network


def _belongs(key: str, path: str) -> bool:
    return key == path or key.startswith(path + ".")

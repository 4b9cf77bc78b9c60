"""The state_dict of a network, under its own names or under those of the file that it came from."""

from collections.abc import Collection, Mapping
from typing import Any, Literal, NamedTuple

from designer.model import Network, NetworkError, Port
from designer.model.names import shortened
from designer.model.rules import upstream
from designer.model.values import check_value
from designer.source.values import arriving, initialize

Tensor = Any  # a torch.Tensor
Names = Literal["network", "original"]


class Entry(NamedTuple):
    """A tensor, and the name before it of the one whose numbers it looks at, "" for none."""

    tensor: Tensor
    owner: str = ""


def state_dict(network: Network, names: Names = "network", seed: int = 0) -> dict[str, Tensor]:
    """Give every value by its name; missing ones are made from the seed.

    ``names="network"``: as ``build`` has them, a tied one once. ``names="original"``: as the file had them that the
    network came from, a tied one under each of its names, all of which share their memory. The tensors are those of
    the network: copy what shall change.
    """
    return {name: entry.tensor for name, entry in entries(network, names, seed).items()}


def entries(network: Network, names: Names = "network", seed: int = 0) -> dict[str, Entry]:
    """The same, with what each tensor shares its numbers with."""
    if names not in ("network", "original"):
        raise NetworkError(f"The names of values are 'network' or 'original', not {shortened(names)}.")
    network = initialize(network, seed)
    for value in network.values.values():
        check_value(value)
    if names == "network":
        return {key: Entry(value) for key, value in network.values.items()}
    return _original(network)


def has_other_names(network: Network) -> bool:
    """Whether the file that a network came from has names that the network itself has not."""
    borrowed = _borrowed_keys(network)
    return any(name != key or key in borrowed for name, key in _file_names(network).items())


def _file_names(network: Network) -> Mapping[str, str]:
    """Name in the file -> key here; of a network that knows only its aliases, they beside the keys that it has."""
    if network.file_names or not network.aliases:
        return network.file_names
    borrowed = _borrowed_keys(network)
    aliases = {name: name if name in borrowed else key for name, key in network.aliases.items()}
    return {**{key: key for key in network.values}, **aliases}


def _borrowed_keys(network: Network) -> set[str]:
    """The keys that borrowers would have for what they take."""
    ends = ((at, network.layer(at.layer)) for at in network.wires)
    return {layer.key(*at) for at, layer in ends if at.name in layer.input_learnables}


def _original(network: Network) -> dict[str, Entry]:
    """The values as the file has them: those of owners first, then what borrowers take."""
    there = _file_names(network)
    names: dict[str, list[str]] = {}
    for name, key in there.items():
        names.setdefault(key, []).append(name)
    found: dict[str, Entry] = {}
    for key, value in network.values.items():
        if key in there and key not in names:
            new, old = shortened(key), shortened(there[key])
            raise NetworkError(f"{new} is the name of {old} in the file, so a new layer cannot have it: rename that.")
        first, *others = names.pop(key, [key])
        found[first] = Entry(value)
        found |= {other: Entry(value, first) for other in others}
    first_names = {id(entry.tensor): name for name, entry in found.items() if not entry.owner}
    for key, source in _borrowed(network, names.keys()).items():
        value = arriving(network, source)
        entry = Entry(value, _owner(network, source, value, first_names))
        found |= dict.fromkeys(names[key], entry)
    return found


def _borrowed(network: Network, keys: Collection[str]) -> dict[str, Port]:
    """What arrives at the borrowers of these keys; a layer that only computes may stand in the place of a Parameter."""
    found = {}
    for target, source in network.wires.items():
        layer = network.layer(target.layer)
        taken = target.name in layer.input_learnables and network.is_learnable(source)
        if taken and (key := layer.key(*target)) in keys:
            found[key] = source
    for key in keys:
        if key not in found and network.find(key) is not None and network.is_learnable(Port(key, "out")):
            found[key] = Port(key, "out")
    return found


def _owner(network: Network, source: Port, value: Tensor, first_names: Mapping[int, str]) -> str:
    """The name of the value whose memory another looks at; "" where it was computed."""
    for at in upstream(network, source):
        layer = network.layer(at.layer)
        owned = network.values.get(layer.key(*at)) if at.name in layer.owned else None
        if owned is not None and owned.untyped_storage().data_ptr() == value.untyped_storage().data_ptr():
            return first_names.get(id(owned), "")
    return ""

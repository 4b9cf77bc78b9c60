"""Give a learnable other values: those of another one, of a file, or new ones."""

import dataclasses
from typing import Any

from designer.analysis import analyze, permutations
from designer.edits.switches import switch_input
from designer.edits.ties import learnable, owner_keys
from designer.model import Network, NetworkError, Port
from designer.model.values import check_value, marked
from designer.source import arriving, initialize

Tensor = Any  # a torch.Tensor


def take_values(network: Network, target: str, source: str, permute: tuple[int, ...] | None = None) -> Network:
    """Let a learnable own a copy of another one's values: ``take_values(net, "fc/weight", "emb/weight")``.

    One that was borrowed is untied first; a source without values is initialised. The order of dimensions follows
    from the shapes, ``permute=()`` takes them as they are. The copy has the dtype that the target had. Raises
    NetworkError where no order fits, or where several do and none is named.
    """
    into, given = learnable(network, target), learnable(network, source)
    if into == given:
        raise NetworkError(f"{into} cannot take values from itself.")
    taken = given.name in network.layer(given.layer).input_learnables
    feeder = network.source_of(given) if taken else given
    if feeder is None or (taken and not network.is_learnable(feeder)):
        raise NetworkError(f"{given} has no values: it takes them from a wire that brings none.")
    key = network.layer(given.layer).key(*given)
    network = initialize(network, only=owner_keys(network, feeder) if taken else {key})
    value = arriving(network, feeder) if taken else network.values.get(key)
    if value is None:
        raise NetworkError(f"{key} has no value, and its size is not known yet.")
    return take_tensor(network, target, value, permute, str(given).replace("/", "."))


def take_tensor(
    network: Network,
    target: str,
    value: Tensor,
    permute: tuple[int, ...] | None = None,
    named: str = "the tensor",
) -> Network:
    """Let a learnable own a copy of a tensor, its dimensions in the order that fits."""
    port = learnable(network, target)
    check_value(value)
    want = analyze(network).learnable_shape(port)
    order = _order(named, tuple(value.shape), port, want, permute)
    network = switch_input(network, port, False)
    layer = network.layer(port.layer)
    key = layer.key(*port)
    before = network.values.get(key)
    import torch

    dtype = getattr(torch, network.dtype) if before is None else before.dtype
    if value.is_complex() and not dtype.is_complex:
        raise NetworkError(f"{named} holds complex numbers, which {key} cannot.")
    moved = value.detach().permute(order) if order else value.detach()
    copied = marked(moved.to(dtype, copy=True, memory_format=torch.contiguous_format), f"copied from {named}")
    return dataclasses.replace(network, values={**network.values, key: copied})


def _order(
    named: str, have: tuple[int, ...], port: Port, want: tuple[int, ...] | None, permute: tuple[int, ...] | None
) -> tuple[int, ...]:
    """The order of dimensions to take a value in; () as they are."""
    said = f"{named} is {_written(have)}"
    if permute:
        if sorted(permute) != list(range(len(have))):
            raise NetworkError(f"{said}: {permute} is no order of its dimensions.")
        moved = tuple(have[d] for d in permute)
        if want is not None and moved != want:
            raise NetworkError(f"{said}, in the order {permute} {_written(moved)}, and {port} is {_written(want)}.")
        return tuple(permute)
    if want is None:
        return ()
    orders = permutations(have, want)
    if permute == () and have == want:
        return ()
    if not orders or permute == ():
        raise NetworkError(f"{said}, and {port} is {_written(want)}: no permutation fits.")
    if len(orders) > 1:
        ways = " and by permute=".join(map(str, orders))
        raise NetworkError(f"{said} and {port} is {_written(want)}: they fit by permute={ways}, so say which.")
    return orders[0]


def _written(shape: tuple[int, ...]) -> str:
    return " x ".join(map(str, shape)) or "one number"


def reinitialize(network: Network, *names: str, seed: int = 0) -> Network:
    """Give learnables new values, as torch initialises them: ``reinitialize(net, "fc", "emb/weight", seed=7)``.

    A layer stands for all that it owns. Where sizes are not known yet the old value goes.
    """
    keys: set[str] = set()
    for name in names:
        port = Port.parse(str(name))
        layer = network.layer(port.layer)
        if port.name:
            port = learnable(network, name)
        if port.name in layer.input_learnables:
            raise NetworkError(f"{port.layer} takes its {port.name} from {network.source_of(port)}: initialise that.")
        keys |= {layer.key(port.layer, own) for own in ((port.name,) if port.name else layer.owned)}
    kept = {key: value for key, value in network.values.items() if key not in keys}
    return initialize(dataclasses.replace(network, values=kept), seed, only=keys)

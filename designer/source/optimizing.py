"""What a torch optimizer is given: each learnable once, with its factors."""

from typing import Any

from designer.model import Network, NetworkError
from designer.model.names import shortened


def parameter_groups(network: Network, module: Any, lr: float, weight_decay: float = 0.0) -> list[dict[str, Any]]:
    """Give the groups of a torch optimizer for a module that was built from the network.

    ``torch.optim.AdamW(parameter_groups(net, module, lr=1e-3))``: a tied learnable is there once and trains as its
    owner says, frozen ones are left out. Learnables of like factors are one group, in the order of the module.
    """
    factors = _factors(network)
    there = dict(module.named_parameters())
    if unlike := sorted(there.keys() ^ factors.keys()):
        has = "has" if unlike[0] in there else "lacks"
        raise NetworkError(f"The module {has} {shortened(unlike[0])}, so it was not built from this network.")
    groups: dict[tuple[float, float], list[Any]] = {}
    for key, parameter in there.items():
        if (factor := factors[key]) is not None:
            groups.setdefault(factor, []).append(parameter)
    return [
        {"params": params, "lr": lr * rate, "weight_decay": weight_decay * decay}
        for (rate, decay), params in groups.items()
    ]


def _factors(network: Network) -> dict[str, tuple[float, float] | None]:
    """The factors of the learning rate and of the weight decay by the keys of all learnables; None for frozen ones."""
    found: dict[str, tuple[float, float] | None] = {}
    for path, layer in network.walk():
        rates, decays = dict(layer.learn_rate_factors), dict(layer.weight_decay_factors)
        for name in layer.owned:
            factor = rates.get(name, 1.0), decays.get(name, 1.0)
            found[layer.key(path, name)] = None if name in layer.frozen else factor
    return found

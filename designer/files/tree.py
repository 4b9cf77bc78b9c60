"""A tree of groups for tensors that a file keeps under dotted names: no layers, since no program tells what they do."""

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from designer.edits.arrange import arrange
from designer.files.errors import FileError
from designer.files.false_ties import kept_apart
from designer.files.naming import counted, is_number, legal_name
from designer.files.program import Stored
from designer.files.report import Note
from designer.layers import Constant
from designer.model import Group, Layer, Network, NetworkError, Parameter, Port
from designer.model.names import join, shortened
from designer.model.structure import DTYPES

DEEPEST = 64
STEPS = re.compile(r"[./]")  # TensorFlow and JAX part names by slashes
OUTPUT = re.compile(r":[0-9]+\.?$")  # of the operation that holds a variable of TensorFlow
STATISTICS = ("running_mean", "running_var", "num_batches_tracked")


class Tree(NamedTuple):
    """A network of groups that hold tensors, and what its names are in the file."""

    network: Network  # without values
    keys: dict[str, str]  # state_dict key of the network -> name in the file
    aliases: dict[str, str]  # other names in the file -> key
    ties: dict[str, str]  # names that stand for a tensor which stands under another name -> its key
    notes: list[Note]

    @property
    def file_names(self) -> dict[str, str]:
        """Every name in the file, with the key of its tensor."""
        return {**{name: key for key, name in self.keys.items()}, **self.ties}


def tree(stored: Mapping[str, Stored]) -> Tree:
    """Put each tensor once where its first name says: what may train as a Parameter, the rest as a Constant."""
    first: dict[tuple[Any, ...], str] = {}
    twins: dict[str, str] = {}
    root: dict[str, Any] = {}
    notes: list[Note] = []
    for name, entry in stored.items():
        owner = first.setdefault(entry.view, name) if entry.numel else name
        if owner != name:
            twins[name] = owner
            continue
        *path, last = STEPS.split(name)
        if len(path) > DEEPEST:
            raise FileError(f"{shortened(name)} is nested too deeply.")
        at = root
        for step in path:
            at = at.setdefault(f"{step}.", {})  # with its dot, so that a tensor may have the same name
        at[last] = name
    keys: dict[str, str] = {}
    network = _grown(root, "", stored, keys, notes)
    owners = {name: key for key, name in keys.items()}
    aliases = {name: key for key, name in keys.items() if name != key}
    ties = {name: owners[owner] for name, owner in twins.items() if owner in owners}
    ports = {name: Port(key, "value") for key, name in keys.items() if isinstance(network.layer(key), Parameter)}
    notes += kept_apart(stored, ports)
    return Tree(network, keys, {**aliases, **ties}, ties, notes)


def _grown(
    branch: Mapping[str, Any], path: str, stored: Mapping[str, Stored], keys: dict[str, str], notes: list[Note]
) -> Network:
    layers: dict[str, Layer] = {}
    numbered = any(is_number(step.rstrip(".")) for step in branch)
    for step, what in branch.items():
        name = counted(legal_name(OUTPUT.sub("", step).removesuffix(".") or "layer", numbered), layers)
        if isinstance(what, dict):
            layers[name] = Group(_grown(what, join(path, name), stored, keys, notes))
            continue
        try:
            layers[name] = _leaf(step, stored[what])
        except NetworkError as error:
            notes.append(Note(f"{shortened(what)} is left out: {str(error).rstrip('.')}"))
            continue
        keys[join(path, name)] = what
    network = Network(layers=layers)  # a file may call a layer what a script may not, as BERT does its self
    return arrange(network, path="", rows=True)  # level by level, before each is a part of another


def _leaf(name: str, entry: Stored) -> Layer:
    trains = entry.dtype.startswith(("float", "bfloat")) and name not in STATISTICS
    if trains and entry.numel:
        return Parameter(entry.shape)
    if entry.dtype not in DTYPES:
        raise NetworkError(f"no layer holds numbers of the type {entry.dtype}")
    return Constant(entry.shape, entry.dtype, "full", (0,), persistent=True)

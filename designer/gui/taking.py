"""Where a learnable may take its values or itself from: lists of what fits, each line one edit."""

import math
import secrets
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from PySide6.QtWidgets import QFileDialog, QWidget
from shiboken6 import isValid

from designer.analysis import permutations
from designer.edits import change_owner, reinitialize, take_values, tie
from designer.edits.taking import take_tensor
from designer.files.errors import FileError
from designer.gui.choosing import Entry, choose
from designer.gui.document import Document
from designer.gui.drawing import shape_text
from designer.gui.filing import ARRAYS, PYTORCH
from designer.model import Network, Parameter, Port

FILES = f"Values ({PYTORCH} {ARRAYS} *.network);;All files (*)"
Order = tuple[int, ...]
Shapes = tuple[tuple[str, tuple[int, ...]], ...]


def take_from(document: Document, port: Port, beside: QWidget) -> None:
    """Ask for the learnable whose values another one should own a copy of."""
    entries = []
    for at, have, order in fitting(document, port):
        text, done = f"Take values of {dotted(port)} from {dotted(at)}", f"{dotted(port)} owns a copy of {dotted(at)}."
        edit = partial(_taken, target=port, source=at, order=order)
        entries.append(Entry(dotted(at), _how(have, order), partial(_attempt, document, text, edit, done)))
    _ask(document, port, beside, f"Values for {dotted(port)}", entries)


def tie_to(document: Document, port: Port, beside: QWidget) -> None:
    """Ask for the learnable that another one should borrow instead of storing its own."""
    entries = []
    for at, have, order in fitting(document, port):
        if at.name in document.network.layer(at.layer).input_learnables:
            continue  # its owner is listed
        text = f"Take {port.name} of {port.layer} from {at.layer}"
        edit = partial(_tied, target=port, source=at, order=order)
        detail = f"{_how(have, order)}, saves {math.prod(have):,}"
        done = f"{port.layer} now takes {port.name} from {at.layer}."
        entries.append(Entry(dotted(at), detail, partial(_attempt, document, text, edit, done)))
    _ask(document, port, beside, f"Tie {dotted(port)} to", entries)


def take_from_file(document: Document, port: Port, beside: QWidget) -> None:
    """Ask for a file, then for the tensor in it."""
    folder = str(document.path.parent if document.path else Path.home())
    name, _ = QFileDialog.getOpenFileName(beside.window(), f"Values for {dotted(port)}", folder, FILES)
    if name:
        list_file(document, port, beside, Path(name))


def list_file(document: Document, port: Port, beside: QWidget, path: Path) -> None:
    """Read beside the window what a file holds, and list what fits."""
    before = document.network

    def read() -> Mapping[str, Any]:
        from designer.files.stored import tensors_in

        return tensors_in(path)

    def came(tensors: Mapping[str, Any]) -> None:
        if document.closed or document.network is not before or not isValid(beside):
            return  # nobody waits for it any more
        want = _shape(document, port)
        if want is None:
            document.refused.emit(f"The size of {dotted(port)} is not known yet.")
            return
        entries = []
        for name, tensor in tensors.items():
            have = tuple(tensor.shape)
            for order in permutations(have, want):
                text = f"Take values of {dotted(port)} from {path.name}"
                edit = partial(_taken_tensor, target=port, tensor=tensor, order=order, named=f"{name} of {path.name}")
                done = f"{dotted(port)} owns a copy of {name} of {path.name}."
                entries.append(Entry(name, _how(have, order), partial(_attempt, document, text, edit, done)))
        if entries:
            entries.sort(key=lambda entry: entry.text != dotted(port))
            choose(beside, f"Values for {dotted(port)}, {shape_text(want)}", entries, _note(document, port))
        else:
            said = f"{path.name} holds {len(tensors):,} tensors, and none"
            document.refused.emit(f"{said} fits {dotted(port)}, which is {shape_text(want)}.")

    def failed(error: BaseException) -> None:
        if isinstance(error, FileError):
            document.refused.emit(str(error))
        else:
            document.failed(error)

    document.beside(read, came, failed)


def initialise_again(document: Document, port: Port) -> None:
    """Give a learnable new values, as torch makes them."""
    seed = secrets.randbits(32)
    said = f"{dotted(port)} has new values."
    _attempt(document, f"Initialise {dotted(port)} again", lambda net: reinitialize(net, str(port), seed=seed), said)


def own_instead(document: Document, port: Port) -> None:
    """Let a borrower become the owner."""
    said = f"{port.layer} now owns {port.name}."
    _attempt(document, f"Let {port.layer} own {port.name} for all", lambda net: change_owner(net, str(port)), said)


def fitting(document: Document, port: Port) -> Iterator[tuple[Port, tuple[int, ...], Order]]:
    """List the learnables that fit another one, with their shapes and the order of dimensions; likely ones first."""
    network, analysis, want = document.network, document.analysis, _shape(document, port)
    if analysis is None or want is None:
        return
    key = network.layer(port.layer).key(*port)
    found = []
    for place, (path, layer) in enumerate(network.all.items()):
        tied = analysis.row(path).tied_to
        for name in layer.learnables():
            have = analysis.learnable_shape(Port(path, name))
            if (path, name) == port or have is None or key in tied.get(name, "").split(", "):
                continue  # it is the very same, or made of it
            for order in permutations(have, want):
                taken = name in layer.input_learnables
                found.append(((bool(order), taken, name != port.name, place), Port(path, name), have, order))
    for _, at, have, order in sorted(found, key=lambda item: item[0]):
        yield at, have, order


def _shape(document: Document, port: Port) -> tuple[int, ...] | None:
    """The size of a learnable, None while the analysis is of an earlier network."""
    analysis = document.analysis
    return None if analysis is None or document.stale else analysis.learnable_shape(port)


def _ask(document: Document, port: Port, beside: QWidget, title: str, entries: list[Entry]) -> None:
    shape = _shape(document, port)
    if shape is None:
        document.refused.emit(f"The size of {dotted(port)} is not known yet.")
    elif not entries:
        document.refused.emit(f"No other learnable fits {dotted(port)}, which is {shape_text(shape)}.")
    else:
        choose(
            beside, f"{title}, {shape_text(shape)}" if title.startswith("V") else title, entries, _note(document, port)
        )


def _note(document: Document, port: Port) -> str:
    taken = port.name in document.network.layer(port.layer).input_learnables
    return f"{dotted(port)} is untied first, in the same step." if taken else ""


def _how(have: tuple[int, ...], order: Order) -> str:
    return f"{shape_text(have)}, by Permute {', '.join(map(str, order))}" if order else f"{shape_text(have)}, directly"


def _taken(network: Network, target: Port, source: Port, order: Order) -> Network:
    return take_values(network, str(target), str(source), order)


def _taken_tensor(network: Network, target: Port, tensor: Any, order: Order, named: str) -> Network:
    return take_tensor(network, str(target), tensor, order, named)


def _tied(network: Network, target: Port, source: Port, order: Order) -> Network:
    return tie(network, str(source), str(target), permute=order)


def _attempt(document: Document, text: str, edit: Any, said: str) -> None:
    document.attempt(text, edit, then=lambda: document.told.emit(said))


def dotted(port: Port) -> str:
    """A learnable as it is written in the window: ``emb.weight``."""
    return f"{port.layer}.{port.name}"


def fixed(network: Network, path: str) -> bool:
    """Whether a layer is nothing but its learnable, which it cannot take from elsewhere."""
    return isinstance(network.layer(path), Parameter)

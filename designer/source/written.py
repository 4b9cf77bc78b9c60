"""Write a network as the source of an nn.Module, in the form that it runs in or in the familiar one."""

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from designer.analysis import Analysis, analyze
from designer.model import Network, NetworkError, Port
from designer.source.aliases import Style, aliased
from designer.source.classes import STOP, Line, class_lines
from designer.source.returned import KEY
from designer.source.writer import Scope, Writer

HEADER = '"""A PyTorch network, written by Network Designer."""'
IMPORTS = (
    ("import math", r"\bmath\."),
    ("import torch", r"\btorch\."),
    ("import torch.nn.functional as F", r"\bF\."),
    ("from torch import nn", r"\bnn\."),
)


def write_pytorch(network: Network, style: Style = "wires") -> str:
    """The source of an ``nn.Module`` class ``Net`` that computes what the network does; equal networks, equal text.

    It needs torch alone; values come by ``load_state_dict``. With ``style="alias"`` a tie is what people write,
    ``self.fc.weight = self.emb.weight``, so that the state_dict has both keys; one through a permutation cannot be.
    Raises NetworkError, with the first problem, for a network that has errors.
    """
    if style not in ("wires", "alias"):
        raise NetworkError(f"The style of a source is 'wires' or 'alias', not {style!r}.")
    source = write_analyzed(analyze(network))
    if style == "alias":
        apart, shared = aliased(network)
        return write_located(analyze(apart), shared).text
    return source


def write_analyzed(analysis: Analysis) -> str:
    """The source of a network that has been analyzed."""
    written = write_located(analysis)
    if written.problem:
        raise NetworkError(written.problem)
    return written.text


class Written(NamedTuple):
    """A source, and for each of its lines the paths of the layers that it is written for.

    Where the network has an error it ends there: ``problem`` is the sentence, ``stop`` the line, counted from 0.
    """

    text: str
    layers: tuple[tuple[str, ...], ...]
    problem: str = ""
    stop: int | None = None


def write_located(analysis: Analysis, shared: Mapping[Port, Port] = MappingProxyType({})) -> Written:
    """The source of a network that has been analyzed, as far as it can be written, with the layers of each line.

    ``shared`` are learnables that are set to those of others, as the layers that own them too.
    """
    if not analysis.errors and not analysis.network.outputs:
        return Written("", (), "The network gives nothing back: connect a layer to an input first.")
    writer = Writer(analysis, shared)
    writer.name_of(Scope(writer, ""), "Net")
    body = [Line(text) for source in writer.preamble.values() for text in [*source.strip("\n").split("\n"), "", ""]]
    for made in writer.classes:
        body += [*class_lines(made), Line(""), Line("")]
    code = KEY.sub("", "\n".join(line.text for line in body))
    head = [HEADER, "", *(line for line, use in IMPORTS if re.search(use, code)), "", ""]
    lines = [*map(Line, head), *body[:-2]]
    stop = next((n for n, line in enumerate(lines) if line.text == STOP), None)
    problem = analysis.errors[0].text if analysis.errors else ""
    if stop is not None:
        problem = writer.wrong[lines[stop].layers[0]]
    return Written("".join(f"{line.text}\n" for line in lines), tuple(line.layers for line in lines), problem, stop)

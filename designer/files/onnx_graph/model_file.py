"""Read the parts of an ONNX file: its graph by protobuf, its weights by where they lie."""

from pathlib import Path
from typing import Any, NamedTuple

from designer.files.errors import FileError
from designer.files.onnx_graph.weights import Weights
from designer.files.onnx_graph.wire import slimmed
from designer.model.names import shortened
from designer.model.values import Stamp

LARGEST_REST = 1 << 29  # bytes beside the weights
MOST_NODES = 200_000


class OnnxFile(NamedTuple):
    """An ONNX model without the numbers of its weights, and those."""

    name: str
    stamp: Stamp
    model: Any  # a ModelProto
    weights: Weights

    @property
    def producer(self) -> str:
        """The program that wrote the file, and its version."""
        told = f"{self.model.producer_name} {self.model.producer_version}".strip()
        return told[:100] if told.isprintable() else ""


def read_file(path: Path) -> OnnxFile:
    """Read an ONNX file; raises FileError."""
    from google.protobuf.message import DecodeError  # type: ignore[import-untyped]
    from onnx import ModelProto

    try:
        stamp = Stamp.of(path)
    except OSError as error:
        raise FileError(f"{path.name} cannot be read: {error.strerror}.") from None
    try:
        rest, spans = slimmed(stamp.map(), stamp.size)
        if len(rest) > LARGEST_REST:
            raise FileError(f"it holds {len(rest):,} bytes beside its weights, more than are read")
        model = ModelProto()
        model.ParseFromString(rest)
        weights = Weights(stamp)
        graph = model.graph
        if len(graph.node) > MOST_NODES:
            raise FileError(f"it has {len(graph.node):,} nodes, more than the {MOST_NODES:,} that are read")
        if len(graph.sparse_initializer):
            raise FileError("it has sparse weights, which are not read")
        if len(graph.initializer) != len(spans):
            raise FileError("its protobuf is damaged")
        for proto, span in zip(graph.initializer, spans):
            if proto.name in weights.stored:
                raise FileError(f"it has two tensors that are called {shortened(proto.name)}")
            weights.add(proto.name, proto, span)
    except (DecodeError, ValueError, MemoryError, RecursionError, OSError) as error:
        if isinstance(error, FileError):
            said = str(error).rstrip(".")
            raise FileError(f"{said}." if path.name in said else f"{path.name} cannot be read: {said}.") from None
        raise FileError(f"{path.name} is damaged: it is no ONNX model.") from None
    if not graph.node:
        raise FileError(f"{path.name} holds no nodes.")
    return OnnxFile(path.name, stamp, model, weights)

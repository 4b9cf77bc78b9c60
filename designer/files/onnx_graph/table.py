"""The operators of ONNX that are known here, by name."""

from collections.abc import Callable
from typing import Any

from designer.files.onnx_graph import (
    control,
    convolutions,
    elementwise,
    indexing,
    matrices,
    normalising,
    padding,
    recurrent,
    reducing,
    resizing,
    shaping,
    spectra,
)

OPERATORS: dict[str, Callable[..., Any]] = {
    name: operator
    for family in (
        elementwise,
        shaping,
        padding,
        matrices,
        convolutions,
        normalising,
        recurrent,
        reducing,
        indexing,
        resizing,
        spectra,
        control,
    )
    for name, operator in family.OPERATORS.items()
}

"""The layers of torch.nn modules, found from their settings alone."""

import dataclasses
from collections.abc import Callable
from typing import Any

from designer import layers
from designer.files.modules import Part
from designer.model import Layer, NetworkError
from designer.model.layer import layer_types
from designer.model.names import shortened


class NoLayer(Exception):
    """Why a module cannot be shown as one layer."""


def layer_of(part: Part) -> Layer:
    """The layer of a module of torch.nn. Raises NoLayer where there is none that says the same."""
    if not part.of_torch:
        raise NoLayer(f"{shortened(part.name)} is a class of the file's own")
    if part.hooked:
        raise NoLayer(f"code of the file runs with this {part.name}")
    kind = layer_types.get(SAME.get(part.name, part.name))
    if kind is None or kind.__name__ in OURS:
        raise NoLayer(f"there is no layer like {part.name}")
    fields = {field.name for field in dataclasses.fields(kind)} - {field.name for field in dataclasses.fields(Layer)}
    given = {name: _plain(value) for name, value in part.settings.items() if name in fields}
    for name, derive in DERIVED.items():
        if name in fields and name not in part.settings:
            given[name] = derive(part)
    if kind is layers.MultiheadAttention:
        given["cross"] = True
        given["add_bias_kv"] = part.parameters.get("bias_k") is not None
    for name, value in part.settings.items():
        if name not in fields and name not in TOLD and not _is_neutral(value):
            raise NoLayer(f"its {shortened(name)} {shortened(str(value))} cannot be shown")
    try:
        return kind(**given)
    except (NetworkError, TypeError, ValueError, AssertionError) as error:
        raise NoLayer(str(error).rstrip(".") or "its settings do not fit together") from None


def _plain(value: Any) -> Any:
    if isinstance(value, list):
        return tuple(map(_plain, value))
    if isinstance(value, tuple) and value and all(entry == value[0] for entry in value) and len(value) < 4:
        return value[0]  # one number where all are alike
    return value


def _is_neutral(value: Any) -> bool:
    if isinstance(value, tuple | list):
        return not any(value)
    return value in (None, False, 0, "zeros", "none") if isinstance(value, str | int | float | None) else False


def _has_bias(part: Part) -> bool:
    return any(name is not None for slot, name in part.parameters.items() if "bias" in slot and "_k" not in slot)


DERIVED: dict[str, Callable[[Part], Any]] = {
    "bias": _has_bias,
    "dims": lambda part: len(part.settings.get("normalized_shape") or (0,)),
    "own_sizes": lambda part: part.parameters.get("in_proj_weight") is None,
}
# What the tensors or the wires say as well, and what does not change the result.
TOLD = frozenset(
    """training inplace name mode in_features in_channels num_features input_size num_channels normalized_shape
    embed_dim kdim vdim head_dim transposed bias_k bias_v in1_features in2_features bias num_parameters""".split()
)
SAME = {"NonDynamicallyQuantizableLinear": "Linear", "ReLU6": "Hardtanh", "ZeroPad1d": "ConstantPad1d"}
OURS = ("Pad", "Reshape", "Slice", "Permute", "Squeeze", "Unsqueeze", "Constant", "Operation")  # torch.nn has none such

"""A layer with other properties, and whether one can stand for another."""

import dataclasses
from typing import Any

from designer.model.errors import NetworkError
from designer.model.layer import Layer
from designer.model.names import shortened
from designer.model.structure import Call, Group


def with_properties(old: Layer, properties: dict[str, Any]) -> Layer:
    """A layer with other properties, without what was said of learnables that go."""
    known = {field.name for field in dataclasses.fields(old)}
    for name in properties:
        if name not in known:
            raise NetworkError(f"{type(old).__name__} has no property {shortened(name)}.")
    lists = ("input_learnables", "output_learnables", "learn_rate_factors", "weight_decay_factors", "frozen")
    carried = {name: getattr(old, name) for name in lists if name not in properties and getattr(old, name)}
    if carried and not isinstance(old, Group):
        bare = dataclasses.replace(old, **{**properties, **dict.fromkeys(lists, ())})
        if bare.learnables() != old.learnables():
            left = set(bare.learnables())
            properties = properties | {
                field: tuple(item for item in value if (item if isinstance(item, str) else item[0]) in left)
                for field, value in carried.items()
            }
    return dataclasses.replace(old, **properties)


def interchangeable(old: Layer, layer: Layer) -> bool:
    """Whether one layer can stand for another with all its wires and values."""
    return (
        type(old) is type(layer)
        and not isinstance(layer, Group | Call)
        and ports_of(old) == ports_of(layer)
        and old.learnables() == layer.learnables()
    )


def ports_of(layer: Layer) -> tuple[Any, ...]:
    """What its wires hang on."""
    ends = () if isinstance(layer, Call | Group) else (layer.inputs(), layer.outputs())
    return (*ends, layer.variadic, layer.input_learnables, layer.output_learnables)

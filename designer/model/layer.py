"""The base class of every layer type, and the table of all types."""

import dataclasses
from collections.abc import Callable
from functools import cached_property
from typing import Any, ClassVar, dataclass_transform

from designer.model.errors import NetworkError
from designer.model.names import shortened
from designer.model.properties import converters, prop

Shape = tuple[int | str, ...]  # ("B", "T", 300): a name is a size known only at run time

layer_types: dict[str, type["Layer"]] = {}
CATEGORIES = (
    "In and out",
    "Linear",
    "Embedding",
    "Recurrent",
    "Convolution and pooling",
    "Attention",
    "Normalisation and dropout",
    "Activation",
    "Shape and maths",
)


@dataclass_transform(frozen_default=True)
@dataclasses.dataclass(frozen=True)
class Layer:
    """One step of a network. A value: to change a property, make a new layer.

    A layer type is one class: its fields are its properties, the methods below say the rest. Shapes that it is
    given are tuples of numbers; inputs and learnables of ``call`` and ``functional`` are source text.
    """

    category: ClassVar[str] = ""
    search: ClassVar[str] = ""  # other names that people know it by
    variadic: ClassVar[bool] = False  # takes any number of inputs, called 0, 1, ...
    indices: ClassVar[bool] = False  # its input is of whole numbers, which say where to look
    fake: ClassVar[bool] = False  # asked for shapes on fake tensors: torch's meta kernel takes time by the step

    _: dataclasses.KW_ONLY
    input_learnables: tuple[str, ...] = prop((), "Learnables taken from a wire instead of stored.", kw_only=True)
    output_learnables: tuple[str, ...] = prop((), "Learnables offered on a port.", kw_only=True)
    learn_rate_factors: tuple[tuple[str, float], ...] = prop(
        (), "Learnable -> factor of the learning rate.", maximum=1e6, kw_only=True
    )
    weight_decay_factors: tuple[tuple[str, float], ...] = prop(
        (), "Learnable -> factor of the weight decay.", maximum=1e6, kw_only=True
    )
    frozen: tuple[str, ...] = prop((), "Learnables that training leaves as they are.", kw_only=True)
    note: str = prop("", "What you want to remember about it.", kw_only=True)

    def __init_subclass__(cls, category: str = "", search: str = "", variadic: bool = False) -> None:
        cls.category, cls.search, cls.variadic = category, search, variadic or cls.variadic
        own_hash = cls.__dict__.get("__hash__", Layer.__hash__)
        dataclasses.dataclass(frozen=True)(cls)
        cls.__hash__ = own_hash  # type: ignore[method-assign]
        if category:
            layer_types[cls.__name__] = cls

    def __post_init__(self) -> None:
        values = self.__dict__
        if isinstance(values["frozen"], bool):  # all learnables, or none
            values["frozen"] = self.learnables() if values["frozen"] else ()
        for name, default, convert in _checks(type(self)):
            if values[name] is not default:
                values[name] = convert(values[name])
        if values["input_learnables"] or values["output_learnables"] or values["frozen"]:
            self._check_learnables()
        for field in ("learn_rate_factors", "weight_decay_factors"):
            if values[field]:
                pairs = dict(values[field])
                values[field] = tuple((name, pairs[name]) for name in self._known(pairs) if pairs[name] != 1.0)

    def _check_learnables(self) -> None:
        """Keep the names of learnables in the order of the learnables, so that equal layers are equal."""
        for field in ("input_learnables", "output_learnables", "frozen"):
            if names := getattr(self, field):
                self.__dict__[field] = self._known(names)

    def _known(self, names: Any) -> tuple[str, ...]:
        known = self.learnables()
        for name in names:
            if name not in known:
                raise NetworkError(f"{type(self).__name__} has no learnable {shortened(name)}.")
        return tuple(name for name in known if name in names)

    def __hash__(self) -> int:
        if "_hash" not in self.__dict__:
            fields = tuple(self.__dict__[name] for name in converters(type(self)))
            self.__dict__["_hash"] = hash((type(self).__name__, fields))
        return self.__dict__["_hash"]  # type: ignore[no-any-return]

    def __getstate__(self) -> dict[str, Any]:
        """Without the hash, that of a text is another one in another process, and without what is quickly made anew."""
        return {name: value for name, value in self.__dict__.items() if name not in ("_hash", "settings", "body")}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)

    # What a layer type may state.

    def learnables(self) -> tuple[str, ...]:
        """The names of its learnables, known without shapes."""
        return ()

    def inputs(self) -> tuple[str, ...]:
        return ("in",)

    def outputs(self) -> tuple[str, ...]:
        return ("out",)

    def module(self, *shapes: Any) -> str | None:
        """The torch module that holds its learnables and buffers; not stated where the layer only computes."""
        return None

    def call(self, m: str, *inputs: str) -> str:
        """The expression in ``forward``; of m, a layer without a module may read ``training`` only."""
        return f"{m}({', '.join(inputs)})"

    def probe(self, m: str, *inputs: str) -> str:
        """What stands in for ``call`` when only shapes are asked for."""
        return self.call(m, *inputs)

    def unpack(self) -> str:
        """The pattern that the result is assigned to; a port without a wire is written ``_``."""
        return "{out}"

    def functional(self, m: str, *inputs: str, **learnables: str) -> str:
        """The expression when at least one learnable is borrowed; dots in their names become underscores."""
        raise AssertionError(f"{type(self).__name__} has learnables and must say how it runs with borrowed ones")

    def preamble(self) -> dict[str, str]:
        """Name -> source of a small function or class, for what one expression cannot say."""
        return {}

    def summary(self, *shapes: Any) -> str:
        """Its key setting in a few words; a shape not known yet is None."""
        own = [field.name for field in dataclasses.fields(self) if not field.kw_only]
        return str(getattr(self, own[0])) if own else ""

    def multiply_adds(self, *shapes: Any) -> int | None:
        """Multiply-adds of one run; None where torch's own counter is asked."""
        return None

    def check(self, *shapes: Any) -> str | None:
        """One sentence for what torch would say in five lines; None where the shapes fit."""
        return None

    # What follows from it.

    @property
    def computes(self) -> bool:
        """Whether it only computes, so that it may sit on a learnable wire."""
        return type(self).module is Layer.module

    @property
    def owned(self) -> tuple[str, ...]:
        """The learnables that it stores."""
        return tuple(name for name in self.learnables() if name not in self.input_learnables)

    @cached_property
    def settings(self) -> str:
        """Its type and all properties but the note, as a text that only equal ones have."""
        return repr((type(self).__name__, *(self.__dict__[n] for n in converters(type(self)) if n != "note")))

    def key(self, path: str, learnable: str) -> str:
        """The state_dict key of one of its learnables or buffers."""
        return f"{path}.{learnable}"


_known_checks: dict[type, list[tuple[str, Any, Callable[[Any], Any]]]] = {}


def _checks(kind: type[Layer]) -> list[tuple[str, Any, Callable[[Any], Any]]]:
    """Each field with its default, and what turns any other value into its type."""
    if kind not in _known_checks:
        defaults = {field.name: field.default for field in dataclasses.fields(kind)}
        _known_checks[kind] = [(name, defaults[name], convert) for name, convert in converters(kind).items()]
    return _known_checks[kind]

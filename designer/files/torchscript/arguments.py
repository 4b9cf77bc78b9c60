"""Read the arguments of a call as its schema types them, and write them as torch.export does."""

from typing import Any

from designer.files.program import Dtype, Format, Setting
from designer.files.torchscript.text import Unfollowed

CODES = {0: "uint8", 1: "int8", 2: "int16", 3: "int32", 4: "int64", 5: "float16", 6: "float32", 7: "float64"}
CODES |= {9: "complex64", 10: "complex128", 11: "bool", 15: "bfloat16"}
FORMATS = {0: "contiguous_format", 1: "preserve_format", 2: "channels_last", 3: "channels_last_3d"}


def typed(value: Any, kind: str) -> Any:
    """An argument that a file writes as a code, by what it stands for."""
    inner = kind.removeprefix("Optional[").removesuffix("]")
    if inner == "ScalarType" and type(value) is int:
        if value not in CODES:
            raise Unfollowed(f"it uses a type of numbers, {value}, that cannot be read")
        return Dtype(CODES[value])
    if inner == "Device" and value is not None:
        return Setting("device")
    if inner == "Layout" and value is not None:
        return Setting("layout")
    if inner == "MemoryFormat" and type(value) is int:
        return Format(FORMATS.get(value, "preserve_format"))
    return value


def as_written(schema: Any, placed: list[Any], named: dict[str, Any]) -> tuple[list[Any], dict[str, Any]]:
    """The arguments without those that are as they would be anyway, as torch.export has them."""
    specs = schema.arguments
    keywords = {a.name: named[a.name] for a in specs if a.name in named and a.kwarg_only}
    arguments = list(placed)
    for spec in specs[len(placed) :]:
        if spec.kwarg_only:
            break
        if spec.name in named:
            arguments.append(named[spec.name])
        elif any(later.name in named and not later.kwarg_only for later in specs[len(arguments) :]):
            arguments.append(spec.default_value)
        else:
            break
    while arguments and _default(specs[len(arguments) - 1], arguments[-1]):
        arguments.pop()
    by_name = {spec.name: spec for spec in specs}
    keywords = {key: value for key, value in keywords.items() if not _default(by_name[key], value)}
    return arguments, keywords


def _default(spec: Any, value: Any) -> bool:
    default = spec.default_value
    return bool(spec.has_default_value() and type(default) is type(value) and default == value)


def convolution(name: str, overload: str, arguments: list[Any]) -> tuple[str, list[Any]]:
    """The name of a call; the convolutions that tracing writes are those that other programs have."""
    if name == "_convolution_mode" and arguments[1].fake.dim() in (3, 4, 5):
        return f"aten.conv{arguments[1].fake.dim() - 2}d.padding", arguments
    return (
        ("aten.convolution.default", arguments[:9])
        if name == "_convolution"
        else (f"aten.{name}.{overload}", arguments)
    )

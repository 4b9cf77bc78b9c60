"""What may be a name, and how paths and ports are written."""

import keyword
import re
from collections.abc import Container, Iterable
from typing import Any, NamedTuple, Self, cast

from designer.model.errors import NetworkError

# dir(nn.Module()) of torch 2.13 without what starts with an underscore; a test compares.
MODULE_NAMES = frozenset(
    """
    T_destination add_module apply bfloat16 buffers call_super_init children compile cpu cuda double dump_patches eval
    extra_repr float forward get_buffer get_extra_state get_parameter get_submodule half ipu load_state_dict modules
    mtia named_buffers named_children named_modules named_parameters parameters register_backward_hook register_buffer
    register_forward_hook register_forward_pre_hook register_full_backward_hook register_full_backward_pre_hook
    register_load_state_dict_post_hook register_load_state_dict_pre_hook register_module register_parameter
    register_state_dict_post_hook register_state_dict_pre_hook requires_grad_ set_extra_state set_submodule
    share_memory state_dict to to_empty train training type xpu zero_grad
    """.split()
)
# What nn.ModuleDict has beside: taken in a network that holds a layer named by a number.
MODULE_DICT_NAMES = frozenset("clear items keys pop update values".split())
SOURCE_NAMES = frozenset("self torch nn F math".split())  # what the written source calls otherwise

_WORD = re.compile("[A-Za-z][A-Za-z0-9_]*")
_NUMBER = re.compile("0|[1-9][0-9]{0,8}")


def is_name(name: object) -> bool:
    """Whether a text may name a layer or a free size: it becomes an attribute and a local in the written source."""
    return (
        isinstance(name, str)
        and _WORD.fullmatch(name) is not None
        and len(name) <= 200
        and not keyword.iskeyword(name)
        and name not in MODULE_NAMES
        and name not in SOURCE_NAMES
    )


def check_name(name: str, others: object = (), given: bool = False) -> None:
    """Refuse a layer name that could not be a key of an nn.ModuleDict and, unless a number, an attribute.

    ``others`` are the names that stand beside it. Names that a file gives, as BERT's ``attention.self``, may be those
    that the source uses otherwise: its locals get other names.
    """
    known = is_name(name) or (given and name in SOURCE_NAMES)
    if not known and not (isinstance(name, str) and _NUMBER.fullmatch(name)):
        raise NetworkError(f"{shortened(name)} cannot be the name of a layer.")
    if name in MODULE_DICT_NAMES or name.isdecimal():
        mixed = {*others, name}  # type: ignore[misc]
        if (taken := mixed & MODULE_DICT_NAMES) and any(other.isdecimal() for other in mixed):
            raise NetworkError(f"{min(taken)!r} cannot name a layer beside one that is named by a number.")


def shortened(text: object) -> str:
    """A text as a message may quote it: one line, escaped, not longer than a line."""
    written = _written(text, 4)
    return written if len(written) <= 60 else written[:57] + "..."


def plain(text: str, most: int = 1000) -> str:
    """A text of a file as it may stand in a line: at most ``most`` signs, and what cannot be printed is escaped."""
    text = text if len(text) <= most else f"{text[: most - 3]}..."
    return text if text.isprintable() else "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)


def _written(value: object, depth: int) -> str:
    """The begin of ``repr``, which would write down all of a value, however large it is."""
    if isinstance(value, str | bytes):
        return repr(value[:100])
    if isinstance(value, int) and value.bit_length() > 1000:
        return hex(value)[:100]
    if type(value) not in BRACKETS or not value:
        return repr(value)
    if depth == 0:
        return "..."
    parts: list[str] = []
    for part in cast(Iterable[Any], value.items() if isinstance(value, dict) else value):
        if sum(map(len, parts)) > 60:
            break
        both = part if isinstance(value, dict) else (part,)
        parts.append(": ".join(_written(each, depth - 1) for each in both))
    brackets = BRACKETS[type(value)]
    return brackets[0] + ", ".join(parts) + ("," if type(value) is tuple and len(value) == 1 else "") + brackets[1]


BRACKETS: dict[type, str] = {list: "[]", tuple: "()", dict: "{}", set: "{}"}


def parent(path: str) -> str:
    """The path of the group that holds a layer; "" at the root."""
    return path.rpartition(".")[0]


def join(*names: str) -> str:
    return ".".join(filter(None, names))


def under(path: str, root: str) -> bool:
    """Whether a path is a layer or group, or lies inside it; everything lies under ""."""
    return not root or path == root or path.startswith(root + ".")


def among(path: str, roots: Container[str]) -> bool:
    """Whether a path is one of these layers or groups, or lies inside one of them."""
    while path:
        if path in roots:
            return True
        path = parent(path)
    return False


def common(a: str, b: str) -> str:
    """The innermost path that two paths lie under."""
    while not under(b, a):
        a = parent(a)
    return a


def free(name: str, taken: object) -> str:
    """A name that is not taken: the name itself, else with underscores at its end."""
    while name in taken:  # type: ignore[operator]
        name += "_"
    return name


class Port(NamedTuple):
    """One port of one layer, written ``emb/weight``."""

    layer: str
    name: str

    @classmethod
    def parse(cls, text: str) -> Self:
        if not isinstance(text, str):
            raise NetworkError(f"A port is named as in 'emb/weight', not {shortened(text)}.")
        layer, _, name = text.partition("/")
        return cls(layer, name)

    def __str__(self) -> str:
        return f"{self.layer}/{self.name}"

    def below(self, root: str) -> "Port":
        """The same port, its path read from inside ``root``."""
        return Port(self.layer[len(root) + 1 :], self.name) if root else self

    def above(self, root: str) -> "Port":
        """The same port, its path read from outside ``root``."""
        return Port(f"{root}.{self.layer}", self.name) if root else self

    def moved(self, old: str, new: str) -> "Port":
        """The same port after the layer or group ``old`` became ``new``."""
        return Port(new + self.layer[len(old) :], self.name) if under(self.layer, old) else self

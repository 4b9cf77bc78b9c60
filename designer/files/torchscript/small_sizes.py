"""Whether free sizes were tried with such small numbers that larger ones would tell more."""

from collections.abc import Sequence
from typing import Any

from designer.files.torchscript.numbers import Number, each

ROUNDING = frozenset("div floordiv floor_divide floor ceil round Int IntImplicit __rshift__ Div Floor Ceil".split())
KEEPING = frozenset("remainder fmod min max minimum maximum Mod".split())  # they may give what they take
STEPPING = ("stft", "unfold")
PARTING = ("split", "unsafe_split")


def small(name: str, number: Any, numbers: Sequence[Any]) -> bool:
    """Whether a computation may tell less of free sizes than it would of larger ones.

    A quotient that is rounded can be one number for all small sizes, and a rest is the number itself for those.
    """
    if not any(isinstance(n, Number) for n in numbers):
        return False
    if name in KEEPING:
        values = [n.values if isinstance(n, Number) else (n,) for n in numbers]
        return isinstance(number, Number) and number.values in values
    if name not in ROUNDING or isinstance(number, Number):
        return False
    exact = each(lambda *parts: len(parts) > 1 and parts[1] != 0 and parts[0] % parts[1] == 0, *numbers)
    return exact is not True


def one_place(name: str, placed: list[Any], results: list[Any]) -> bool:
    """Whether a window over a free size stood in one place only, whatever the size was."""
    fakes = getattr(placed[0], "fakes", ()) if placed else ()
    if not fakes or any(map(_numbered, placed[1:])):
        return False  # a window as long as what it stands over has one place always
    strided = name == "slice" and len(placed) > 4 and placed[4] != 1
    scaled = name.startswith("upsample") and len(placed) > 1 and placed[1] is None
    windowed = name.startswith(("conv", "_conv")) or ("pool" in name and "adaptive" not in name) or name in STEPPING
    if not (strided or scaled or windowed or name in PARTING):
        return False
    given = [result[0] if isinstance(result, list | tuple) else result for result in results]
    before, after = ([len(set(sizes)) > 1 for sizes in zip(*(t.shape for t in ts))] for ts in (fakes, given))
    if name in PARTING:  # larger ones would have more parts
        return isinstance(placed[1], int) and before[placed[2] if len(placed) > 2 else 0]
    return sum(after) < sum(before)


def _numbered(value: Any) -> bool:
    return isinstance(value, Number) or (isinstance(value, list | tuple) and any(map(_numbered, value)))

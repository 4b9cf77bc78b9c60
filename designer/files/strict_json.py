"""JSON of other people: each name once, only finite numbers, and nothing without end."""

import json
import math
from collections.abc import Set
from typing import Any

from designer.files.errors import FileError
from designer.model.names import shortened

DEEPEST = 400  # lists and objects inside each other
LONGEST = 100_000  # characters in a text
LARGEST = 2**64  # whole numbers lie below


def parse(text: str | bytes) -> Any:
    """Read JSON; raises FileError with the line of what is wrong."""
    try:
        if isinstance(text, bytes):
            text = text.decode("utf-8")
        document = json.loads(text, object_pairs_hook=_each_once, parse_constant=_refuse, parse_float=_finite)
    except json.JSONDecodeError as error:
        raise FileError(f"line {error.lineno} is not JSON.") from None
    except UnicodeDecodeError as error:
        raise FileError(f"byte {error.start} is not text.") from None
    except RecursionError:
        raise FileError("it is nested too deeply.") from None
    except FileError:
        raise
    except ValueError:  # Python reads no whole number of more than 4,300 digits
        raise FileError("a number in it is too long.") from None
    check(document)
    return document


def write(value: Any, opened: Set[str], indent: str = "") -> str:
    """Write JSON, a line for each entry of the whole and of what stands under, or holds, an ``opened`` name.

    Everything else is on one line: so a change is a change of few lines, and few lines say much.
    """
    if not value or not isinstance(value, dict | list):
        return dump(value)
    lines = []
    for name, entry in value.items() if isinstance(value, dict) else ((None, entry) for entry in value):
        unfolded = name in opened or (isinstance(entry, dict) and not opened.isdisjoint(entry))
        text = write(entry, opened, indent + "  ") if unfolded else dump(entry)
        lines.append(f"{indent}  {text}" if name is None else f"{indent}  {dump(name)}: {text}")
    first, last = "{}" if isinstance(value, dict) else "[]"
    return "\n".join((first, ",\n".join(lines), indent + last))


def dump(value: Any) -> str:
    """Write JSON on one line."""
    return json.dumps(value, ensure_ascii=False, allow_nan=False)


def check(document: Any) -> None:
    """Refuse what no file should hold: long texts, huge numbers, deep nesting, halves of a character."""
    todo = [(document, 0)]
    while todo:
        value, depth = todo.pop()
        if depth > DEEPEST:
            raise FileError("it is nested too deeply.")
        if isinstance(value, dict):
            todo += [(inner, depth + 1) for pair in value.items() for inner in pair]
        elif isinstance(value, list):
            todo += [(inner, depth + 1) for inner in value]
        elif isinstance(value, str):
            _check_text(value)
        elif isinstance(value, float):
            _check_number(value, math.isfinite(value))
        elif isinstance(value, int):
            _check_number(value, abs(value) < LARGEST)


def _check_text(text: str) -> None:
    if len(text) > LONGEST:
        raise FileError(f"the text {shortened(text)} has {len(text):,} characters, and at most {LONGEST:,} are kept.")
    if not text.isascii() and any("\ud800" <= character <= "\udfff" for character in text):
        raise FileError(f"the text {shortened(text)} holds half a character.")


def _check_number(number: float, sound: bool) -> None:
    if not sound:
        raise FileError(f"{shortened(number)} is not a number that can be kept.")


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            raise FileError(f"{shortened(name)} stands in it twice.")
        found[name] = value
    return found


def _refuse(constant: str) -> Any:
    raise FileError(f"{constant} is not JSON.")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise FileError(f"{shortened(text)} is too large a number.")
    return number

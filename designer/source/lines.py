"""Lay out lines of source as a formatter would: 120 columns, brackets broken where a line is longer."""

import itertools
from typing import NamedTuple

WIDTH = 120
OPEN, CLOSE = "([{", ")]}"
SIGNS = ("+", "-", "*", "/", "@", "%", "//", "**", "==", "!=", "<", "<=", ">", ">=", "&", "|", "^")
OPERATORS = tuple("**" if sign == "**" else f" {sign} " for sign in SIGNS)  # a power may have no space around it


def laid_out(line: str, comment: str = "", indent: int = 0) -> list[str]:
    """The lines that a statement takes; the comment goes where there is no room for it."""
    whole = " " * indent + line
    if comment and len(whole) + len(comment) + 4 <= WIDTH:
        return [f"{whole}  # {comment}"]
    if len(whole) <= WIDTH:
        return [whole]
    if line.startswith("return "):
        return _valued(" " * indent + "return ", line.removeprefix("return "), indent)
    targets, *values = split(line, " = ")
    if not values:
        tail = ":" if line.endswith(":") else ""
        return _flowed(" " * indent, line.removesuffix(tail), tail, indent)
    start = f"{' ' * indent}{targets} = "
    if len(start) + len(_unbreakable(values[0])) > WIDTH and len(names := split(targets)) > 1:
        start = f"{' ' * indent}) = "
        return [" " * indent + "(", *_each(names, indent + 4), *_valued(start, values[0], indent)]
    return _valued(start, values[0], indent)


class Bracket(NamedTuple):
    """A bracket in an expression: ``called`` where it follows a name, as that of a call or an index does."""

    opened: str
    inner: str
    closed: str
    called: bool

    @property
    def text(self) -> str:
        return self.opened + self.inner + self.closed


def _valued(start: str, value: str, indent: int) -> list[str]:
    """What comes after ``=`` or ``return``: in brackets of its own where it has none that can be broken."""
    if len(start) + len(value) <= WIDTH:
        return [start + value]
    inside = " " * (indent + 4)
    parts = split(value)
    if len(parts) > 1:
        return [f"{start}(", *_each(parts, indent + 4), " " * indent + ")"]
    pieces = _pieces(value)
    operator = next((operator for operator in OPERATORS if len(split(value, operator)) > 1), None)
    if operator and not (len(split(value, operator)) == 2 and (_enclosed(pieces[0]) or _enclosed(pieces[-1]))):
        terms = [f"{operator.strip() + ' ' if n else ''}{term}" for n, term in enumerate(split(value, operator))]
        lines = [inside + value] if len(inside + value) <= WIDTH else [inside + term for term in terms]
        return [f"{start}(", *lines, " " * indent + ")"]
    last = max((n for n, piece in enumerate(pieces) if isinstance(piece, Bracket) and piece.inner), default=None)
    needed = value if last is None else "".join(map(_text, pieces[:last])) + "("
    if len(start + needed) <= WIDTH or len(inside + needed) > WIDTH or len(start) >= WIDTH:
        return _flowed(start, value, "", indent)
    return [f"{start}(", *_flowed(inside, value, "", indent + 4), " " * indent + ")"]


def _enclosed(piece: str | Bracket) -> bool:
    """Whether a piece is an expression in brackets, and no call or index."""
    return isinstance(piece, Bracket) and not piece.called


def _unbreakable(value: str) -> str:
    """What of a value must stand on the line on which it begins."""
    pieces = _pieces(value)
    return "(" if len(split(value)) > 1 or isinstance(pieces[0], Bracket) else pieces[0] + "(" * (len(pieces) > 1)


def _text(piece: str | Bracket) -> str:
    return piece if isinstance(piece, str) else piece.text


def _flowed(start: str, text: str, tail: str, indent: int) -> list[str]:
    """A text with its brackets, each left whole where what follows it fits up to the next one."""
    pieces = _pieces(text)
    lines, line = [], start
    for n, piece in enumerate(pieces):
        if isinstance(piece, str):
            line += piece
            continue
        after = list(itertools.takewhile(lambda piece: isinstance(piece, str), pieces[n + 1 :]))
        rest = "".join(map(str, after)) + (tail if n + len(after) + 1 == len(pieces) else "(")
        if not piece.inner or len(line + piece.text + rest) <= WIDTH:
            line += _text(piece)
            continue
        lines.append(line + piece.opened)
        inside = " " * (indent + 4) + piece.inner
        parts = split(piece.inner)
        whole = len(inside) <= WIDTH and (piece.called or len(parts) == 1)
        lines += [inside] if whole else _each(parts, indent + 4)
        line = " " * indent + piece.closed
    return [*lines, line + tail]


def _each(parts: list[str], indent: int) -> list[str]:
    """One element a line, each with a comma."""
    return [line for part in parts if part for line in _flowed(" " * indent, part, ",", indent)]


def _pieces(text: str) -> list[str | Bracket]:
    """Text and outermost brackets in turn."""
    found: list[str | Bracket] = []
    start = depth = opened = 0
    for n, letter in _code(text):
        if letter in OPEN:
            if not depth:
                opened = n
            depth += 1
        elif letter in CLOSE:
            depth -= 1
            if not depth:
                before = text[start:opened]
                called = (before or (")" if found else " "))[-1] not in " =-"
                found += [*([before] if before else []), Bracket(text[opened], text[opened + 1 : n], letter, called)]
                start = n + 1
    return [*found, *([text[start:]] if text[start:] else [])]


def split(text: str, by: str = ",") -> list[str]:
    """The parts of a text between separators that stand in no bracket."""
    parts: list[str] = []
    start = depth = 0
    for n, letter in _code(text):
        depth += (letter in OPEN) - (letter in CLOSE)
        if not depth and n >= start and text.startswith(by, n):
            parts.append(text[start:n].strip())
            start = n + len(by)
    return [*parts, text[start:].strip()]


def _code(text: str) -> list[tuple[int, str]]:
    """The letters that stand in no quotes, with their places."""
    found, quote, escaped = [], "", False
    for n, letter in enumerate(text):
        if quote:
            quote = "" if letter == quote and not escaped else quote
            escaped = letter == "\\" and not escaped
        elif letter in "\"'":
            quote = letter
        else:
            found.append((n, letter))
    return found

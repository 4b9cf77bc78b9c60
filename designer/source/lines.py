"""Lay out lines of source as a formatter would: 120 columns, brackets broken where a line is longer."""

WIDTH = 120
OPEN, CLOSE = "([{", ")]}"


def laid_out(line: str, comment: str = "", indent: int = 0) -> list[str]:
    """The lines that a statement takes; the comment goes where there is no room for it."""
    whole = " " * indent + line
    if comment and len(whole) + len(comment) + 4 <= WIDTH:
        return [f"{whole}  # {comment}"]
    if len(whole) <= WIDTH:
        return [whole]
    return _broken(line, indent)


def _broken(line: str, indent: int) -> list[str]:
    """Break a statement at its last bracket; one that has none at its end gets one."""
    tail = ":" if line.endswith(":") else ""
    body = line[: -len(tail)] if tail else line
    start = _last_bracket(body)
    if start is None:
        head, value = _value(body)
        return [" " * indent + head + "(", *_elements(value, indent + 4, loose=True), " " * indent + ")" + tail]
    head, inner = body[: start + 1], body[start + 1 : -1]
    close = body[-1]
    one = " " * (indent + 4) + inner
    if len(one) <= WIDTH and not _comprehended(inner, head):
        return [" " * indent + head, one, " " * indent + close + tail]
    return [" " * indent + head, *_elements(inner, indent + 4), " " * indent + close + tail]


def _comprehended(inner: str, head: str) -> bool:
    """A tuple of one element would lose its comma."""
    return inner.endswith(",") or (head.endswith("return (") and "," in inner)


def _last_bracket(line: str) -> int | None:
    """Where the bracket opens that closes at the end of a line."""
    if not line or line[-1] not in CLOSE:
        return None
    depth, quote = 0, ""
    opened: list[int] = []
    for n, letter in enumerate(line):
        if quote:
            quote = "" if letter == quote and line[n - 1] != "\\" else quote
        elif letter in "\"'":
            quote = letter
        elif letter in OPEN:
            opened.append(n)
            depth += 1
        elif letter in CLOSE:
            start = opened.pop()
            if n == len(line) - 1:
                return start
    return None


def _value(line: str) -> tuple[str, str]:
    """What stands before the value of a statement, and the value."""
    if line.startswith("return "):
        return "return ", line[len("return ") :]
    head, _, value = line.partition(" = ")
    return f"{head} = ", value


def split(text: str, by: str = ",") -> list[str]:
    """The parts of a text between separators that stand in no bracket."""
    parts, depth, quote, start = [], 0, "", 0
    n = 0
    while n < len(text):
        letter = text[n]
        if quote:
            quote = "" if letter == quote and text[n - 1] != "\\" else quote
        elif letter in "\"'":
            quote = letter
        elif letter in OPEN:
            depth += 1
        elif letter in CLOSE:
            depth -= 1
        elif not depth and text.startswith(by, n):
            parts.append(text[start:n].strip())
            start = n + len(by)
            n = start - 1
        n += 1
    return [*parts, text[start:].strip()]


def _elements(inner: str, indent: int, loose: bool = False) -> list[str]:
    """One element a line, each with a comma; terms of a sum or product one a line."""
    parts = [part for part in split(inner) if part]
    lines: list[str] = []
    if len(parts) == 1 and loose:
        for operator in (" + ", " - ", " * ", " / "):
            terms = split(inner, operator)
            if len(terms) > 1:
                return [" " * indent + (f"{operator.strip()} {term}" if n else term) for n, term in enumerate(terms)]
        return [" " * indent + inner]
    for part in parts:
        whole = " " * indent + part + ","
        lines += [whole] if len(whole) <= WIDTH else [*_broken(part, indent)[:-1], _broken(part, indent)[-1] + ","]
    return lines

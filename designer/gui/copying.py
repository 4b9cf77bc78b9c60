"""Rows of the analyzer as text for other programs: with tabs, as Markdown, as CSV."""

import csv
import io
import re
from collections.abc import Sequence

Lines = Sequence[Sequence[str]]  # the heads first
NUMBER = re.compile(r"[-+]?\d+(\.\d+)?(e[-+]?\d+)?", re.IGNORECASE)
FORMULA = ("=", "+", "-", "@", "\t", "\r")  # what a spreadsheet would begin to compute at


def tabbed(lines: Lines) -> str:
    """Write rows as text, a tab between cells."""
    return "\n".join("\t".join(re.sub(r"\s", " ", cell) for cell in line) for line in lines)


def markdown(lines: Lines, numbers: Sequence[bool]) -> str:
    """Write rows as a table of Markdown; ``numbers`` tells which columns stand at the right."""
    head, *rows = [[re.sub(r"([\\|*_`<>\[\]])", r"\\\1", re.sub(r"\s", " ", cell)) for cell in line] for line in lines]
    rule = ["---:" if number else "---" for number in numbers]
    return "\n".join(f"| {' | '.join(line)} |" for line in (head, rule, *rows))


def comma_separated(lines: Lines) -> str:
    """Write rows as CSV (RFC 4180); no cell is one that a spreadsheet would take for a formula."""
    text = io.StringIO()
    csv.writer(text).writerows([_harmless(cell) for cell in line] for line in lines)
    return text.getvalue()


def _harmless(cell: str) -> str:
    return f"'{cell}" if cell.startswith(FORMULA) and not NUMBER.fullmatch(cell) else cell

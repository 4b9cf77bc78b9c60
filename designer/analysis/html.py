"""The analysis as an HTML table, for notebooks."""

import html
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from designer.analysis.report import Analysis

HEADS = ("name", "type", "activations", "learnables", "tied to", "stored", "used")
WORDS = 5  # columns that hold words; numbers follow


def write_html(analysis: "Analysis") -> str:
    """A row for each layer, the totals and the problems; every name is escaped, and nothing in it runs."""
    from designer.analysis.report import shape_text

    rows = []
    for row in analysis.rows:
        name = f'<td style="text-align:left;padding-left:{0.5 + row.name.count(".")}em">{html.escape(row.name)}</td>'
        learnables = [f"{each} {shape_text(sizes, ' × ')}" for each, sizes in row.learnables.items()]
        words = (
            row.type,
            ", ".join(shape_text(shape, " × ") for shape in row.activations),
            ", ".join(learnables),
            ", ".join(dict.fromkeys(row.tied_to.values())),
        )
        rows.append(f"<tr>{name}{''.join(map(_word, words))}{_number(row.stored)}{_number(row.used)}</tr>")
    heads = "".join(
        f'<th style="text-align:{"left" if n < WORDS else "right"}">{head}</th>' for n, head in enumerate(HEADS)
    )
    least = "at least " if analysis.partial else ""
    saved = f"saved by ties: {analysis.saved:,}" if analysis.saved else ""
    totals = "".join(map(_word, ("total", "", "", "", saved)))
    totals += f"{_number(analysis.stored, least)}{_number(analysis.used, least)}"
    problems = "".join(
        f"<li><b>{html.escape(problem.severity)}</b>: {html.escape(problem.text)}</li>" for problem in analysis.problems
    )
    return (
        f"<table><thead><tr>{heads}</tr></thead><tbody>{''.join(rows)}</tbody>"
        f'<tfoot><tr style="font-weight:bold">{totals}</tr></tfoot></table>'
        + (f"<ul>{problems}</ul>" if problems else "")
    )


def _word(text: str) -> str:
    return f'<td style="text-align:left">{html.escape(text)}</td>'


def _number(number: int, least: str = "") -> str:
    return f'<td style="text-align:right">{least}{number:,}</td>'

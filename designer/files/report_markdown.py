"""A report as Markdown."""

import re

from designer.files.report import Report
from designer.files.report_lines import compared_text, facts, sections
from designer.model.names import plain

SHOWN = 1000  # lines of a list; the rest is counted
SIGNS = re.compile(r"([\\`*_{}\[\]<>#|~])")  # that Markdown reads as its own


def to_markdown(report: Report) -> str:
    """Write a report as Markdown: facts as a table, then each list."""
    lines = [f"# Import of {_plain(report.path.name)}", "", "| | |", "| --- | --- |"]
    lines += [f"| {name} | {_plain(value)} |" for name, value in facts(report).items()]
    lines += ["", _plain(compared_text(report.compared))]
    if report.layers:
        lines += ["", "## Layers", "", "| Type | Count |", "| --- | ---: |"]
        lines += [f"| {_plain(name)} | {count:,} |" for name, count in report.layers.items()]
    if report.code:
        lines += ["", f"Wired by code that was not run: {', '.join(map(_plain, report.code))}."]
    if suggestions := report.known_suggestions:
        lines += ["", "## Suggestions", "", *(f"* {_plain(each.text)}" for each in suggestions)]
    for title, entries in sections(report):
        lines += ["", f"## {title}", "", *(f"* {_plain(entry)}" for entry in entries[:SHOWN])]
        if len(entries) > SHOWN:
            lines.append(f"* and {len(entries) - SHOWN:,} more")
    return "\n".join(lines) + "\n"


def _plain(text: str) -> str:
    """Text that stands as it is, on one line that is not too long."""
    return SIGNS.sub(r"\\\1", plain(" ".join(text.split())))

"""A report as JSON, kept in a project with the network that it is about."""

from pathlib import Path
from typing import Any

from designer.files.compare import Comparison
from designer.files.report import Note, Report
from designer.files.suggestions import Suggestion

NUMBERS = ("size", "groups", "parameters", "borrowed", "bytes")
COUNTS = ("layers", "placeholders", "tied_bytes")  # number by name
NAMES = ("ties", "renamed")  # name by name
LISTS = ("unused", "code")
LONGEST = 10_000  # characters


def encode(report: Report) -> dict[str, Any]:
    """What stands in a project; where the file lay is left out, which nobody else should learn."""
    found: dict[str, Any] = {"file": report.path.name, "kind": report.kind, "producer": report.producer}
    found |= {name: getattr(report, name) for name in NUMBERS}
    found |= {name: dict(getattr(report, name)) for name in (*COUNTS, *NAMES)}
    found |= {name: list(getattr(report, name)) for name in LISTS}
    found["notes"] = [_note(note) for note in report.notes]
    suggestions = report.known_suggestions
    found["suggestions"] = [{**each._asdict(), "permute": list(each.permute)} for each in suggestions or ()]
    found["unsearched"] = int(suggestions is None)  # it was saved before the search for them ended
    if (compared := report.compared) is not None:
        number = None if compared.difference is None else repr(compared.difference)
        found["comparison"] = {**compared._asdict(), "difference": number}
    kept: dict[str, Any] = _written({name: value for name, value in found.items() if value not in ("", 0, [], {})})
    return kept


def _note(note: Note) -> dict[str, Any]:
    told = {"text": str(note), "layers": list(note.layers), "fix": note.fix, "ports": list(note.ports)}
    return {name: value for name, value in told.items() if value or name in ("text", "layers")}


def _written(value: Any) -> Any:
    """The value with texts that any project may hold, whatever stood in the file."""
    if isinstance(value, dict):
        return {_written(name): _written(entry) for name, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_written(entry) for entry in value]
    return value.encode("utf-8", "replace").decode()[:LONGEST] if isinstance(value, str) else value


def decode(saved: Any) -> Report | None:
    """The report of a project; None where it is not as this program writes it, since the network matters more."""
    if not isinstance(saved, dict):
        return None
    try:
        return _report(saved)
    except (KeyError, TypeError, ValueError, AttributeError):
        return None


def _report(saved: dict[str, Any]) -> Report:
    compared = saved.get("comparison")
    found: dict[str, Any] = {name: _counts(saved.get(name, {})) for name in COUNTS}
    found |= {name: {_text(a): _text(b) for a, b in saved.get(name, {}).items()} for name in NAMES}
    found |= {name: _texts(saved.get(name, [])) for name in LISTS}
    found |= {name: _number(saved.get(name, 0)) for name in NUMBERS}
    return Report(
        _text(saved.get("kind", "")),
        Path(Path(_text(saved["file"])).name),
        **found,
        notes=tuple(
            Note(_text(note["text"]), _texts(note["layers"]), _text(note.get("fix", "")), _texts(note.get("ports", [])))
            for note in saved.get("notes", [])
        ),
        suggested=None if saved.get("unsearched") == 1 else tuple(map(_suggestion, saved.get("suggestions", []))),
        producer=_text(saved.get("producer", "")),
        stamp=None,
        measured=None if compared is None else _comparison(compared),
    )


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value


def _number(value: Any) -> int:
    if type(value) is not int or value < 0:
        raise TypeError
    return value


def _texts(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise TypeError
    return tuple(map(_text, value))


def _counts(value: Any) -> dict[str, int]:
    return {_text(name): _number(count) for name, count in value.items()}


def _suggestion(value: Any) -> Suggestion:
    text, owner, borrower = (_text(value[name]) for name in ("text", "owner", "borrower"))
    return Suggestion(text, owner, borrower, tuple(map(_number, value["permute"])))


def _comparison(value: Any) -> Comparison:
    difference = value["difference"]  # as a text: JSON has no inf
    number = None if difference is None else float(_text(difference))
    return Comparison(number, _text(value["reason"]), _text(value["output"]))

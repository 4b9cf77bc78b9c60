"""Places in a network that the user wants to come back to: a name, the open group, and where the camera is."""

import itertools
from collections.abc import Collection
from typing import Any, NamedTuple

MOST, LONGEST = 1000, 80  # bookmarks in a file, letters of a name


class Bookmark(NamedTuple):
    """A view with a name."""

    name: str
    path: str  # of the open group
    place: tuple[float, float, float]  # x, y, zoom


def place_from(at: Any) -> tuple[float, float, float] | None:
    """Take x, y and zoom, where they are numbers that a window can show."""
    if not isinstance(at, list) or len(at) != 3:
        return None
    if not all(isinstance(number, int | float) and abs(number) < 1e9 for number in at) or not 0.01 <= at[2] <= 8:
        return None
    return float(at[0]), float(at[1]), float(at[2])


def bookmarks_from(saved: Any) -> tuple[Bookmark, ...]:
    """Take bookmarks from a file; one that is not as it should be is left out."""
    found: dict[str, Bookmark] = {}
    for entry in saved[:MOST] if isinstance(saved, list) else ():
        if not isinstance(entry, dict):
            continue
        name, path, place = entry.get("name"), entry.get("path"), place_from(entry.get("place"))
        if isinstance(name, str) and isinstance(path, str) and place is not None and (name := clean(name)):
            found.setdefault(name, Bookmark(name, path, place))
    return tuple(found.values())


def bookmarks_to(bookmarks: Collection[Bookmark]) -> list[dict[str, Any]]:
    """Write bookmarks for a file."""
    return [{"name": mark.name, "path": mark.path, "place": list(mark.place)} for mark in bookmarks]


def clean(name: str) -> str:
    """Give a name as one line that can be shown; "" where nothing is left of it."""
    return " ".join("".join(letter if letter.isprintable() else " " for letter in name[:LONGEST]).split())


def unlike(name: str, taken: Collection[str]) -> str:
    """Give a name that no bookmark has: ``fc``, ``fc 2``, ..."""
    tried = itertools.chain([name], (f"{name} {number}" for number in itertools.count(2)))
    return next(tried_one for tried_one in tried if tried_one not in taken)

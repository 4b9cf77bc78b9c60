"""What a bug in painting leads to: it is told, once, and all else is painted."""

import functools
import sys
import traceback
from collections.abc import Callable
from types import CodeType
from typing import Any

_told: set[tuple[tuple[CodeType, int], ...]] = set()  # the ways of errors: each picture would tell them again


def guarded(paint: Callable[..., None]) -> Callable[..., None]:
    """Take the errors of what Qt calls to paint, as any other is told: Qt would paint on with them, and crash."""

    @functools.wraps(paint)
    def painted(*arguments: Any, **named: Any) -> None:
        try:
            paint(*arguments, **named)
        except Exception as error:
            way = tuple([(frame.f_code, line) for frame, line in traceback.walk_tb(error.__traceback__)])
            if way not in _told:
                _told.add(way)
                sys.excepthook(type(error), error, error.__traceback__)

    return painted

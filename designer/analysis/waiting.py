"""Threads that must not wait for torch: what would analyze there is made in another one."""

import contextlib
import threading
from collections.abc import Iterator

_thread = threading.local()


class MustWait(Exception):
    """A network would be analyzed in a thread that must not wait for it."""


@contextlib.contextmanager
def not_waiting() -> Iterator[None]:
    """Raise MustWait where this thread would analyze a network."""
    before, _thread.hurries = hurries(), True
    try:
        yield
    finally:
        _thread.hurries = before


def hurries() -> bool:
    """Whether this thread must not wait."""
    return getattr(_thread, "hurries", False)

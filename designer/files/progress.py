"""How far the opening of a file is: told to whoever waits, who may stop it."""

import contextlib
import io
import json
import selectors
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextvars import ContextVar

LOOKS = 0.1  # seconds between two looks at whether a child process shall be stopped
START = "import json, sys; sys.path[:] = json.loads(sys.argv[1]); from {} import main; main()"


class Cancelled(Exception):
    """Nobody waits for it any more."""


class Progress:
    """Tells the stage that work has reached, ``told("rebuilding")``, and stops it on ``cancel``."""

    def __init__(self, told: Callable[[str], object] = lambda stage: None):
        self.told, self.stopped = told, threading.Event()

    def cancel(self) -> None:
        """Stop the work at its next stage, and a child process at once; from any thread."""
        self.stopped.set()


_followed: ContextVar[Progress | None] = ContextVar("followed", default=None)


@contextlib.contextmanager
def followed(progress: Progress) -> Iterator[None]:
    """Let what this thread does here be followed; raises Cancelled from within once it is told to stop."""
    token = _followed.set(progress)
    try:
        check()
        yield
    finally:
        _followed.reset(token)


def check() -> None:
    """Go no further when nobody waits for it."""
    progress = _followed.get()
    if progress is not None and progress.stopped.is_set():
        raise Cancelled


def stage(name: str) -> None:
    """Say what begins now: reading, rebuilding, arranging, comparing, running its code."""
    check()
    progress = _followed.get()
    if progress is not None:
        progress.told(name)


def run_child(module: str, arguments: Sequence[str], seconds: float) -> subprocess.CompletedProcess[bytes]:
    """Run ``main`` of a module in a child process that is stopped with this work; it reads ``sys.argv[2:]``.

    Raises subprocess.TimeoutExpired after some seconds.
    """
    path = json.dumps([entry for entry in sys.path if entry])
    command = [sys.executable, "-I", "-W", "ignore", "-c", START.format(module), path, *arguments]
    late = time.monotonic() + seconds
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=pipe, stderr=pipe) as child:
        try:
            while True:
                check()
                try:
                    out, err = child.communicate(timeout=LOOKS)
                    return subprocess.CompletedProcess(command, child.returncode, out, err)
                except subprocess.TimeoutExpired:
                    if time.monotonic() > late:
                        raise
        finally:
            child.kill()


@contextlib.contextmanager
def reading_child(
    module: str, arguments: Sequence[str], seconds: float, file: int
) -> Iterator[Callable[[memoryview], int]]:
    """Run ``main`` of a module in a child process with an open file as its input; give what reads its output.

    That fills a view and tells how many bytes came before the output ended. Raises subprocess.TimeoutExpired.
    """
    path = json.dumps([entry for entry in sys.path if entry])
    command = [sys.executable, "-I", "-W", "ignore", "-c", START.format(module), path, *arguments]
    late = time.monotonic() + seconds
    nothing = subprocess.DEVNULL
    with (
        subprocess.Popen(command, stdin=file, stdout=subprocess.PIPE, stderr=nothing, bufsize=0) as child,
        selectors.DefaultSelector() as waiting,
    ):
        output = child.stdout
        assert isinstance(output, io.RawIOBase)
        waiting.register(output, selectors.EVENT_READ)

        def fill(view: memoryview) -> int:
            at = 0
            while at < len(view):
                check()
                if time.monotonic() > late:
                    raise subprocess.TimeoutExpired(command, seconds)
                if waiting.select(LOOKS):
                    count = output.readinto(view[at:])
                    if not count:
                        break
                    at += count
            return at

        try:
            yield fill
        finally:
            child.kill()

"""Tell what an HDF5 file holds, in a child process: the library that reads it was not made for files of strangers.

The structure is written as JSON, then the numbers of those arrays that are packed, one after the other.
"""

import codecs
import contextlib
import ctypes
import io
import json
import os
import resource
import signal
import sys
from pathlib import Path
from typing import Any

from designer.files.archive import Span
from designer.files.errors import FileError
from designer.files.hdf5_tree import read_tree
from designer.files.unpacked import RAW, unpacked

LOOSE = 1 << 30  # bytes beside what the process has when it begins to read
LENGTH = 8  # bytes before the JSON, which tell its length


class Window(io.RawIOBase):
    """A piece of the file that is the input of this process."""

    def __init__(self, begin: int, size: int):
        self.begin, self.size, self.at = begin, size, 0

    def seekable(self) -> bool:
        return True

    def readable(self) -> bool:
        return True

    def tell(self) -> int:
        return self.at

    def seek(self, offset: int, whence: int = 0) -> int:
        self.at = offset + (0, self.at, self.size)[whence]
        return self.at

    def readinto(self, view: Any) -> int:
        wanted = max(0, min(len(view), self.size - self.at))
        count = os.preadv(0, [memoryview(view)[:wanted]], self.begin + self.at) if wanted else 0
        self.at += count
        return count


class _Input:
    """The input of this process, as ``unpacked`` reads a file."""

    def read(self, begin: int, count: int) -> bytes:
        return os.pread(0, count, begin)


def main() -> None:
    """Read what ``sys.argv`` tells: where the file begins, its size, the size it unpacks to or 0, its kind."""
    begin, size, whole, most = map(int, sys.argv[2:6])
    os.environ |= {
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "HDF5_PLUGIN_PRELOAD": "::",
    }  # no filters from files
    import h5py

    _confine(most)
    try:
        file: Any = Window(begin, size)
        if whole:
            _allow(whole)
            file = io.BytesIO(unpacked(_Input(), Span(begin, size), whole, RAW))  # type: ignore[arg-type]
        found = read_tree(h5py.File(file, "r"), sys.argv[6], begin if not whole else None)
        answer = {"arrays": [each.told for each in found.arrays], "reasons": found.reasons, "notes": found.notes}
    except FileError as error:
        found, answer = None, {"failure": str(error)}
    except (OSError, RuntimeError, ValueError, TypeError, KeyError, MemoryError, RecursionError, SystemError):
        found, answer = None, {"failure": "it is damaged or incomplete: HDF5 cannot read it."}
    text = json.dumps(answer).encode()
    output = sys.stdout.buffer
    output.write(len(text).to_bytes(LENGTH, "little") + text)
    for each in found.arrays if found else ():
        if each.packed:
            _allow(each.nbytes)
            with contextlib.suppress(OSError, RuntimeError, ValueError, MemoryError):  # told by what is missing
                output.write(each.numbers())
                continue
            break
    output.flush()
    os._exit(0)  # the library does not end well with a file that Python reads


def _confine(most: int) -> None:
    """Let this process open, write and start nothing, and take no more memory or time than reading needs."""
    for codec in ("ascii", "latin-1", "utf-8"):  # which Python opens when it first needs them
        codecs.lookup(codec)
    limits = {"RLIMIT_NOFILE": 0, "RLIMIT_FSIZE": 0, "RLIMIT_CORE": 0, "RLIMIT_NPROC": 0, "RLIMIT_CPU": 600}
    for name, limit in limits.items():
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(getattr(resource, name), (limit, limit))
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_AS, (_taken() + LOOSE, _taken() + LOOSE + most))
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # end with the app


def _allow(more: int) -> None:
    """Let this process take memory for an array that it reads."""
    with contextlib.suppress(OSError, ValueError):
        hard = resource.getrlimit(resource.RLIMIT_AS)[1]
        wanted = resource.getrlimit(resource.RLIMIT_AS)[0] + more
        resource.setrlimit(resource.RLIMIT_AS, (wanted if hard < 0 else min(hard, wanted), hard))


def _taken() -> int:
    """The bytes of addresses that this process has."""
    try:
        return int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    except OSError:
        return 4 << 30

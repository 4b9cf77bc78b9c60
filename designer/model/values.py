"""Values of learnables and buffers: torch tensors, some of them mapped from a file and not read yet."""

import dataclasses
import errno
import mmap
import os
import stat
import sys
import weakref
from pathlib import Path
from typing import Any, Self

from designer.model.errors import NetworkError

Tensor = Any  # a torch.Tensor: this package does not import torch

# Linux counts a private mapping against memory unless told that it will not be written; Python names this from 3.13 on.
NO_RESERVE = 0x4000 if sys.platform == "linux" else 0


@dataclasses.dataclass(frozen=True)
class Stamp:
    """What a mapped tensor, as its attribute ``mapped``, remembers of its file.

    The file stays open as long as a stamp of it is alive, so that a check sees the very bytes that are mapped, also
    after the file was renamed, deleted or replaced by another of its name: all of these leave a mapping as it is.
    """

    path: Path
    size: int
    mtime_ns: int
    inode: int
    name: str = ""  # of the tensor, in its file
    file: "OpenFile | None" = dataclasses.field(default=None, repr=False, compare=False)

    @classmethod
    def of(cls, path: str | os.PathLike[str]) -> Self:
        """Open a file and remember its state; raises OSError."""
        file = OpenFile(path)
        state = os.fstat(file.number)
        return cls(Path(path).absolute(), state.st_size, state.st_mtime_ns, state.st_ino, file=file)

    def read(self, begin: int, count: int) -> bytes:
        """Some bytes of the file, as they are now; fewer at its end."""
        assert self.file is not None
        return os.pread(self.file.number, count, begin)

    def map(self) -> mmap.mmap:
        """The bytes of a file that is not empty, read when touched; what is written to them stays in memory."""
        assert self.file is not None
        self.check()
        flags, access = mmap.MAP_PRIVATE | NO_RESERVE, mmap.PROT_READ | mmap.PROT_WRITE
        return mmap.mmap(self.file.number, self.size, flags=flags, prot=access)

    def check(self) -> None:
        """Refuse to read what was changed: reading a mapping behind the end of its file would end the process."""
        assert self.file is not None
        now = os.fstat(self.file.number)
        if now.st_size != self.size:
            change = f"it had {self.size:,} bytes when it was opened and has {now.st_size:,} now"
        elif now.st_mtime_ns != self.mtime_ns:
            change = "it was written to after it was opened"
        else:
            return
        raise NetworkError(f"The values in {self.path.name} cannot be read any more: {change}.")

    def __reduce__(self) -> tuple[Any, ...]:
        """A copy of a mapped tensor is in memory, by pickle or deepcopy, so its ``mapped`` becomes None."""
        return type(None), ()


class OpenFile:
    """A file that is closed with the last stamp of it."""

    def __init__(self, path: str | os.PathLike[str]):
        self.number = os.open(path, os.O_RDONLY | os.O_NONBLOCK)  # a pipe would wait for its writer
        weakref.finalize(self, os.close, self.number)
        if not stat.S_ISREG(os.fstat(self.number).st_mode):
            raise OSError(errno.EINVAL, "Not a regular file", str(path))


def check_value(value: Tensor) -> None:
    """Refuse to read a mapped tensor whose file has changed; any other tensor passes."""
    stamp = getattr(value, "mapped", None)
    if stamp is not None:
        stamp.check()


def marked(value: Tensor, origin: str) -> Tensor:
    """Note on a tensor that is new where its numbers come from."""
    value.origin = origin
    return value


def origin_of(value: Tensor) -> str:
    """Where the numbers of a tensor come from, as far as it is known, in a few words."""
    stamp = getattr(value, "mapped", None)
    return f"from {stamp.path.name}" if stamp else getattr(value, "origin", "edited")


def equal(a: Tensor, b: Tensor) -> bool:
    """Whether two tensors have the same dtype, shape and numbers; NaN equals itself."""
    if a is b:
        return True
    if a.dtype != b.dtype or a.shape != b.shape:
        return False
    if a.device == b.device and a.data_ptr() == b.data_ptr() and a.stride() == b.stride():
        return True  # the same memory, so nothing needs to be read
    check_value(a)
    check_value(b)
    same = a == b
    if bool(same.all()) or not (a.is_floating_point() or a.is_complex()):
        return bool(same.all())
    return bool((same | ((a != a) & (b != b))).all())

"""See what a process does beside reading a file: an audit hook that knows what is harmless."""

import os
import re
import sys
import sysconfig
import traceback
from pathlib import Path

ROOTS = tuple(
    {
        *(sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")),
        *filter(None, sys.path[1:]),
    }
)
REPEATED = ("/ast.py", "/dataclasses.py", "/collections/__init__.py", "/torch/fx/operator_schemas.py")
OWN_CODE = ("/designer/analysis/probe.py", "/designer/source/modules.py")
WORDS = {*"os mkdir exec eval open from_file posix system load import __import__".split()}  # of payloads
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
MEMORY = "/proc/meminfo"  # asked before arrays are unpacked
# Events that come from reading files, and from what Python does by itself.
QUIET = frozenset(
    """os.listdir os.scandir mmap.__new__ object.__getattr__ object.__setattr__ object.__delattr__ code.__new__
    sys._getframe marshal.loads builtins.id""".split()
)


class Watch:
    """An audit hook: what a file makes this process do beside reading that very file, and where."""

    def __init__(self, allowed: Path):
        self.read, self.write = str(allowed), ""
        self.on = False
        self.content = b""
        self.seen: list[str] = []
        sys.addaudithook(self.hook)

    def hook(self, event: str, arguments: tuple[object, ...]) -> None:
        if not self.on:
            return
        self.on = False
        if self.wrong(event, arguments):
            frames = traceback.extract_stack()[:-1]
            where = "".join(f"\n    {frame.filename}:{frame.lineno} {frame.name}" for frame in frames[-8:])
            self.seen.append(f"{event} {str(arguments)[:200]}{where}")
        self.on = True

    def wrong(self, event: str, arguments: tuple[object, ...]) -> bool:
        if event == "open":
            name, mode, flags = (*arguments, 0, 0)[:3]
            name = os.fsdecode(name) if isinstance(name, str | bytes) else str(name)
            if name.isdecimal() or (name, mode) == ("<unknown>", "rb"):  # opened before; sought for a SyntaxError
                return False
            writes = flags & WRITING or set(str(mode)) & set("wax+")
            if self.write and name.startswith(self.write):
                return False
            return bool(writes) or not (name == MEMORY or name.startswith((self.read, *ROOTS)))
        if event == "import":
            name, file = str(arguments[0]), str(arguments[1] or "")
            return name.encode() in self.content or not (not file or file.startswith(ROOTS))
        if event in ("exec", "compile"):
            called = sys._getframe(2).f_code.co_filename  # by what
            if called.endswith(OWN_CODE):  # it runs the code of layers, as it writes it
                return event == "compile" and bool(WORDS.intersection(re.findall(r"\w+", str(arguments[0]))))
            file = str(getattr(arguments[0], "co_filename", arguments[1] if len(arguments) > 1 else ""))
            return not file.startswith((*ROOTS, "<frozen")) and not called.endswith(REPEATED)
        if self.write and event in ("os.rename", "os.remove", "os.mkdir", "os.chmod", "os.link", "shutil.chown"):
            return not str(arguments[0]).startswith(self.write)
        return event not in QUIET

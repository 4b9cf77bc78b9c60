"""Damaged files of every kind are opened or refused in one sentence; nothing in them is run, and memory is bounded.

What is done with each of them, and what must not happen, stands in ``fuzz/child.py``.
"""

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

HERE = Path(__file__).parent
CHILD = HERE / "fuzz" / "child.py"


class Child:
    """A process that opens damaged files; another takes its place where one of them ends it."""

    def __init__(self, folder):
        self.folder, self.count = folder, 0
        self.failures, self.outcomes = [], Counter()
        self.start()

    def start(self):
        self.count += 1
        place = self.folder / str(self.count)
        place.mkdir()
        self.errors = (place / "errors").open("w+")
        pipe = subprocess.PIPE
        command = [sys.executable, CHILD, place / "files"]
        self.process = subprocess.Popen(
            command, stdin=pipe, stdout=pipe, stderr=self.errors, text=True, cwd=place, bufsize=1
        )
        if not (line := self.process.stdout.readline()):
            pytest.fail(self.last_words())
        self.kinds = json.loads(line)

    def last_words(self):
        """How the process ended, with the end of what it said."""
        code = self.process.wait()
        self.errors.seek(0)
        return f"the process ended with {code}\n{self.errors.read()[-6000:]}"

    def do(self, kind, first, last):
        """Open the damaged files of a kind with these numbers."""
        at = first
        print(json.dumps([kind, first, last]), file=self.process.stdin, flush=True)
        for line in self.process.stdout:
            match json.loads(line):
                case []:
                    return
                case [str(), int(number)]:
                    at = number
                case [outcome, wrong]:
                    self.outcomes[kind, outcome] += 1
                    if wrong:
                        self.failures.append(f"{kind} {at}: {wrong}")
        self.failures.append(f"{kind} {at}: {self.last_words()}")
        self.close()
        self.start()
        if kind in self.kinds and at + 1 < last:
            self.do(kind, at + 1, last)

    def close(self):
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait()
        self.errors.close()


@pytest.mark.parametrize(
    ("each", "examples"), [(10, 40), pytest.param(800, 500, marks=pytest.mark.nightly)], ids=["some", "many"]
)
def test_damaged_files_are_opened_or_refused_in_one_sentence(tmp_path, each, examples):
    child = Child(tmp_path)
    for kind in child.kinds:
        child.do(kind, 0, each)
    child.do("hypothesis", 0, examples)
    child.close()
    assert not child.failures, "\n\n".join(child.failures[:20])
    opened = {kind: child.outcomes[kind, "opened"] for kind in child.kinds}
    refused = {kind: child.outcomes[kind, "refused"] for kind in child.kinds}
    assert sum(opened.values()) + sum(refused.values()) == each * len(child.kinds)
    assert all(refused.values())
    assert sum(opened.values()) > 0.05 * sum(refused.values())  # damage that goes deeper than the first look
    if each > 100:
        assert [kind for kind in child.kinds if not opened[kind]] == ["source"]  # which asks first


# What a payload could do, and how the watch names it.
DEEDS = {
    "__import__('os').mkdir('ran')": "os.mkdir",
    "__import__('os').system('true')": "os.system",
    "__import__('os').fork() or __import__('os')._exit(0)": "os.fork",
    "__import__('subprocess').run(['true'])": "subprocess.Popen",
    "open('ran', 'w')": "open",
    "open('/etc/passwd')": "open",
    "exec('x = 1')": "compile",
    "eval(compile('1', 'x', 'eval'))": "compile",
    "__import__('this_is_named')": "import",
    "__import__('socket').socket()": "socket.__new__",
    "__import__('ctypes').CDLL(None)": "ctypes.dlopen",
    "__import__('pickle').loads(b'cposix\\nmkdir\\n.')": "pickle.find_class",
    "__import__('os').remove('none')": "os.remove",
}


@pytest.mark.parametrize("deed", DEEDS)
def test_the_watch_sees_what_code_would_do(tmp_path, deed):
    """The check can fail: each of these is what it is there for."""
    code = (
        "import contextlib, subprocess, socket, ctypes, pickle, sys\n"
        "from pathlib import Path\nsys.path.insert(1, sys.argv[1])\nfrom watch import Watch\n"
        "watch = Watch(Path('place'))\nwatch.content = b'this_is_named'\n"
        "def act():\n    " + deed + "\n"
        "watch.on = True\n"
        "with contextlib.suppress(Exception):\n    act()\n"
        "watch.on = False\nprint(*watch.seen)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, HERE / "fuzz"], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert done.stdout.startswith(DEEDS[deed])


def test_the_watch_lets_a_file_be_read(tmp_path):
    (tmp_path / "place").mkdir()
    (tmp_path / "place" / "model.pt").write_bytes(b"x")
    code = (
        "import sys\nfrom pathlib import Path\nsys.path.insert(1, sys.argv[1])\nfrom watch import Watch\n"
        "watch = Watch(Path('place').absolute())\nwatch.on = True\nPath('place/model.pt').absolute().read_bytes()\n"
        "import ast\nast.parse('x = 1')\nimport json.tool\nwatch.on = False\nprint(*watch.seen)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, HERE / "fuzz"], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == ""

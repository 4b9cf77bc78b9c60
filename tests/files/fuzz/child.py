"""Open damaged files in a process of its own, which is watched: jobs come in, what became of them goes out, by lines.

``python child.py FOLDER`` first tells its kinds. A job is ``[kind, first, last]``, as JSON: each file is made from its
kind and its number alone, so ``["traced", 17, 18]`` makes the same again; one that is not taken well stays in FOLDER.
"""

import dataclasses
import faulthandler
import io
import json
import os
import resource
import shutil
import signal
import sys
import tokenize
import traceback
import warnings
from pathlib import Path
from random import Random
from typing import TextIO

import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from mutations import mutated
from seeds import write_all
from watch import WORDS, Watch

from designer import FileError, NetworkError, analyze, import_pytorch, load, save, write_pytorch
from designer.files import own_code
from designer.files.compare import Comparison
from designer.files.imports import Import
from designer.files.project import read_project
from designer.files.report_lines import compared_text, facts, sections
from designer.files.report_markdown import to_markdown
from designer.model import layer_types

SECONDS = 20  # of computing for one file
PATIENCE = 300  # seconds that a file may take in all
MEMORY = 1536 << 20  # bytes for one file, beside those of this process
LONGEST = 500  # characters of a sentence


def peak() -> int:
    """The most bytes of address space that this process ever had."""
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmPeak:")[2].split()[0]) << 10


def no_code(path: Path, *_: object, **__: object) -> Import:
    """In the place of the child process that asks torch.nn how its own modules are wired."""
    raise FileError(f"{path.name} is not run here.")


def opened(path: Path) -> tuple[object, object]:
    """What a file holds, and its report."""
    if path.suffix == ".network":
        network, _, report = read_project(path)
    else:
        network, report = import_pytorch(path)
    return network, report and dataclasses.replace(report, measured=Comparison(None, "it is not asked for"))


def followed(path: Path, place: Path, watch: Watch) -> None:
    """Open a file, and do what the app does with what was opened. Raises what the app shows, else AssertionError."""
    network, report = opened(path)
    for _, layer in network.walk():
        repr(layer)
    if report is not None:
        lines = [*str(report).splitlines(), *to_markdown(report).splitlines(), *facts(report).values()]
        lines.append(compared_text(report.compared))
        lines += [line for section in sections(report, network) for line in section.lines]
        broken = [line for line in lines if not line.isprintable()]
        assert not broken, f"a line of the report is no plain text: {broken[0][:300]!r}"
        long = [note for note in report.notes if len(note) > LONGEST]
        assert not long, f"a note has {len(long[0]):,} characters: {long[0][:300]}"
        long = [line for line in lines if len(line) > 10_000]
        assert not long, f"a line of the report has {len(long[0]):,} characters: {long[0][:300]}"
    analysis = analyze(network)
    said = [problem.text for problem in analysis.problems]
    assert all(text.isprintable() for text in said), said
    try:
        source = write_pytorch(network)
    except NetworkError as error:
        check_sentence(error)
    else:
        check_source(source, watch)
    watch.write = str(place / "saved")
    target = place / "saved" / "model.network"
    try:
        save(network, target, report=report)
    except FileError as error:
        check_sentence(error)
    else:
        assert load(target) == network, "what was saved is another network"
    finally:
        watch.write = ""


def check_source(source: str, watch: Watch) -> None:
    """Refuse source that does not compile, or in which a word of a payload is code."""
    watch.on = False
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        compile(source, "<written>", "exec")
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.NAME:
            assert token.string.isascii(), token
            assert token.string not in WORDS - {"import"}, token
    watch.on = True


def check_sentence(error: Exception) -> None:
    """Refuse what is not one short sentence."""
    said = str(error)
    assert said.isprintable(), f"no plain text: {said[:600]!r}"
    assert said.endswith((".", "?", ":")), f"no sentence: {said[:600]}"
    assert len(said) <= LONGEST, f"{len(said):,} characters: {said[:600]}"


def checked(path: Path, place: Path, watch: Watch) -> tuple[str, str]:
    """What became of one file, in a word, and what is wrong about that."""
    (place / "saved").mkdir()
    watch.seen.clear()
    watch.content = path.read_bytes()
    before = peak()
    wrong = ""
    watch.on = True
    try:
        followed(path, place, watch)
        outcome = "opened"
    except (FileError, NetworkError) as error:
        watch.on = False
        outcome = "refused"
        try:
            check_sentence(error)
        except AssertionError as found:
            wrong = f"{found}\n{''.join(traceback.format_exception(error)[-3:])}"
    except BaseException:
        outcome, wrong = "failed", traceback.format_exc()[-6000:]
    watch.on = False
    if watch.seen:
        wrong += f"\nit did: {watch.seen[0]}"
    if (Path.cwd() / "ran").exists():
        (Path.cwd() / "ran").rmdir()
        wrong += "\nit ran"
    if peak() - before > MEMORY:
        wrong += f"\nit took {peak() - before:,} bytes"
    return outcome, wrong


class Trial:
    """A place where one damaged file after the other is opened."""

    def __init__(self, root: Path):
        self.root, self.place = root, root / "place"
        self.watch = Watch(self.place)
        self.sound = {folder.name: folder for folder in sorted((root / "seeds").iterdir())}
        self.contents = {name: (at / (at / "changed").read_text()).read_bytes() for name, at in self.sound.items()}

    def one(self, kind: str, name: str, chance: Random | None) -> tuple[str, str]:
        """Damage a file of a kind, and open it: what became of it in a word, and what is wrong about that."""
        shutil.rmtree(self.place, ignore_errors=True)  # hypothesis may end the one before at any time
        shutil.copytree(self.sound[kind], self.place)
        changed = self.place / (self.place / "changed").read_text()
        if chance is not None:
            others = [content for other, content in self.contents.items() if other != kind]
            changed.write_bytes(mutated(self.contents[kind], others, chance))
        signal.setitimer(signal.ITIMER_PROF, SECONDS)
        signal.setitimer(signal.ITIMER_REAL, PATIENCE)
        outcome, wrong = checked(next(self.place.glob("*.network"), changed), self.place, self.watch)
        if wrong:
            shutil.copytree(self.place, self.root / name, dirs_exist_ok=True)
        return outcome, wrong

    def search(self, examples: int) -> None:
        """Let hypothesis choose what is damaged, which then looks for the smallest damage that is not taken well."""

        @settings(max_examples=examples, database=None, derandomize=True, deadline=None)
        @given(st.sampled_from(sorted(self.sound)), st.randoms(use_true_random=False))
        def search(kind: str, chance: Random) -> None:
            _, wrong = self.one(kind, "found", chance)
            assert not wrong, f"{kind}: {wrong}"

        search()


def main(root: Path, report: TextIO) -> None:
    torch.set_num_threads(1)
    (root / "seeds").mkdir(parents=True)
    write_all(root / "seeds")
    warnings.simplefilter("error")
    warnings.filterwarnings("ignore", "invalid escape sequence", DeprecationWarning)  # of texts in pickles
    own_code.run_code = no_code
    for kind in layer_types.values():  # what is imported or looked up late is now
        kind()
    trial = Trial(root)
    for name in trial.sound:  # which import what they need
        outcome, _ = trial.one(name, name, None)
        assert outcome == "opened" or name == "source", name
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + MEMORY, used + MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    faulthandler.enable()
    signal.signal(signal.SIGPROF, signal.SIG_DFL)
    faulthandler.register(signal.SIGPROF, chain=True)
    print(json.dumps(list(trial.sound)), file=report, flush=True)
    for line in sys.stdin:
        kind, first, last = json.loads(line)
        if kind == "hypothesis":
            trial.search(last)
        else:
            for number in range(first, last):
                print(json.dumps([kind, number]), file=report, flush=True)
                name = f"{kind} {number}"
                print(json.dumps(trial.one(kind, name, Random(name))), file=report, flush=True)
        print(json.dumps([]), file=report, flush=True)


if __name__ == "__main__":
    told = os.fdopen(os.dup(1), "w")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # where libraries print what they think of nonsense
    main(Path(sys.argv[1]).resolve(), told)

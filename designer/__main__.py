"""The program ``designer``: its window, and what it does without one.

Only the standard library is imported until the arguments are known and Qt is known to start here: what is wrong is
said in one sentence.
"""

import argparse
import difflib
import os
import sys
import tempfile
import traceback
from importlib import metadata
from pathlib import Path
from typing import NoReturn

COMMANDS = ("analyze", "export", "convert")
THEMES = ("dark", "light", "system")
PICTURE = "designer.png"  # drawn where no window can be opened

HELP = """\
usage: designer [FILE] [--theme dark|light|system] [--screenshot PNG]
       designer analyze FILE [--json]
       designer export FILE -o OUTPUT.py [--style wires|alias]
       designer export FILE -o OUTPUT.safetensors|.pt [--names network|original]
       designer convert FILE -o OUTPUT.network [--values FILE [--by-shape]]
       designer --help | --version

Design, open, tie, check and export PyTorch networks by looking at them.
FILE is a network (.network), a program that torch.export.save wrote (.pt2), an ONNX model (.onnx),
or any other file of PyTorch.

designer           opens the window; with no display that works, it is drawn to designer.png
  --theme          how the window looks; system is the default
  --screenshot     draw the window to a PNG file instead of opening it
  --install-libraries
                   given first, as root: install with apt-get the system libraries that Qt lacks
designer analyze   prints what each layer does, stores and borrows, the totals, and what is wrong
  --json           the same as JSON: rows, stored, used, saved, bytes, partial, problems
designer export    writes the PyTorch source of the network, which runs alone with torch; its
                   weights to a file that ends in .safetensors, .pt or .pth
  --style alias    direct ties as people write them: self.fc.weight = self.emb.weight
  --names original the weights under the names of the file that the network came from, so that
                   they load into the module that wrote it; network is the default
designer convert   saves as a network (.network), its values in a file beside it
  --values FILE    give it the values of a checkpoint, or of another file that holds some, by name
                   and shape; what matched is said on stderr
  --by-shape       also those whose names differ altogether, by their order and shape

Each of the three opens any file of PyTorch, and takes what that does not tell:
  --input NAME=SIZES[:DTYPE]
                   an input, as in image=B,3,224,224 or tokens=B,T:int64; once for each
  --allow-code     run the program code of a file with your rights, in a process of its own
  --class NAME     the class of Python source to build, --arg NAME=VALUE an argument of it,
                   --checkpoint FILE its values
  --report FILE.md write what was read, and how equal the network is, as Markdown

A file that designer did not write, or that was edited since, is never replaced.

exit codes: 0  done
            1  analyze: the network has errors; the window: it cannot start on this system
            2  a wrong file, option or path, said in one sentence
            3  a bug, whose report is kept in a file
            130  interrupted
"""


class Refusal(Exception):
    """Why nothing is done, in one sentence for the user, and the exit code."""

    def __init__(self, sentence: str, code: int = 2):
        super().__init__(sentence)
        self.code = code


class Arguments(argparse.ArgumentParser):
    """A parser whose errors are one sentence."""

    def __init__(self, prog: str):
        super().__init__(prog, add_help=False, allow_abbrev=False)

    def error(self, message: str) -> NoReturn:
        kind, _, what = message.rpartition(": ")
        sentence = message
        if kind == "unrecognized arguments":
            sentence = f"{self.prog} does not know {what}"
        elif kind == "the following arguments are required":
            sentence = f"{self.prog} needs {what.replace('-o/--output', '-o OUTPUT').replace(', ', ' and ')}"
        elif what == "expected one argument":
            sentence = f"{kind.removeprefix('argument ')} needs a value"
        raise Refusal(f"{sentence}; designer --help tells more.")


def main(arguments: list[str] | None = None) -> int:
    """Run the program and give its exit code; nothing that a user does ends in a traceback."""
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    try:
        code = obey(sys.argv[1:] if arguments is None else arguments)
        sys.stdout.flush()
    except Refusal as refusal:
        code = say(str(refusal), refusal.code)
    except KeyboardInterrupt:
        code = say("Interrupted.", 130)
    except BrokenPipeError:  # whoever read our output has enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 141  # what a shell says of SIGPIPE
    except Exception:  # a bug: nothing is known but the traceback, which is kept for its report
        code = say(f"This is a bug in Network Designer; what is needed to mend it is in {write_report()}", 3)
    return code


def say(sentence: str, code: int = 0) -> int:
    """Say a sentence on stderr, as one line whatever names it holds."""
    line = "".join(sign if sign.isprintable() else repr(sign)[1:-1] for sign in sentence)
    print(line, file=sys.stderr, flush=True)
    return code


def write_report() -> str:
    """Keep the traceback of what is being handled in a file of its own."""
    number, path = tempfile.mkstemp(prefix="network-designer-", suffix=".txt")
    with os.fdopen(number, "w", errors="backslashreplace") as file:
        file.write(f"{version()}\n{sys.argv}\n{traceback.format_exc()}")
    return path


def version() -> str:
    """This program's version, and those of what decides how it behaves."""
    from designer import __version__

    versions = [f"designer {__version__}", "Python {}.{}.{}".format(*sys.version_info)]
    for name, package in (("PyTorch", "torch"), ("PySide6", "PySide6-Essentials"), ("NodeGraphQt", "NodeGraphQt")):
        try:
            versions.append(f"{name} {metadata.version(package)}")
        except metadata.PackageNotFoundError:
            versions.append(f"{name} is missing")
    return ", ".join(versions)


def obey(words: list[str]) -> int:
    """Do what the command line says."""
    from designer.files.errors import FileError
    from designer.model import NetworkError

    try:
        if words[:1] == ["--install-libraries"]:
            words = words[1:]
            need_libraries(install=True, needed=words[:1] not in [[name] for name in COMMANDS])
        options = words[: words.index("--")] if "--" in words else words
        if "--help" in options or "-h" in options:
            sys.stdout.write(HELP)
            return 0
        if "--version" in options:
            sys.stdout.write(f"{version()}\n")
            return 0
        return run_command(words[0], words[1:]) if words and words[0] in COMMANDS else run_window(words)
    except (FileError, NetworkError) as error:
        raise Refusal(str(error)) from None
    except BrokenPipeError:
        raise
    except OSError as error:
        raise Refusal(f"{error.filename or 'The output'} cannot be used: {error.strerror or error}.") from None


# Without a window.


def run_command(name: str, words: list[str]) -> int:
    """Analyze, export or convert a file."""
    parser = Arguments(f"designer {name}")
    parser.add_argument("FILE")
    if name == "analyze":
        parser.add_argument("--json", action="store_true")
    else:
        parser.add_argument("-o", "--output", required=True)
    if name == "export":
        parser.add_argument("--names", choices=("network", "original"))
        parser.add_argument("--style", choices=("wires", "alias"))
    if name == "convert":
        parser.add_argument("--values")
        parser.add_argument("--by-shape", action="store_true")
    for option in ("--input", "--arg"):
        parser.add_argument(option, action="append", default=[])
    parser.add_argument("--allow-code", action="store_true")
    for option in ("--class", "--checkpoint", "--report"):
        parser.add_argument(option)
    if not words and Path(name).is_file():
        raise Refusal(f"designer {name} needs FILE; to open the file named {name}, write designer ./{name}.")
    given = parser.parse_args(words)
    check_file(given.FILE)

    from designer import commands

    said = vars(given)
    opening = commands.Opening(given.input, given.allow_code, said["class"], given.arg, given.checkpoint, given.report)
    if name == "analyze":
        return commands.analyze_file(given.FILE, given.json, opening)
    if name == "export":
        return commands.export_file(given.FILE, given.output, opening, given.names, given.style)
    if given.by_shape and given.values is None:
        raise Refusal("--by-shape belongs to --values FILE.")
    return commands.convert_file(given.FILE, given.output, opening, given.values, given.by_shape)


def check_file(name: str) -> None:
    """Refuse what is no file that can be opened: missing, a folder, a pipe, of another kind."""
    from designer.files.kinds import kind_of

    path = Path(name)
    if not name:
        raise Refusal("The name of the file is empty.")
    if not os.path.lexists(path) and (near := difflib.get_close_matches(name, COMMANDS, 1)):
        raise Refusal(f"There is no file {name}, and no command of that name: did you mean designer {near[0]} FILE?")
    if path.exists() and not path.is_file() and not path.is_dir():
        raise Refusal(f"{name} is no regular file.")
    if refusal := kind_of(path).refusal:
        raise Refusal(refusal)


# The window.


def run_window(words: list[str]) -> int:
    """Open the window, or draw it where none can be opened."""
    parser = Arguments("designer")
    parser.add_argument("FILE", nargs="*")
    parser.add_argument("--theme", default="system")
    parser.add_argument("--screenshot")
    given = parser.parse_args(words)
    if len(given.FILE) > 1:
        near = difflib.get_close_matches(given.FILE[0], COMMANDS, 1)
        hint = f"did you mean designer {near[0]} FILE?" if near else "a command comes first: designer analyze FILE."
        raise Refusal(f"designer opens one FILE, not {len(given.FILE)}; {hint}")
    if given.theme not in THEMES:
        raise Refusal(f"There is no theme {given.theme!r}: it is dark, light or system.")
    file = given.FILE[0] if given.FILE else None
    if file is not None:
        check_file(file)
    return start(file, given.theme, given.screenshot)


def start(file: str | None, theme: str, picture: str | None) -> int:
    """Start Qt when it is known to start."""
    from designer import display
    from designer.files.picture import check_picture

    if picture is not None:
        check_picture(picture)
    need_libraries(window=picture is None)
    if refusal := display.qt_refusal():
        raise Refusal(refusal, 1)
    display.set_runtime_folder(os.environ)
    if picture is None and (reason := display.no_display(os.environ)):
        check_picture(PICTURE)
        say(f"{reason}, so the window is drawn to {PICTURE}.")
        picture = PICTURE
    if picture is not None:
        return draw(file, theme, picture)
    from designer.gui.application import run

    return run(file, theme, None)


def draw(file: str | None, theme: str, picture: str) -> int:
    """Draw the window to a picture, without a display."""
    from designer.files.picture import save_picture

    os.environ["QT_QPA_PLATFORM"] = "offscreen"
    os.environ.setdefault("QT_LOGGING_RULES", "default.warning=false")  # what this platform cannot do is no news
    from designer.gui.application import run

    with tempfile.TemporaryDirectory() as folder:
        drawn = Path(folder, PICTURE)
        code = run(file, theme, str(drawn))
        if code == 0:
            save_picture(drawn.read_bytes(), picture)
    return code


def need_libraries(window: bool = True, install: bool = False, needed: bool = True) -> None:
    """Refuse to start Qt where libraries of the system are missing; ``install`` them first when root."""
    from designer import display, system

    window = window and not display.draws_only(os.environ)
    missing = system.missing_libraries(os.environ, window)
    if missing and install and system.can_install() and system.install(system.packages_of(missing)):
        missing = system.missing_libraries(os.environ, window)
    if missing and needed:
        raise Refusal(system.what_to_do(missing), 1)


if __name__ == "__main__":
    sys.exit(main())

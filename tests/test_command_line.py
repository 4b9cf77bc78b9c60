"""The program ``designer``: what it answers, and that nothing a user does ends in a traceback."""

import contextlib
import json
import os
import re
import subprocess
import sys
import types
from pathlib import Path

import hypothesis
import pytest
import torch
from hypothesis import strategies
from safetensors.torch import load_file
from torch import nn

import designer
from designer import Network, __main__, commands, save, system, write_pytorch
from designer.__main__ import main
from designer.files.compare import Comparison
from designer.files.picture import MARK, check_picture, save_picture
from designer.layers import LSTM, Embedding, Input, Linear, Softmax

ROOT = Path(designer.__file__).parent.parent
PNG = bytes.fromhex(  # one transparent point
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d49444154789c6360000000000005000105"
    "0bc1b20000000049454e44ae426082"
)
MORE = "; designer --help tells more."


@pytest.fixture(scope="session")
def networks(tmp_path_factory):
    """A folder with a network, one that has errors, and files and folders that are no networks."""
    folder = tmp_path_factory.mktemp("networks")
    tied = Network().chain(
        tokens=Input(("B", "T"), dtype="int64"),
        emb=Embedding(1000, 300, output_learnables=("weight",)),
        lstm=LSTM(300),
        fc=Linear(1000, input_learnables=("weight",)),
        probs=Softmax(),
    )
    save(tied.connect("emb/weight", "fc/weight"), folder / "tied.network")
    save(tied, folder / "open.network")  # fc takes a weight, and none comes
    (folder / "cut.network").write_text((folder / "tied.network").read_text()[:200])
    (folder / "empty.network").touch()
    (folder / "notes.network").write_text("to do\n")
    (folder / "hand.py").write_text("import torch\n")
    (folder / "foreign.png").write_bytes(PNG)
    (folder / "folder").mkdir()
    (folder / "folder.py").mkdir()
    os.mkfifo(folder / "pipe")
    return folder


@pytest.fixture(scope="session")
def exported(tmp_path_factory):
    """A file that torch.export.save wrote, of a model with a tie."""

    class Model(nn.Module):
        def __init__(self):
            super().__init__()
            self.emb = nn.Embedding(20, 6)
            self.fc = nn.Linear(6, 20)
            self.fc.weight = self.emb.weight

        def forward(self, tokens):
            return self.fc(self.emb(tokens))

    path = tmp_path_factory.mktemp("exported") / "model.pt2"
    torch.export.save(torch.export.export(Model(), (torch.zeros(2, 3, dtype=torch.int64),)), path)
    return str(path)


@pytest.fixture
def here(networks, tmp_path, monkeypatch):
    """A current folder with copies of all of them."""
    for path in networks.iterdir():
        if path.is_dir():
            (tmp_path / path.name).mkdir()
        elif path.is_file():
            (tmp_path / path.name).write_bytes(path.read_bytes())
        else:
            os.mkfifo(tmp_path / path.name)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def window(monkeypatch):
    """A window that only notes how it is opened, and draws one point."""
    opened = []

    def run(path, theme, screenshot):
        opened.append((path, theme, os.environ.get("QT_QPA_PLATFORM")))
        if screenshot:
            Path(screenshot).write_bytes(PNG)
        return 0

    monkeypatch.setitem(sys.modules, "designer.gui.application", types.SimpleNamespace(run=run))
    monkeypatch.setenv("QT_QPA_PLATFORM", "offscreen")
    monkeypatch.setenv("QT_LOGGING_RULES", "")  # restored behind the program, which sets it
    return opened


def program(*words, **options):
    """Run the program in a process of its own."""
    environ = {**os.environ, "PYTHONPATH": str(ROOT), **options.pop("env", {})}
    command = [sys.executable, "-P", "-m", "designer", *words]
    return subprocess.run(
        command, env=environ, text=True, timeout=60, check=False, **{"capture_output": True} | options
    )


BAD = [
    ("missing.network", "There is no file missing.network."),
    ("missing/folder/net.network", "There is no file missing/folder/net.network."),
    ("folder", "folder is a folder, not a file."),
    ("pipe", "pipe is no regular file."),
    ("/dev/zero", "/dev/zero is no regular file."),
    ("''", "The name of the file is empty."),
    ("a\nb\x1b[31m", "There is no file a\\nb\\x1b[31m."),
    ("x" * 300, "x" * 300 + " cannot be used: File name too long."),
    ("empty.network", "empty.network is empty."),
    (
        "notes.network",
        "notes.network is of no kind that is known here: open a .network file, or one that torch.export.save wrote.",
    ),
    (
        "hand.py",
        "hand.py is Python source that defines no class of modules: "
        "open the file that does, or one that torch.export.save wrote.",
    ),
    ("tied.network open.network", "designer opens one FILE, not 2; a command comes first: designer analyze FILE."),
    ("--theme dark analyze tied.network", "designer opens one FILE, not 2; did you mean designer analyze FILE?"),
    ("analyse tied.network", "designer opens one FILE, not 2; did you mean designer analyze FILE?"),
    ("exprt", "There is no file exprt, and no command of that name: did you mean designer export FILE?"),
    ("--dark", f"designer does not know --dark{MORE}"),
    ("--theme", f"--theme needs a value{MORE}"),
    ("--theme blue", "There is no theme 'blue': it is dark, light or system."),
    ("--them dark", f"designer does not know --them{MORE}"),
    ("--screenshot", f"--screenshot needs a value{MORE}"),
    ("--screenshot a.jpg", "a.jpg cannot be written: the name of a picture ends in .png."),
    ("--screenshot folder", "folder cannot be written: it is a folder."),
    ("--screenshot missing/a.png", "a.png cannot be written: there is no folder missing."),
    (
        "--screenshot foreign.png",
        "foreign.png cannot be written: the file of this name is no picture by Network Designer.",
    ),
    ("--screenshot a.png missing.network", "There is no file missing.network."),
    ("analyze", f"designer analyze needs FILE{MORE}"),
    ("analyze missing.network", "There is no file missing.network."),
    ("analyze tied.network --jsn", f"designer analyze does not know --jsn{MORE}"),
    ("analyze tied.network --js", f"designer analyze does not know --js{MORE}"),
    ("analyze tied.network open.network", f"designer analyze does not know open.network{MORE}"),
    ("analyze folder", "folder is a folder, not a file."),
    ("analyze cut.network", None),
    ("export", f"designer export needs FILE and -o OUTPUT{MORE}"),
    ("export tied.network", f"designer export needs -o OUTPUT{MORE}"),
    ("export tied.network -o", f"-o/--output needs a value{MORE}"),
    ("export -o net.py missing.network", "There is no file missing.network."),
    ("export tied.network -o net.txt", "net.txt cannot be written: the name of a Python file ends in .py."),
    ("export tied.network -o tied.network", "tied.network cannot be written: the name of a Python file ends in .py."),
    ("export tied.network -o folder.py", "folder.py cannot be written: it is a folder."),
    ("export tied.network -o missing/net.py", "net.py cannot be written: no such file or directory."),
    (
        "export tied.network -o hand.py",
        "hand.py cannot be written: the file of this name was not exported by Network Designer, or was edited since.",
    ),
    ("export open.network -o net.py", None),
    ("convert", f"designer convert needs FILE and -o OUTPUT{MORE}"),
    ("convert missing.network -o net.network", "There is no file missing.network."),
    ("convert tied.network -o net.py", "net.py cannot be saved: the name of a project ends in .network."),
    (
        "convert tied.network -o notes.network",
        "notes.network cannot be saved: there is a file of this name that is not a project of Network Designer.",
    ),
    ("convert tied.network -o missing/net.network", "net.network cannot be saved: no such file or directory."),
    ("convert tied.network -o net.network --values missing.pt", "There is no file missing.pt."),
    ("convert tied.network -o net.network --by-shape", "--by-shape belongs to --values FILE."),
    ("export tied.network -o net.py --values a.pt", f"designer export does not know --values a.pt{MORE}"),
]


@pytest.mark.parametrize(("words", "sentence"), BAD, ids=[words[:60] for words, _ in BAD])
def test_what_is_wrong_is_said_in_one_sentence(here, window, capsys, words, sentence):
    before = {path: path.read_bytes() for path in here.iterdir() if path.is_file()}
    assert main([word.strip("'") for word in words.split(" ")]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    assert err.endswith((".\n", "?\n"))
    if sentence:
        assert err == f"{sentence}\n"
    assert window == []
    assert {path: path.read_bytes() for path in here.iterdir() if path.is_file()} == before


def test_a_process_answers_the_same(here):
    for words, sentence in (BAD[0], ("export tied.network", f"designer export needs -o OUTPUT{MORE}")):
        run = program(*words.split())
        assert (run.returncode, run.stdout, run.stderr) == (2, "", f"{sentence}\n")


WORDS = [*__main__.COMMANDS, "--json", "-o", "--theme", "dark", "--screenshot", "a.png", "--", "-", "--x=1", "-h"]
FILES = [
    "tied.network",
    "open.network",
    "cut.network",
    "hand.py",
    "foreign.png",
    "folder",
    "pipe",
    "\udcff",
    "é",
    "ä.py",
]


@hypothesis.settings(max_examples=100, suppress_health_check=[hypothesis.HealthCheck.function_scoped_fixture])
@hypothesis.given(strategies.lists(strategies.sampled_from([*WORDS, *FILES]), max_size=5))
def test_no_command_line_ends_in_a_traceback(here, window, capsys, words):
    code = main(words)
    out, err = capsys.readouterr()
    assert code in (0, 1, 2)
    assert "Traceback" not in err
    if code == 2:
        assert (out, err.count("\n")) == ("", 1)


def test_the_file_called_analyze_opens_by_its_path(here, window, capsys):
    (here / "analyze").write_bytes((here / "tied.network").read_bytes())
    assert main(["analyze"]) == 2
    sentence = "designer analyze needs FILE; to open the file named analyze, write designer ./analyze.\n"
    assert capsys.readouterr().err == sentence
    assert main(["./analyze"]) == 0
    assert window == [("./analyze", "system", "offscreen")]


def test_a_name_that_starts_with_a_dash_follows_two_dashes(here, window):
    (here / "-odd.network").write_bytes((here / "tied.network").read_bytes())
    assert main(["--theme", "light", "--", "-odd.network"]) == 0
    assert window == [("-odd.network", "light", "offscreen")]


# Analyze, export, convert.


def test_analyze_prints_the_table(here, capsys):
    assert main(["analyze", "tied.network"]) == 0
    out, err = capsys.readouterr()
    assert re.search(r"^total\s+1,023,400\s+1,323,400$", out, re.MULTILINE)
    assert "emb.weight" in out
    assert err == ""


def test_analyze_of_a_network_with_errors_tells_them(here, capsys):
    assert main(["analyze", "open.network"]) == 1
    out = capsys.readouterr().out
    assert re.search(r"^error: .*fc.*weight.*\.$", out, re.MULTILINE)


def test_the_json_keeps_its_form(here, capsys):
    assert main(["analyze", "tied.network", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert {name: told[name] for name in ("stored", "used", "saved", "bytes", "partial", "problems")} == {
        "stored": 1_023_400,
        "used": 1_323_400,
        "saved": 300_000,
        "bytes": 4_093_600,
        "partial": False,
        "problems": [],
    }
    rows = {row["name"]: row for row in told["rows"]}
    assert list(rows) == ["tokens", "emb", "lstm", "fc", "probs"]
    fc = rows["fc"]
    assert {name: fc[name] for name in ("type", "activations", "learnables", "tied_to", "stored", "used")} == {
        "type": "Linear",
        "activations": [["B", "T", 1000]],
        "learnables": {"weight": [1000, 300], "bias": [1000]},
        "tied_to": {"weight": "emb.weight"},
        "stored": 1_000,
        "used": 301_000,
    }
    assert main(["analyze", "open.network", "--json"]) == 1
    problem = json.loads(capsys.readouterr().out)["problems"][0]
    assert {*problem} == {"severity", "text", "layers", "fixes"}
    assert (problem["severity"], problem["layers"]) == ("error", ["fc"])


def test_export_writes_a_file_that_runs_alone(here, capsys):
    assert main(["export", "tied.network", "-o", "net.py"]) == 0
    assert capsys.readouterr() == ("", "")
    code = "import torch, net; print(tuple(net.Net()(torch.zeros(2, 5, dtype=torch.int64)).shape))"
    run = subprocess.run([sys.executable, "-c", code], cwd=here, capture_output=True, text=True, check=True)
    assert run.stdout == "(2, 5, 1000)\n"
    source = (here / "net.py").read_text()
    assert source.rsplit("\n", 2)[0] + "\n" == write_pytorch(designer.load(here / "tied.network"))


def test_an_export_in_the_familiar_form(here, capsys):
    assert main(["export", "tied.network", "-o", "net.py", "--style", "alias"]) == 0
    assert "self.fc.weight = self.emb.weight" in (here / "net.py").read_text()
    assert main(["export", "tied.network", "-o", "net.pt", "--style", "alias"]) == 2
    assert capsys.readouterr().err == "--style belongs to source: net.pt does not end in .py.\n"


def test_an_export_is_replaced_until_it_is_edited(here, capsys):
    for file in ("tied.network", "tied.network"):
        assert main(["export", file, "-o", "net.py"]) == 0
    edited = (here / "net.py").read_text().replace("probs", "answer")
    (here / "net.py").write_text(edited)
    assert main(["export", "tied.network", "-o", "net.py"]) == 2
    assert "or was edited since" in capsys.readouterr().err
    assert (here / "net.py").read_text() == edited


def test_an_export_goes_through_a_link_and_keeps_the_rights(here):
    assert main(["export", "tied.network", "-o", "net.py"]) == 0
    (here / "net.py").chmod(0o755)
    (here / "link.py").symlink_to("net.py")
    assert main(["export", "tied.network", "-o", "link.py"]) == 0
    assert (here / "link.py").is_symlink()
    assert (here / "net.py").stat().st_mode & 0o777 == 0o755


def test_weights_are_exported_under_the_names_of_the_network_or_of_the_file(here, tmp_path, exported, capsys):
    network = designer.import_pytorch(exported).network
    save(network.rename("emb", "tokens_"), "model.network")
    assert main(["export", "model.network", "-o", "own.safetensors"]) == 0
    assert main(["export", "model.network", "-o", "there.pt", "--names", "original"]) == 0
    state = torch.load("there.pt", weights_only=True)
    assert state.keys() == {"emb.weight", "fc.weight", "fc.bias"}
    assert state["emb.weight"].data_ptr() == state["fc.weight"].data_ptr()
    assert load_file("own.safetensors").keys() == {"tokens_.weight", "fc.bias"}
    capsys.readouterr()
    assert main(["export", "model.network", "-o", "net.py", "--names", "original"]) == 2
    sentence = "--names belongs to weights: net.py does not end in .safetensors, .pt or .pth.\n"
    assert capsys.readouterr().err == sentence
    assert main(["export", "open.network", "-o", "there.pt"]) == 2
    assert "fc takes its weight from a wire" in capsys.readouterr().err
    assert main(["export", "model.network", "-o", "there.pt"]) == 2
    assert "was not written by Network Designer" in capsys.readouterr().err


def test_errors_are_told_when_they_forbid_an_export(here, capsys):
    assert main(["export", "open.network", "-o", "net.py"]) == 2
    assert capsys.readouterr().err.startswith("open.network cannot be exported: fc ")
    assert not (here / "net.py").exists()


def test_convert_saves_an_equal_network(here):
    for _ in range(2):  # a project may be replaced by a project
        assert main(["convert", "tied.network", "-o", "other.network"]) == 0
    assert designer.load("other.network") == designer.load("tied.network")


def test_a_program_of_torch_is_read_as_data_and_reported(here, exported, monkeypatch, capsys):
    assert main(["analyze", exported, "--json"]) == 0
    out, err = capsys.readouterr()
    told = json.loads(out)
    assert (told["stored"], told["used"]) == (20 * 6 + 20, 2 * 20 * 6 + 20)
    assert "fc.weight = emb.weight" in err
    assert err.endswith("largest difference from the file's own program: 0\n")
    told = []
    monkeypatch.setattr(commands, "tell", told.append)
    monkeypatch.setattr("designer.files.report.compare", lambda path, **_: Comparison(0.0))  # it takes seconds
    assert main(["convert", exported, "-o", "model.network"]) == 0
    assert main(["export", exported, "-o", "model.py"]) == 0
    assert [report.kind for report in told] == ["torch.export"] * 2
    assert capsys.readouterr() == ("", "")
    assert designer.load("model.network") == designer.import_pytorch(exported).network
    assert main(["export", exported, "-o", "hand.py"]) == 2
    assert len(told) == 2  # what is refused is said in one sentence, without a report


def test_values_of_another_file_come_along(here, capsys):
    values = designer.initialize(designer.load("tied.network"), seed=5).values
    torch.save({f"module.{name}": value for name, value in values.items()}, "a.pt")
    assert main(["convert", "tied.network", "-o", "net.network", "--values", "a.pt"]) == 0
    err = capsys.readouterr().err
    assert err.startswith("Attached 6 of 6 values from a.pt.\nby other spelling: emb.weight from module.emb.weight, ")
    made = designer.load("net.network")
    assert all(torch.equal(value, made.values[name]) for name, value in values.items())

    torch.save({f"arr_{n}\x1b[2J": value for n, value in enumerate(values.values())}, "b.pt")
    assert main(["convert", "tied.network", "-o", "none.network", "--values", "b.pt"]) == 2
    err = capsys.readouterr().err
    assert err.startswith("No value of b.pt fits: it has arr_0\\x1b[2J, ")
    assert err.endswith("; by order and shape 6 would fit.\n")
    assert not (here / "none.network").exists()
    assert main(["convert", "tied.network", "-o", "net.network", "--values", "b.pt", "--by-shape"]) == 0
    err = capsys.readouterr().err
    assert err.startswith("Attached 6 of 6 values from b.pt.\nby order and shape: emb.weight from arr_0\\x1b[2J, ")
    made = designer.load("net.network")
    assert all(torch.equal(value, made.values[name]) for name, value in values.items())


# The window.


def test_the_window_gets_what_was_asked(here, window):
    assert main([]) == 0
    assert main(["tied.network", "--theme", "dark"]) == 0
    assert window == [(None, "system", "offscreen"), ("tied.network", "dark", "offscreen")]


def test_without_a_display_the_window_is_drawn(here, window, monkeypatch, capsys):
    for name in ("QT_QPA_PLATFORM", "DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    for _ in range(2):  # the second picture replaces the first
        assert main(["tied.network"]) == 0
        assert capsys.readouterr().err == (
            "There is no display (DISPLAY and WAYLAND_DISPLAY are not set), so the window is drawn to designer.png.\n"
        )
        monkeypatch.delenv("QT_QPA_PLATFORM")
    assert window == [("tied.network", "system", "offscreen")] * 2
    assert MARK in (here / "designer.png").read_bytes()
    (here / "designer.png").write_bytes(PNG)  # somebody's own
    assert main([]) == 2
    assert capsys.readouterr().err.startswith("designer.png cannot be written: the file of this name is no picture")


def test_a_screenshot_is_drawn_on_purpose(here, window, monkeypatch):
    monkeypatch.setenv("QT_QPA_PLATFORM", "xcb")
    assert main(["--screenshot", "a.png", "tied.network", "--theme", "light"]) == 0
    assert window == [("tied.network", "light", "offscreen")]
    assert (here / "a.png").is_file()


def test_the_real_window_is_drawn(here, qapp, tmp_path):
    from PySide6.QtGui import QImage

    hidden = dict.fromkeys(("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"), "")
    run = program("tied.network", "--theme", "light", env=hidden | {"HOME": str(tmp_path)})
    assert (run.returncode, run.stdout) == (0, "")
    assert run.stderr == (
        "There is no display (DISPLAY and WAYLAND_DISPLAY are not set), so the window is drawn to designer.png.\n"
    )
    image = QImage("designer.png")
    assert (image.width(), image.height()) == (1440, 900)
    colors = {image.pixel(x, y) for x in range(0, 1440, 3) for y in range(0, 900, 3)}
    assert len(colors) > 100
    run = program("cut.network", "--screenshot", "cut.png", env=hidden | {"HOME": str(tmp_path)})
    assert (run.returncode, run.stdout, run.stderr.count("\n")) == (2, "", 1)
    assert not (here / "cut.png").exists()


def test_a_picture_keeps_its_points(here, qapp):
    from PySide6.QtGui import QImage

    image = QImage(3, 2, QImage.Format.Format_RGB32)
    image.fill(0xFF123456)
    image.save("plain.png")
    save_picture(Path("plain.png").read_bytes(), "marked.png")
    assert QImage("marked.png") == image
    assert QImage("marked.png").text("Software") == "Network Designer"
    check_picture("marked.png")


def test_what_the_system_lacks_is_said_before_qt_starts(here, window, monkeypatch, capsys):
    monkeypatch.setattr(system, "loads", lambda library: library != "libEGL.so.1")
    monkeypatch.setattr(system, "has_apt", lambda: False)
    assert main(["tied.network"]) == 1
    assert capsys.readouterr().err == "Qt needs libEGL.so.1, which this system lacks.\n"
    assert main(["--install-libraries", "--screenshot", "a.png"]) == 1
    assert main(["--install-libraries", "analyze", "tied.network"]) == 0  # needs no Qt
    assert window == []


def test_root_may_let_it_be_installed(here, window, monkeypatch):
    installed = []
    monkeypatch.setattr(system, "loads", lambda library: library != "libEGL.so.1" or bool(installed))
    monkeypatch.setattr(system, "can_install", lambda: True)
    monkeypatch.setattr(system, "install", lambda packages: installed.append(packages) is None)
    assert main(["tied.network"]) == 1  # only where it was asked for
    assert main(["--install-libraries", "tied.network"]) == 0
    assert installed == [["libegl1"]]


# Whatever else.


def test_help_and_version(here):
    for words in (["--help"], ["-h"], ["analyze", "--help"], ["export", "x", "-h"]):
        run = program(*words)
        assert (run.returncode, run.stderr) == (0, "")
        assert run.stdout.startswith("usage: designer [FILE]")
        assert all(len(line) < 100 for line in run.stdout.splitlines())
    assert re.fullmatch(
        r"designer \d+\.\d+\.\d+, Python 3\.\d+\.\d+, PyTorch 2\.13\.\S+, PySide6 6\.\S+, NodeGraphQt 0\.6\.44\n",
        program("--version").stdout,
    )


def test_a_reader_who_has_enough_is_no_error(here):
    read, write = os.pipe()
    os.close(read)
    with open(write, "w") as closed:  # noqa: PTH123 - a descriptor
        run = program("--help", capture_output=False, stdout=closed, stderr=subprocess.PIPE)
        with contextlib.suppress(BrokenPipeError):
            closed.flush()
    assert (run.returncode, run.stderr) == (141, "")


def test_a_full_disk_is_said(here):
    with Path("/dev/full").open("w") as full:
        run = program("--help", capture_output=False, stdout=full, stderr=subprocess.PIPE)
    assert (run.returncode, run.stderr) == (2, "The output cannot be used: No space left on device.\n")


def test_output_of_any_encoding_is_written(here):
    (here / "é.network").write_bytes((here / "tied.network").read_bytes())
    run = program("analyze", "é.network2", env={"PYTHONIOENCODING": "ascii"})
    assert (run.returncode, run.stderr) == (2, "There is no file \\xe9.network2.\n")


def test_an_interrupt_is_said(monkeypatch, capsys):
    def interrupted(words):
        raise KeyboardInterrupt

    monkeypatch.setattr(__main__, "obey", interrupted)
    assert main(["tied.network"]) == 130
    assert capsys.readouterr().err == "Interrupted.\n"


def test_a_bug_is_kept_for_its_report(monkeypatch, capsys, tmp_path):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr(__main__, "obey", lambda words: {}[words[0]])
    assert main(["tied.network"]) == 3
    report = next(tmp_path.glob("network-designer-*.txt"))
    assert capsys.readouterr().err == f"This is a bug in Network Designer; what is needed to mend it is in {report}\n"
    assert "KeyError: 'tied.network'" in report.read_text()
    assert f"designer {designer.__version__}" in report.read_text()


# What a file does not tell, and what is said about it.

SOURCE = """
import pathlib
from torch import nn

pathlib.Path("ran").touch()

class Net(nn.Module):
    def __init__(self, size, scale=2):
        super().__init__()
        self.fc, self.scale = nn.Linear(size, 3), scale

    def forward(self, left, right):
        return self.fc(left) * self.scale + right
"""


@pytest.fixture
def source(here):
    (here / "net.py").write_text(SOURCE)
    torch.save({"fc.weight": torch.ones(3, 4), "fc.bias": torch.zeros(3)}, here / "values.pt")
    return "net.py"


def test_code_runs_only_when_allowed(here, source, capsys):
    assert main(["convert", source, "-o", "net.network"]) == 2
    out, err = capsys.readouterr()
    assert err.endswith("; --allow-code allows it.\n")
    assert (out, err.count("\n")) == ("", 1)
    assert main(["convert", source, "-o", "net.network", "--allow-code"]) == 2
    assert "must be given size; --class NAME and --arg NAME=VALUE tell what to build." in capsys.readouterr().err
    assert main(["convert", source, "-o", "net.network", "--class", "Net", "--arg", "size=4"]) == 2  # still not allowed
    assert "--allow-code allows it" in capsys.readouterr().err
    assert not (here / "ran").exists()
    assert not (here / "net.network").exists()


def test_source_is_built_as_told(here, source, capsys):
    built = ["--allow-code", "--class", "Net", "--arg", "size=4", "--arg", "scale=5", "--checkpoint", "values.pt"]
    inputs = ["--input", "left=B,4", "--input", "right=B,3:float64"]
    assert main(["convert", source, "-o", "net.network", *built, *inputs, "--report", "net.md"]) == 0
    project = designer.files.project.read_project("net.network")
    assert project.network.layer("left").shape == ("B", 4)
    assert project.network.layer("right").dtype == "float64"
    assert project.network.values["fc.weight"].sum() == 12
    assert project.report.difference == 0
    text = (here / "net.md").read_text()
    assert text.startswith("# Import of net.py\n")
    assert "max \\|difference\\| 0." in text
    capsys.readouterr()
    assert main(["convert", "net.network", "-o", "again.network", "--report", "again.md"]) == 0  # the report is kept
    assert capsys.readouterr() == ("", "")
    assert (here / "again.md").read_text() == text


def test_a_module_of_own_classes_names_the_option(here, source, capsys):
    made = "import sys, torch; sys.path.insert(0, '.'); import net; torch.save(net.Net(4), 'model.pt')"
    subprocess.run([sys.executable, "-c", made], check=True)
    said = "model.pt is wired by the code of Net; --allow-code runs that with your rights.\n"
    for command, code in (("analyze", 1), ("export -o a.py", 2), ("convert -o a.network", 0)):
        assert main([*command.split(), "model.pt"]) == code
        assert capsys.readouterr().err.endswith(said)
    given = ["--input", "left=B,4", "--input", "right=B,3"]
    assert main(["analyze", "model.pt", "--allow-code", *given]) == 0
    assert "--allow-code" not in capsys.readouterr().err


def test_what_is_missing_is_asked_for_in_words(here, monkeypatch, exported, capsys):
    from designer.files.asking import NeedsInputs, Wanted

    def opened(*_):
        raise NeedsInputs("It does not tell its inputs.", (Wanted("ids", ("B", "T"), "int64"), Wanted("mask")))

    monkeypatch.setattr(commands, "import_pytorch", opened)
    assert main(["analyze", exported]) == 2
    assert capsys.readouterr().err == (
        f"{Path(exported).name} does not tell its inputs: "
        "give them as in --input ids=B,T:int64 --input mask=B,3,224,224.\n"
    )


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ("--input", f"--input needs a value{MORE}"),
        ("--input x", "'x' is no input: write it as image=B,3,224,224 or tokens=B,T:int64."),
        ("--input immage=B,3", "{file} takes tokens, and not 'immage'."),
        ("--arg size=4", "--arg and --checkpoint belong to a class: give its name with --class."),
        ("--class Net --arg size", "'size' is no argument: write it as hidden_size=256."),
        ("--report net.txt", "net.txt cannot be written: the name of a report ends in .md."),
        ("--report old.md", "old.md cannot be written: there is a file of this name."),
    ],
)
def test_options_of_opening_are_refused_in_a_sentence(here, exported, capsys, words, sentence):
    (here / "old.md").write_text("mine")
    assert main(["analyze", exported, *words.split()]) == 2
    assert capsys.readouterr() == ("", f"{sentence.format(file=Path(exported).name)}\n")
    assert (here / "old.md").read_text() == "mine"


def test_a_network_of_its_own_has_no_report(here, capsys):
    assert main(["analyze", "tied.network", "--report", "tied.md"]) == 2
    assert capsys.readouterr() == ("", "tied.network was not imported, so there is no report of that.\n")
    assert not (here / "tied.md").exists()


@pytest.mark.parametrize("words", ["--input tokens=B,T", "--class Net", "--arg size=4", "--checkpoint old.pt"])
def test_a_project_is_told_nothing(here, capsys, words):
    assert main(["analyze", "tied.network", *words.split()]) == 2
    option = words.split()[0]
    sentence = f"tied.network is a project, which tells all of its network: leave {option} out.\n"
    assert capsys.readouterr() == ("", sentence)

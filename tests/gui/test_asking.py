"""What a file does not tell is asked, in a form that refuses in place; no code runs without a click that says so."""

import threading
import warnings

import pytest
import torch
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QComboBox, QFileDialog
from torch import nn

from designer.files import imports
from designer.files.asking import Argument, Buildable, Choice, NeedsCode, NeedsInputs, Wanted
from designer.files.errors import FileError
from designer.files.progress import check, stage
from designer.gui import filing
from designer.gui.asking import Consent, InputsForm, SourceForm
from designer.gui.editors import Field
from designer.model import Input

ENTER, TAB, ESCAPE = Qt.Key.Key_Return, Qt.Key.Key_Tab, Qt.Key.Key_Escape
SOURCE = """
import pathlib
from torch import nn
pathlib.Path({mark!r}).write_text("ran")

class Other(nn.Module):
    def forward(self, x):
        return x

class Net(nn.Module):
    def __init__(self, size, bias=True):
        super().__init__()
        self.fc = nn.Linear(size, 3, bias=bias)

    def forward(self, x):
        return self.fc(x)
"""


@pytest.fixture
def forms(desk):
    """Give a function that waits for a form of a kind, and gives it."""

    def wait(kind):
        found = []

        def look():
            found[:] = [form for form in desk.window.findChildren(kind) if form.isVisible()]
            return bool(found)

        desk.qtbot.waitUntil(look, timeout=60_000)
        QApplication.processEvents()
        return found[0]

    return wait


@pytest.fixture
def opens(monkeypatch, tied):
    """Let files open as a test says; it gives what was asked of them."""
    asked = []

    def let(*outcomes):
        left = list(outcomes)

        def opened(path, inputs=None, allow_code=False, choice=None):
            asked.append((inputs, allow_code, choice))
            outcome = left.pop(0)
            if isinstance(outcome, Exception):
                raise outcome
            return outcome

        monkeypatch.setattr("designer.import_pytorch", opened)
        return asked

    return let


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "model.pt"
    torch.save({"a": torch.zeros(3)}, path)
    return path


@pytest.fixture
def read(file):
    """What opening a file gave; read before anything is put in place of it."""
    return imports.import_pytorch(file)


def fields(form):
    return {field.accessibleName(): field for field in form.findChildren(Field)}


def write(field, text):
    field.setFocus()
    field.selectAll()
    QTest.keyClicks(field, text)


WANTED = (Wanted("image", ("B", 3, 8, 8)), Wanted("tokens", None, "int64"))


def test_sizes_are_asked_and_refused_in_place(desk, forms, opens, file, read, qtbot):
    asked = opens(NeedsInputs("It does not tell.", WANTED), read)
    desk.window.filing.open(file)
    form = forms(InputsForm)
    assert not form.isModal()  # the window stays usable
    image, tokens = fields(form).values()
    assert image.text() == "B, 3, 8, 8"
    kinds = {kind.accessibleName(): kind.currentText() for kind in form.findChildren(QComboBox)}
    assert kinds == {"Type of numbers of image": "float32", "Type of numbers of tokens": "int64"}
    desk.click(form.go)
    assert form.isVisible()
    assert tokens.problem.text().startswith("The sizes are missing")
    assert tokens.hasFocus()
    write(tokens, "B, 2.5")
    QTest.keyClick(tokens, TAB)
    assert tokens.problem.text().startswith("'2.5' is no size")
    write(tokens, "B, T")
    assert not tokens.problem.isVisible()
    QTest.keyClick(tokens, ENTER)
    qtbot.waitUntil(lambda: not desk.window.on_start)
    assert asked[1] == ({"image": Input(("B", 3, 8, 8)), "tokens": Input(("B", "T"), dtype="int64")}, False, None)


def test_sizes_that_do_not_fit_are_asked_again(desk, forms, opens, file, read, qtbot):
    opens(NeedsInputs("It does not tell.", (Wanted("x"),)), FileError("It cannot be exported with these inputs."), read)
    desk.window.filing.open(file)
    form = forms(InputsForm)
    write(fields(form)["Sizes of x"], "B, 7")
    desk.click(form.go)
    form = forms(InputsForm)
    assert form.problem.text() == "It cannot be exported with these inputs."
    assert fields(form)["Sizes of x"].text() == "B, 7"  # what was typed is there to be mended
    QTest.keyClick(form, ESCAPE)
    assert desk.window.on_start
    assert not desk.refusals


def test_nothing_is_remembered(desk, forms, opens, file, read):
    asked = opens(NeedsInputs("one", (Wanted("x"),)), NeedsInputs("two", (Wanted("x"),)))
    for _ in range(2):
        desk.window.filing.open(file)
        form = forms(InputsForm)
        assert fields(form)["Sizes of x"].text() == ""
        write(fields(form)["Sizes of x"], "B, 7")
        desk.click(form.decline)
    assert asked == [(None, False, None)] * 2


@pytest.fixture
def net(tmp_path):
    path, mark = tmp_path / "net.py", tmp_path / "ran"
    path.write_text(SOURCE.format(mark=str(mark)))
    return path, mark


def test_source_is_not_run_without_a_click(desk, forms, net):
    path, mark = net
    desk.window.filing.open(path)
    form = forms(SourceForm)
    assert form.isModal()
    assert form.decline.isDefault()
    assert not form.go.isDefault()
    assert form.decline.hasFocus()
    QTest.keyClick(form, ENTER)
    assert not form.isVisible()
    desk.window.filing.open(path)
    form = forms(SourceForm)
    form.kind.setCurrentText("Net")
    write(fields(form)["size"], "4")
    QTest.keyClick(fields(form)["size"], ENTER)  # goes on, and presses nothing
    assert form.isVisible()
    QTest.keyClick(form, ESCAPE)
    assert not mark.exists()
    assert desk.window.on_start


def test_a_class_is_built_with_arguments_and_a_checkpoint(desk, forms, net, tmp_path, monkeypatch, qtbot):
    path, mark = net
    values = tmp_path / "values.pt"
    torch.save(nn.Linear(4, 3).state_dict(), values)
    state = {f"fc.{name}": value for name, value in torch.load(values).items()}
    torch.save(state, values)
    desk.window.filing.open(path)
    form = forms(SourceForm)
    assert {form.kind.itemText(n) for n in range(form.kind.count())} == {"Net", "Other"}
    form.kind.setCurrentText("Net")
    shown = fields(form)
    assert shown.keys() == {"size", "bias", "Checkpoint"}
    assert shown["bias"].text() == "True"
    desk.click(form.go)
    assert shown["size"].problem.text() == "size must be given."
    write(shown["size"], "4")
    write(shown["Checkpoint"], str(tmp_path / "gone.pt"))
    desk.click(form.go)
    assert shown["Checkpoint"].problem.text() == f"There is no file {tmp_path / 'gone.pt'}."
    assert not mark.exists()
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: (str(values), ""))
    desk.click(next(each for each in form.findChildren(type(form.go)) if each.text() == "Choose…"))
    desk.click(form.go)
    assert desk.window.reading.isVisible()
    qtbot.waitUntil(lambda: not desk.window.on_start, timeout=60_000)
    assert mark.exists()
    desk.settle()
    assert desk.network.layer("fc").out_features == 3
    assert torch.equal(desk.network.values["fc.weight"], state["fc.weight"])
    assert desk.document.report.difference == 0


class Product(nn.Module):
    def forward(self, left, right):
        if left.size(1) > 2:
            left = left.relu()
        return left @ right


def test_a_script_opens_with_the_sizes_it_is_given(desk, forms, tmp_path, qtbot):
    path = tmp_path / "product.pt"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch advises against TorchScript
        torch.jit.script(Product()).save(path)
    desk.window.filing.open(path)
    form = forms(InputsForm)
    assert list(fields(form)) == ["Sizes of left", "Sizes of right"]
    write(fields(form)["Sizes of left"], "B, 4")
    write(fields(form)["Sizes of right"], "4, 5")
    desk.click(form.go)
    qtbot.waitUntil(lambda: not desk.window.on_start, timeout=30_000)
    desk.settle()
    assert desk.network.layer("left").shape == ("B", 4)
    assert not desk.document.analysis.problems
    qtbot.waitUntil(lambda: desk.document.report.compared is not None, timeout=60_000)
    assert desk.document.report.difference == 0  # compared on inputs of those sizes


def test_an_argument_that_its_code_refuses_is_asked_again(desk, forms, opens, file, read, qtbot):
    classes = (Buildable("Net", (Argument("size"), Argument("act", "nn.ReLU()"))),)
    asked = opens(
        NeedsCode("code", classes), FileError("size must be even."), NeedsInputs("sizes", (Wanted("x"),)), read
    )
    desk.window.filing.open(file)
    form = forms(SourceForm)
    write(fields(form)["size"], "3")
    desk.click(form.go)
    form = forms(SourceForm)
    assert form.problem.text() == "size must be even."
    assert fields(form)["size"].text() == "3"
    write(fields(form)["size"], "4")
    desk.click(form.go)
    form = forms(InputsForm)  # which only its code could tell
    write(fields(form)["Sizes of x"], "B, 4")
    desk.click(form.go)
    qtbot.waitUntil(lambda: not desk.window.on_start)
    choice = Choice("Net", {"size": 4}, None)
    assert asked[1:] == [
        (None, True, Choice("Net", {"size": 3}, None)),
        (None, True, choice),
        ({"x": Input(("B", 4))}, True, choice),
    ]


def test_a_module_of_own_classes_asks_first(desk, forms, opens, file, read, qtbot):
    asked = opens(NeedsCode("model.pt contains program code of Net.", ()), read)
    desk.window.filing.open(file)
    form = forms(Consent)
    assert form.isModal()
    assert (form.decline.text(), form.decline.isDefault()) == ("Cancel", True)
    desk.click(form.go)
    qtbot.waitUntil(lambda: not desk.window.on_start)
    assert asked[1] == (None, True, None)


def test_structure_is_shown_and_code_runs_later(desk, forms, opens, file, read, qtbot):
    import dataclasses

    tree = dataclasses.replace(read, report=dataclasses.replace(read.report, code=("Net", "Block")))
    asked = opens(tree, read)
    desk.window.filing.open(file)
    form = forms(Consent)
    assert not desk.window.on_start  # what needs no code is there already
    assert form.decline.text() == "Show structure only"
    assert form.decline.isDefault()
    QTest.keyClick(form, ENTER)
    assert not form.isVisible()
    assert len(asked) == 1
    desk.settle()
    run = next(each for each in desk.window.bottom.report.findChildren(type(form.go)) if each.text() == "Run code…")
    desk.click(run)
    form = forms(Consent)
    QTest.keyClick(form.go, Qt.Key.Key_Space)
    qtbot.waitUntil(lambda: not desk.document.report.code)
    assert asked == [(None, False, None), (None, True, None)]


def test_cancel_stops_the_work_and_leaves_the_network(desk, tied, file, monkeypatch, qtbot):
    begun, ended = threading.Event(), threading.Event()

    def long(path, *_):
        stage("rebuilding")
        begun.set()
        try:
            while True:
                check()
        finally:
            ended.set()

    monkeypatch.setattr("designer.import_pytorch", long)
    desk.open(tied)
    desk.window.filing.open(file)
    qtbot.waitUntil(begun.is_set)
    strip = desk.window.reading
    qtbot.waitUntil(lambda: strip.label.full == "Rebuilding model.pt…")
    desk.select("fc")  # the window stays usable
    assert desk.form.key[0] == "fc"
    desk.click(strip.content.layout().itemAt(strip.content.layout().count() - 1).widget())
    qtbot.waitUntil(ended.is_set)
    assert not strip.isVisible()
    assert desk.network is tied
    assert not desk.refusals
    assert filing.count_ties(desk.network) == 1

"""What a model gives back comes back in the same dicts, lists and tuples, from every kind of file."""

import collections
import dataclasses
import json
import warnings
import zipfile
from typing import Any, NamedTuple

import pytest
import torch
from torch import nn
from torch.utils import _pytree as tree

from designer import FileError, analyze, build, import_pytorch, load, save
from designer.files.asking import Choice
from designer.files.compare import compared
from designer.files.outputs import MOST_TOLD, Held, Left, in_order, results, with_texts

SOURCE = """
import dataclasses
from typing import Any, NamedTuple

import torch
from torch import nn


class Pair(NamedTuple):
    h: torch.Tensor
    c: torch.Tensor


@dataclasses.dataclass
class Kept:
    logits: torch.Tensor
    extra: Any = None


class Net(nn.Module):
    def __init__(self, kind="dict", branch=False):
        super().__init__()
        self.fc = nn.Linear(3, 3)
        self.kind, self.branch = kind, branch

    def forward(self, x):
        x = self.fc(x)
        if self.branch and x.sum() > 1e9:  # torch.export follows no such branch
            x = x * 2
        return GIVEN[self.kind](x, x.relu())


GIVEN = {
    "bare": lambda x, y: x,
    "tuple": lambda x, y: (x, y),
    "one": lambda x, y: (x,),
    "list": lambda x, y: [x, y],
    "dict": lambda x, y: {"logits": x, "seen": y},
    "nested": lambda x, y: {"logits": x, "past": ((x + 1, y), [y - 1])},
    "none": lambda x, y: (x, None, [None, y, None], None),
    "no key": lambda x, y: {"logits": x, "loss": None},
    "numbers": lambda x, y: (x, 3, 0.5, True, "s", y),
    "signs": lambda x, y: {"a/b: c": x, "class": y},
    "other keys": lambda x, y: {0: x, 1: y},
    "twice": lambda x, y: {"a": y, "b": y},
    "empty": lambda x, y: {"a": x, "b": ()},
    "named": lambda x, y: Pair(x, y),
    "class": lambda x, y: {"a": Kept(x, Pair(x, y)), "b": [Kept(y)]},
    "of torch": lambda x, y: x.max(1),
    "object": lambda x, y: {"a": x, "b": torch.distributions.Normal(0.0, 1.0), "c": (object(), y)},
}
"""
names = {"__name__": __name__}
exec(SOURCE, names)
Net, Pair, GIVEN = names["Net"], names["Pair"], names["GIVEN"]

SAID = {  # by what of the outputs more is said in the report
    "no key": ['its output ["loss"] is None, which is left out'],
    "numbers": [
        "its output (1) is the number 3, which is left out",
        "its output (2) is the number 0.5, which is left out",
        "its output (3) is True, which is left out",
        "its output (4) is the text 's', which is left out",
    ],
    "other keys": ["its output was a dict with other keys than texts, and is returned as a dict"],
    "empty": ['its output ["b"] is an empty tuple, which is left out'],
    "named": ["its output was a Pair, and is returned as a tuple"],
    "class": [
        'its output ["a"] was a Kept, and is returned as a dict',
        'its output ["a"]["extra"] was a Pair, and is returned as a tuple',
        'its output ["b"][0] was a Kept, and is returned as a dict',
        'its output ["b"][0]["extra"] is None, which is left out',
    ],
    "of torch": ["its output was a max, and is returned as a tuple"],
    "object": [
        'its output ["b"] is a Normal, which is left out',
        'its output ["c"](0) is an object, which is left out',
    ],
}


def shape(value):
    """The containers that are expected back, with a 0 for each tensor."""
    if isinstance(value, torch.Tensor):
        return 0
    if dataclasses.is_dataclass(value):
        value = vars(value)
    if isinstance(value, dict):
        found = {str(key): shape(entry) for key, entry in value.items()}
        return {key: entry for key, entry in found.items() if entry is not None}
    if isinstance(value, list | tuple) and value:
        return (list if isinstance(value, list) else tuple)(map(shape, value))
    return None


def tensors(value):
    if dataclasses.is_dataclass(value):
        value = vars(value)
    if isinstance(value, torch.Tensor):
        return [value]
    entries = value.values() if isinstance(value, dict) else value if isinstance(value, list | tuple) else ()
    return [tensor for entry in entries for tensor in tensors(entry)]


def check(network, report, model, said, x=None):
    """The network gives what the model gives, in the same containers, and the report says what it does not."""
    assert [problem.text for problem in analyze(network).errors] == []
    x = torch.randn(4, 3) if x is None else x
    given, wanted = build(network).eval()(x), model.eval()(x)
    assert shape(given) == shape(wanted)
    assert all(map(torch.equal, tensors(given), tensors(wanted)))
    assert sorted(note for note in report.notes if note.startswith("its output")) == sorted(said)


TRACED = ("bare", "nested", "none", "numbers", "named", "class", "object")


@pytest.mark.parametrize(("kind", "branch"), [*((kind, False) for kind in GIVEN), *((kind, True) for kind in TRACED)])
def test_a_live_module(kind, branch):
    model = Net(kind, branch)
    network, report = import_pytorch(model, torch.randn(2, 3))
    assert any("traced" in note for note in report.notes) == branch
    check(network, report, model, SAID.get(kind, []))
    assert report.difference == 0
    assert "forward" not in vars(model)


NAMES = {
    "bare": ["fc"],
    "list": ["out_0", "out_1"],
    "tuple": ["out_0", "out_1"],
    "dict": ["logits", "seen"],
    "nested": ["logits", "past_0_0", "past_0_1", "past_1_0"],
    "signs": ["layer", "class_"],
}
EXPORTED = [kind for kind in GIVEN if kind not in ("named", "class", "of torch", "object")]  # that torch can write


@pytest.mark.parametrize("kind", EXPORTED)
def test_a_pt2_file(kind, exported, tmp_path):
    model = Net(kind)
    path = exported(model, {"x": torch.randn(2, 3)}, {"x": (0,)})
    network, report = import_pytorch(path)
    check(network, report, model, SAID.get(kind, []))
    assert list(network.outputs) == NAMES.get(kind, list(network.outputs))
    assert compared(str(path)).difference == 0
    save(network, tmp_path / "net.network")
    assert load(tmp_path / "net.network") == network


def test_classes_that_torch_export_knows(exported):
    pair = collections.namedtuple("RegisteredPair", "h c")
    tree._register_namedtuple(pair, serialized_type_name="some.RegisteredPair")

    @dataclasses.dataclass
    class Registered:
        logits: Any
        extra: Any = None

    torch.export.register_dataclass(Registered, serialized_type_name="some.Registered")
    for kind, give in {
        "pair": (lambda x, y: pair(x, y), ["its output was a RegisteredPair, and is returned as a tuple"]),
        "class": (
            lambda x, y: [Registered(y), x],
            [
                "its output [0] was a Registered, and is returned as a dict",
                'its output [0]["extra"] is None, which is left out',
            ],
        ),
        "size": (
            lambda x, y: (y, x.shape),
            [f"its output (1)({n}) is the number {n + 2}, which is left out" for n in (0, 1)],
        ),
        "default": (
            lambda x, y: collections.defaultdict(list, a=[x]),
            ["its output was a defaultdict, and is returned as a dict"],
        ),
        "queue": (lambda x, y: collections.deque([x, y]), ["its output was a deque, and is returned as a list"]),
    }.items():
        GIVEN[kind], said = give
        try:
            model = Net(kind)
            network, report = import_pytorch(exported(model, {"x": torch.randn(2, 3)}, name=f"{kind}.pt2"))
            found = build(network)(x := torch.randn(2, 3))
            assert all(map(torch.equal, tensors(found), tensors([*model(x)] if kind == "queue" else model(x))))
            assert list(map(str, report.notes)) == said
        finally:
            del GIVEN[kind]


def test_outputs_of_transformers(exported):
    outputs = pytest.importorskip("transformers.modeling_outputs")
    GIVEN["output"] = lambda x, y: outputs.CausalLMOutput(logits=x, hidden_states=(y, x))
    try:
        model, x = Net("output"), torch.randn(2, 3)
        for network, report in (
            import_pytorch(exported(model, {"x": x}, {"x": (0,)})),
            import_pytorch(model, x),
            import_pytorch(Net("output", branch=True), x),
        ):
            given = build(network)(x)
            assert shape(given) == {"logits": 0, "hidden_states": (0, 0)}
            assert "its output was a CausalLMOutput, and is returned as a dict" in report.notes
    finally:
        del GIVEN["output"]


@pytest.mark.parametrize("version", ["2.5", "2.8"])
def test_earlier_versions_of_torch_export(version):
    from pathlib import Path

    network, _ = import_pytorch(Path(__file__).parent / "exported" / f"torch_{version}.pt2")
    assert [network.layers[name].place for name in network.ends] == ['["logits"]', '["mean"]']


class Scripted(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(3, 3)


class Named(NamedTuple):
    h: torch.Tensor
    c: torch.Tensor


class ScriptedNamed(Scripted):
    def forward(self, x: torch.Tensor):
        x = self.fc(x)
        return x, Named(x.relu(), x + 1), None


class ScriptedDict(Scripted):
    def forward(self, x: torch.Tensor):
        x = self.fc(x)
        return {"logits": [x.relu(), x + 1], "seen": [x]}


class ScriptedNumber(Scripted):
    def forward(self, x: torch.Tensor):
        return self.fc(x), 3, x.size(0)


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        (ScriptedNamed, ["its output (1) was a Named, and is returned as a tuple"]),
        (ScriptedDict, []),
        (
            ScriptedNumber,
            ["its output (2) is a number, which is left out", "its output (1) is the number 3, which is left out"],
        ),
    ],
)
def test_scripted_files(kind, said, tmp_path):
    model = kind()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.jit.save(torch.jit.script(model), tmp_path / "model.pt")
    network, report = import_pytorch(tmp_path / "model.pt", {"x": torch.randn(2, 3)})
    check(network, report, model, said)


@pytest.mark.parametrize("kind", ["bare", "tuple", "one", "list", "dict", "signs", "twice"])  # that torch can write
def test_traced_files(kind, tmp_path):
    model = Net(kind)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.jit.save(torch.jit.trace(model, torch.randn(2, 3), strict=False), tmp_path / "model.pt")
    network, report = import_pytorch(tmp_path / "model.pt")
    check(network, report, model, [])


def test_source_that_may_run(tmp_path):
    path = tmp_path / "net.py"
    path.write_text(SOURCE)
    choice = Choice("Net", {"kind": "class"})
    network, report = import_pytorch(path, torch.randn(2, 3), True, choice)
    assert shape(build(network)(torch.randn(4, 3))) == {"a": {"logits": 0, "extra": (0, 0)}, "b": [{"logits": 0}]}
    assert sorted(note for note in report.notes if note.startswith("its output")) == sorted(SAID["class"])
    assert report.difference == 0


# Files that say something else.


@pytest.mark.parametrize(
    ("spec", "returned"),
    [
        ({"type": "builtins.tuple", "context": "null"}, (0, 0)),  # as many as there are
        ({"type": "builtins.dict", "context": '["a", "a"]'}, (0, 0)),  # keys that stand in each other's way
        ({"type": "builtins.dict", "context": '["a"]'}, (0, 0)),  # fewer keys than entries
        ({"type": "builtins.dict", "context": "import os"}, (0, 0)),
        ({"type": "os.system", "context": '["a", "b"]'}, {"a": 0, "b": 0}),
        ({"type": "x: y", "context": None}, (0, 0)),
        ({"type": "builtins.dict", "context": json.dumps(["a" * 2000, "b"])}, (0, 0)),
        ({"type": "builtins.dict", "context": json.dumps(["'\"\n\\", "\ud800"])}, {"'\"\n\\": 0, "\ud800": 0}),
    ],
)
def test_a_changed_structure(spec, returned, exported):
    path = exported(Net("tuple"), {"x": torch.randn(2, 3)})
    leaf = {"type": None, "context": None, "children_spec": []}
    change(path, [1, spec | {"children_spec": [leaf, leaf]}])
    network, _ = import_pytorch(path)
    assert shape(build(network)(torch.randn(2, 3))) == returned


def test_a_structure_that_is_too_deep(exported):
    path = exported(Net("tuple"), {"x": torch.randn(2, 3)})
    deep = leaf = {"type": None, "context": None, "children_spec": []}
    for _ in range(40):
        deep = {"type": "builtins.list", "context": "null", "children_spec": [deep]}
    change(path, [1, {"type": "builtins.tuple", "context": "null", "children_spec": [deep, leaf]}])
    assert shape(build(import_pytorch(path).network)(torch.randn(2, 3))) == (0, 0)


@pytest.mark.parametrize("count", [1, 3])
def test_a_structure_with_other_outputs_than_there_are(count, exported):
    path = exported(Net("tuple"), {"x": torch.randn(2, 3)})
    leaf = {"type": None, "context": None, "children_spec": []}
    change(path, [1, {"type": "builtins.list", "context": "null", "children_spec": [leaf] * count}])
    network, _ = import_pytorch(path)
    assert shape(build(network)(torch.randn(2, 3))) == (0, 0)


@pytest.mark.parametrize(
    "spec", [[], {}, [1], [1, 2], [1, {"type": 3}], [1, {"type": "a" * 2000, "children_spec": []}]]
)
def test_a_broken_structure_is_refused(spec, exported):
    path = exported(Net("tuple"), {"x": torch.randn(2, 3)})
    change(path, spec)
    with pytest.raises(FileError, match="is damaged or was changed"):
        import_pytorch(path)


def change(path, spec):
    """Write another structure of the outputs into a .pt2 file."""
    with zipfile.ZipFile(path) as archive:
        entries = {name: archive.read(name) for name in archive.namelist()}
    model = next(name for name in entries if "/models/" in name)
    document = json.loads(entries[model])
    document["graph_module"]["module_call_graph"][0]["signature"]["out_spec"] = json.dumps(spec)
    entries[model] = json.dumps(document).encode()
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        for name, data in entries.items():
            archive.writestr(name, data)


# The containers themselves.


def test_what_lies_too_deep_comes_in_one_tuple():
    deep = 1.5
    for _ in range(60):
        deep = Held("list", in_order([deep, 2.5]))
    found = results(Held("tuple", in_order([1.5, deep, 2.5])), float)
    assert [value for _, value in found.outputs] == [1.5, 1.5, *[2.5] * 61]
    assert found.places == [""] * 63
    assert found.notes == ["its outputs are returned in one tuple, because how they are nested cannot be kept"]


def test_many_notes_are_cut_short():
    found = results(Held("tuple", in_order([1.5, *range(100)])), float)
    assert len(found.notes) == MOST_TOLD + 1
    assert found.notes[-1] == "the same is to be said of 80 more of its outputs"


def test_a_class_with_a_strange_name_is_not_quoted():
    found = results(Held("tuple", in_order([1.5, Left("a number")]), "x\n: y"), float)
    assert found.notes[0] == "its output was a class of its own, and is returned as a tuple"


def test_keys_that_are_alike_as_texts():
    assert results(with_texts([1, "1"], [1.5, 2.5]), float).places == ["", ""]

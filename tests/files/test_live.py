"""Live modules: recorded by torch.export, read like its files, and compared with the module itself."""

import sys

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from designer import FileError, analyze, build, import_pytorch
from designer.layers import Input


class Tied(nn.Module):
    def __init__(self):
        super().__init__()
        self.emb = nn.Embedding(20, 8)
        self.lstm = nn.LSTM(8, 8, batch_first=True)
        self.fc = nn.Linear(8, 20)
        self.fc.weight = self.emb.weight
        self.drop = nn.Dropout(0.5)

    def forward(self, ids):
        return self.fc(self.drop(self.lstm(self.emb(ids))[0]))


class Two(nn.Module):
    """Two inputs of two kinds, results in a dictionary."""

    def __init__(self):
        super().__init__()
        self.emb = nn.Embedding(9, 6)
        self.conv = nn.Conv2d(3, 6, 3, padding=1)
        self.conv.weight.requires_grad_(False)

    def forward(self, picture, words):
        seen = F.adaptive_avg_pool2d(self.conv(picture), 1).flatten(1)
        return {"seen": seen, "both": (seen.unsqueeze(1) * self.emb(words)).sum(-1)}


@pytest.mark.parametrize("inputs", ["tensor", "tuple", "dictionary", "told"])
def test_a_live_module(inputs):
    module = Tied()
    module.lstm.eval()
    ids = torch.randint(0, 20, (1, 5))
    given = {"tensor": ids, "tuple": (ids,), "dictionary": {"ids": ids}, "told": None}[inputs]
    if inputs == "told":
        module.dummy_inputs = {"ids": ids}
    net, report = import_pytorch(module, given)
    assert (module.training, module.lstm.training, module.drop.training) == (True, False, True)
    assert (report.kind, report.difference) == ("nn.Module", 0)
    assert report.ties == net.aliases == {"fc.weight": "emb.weight"}
    (tokens,) = net.inputs
    assert isinstance(net.layer(tokens).shape[0], str), "any size of the batch"
    assert analyze(net).saved == 160
    many = torch.randint(0, 20, (3, 5))
    assert torch.equal(build(net).eval()(many), module.eval()(many))


@pytest.mark.parametrize(
    "shapes",
    [
        (("N", 3, "H", "W"), Input(("N", "T"), dtype="int64")),
        {"picture": ("N", 3, "H", "W"), "words": Input(("N", "T"), dtype="int64")},
    ],
)
def test_shapes_are_enough(shapes):
    module = Two().eval()
    net, report = import_pytorch(module, shapes)
    assert report.difference == 0
    assert [net.layer(name).shape for name in net.inputs] == [("N", 3, "H", "W"), ("N", "T")]
    assert list(net.outputs) == ["seen", "both"]
    assert net.layer("conv").frozen == ("weight",)
    given = torch.randn(5, 3, 20, 24), torch.randint(0, 9, (5, 7))
    returned = build(net)(*given)
    assert list(returned) == ["seen", "both"]
    seen, both = returned.values()
    wanted = module(*given)
    assert torch.equal(seen, wanted["seen"])
    assert torch.equal(both, wanted["both"])


def test_whole_numbers_are_found_out():
    net, report = import_pytorch(nn.Sequential(nn.Embedding(10, 4), nn.Linear(4, 2)), ("B", "T"))
    assert net.layer(net.inputs[0]).dtype == "int64"
    assert report.difference == 0


def test_values_are_those_of_the_moment():
    module = nn.Linear(3, 2)
    net = import_pytorch(module, ("B", 3)).network
    before = {key: value.clone() for key, value in net.values.items()}
    with torch.no_grad():
        module.weight.fill_(7)
    assert all(torch.equal(value, before[key]) for key, value in net.values.items())


class Counting(nn.Module):
    """It counts its runs, and cannot be exported where it chooses by that."""

    def __init__(self, choosing):
        super().__init__()
        self.register_buffer("runs", torch.zeros(()))
        self.register_buffer("last", torch.zeros(()))
        self.choosing = choosing

    def forward(self, x):
        self.runs += 1
        self.last = self.last + 1
        return x * self.runs if self.choosing and x.sum() > 0 else x + self.runs


@pytest.mark.filterwarnings("ignore")  # torch.jit is deprecated
@pytest.mark.parametrize("choosing", [False, True])
def test_what_counts_its_runs_counts_none_of_ours(choosing):
    module = Counting(choosing)
    network, report = import_pytorch(module, torch.ones(2, 3))
    assert module.runs == module.last == 0
    assert report.difference == 0
    assert torch.equal(build(network)(torch.ones(2, 3)), module(torch.ones(2, 3)))


def test_time_is_free_beside_the_batch():
    module = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True).eval()
    net, report = import_pytorch(module, torch.randn(2, 5, 8))
    assert report.difference <= 1e-6
    x = torch.randn(3, 9, 8)
    assert torch.allclose(build(net).eval()(x), module(x), atol=1e-6)


def test_equal_sizes_of_an_example_stay_apart():
    module = nn.Linear(4, 2)
    net = import_pytorch(module, torch.randn(6, 6, 4)).network
    assert len(set(net.layer(net.inputs[0]).shape)) == 3


def test_what_fits_one_size_only():
    class Fixed(nn.Module):
        def forward(self, x):
            return x.view(2, 12)

    net, report = import_pytorch(Fixed(), torch.randn(2, 3, 4))
    assert net.layer(net.inputs[0]).shape == (2, 3, 4)
    assert report.difference == 0


class Chosen(nn.Module):
    """The kernel of take_along_dim asks for sizes that torch.export then fixes."""

    def __init__(self, by_size=False):
        super().__init__()
        self.fc, self.by_size = nn.Linear(4, 4), by_size

    def forward(self, x):
        x = self.fc(x)
        found = torch.take_along_dim(x, x.topk(2, 1).indices, 1)
        return found * 2 if self.by_size and len(x) == 3 else found


def test_sizes_that_torch_export_fixes_are_free_where_a_trace_is_right_for_others():
    module, x = Chosen(), torch.randn(3, 6, 4)
    net, report = import_pytorch(module, x)
    assert net.layer("x").shape[0] == "B"
    assert report.notes[0] == "torch.export fixes the sizes of its inputs: it was traced, which leaves them free"
    for given in (x, torch.cat([x, x])):
        assert torch.equal(build(net)(given), module(given))
    net, report = import_pytorch(Chosen(by_size=True), x)
    assert net.layer("x").shape == (3, 6, 4)
    assert report.difference == 0


class Packing(nn.Module):
    def __init__(self):
        super().__init__()
        self.rnn = nn.GRU(4, 3, batch_first=True)

    def forward(self, x, lengths):
        packed = nn.utils.rnn.pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)
        return nn.utils.rnn.pad_packed_sequence(self.rnn(packed)[0], batch_first=True)[0]


def test_packed_sequences_are_refused_in_a_sentence_of_their_own():
    with pytest.raises(FileError, match="Packing cannot be recorded: rnn takes packed sequences"):
        import_pytorch(Packing(), (torch.randn(2, 5, 4), torch.tensor([5, 3])))


@pytest.mark.parametrize(
    ("source", "inputs", "sentence"),
    [
        (Tied(), None, r"^Tied does not tell what it takes: give an example or its shape, as in inputs=\(x,\)\.$"),
        (Tied(), torch.randn(2, 3, 4, 5), "^Tied cannot be exported with these inputs: .*[.]$"),
        (7, None, r"^A model is opened from a file or an nn\.Module, and int is neither\.$"),
    ],
)
def test_refusals(source, inputs, sentence):
    with pytest.raises(FileError, match=sentence):
        import_pytorch(source, inputs)


class Choosing(nn.Module):
    """What it does depends on the numbers of its input."""

    def __init__(self):
        super().__init__()
        self.small, self.large = nn.Linear(4, 3), nn.Linear(4, 3)

    def forward(self, x):
        return self.large(x).relu() if x.sum() > 0 else self.small(x)


@pytest.mark.parametrize("inputs", [torch.ones(2, 4), {"x": torch.ones(2, 4)}], ids=["by place", "by name"])
def test_what_cannot_be_exported_is_traced(inputs):
    model = Choosing()
    network, report = import_pytorch(model, inputs)
    assert [network.layer(name).shape for name in network.inputs] == [("B", 4)]
    assert [note.endswith("it was traced, and takes the way that its example took") for note in report.notes] == [True]
    assert report.notes[0].startswith("Choosing cannot be exported with these inputs: ")
    assert report.difference == 0
    x = torch.rand(5, 4)
    assert torch.equal(build(network)(x), model(x))


@pytest.mark.parametrize(
    ("source", "sentence"),
    [
        (nn.Linear, "Linear is a class: open a module of it, as in import_pytorch(Linear())."),
        (3, "A model is opened from a file or an nn.Module, and int is neither."),
    ],
)
def test_what_is_no_module_is_told(source, sentence):
    with pytest.raises(FileError) as refusal:
        import_pytorch(source)
    assert str(refusal.value) == sentence


@pytest.mark.parametrize("inputs", ["array", "tuple", "dictionary", "inside"])
def test_arrays_of_numpy_are_examples(inputs):
    class Sum(nn.Module):
        def forward(self, x):
            return sum(x) if isinstance(x, list) else x + 1

    x = np.arange(6, dtype="float32").reshape(2, 3)[::-1]
    given = {"array": x, "tuple": (x,), "dictionary": {"x": x}, "inside": ([x, x],)}[inputs]
    net, report = import_pytorch(Sum(), given)
    assert report.difference == 0
    assert net.layer(net.inputs[0]).shape == ("B", 3) or inputs == "inside"
    with pytest.raises(FileError, match="An array of <U1 is no input of a module: "):
        import_pytorch(Sum(), np.array(["a"]))


def test_what_torch_says_of_a_failed_export_stays_off_the_terminal(capfd):
    class Branch(nn.Module):
        def forward(self, x):
            if not torch.compiler.is_exporting():
                return x
            sys.stderr.write("mine ")
            return x if x.sum() > 0 else -x

    report = import_pytorch(Branch(), torch.ones(2, 3)).report
    assert any("cannot be exported" in note for note in report.notes)
    out, err = capfd.readouterr()
    assert (out, {*err.split()}) == ("", {"mine"})

"""Ties by where the numbers lie: who owns, which names stay good, and learnables that overlap by mistake."""

import itertools

import pytest
import torch
from torch import nn

from designer import Network, build, import_pytorch, load, save, tie
from designer.edits import separate, tie_view
from designer.files import live
from designer.files.overlaps import Overlap, overlaps
from designer.files.program import Stored
from designer.layers import BatchNorm1d, Embedding, Linear, Permute, Slice
from designer.model import Input, NetworkError, Parameter, Port
from designer.model.checking import check_network

# Overlaps.


def entry(tensor, storage="0"):
    dtype = str(tensor.dtype).removeprefix("torch.")
    shape, strides = tuple(tensor.shape), tensor.stride()
    return Stored(storage, dtype, shape, strides, tensor.storage_offset(), "parameter", True, True)


def common(**tensors):
    return overlaps({name: entry(tensor) for name, tensor in tensors.items()})


WHOLE = torch.arange(48.0).reshape(6, 8)


def test_views_overlap_with_the_largest():
    found = common(row=WHOLE[2], all=WHOLE, turned=WHOLE.T, column=WHOLE[:, 3], same=WHOLE.T)
    assert found == {"row": Overlap("all", 8), "turned": Overlap("all", 48), "column": Overlap("all", 6)}


def test_neighbours_do_not_overlap():
    assert common(a=WHOLE[:3], b=WHOLE[3:]) == {}
    assert common(a=WHOLE[:, :3], b=WHOLE[:, 3:]) == {}
    assert common(a=WHOLE[:, ::2], b=WHOLE[:, 1::2]) == {}
    assert common(a=WHOLE[:, ::2], b=WHOLE[:, 1:3]) == {"b": Overlap("a", 6)}
    halves = torch.view_as_complex(WHOLE.reshape(24, 2))
    assert common(a=halves.real, b=halves.imag) == {}


def test_parts_that_reach_over_each_other():
    assert common(a=WHOLE[:4], b=WHOLE[3:]) == {"b": Overlap("a", 8)}
    assert common(a=WHOLE[:, :5], b=WHOLE[:, 4:], c=WHOLE[:, 7]) == {"b": Overlap("a", 6), "c": Overlap("b", 6)}
    assert common(a=WHOLE[0].expand(3, 8), b=WHOLE[0, 1:3]) == {"b": Overlap("a", 2)}


def test_types_of_other_widths_share_bytes():
    assert common(a=WHOLE, b=WHOLE.view(torch.int64)[1:2]) == {"b": Overlap("a", 4)}
    assert common(a=WHOLE[:, :4], b=WHOLE.view(torch.float16)[:, 8:]) == {}


def test_many_tensors_of_one_storage():
    """Neither those side by side nor those in gaps of each other are compared in pairs."""
    flat = torch.empty(40_000)
    assert common(**{f"w{n}": flat[2 * n : 2 * n + 2] for n in range(20_000)}) == {}
    wide = flat.view(10, 4000)
    columns = {f"c{n}": wide[:, n] for n in range(4000)}
    assert common(**columns) == {}
    assert set(common(flat=flat, **columns)) == set(columns)


@pytest.mark.parametrize("seed", range(60))
def test_it_is_right_by_pairs(seed):
    """Against the elements themselves: no pair is missed that does not overlap with another, none is invented."""
    random = torch.Generator().manual_seed(seed)

    def some(low, high):
        return int(torch.randint(low, high, (1,), generator=random))

    views = {}
    for n in range(some(2, 6)):
        shape = [some(1, 4) for _ in range(some(1, 3))]
        views[f"v{n}"] = WHOLE.as_strided(shape, [some(0, 7) for _ in shape], some(0, 12))
    numbers = {name: set(view.flatten().tolist()) for name, view in views.items()}
    found = common(**views)
    for name, (owner, shared) in found.items():
        assert numbers[name] & numbers[owner]
        assert shared > 0
    alone = [name for name in views if name not in found]
    alone = [a for n, a in enumerate(alone) if not any(entry(views[a]).view == entry(views[b]).view for b in alone[:n])]
    for a, b in itertools.combinations(alone, 2):
        assert not numbers[a] & numbers[b]


# Files.


class Net(nn.Module):
    """Linear layers of given sizes, one after the other, with names of its own."""

    def __init__(self, run, **parts):
        super().__init__()
        for name, part in parts.items():
            setattr(self, name, part)
        self.run = run

    def forward(self, x):
        return self.run(self, x)


def linear(weight, bias=False):
    made = nn.Linear(*reversed(weight.shape), bias=bias)
    made.weight = weight if isinstance(weight, nn.Parameter) else nn.Parameter(weight)
    return made


@pytest.fixture(params=["pt2", "TorchScript", "live"])
def opened(request, exported, tmp_path, recwarn):
    """Open a model in each of the forms that hold its program, and see that the network does the same."""

    def opened(model, x):
        model.eval()
        if request.param == "pt2":
            found = import_pytorch(exported(model, {"x": x}))
        elif request.param == "live":
            found = import_pytorch(model, (x,))
        else:
            torch.jit.save(torch.jit.trace(model, x), tmp_path / "a.pt")
            found = import_pytorch(tmp_path / "a.pt")
        recwarn.clear()  # torch calls its own jit old
        network, report = found
        check_network(network)
        assert torch.equal(build(network).eval()(x), model(x))
        state = model.state_dict()  # under all names of the file
        again = network.with_values({name: value + 1 for name, value in state.items()})
        names = {**{key: key for key in network.values}, **network.aliases}
        assert set(state) <= set(names)
        for name, key in names.items():
            if state[name].shape == again.values[key].shape and key not in report.ties:
                assert torch.equal(again.values[key], state[key if key in state else name] + 1)
        return network, report

    return opened


def test_a_head_that_is_registered_first_borrows(opened):
    """The owner is the first that data comes to."""
    head = nn.Linear(8, 30)
    emb = nn.Embedding(30, 8)
    emb.weight = head.weight
    net, report = opened(Net(lambda m, x: m.head(m.emb(x)), head=head, emb=emb), torch.randint(30, (2, 5)))
    assert report.ties == {"head.weight": "emb.weight"}
    assert net.source_of(Port("head", "weight")) == Port("emb", "weight")
    assert list(report.tied_bytes.values()) == [960]


def test_tables_that_three_share(opened):
    """As T5 does: a table that nothing calls itself, two that use it in groups, and a head."""
    shared = nn.Embedding(30, 8)
    inner = [nn.Sequential(nn.Embedding(30, 8), nn.Linear(8, 8)) for _ in range(2)]
    head = nn.Linear(8, 30, bias=False)
    for user in (inner[0][0], inner[1][0], head):
        user.weight = shared.weight
    model = Net(lambda m, x: m.head(m.dec(x) + m.enc(x)), shared=shared, head=head, enc=inner[0], dec=inner[1])
    net, report = opened(model, torch.randint(30, (2, 5)))
    assert report.ties == dict.fromkeys(("shared.weight", "head.weight", "enc.0.weight"), "dec.0.weight")
    assert isinstance(net.layer("dec.0"), Embedding)
    for user in ("enc.0", "head"):
        assert net.source_of(Port(user, "weight")) == Port("dec.0", "weight")


def test_biases_and_ties_inside_a_group(opened):
    block = nn.Sequential(nn.Linear(8, 8), nn.ReLU(), nn.Linear(8, 8))
    block[2].bias = block[0].bias
    block[2].weight = block[0].weight
    net, report = opened(Net(lambda m, x: m.block(x), block=block), torch.rand(2, 8))
    assert report.ties == {"block.2.weight": "block.0.weight", "block.2.bias": "block.0.bias"}
    assert net.source_of(Port("block.2", "bias")) == Port("block.0", "bias")


FALSE = "enc.weight and dec.weight are two learnables that overlap in memory ({}): torch trains these numbers twice"


def test_a_transposed_view_is_a_false_tie(opened):
    """It is drawn as a tie, and the note can undo that."""
    enc = nn.Linear(6, 3)
    dec = linear(nn.Parameter(enc.weight.t()))
    again = linear(dec.weight)
    model = Net(lambda m, x: m.again(m.enc(m.dec(m.enc(x)))[:, :3]), again=again, dec=dec, enc=enc)
    net, report = opened(model, torch.rand(2, 6))
    assert report.ties == {"dec.weight": "enc.weight", "again.weight": "enc.weight"}
    assert not report.unused
    assert isinstance(net.layer(net.source_of(Port("dec", "weight")).layer), Permute)
    (note,) = [note for note in report.notes if note.fix]
    assert note == FALSE.format("18 of 18 numbers") + "; here dec.weight takes them from a wire, so once"
    assert (note.fix, note.layers, note.ports) == ("separate", ("dec", "again", "enc"), ("dec/weight", "again/weight"))
    apart = separate(net, *note.about)
    assert torch.equal(apart.values["dec.weight"], dec.weight)
    assert apart.source_of(Port("again", "weight")) == Port("dec", "weight")
    assert not any(isinstance(layer, Permute) for layer in apart.layers.values())
    assert apart.aliases == {"again.weight": "dec.weight"}
    check_network(apart)


@pytest.mark.parametrize(
    ("view", "layers", "shared"),
    [
        (lambda w: w[2:5, :3], (Slice, Slice), 9),
        (lambda w: w[::2, 1:4].t(), (Slice, Slice, Permute), 9),
        (lambda w: w.view(3, 12)[:, :3], (Slice, Slice), 9),
        (lambda w: w.view(4, 9)[:3, :3], (), 0),
    ],
)
def test_parts_of_a_weight(opened, view, layers, shared):
    enc = nn.Linear(6, 6)
    dec = linear(nn.Parameter(view(enc.weight)))
    net, report = opened(Net(lambda m, x: m.dec(m.enc(x)[:, :3]), dec=dec, enc=enc), torch.rand(2, 6))
    at, found = net.source_of(Port("dec", "weight")), []
    if not shared:  # no layers make it
        assert at is None
        assert not report.ties
        said = "; that cannot be drawn: it got a copy of its own"
        assert FALSE.format("9 of 36 numbers") + said in report.notes
        return
    while at.layer != "enc":
        found.insert(0, type(net.layer(at.layer)))
        at = net.source_of(Port(at.layer, "in"))
    assert tuple(found) == layers
    assert report.ties == {"dec.weight": "enc.weight"}
    assert [note.fix for note in report.notes] == ["separate"]


def doubled():
    """What loading with ``assign=True`` leaves of a tie."""
    first, second = nn.Linear(4, 4), nn.Linear(4, 4)
    second.weight = nn.Parameter(first.weight.detach())
    second.bias = first.bias
    return nn.Sequential(first, second).eval()


DOUBLED = "0.weight and 1.weight are two Parameters on one memory: torch trains these numbers twice; here they are tied"


@pytest.mark.parametrize("alive", [True, False])
def test_two_parameters_on_one_memory_are_told(alive, tmp_path):
    """Where the objects are there, in a module that lives or was pickled, a tie that is none is seen."""
    model = doubled()
    torch.save(model, tmp_path / "a.pt")
    net, report = import_pytorch(*((model, (torch.rand(2, 4),)) if alive else (tmp_path / "a.pt",)))
    assert report.ties == {"1.weight": "0.weight", "1.bias": "0.bias"}
    (note,) = [note for note in report.notes if note.fix]
    assert note == f"{DOUBLED}, so once"
    assert (note.fix, note.about) == ("separate", ("1/weight",))
    assert set(separate(net, *note.about).values) == {"0.weight", "0.bias", "1.weight"}


def test_modules_without_numbers_have_no_memory_in_common():
    with torch.device("meta"):
        model = nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 4))
    assert list(live._doubled(model)) == []


def test_learnables_side_by_side_are_no_tie(opened):
    flat = torch.rand(72)
    parts = {name: linear(part.view(6, 6)) for name, part in zip("ab", flat.split(36))}
    _, report = opened(Net(lambda m, x: m.b(m.a(x)), **parts), torch.rand(2, 6))
    assert not report.ties
    assert not report.notes


# Files without a program.


def overlapping():
    enc = nn.Linear(6, 3)
    return {"enc": enc, "dec": linear(nn.Parameter(enc.weight.t())), "rows": linear(nn.Parameter(enc.weight[1:]))}


def test_a_state_dict_tells_what_overlaps(tmp_path):
    """Each has its own numbers until the note makes it a view, which a project then keeps."""
    model = nn.ModuleDict(overlapping())
    torch.save(model.state_dict(), tmp_path / "a.pt")
    net, report = import_pytorch(tmp_path / "a.pt")
    assert not report.ties
    first, second = report.notes
    assert first == FALSE.format("18 of 18 numbers") + "; here each has a copy of its own"
    assert (first.fix, first.layers) == ("tie_view", ("dec.weight", "enc.weight"))
    assert first.about == ("enc.weight/value", "dec.weight/value")
    for note in (first, second):
        net = tie_view(net, *note.about)
        check_network(net)
    assert net.layer("dec.weight") == Permute((1, 0))
    assert net.layer("rows.weight") == Slice(0, 1)
    assert set(net.values) == {"enc.weight", "enc.bias"}
    assert net.aliases == {"dec.weight": "enc.weight", "rows.weight": "enc.weight"}
    assert torch.equal(net.with_values(model.state_dict()).values["enc.weight"], model["enc"].weight)
    save(net, tmp_path / "a.network", report=report)
    assert load(tmp_path / "a.network") == net
    with pytest.raises(NetworkError, match=r"dec.weight has no learnables"):
        tie_view(net, *first.about)


def test_what_does_not_share_memory_is_refused(tmp_path):
    torch.save(nn.ModuleDict(overlapping()).state_dict(), tmp_path / "a.pt")
    net, report = import_pytorch(tmp_path / "a.pt")
    save(net, tmp_path / "a.network")
    with pytest.raises(NetworkError, match=r"The values of enc.weight/value and dec.weight/value do not share memory"):
        tie_view(load(tmp_path / "a.network"), *report.notes[0].about)


def test_a_pickled_module_tells_what_overlaps(tmp_path):
    """A chain is wired, so that the view becomes an expression on the wire to a layer."""
    enc, dec, _ = overlapping().values()
    model = nn.Sequential(enc, dec).eval()
    torch.save(model, tmp_path / "a.pt")
    net, report = import_pytorch(tmp_path / "a.pt")
    (note,) = [note for note in report.notes if note.fix]
    assert note.about == ("0/weight", "1/weight")
    x = torch.rand(2, 6)
    assert torch.equal(build(net).eval()(x), model(x))
    tied = tie_view(net, *note.about)
    assert isinstance(tied.layer("1"), Linear)
    assert "1.weight" not in tied.values
    assert torch.equal(build(tied).eval()(x), model(x))


def test_ties_of_pickled_chains(tmp_path):
    model = nn.Sequential(nn.Linear(4, 4), nn.Sequential(nn.ReLU(), nn.Linear(4, 4)), nn.Linear(4, 4))
    model[1][1].weight = model[2].weight = model[0].weight
    model[2].bias = model[0].bias
    torch.save(model, tmp_path / "a.pt")
    net, report = import_pytorch(tmp_path / "a.pt")
    assert report.ties == {"1.1.weight": "0.weight", "2.weight": "0.weight", "2.bias": "0.bias"}
    assert not [note for note in report.notes if note.fix]
    merged = net.with_values({name: value + 1 for name, value in model.state_dict().items()})
    assert torch.equal(merged.values["0.bias"], model[0].bias + 1)


def test_many_that_overlap_are_counted(tmp_path):
    flat = torch.rand(1000)
    torch.save({"flat": flat} | {f"part{n}": flat[4 * n : 4 * n + 4] for n in range(150)}, tmp_path / "a.pt")
    notes = import_pytorch(tmp_path / "a.pt").report.notes
    assert len(notes) == 101
    assert notes[-1] == "50 more overlap in memory in the same way"


def test_an_lstm_of_cudnn_has_no_false_ties(tmp_path):
    """Its weights lie side by side in one storage."""
    lstm = nn.LSTM(8, 8, 2)
    flat, at = torch.rand(sum(p.numel() for p in lstm.parameters())), 0
    for parameter in lstm.parameters():
        parameter.data = flat[at : at + parameter.numel()].view(parameter.shape)
        at += parameter.numel()
    torch.save(lstm.state_dict(), tmp_path / "a.pt")
    net, report = import_pytorch(tmp_path / "a.pt")
    assert not report.notes
    assert not report.ties
    assert all(isinstance(layer, Parameter) for layer in net.layers.values())


class Lent(nn.Module):
    """A layer that is never called: its bias goes into a function, together with the weight of another one."""

    def __init__(self):
        super().__init__()
        self.emb = nn.Embedding(9, 4)
        self.head = nn.Sequential(nn.Linear(4, 9))
        self.head[0].weight = None

    def forward(self, ids):
        return nn.functional.linear(self.emb(ids), self.emb.weight, self.head[0].bias)


def test_a_layer_lends_its_bias_to_a_function_with_the_weight_of_another(exported):
    model, inputs = Lent(), {"ids": torch.tensor([[1, 2, 8]])}
    network, report = import_pytorch(exported(model, inputs))
    layer = network.layer("head.0")
    assert isinstance(layer, Linear)
    assert layer.input_learnables == ("weight",)
    assert str(network.source_of(Port("head.0", "weight"))) == "emb/weight"
    assert set(network.values) == {"emb.weight", "head.0.bias"}
    assert (dict(report.ties), report.borrowed) == ({}, 1)
    assert torch.equal(build(network).eval()(inputs["ids"]), model(inputs["ids"]))


def test_what_is_built_and_exported_comes_back_as_it_was(exported):
    layers = {"ids": Input(("B", "T"), dtype="int64"), "emb": Embedding(9, 4), "mix": Linear(4), "fc": Linear(9)}
    network = tie(Network().chain(**layers), "emb/weight", "fc/weight")
    opened = import_pytorch(exported(build(network), {"ids": torch.tensor([[1, 2], [3, 8]])}, {"ids": (0, 1)})).network
    assert dict(opened.layers) == dict(network.layers)
    assert dict(opened.connections) == dict(network.connections)


def test_a_norm_that_borrows_all_but_its_statistics_comes_back_as_it_was():
    layers = {"x": Input(("B", 4)), "a": BatchNorm1d(), "mix": Linear(4), "b": BatchNorm1d(eps=0.1)}
    network = tie(tie(Network().chain(**layers), "a/weight", "b/weight"), "a/bias", "b/bias")
    module, x = build(network).eval(), torch.randn(3, 4)
    opened = import_pytorch(module, x).network
    assert dict(opened.layers) == dict(network.layers)
    assert dict(opened.connections) == dict(network.connections)
    assert set(opened.values) == set(module.state_dict())
    assert torch.equal(build(opened).eval()(x), module(x))

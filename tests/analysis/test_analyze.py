"""Rows, totals and problems with the edits that mend them."""

import concurrent.futures
import json

import pytest
import torch

from designer import Network, NetworkError, analyze, build, freeze, group, tie, transfer, untie, write_pytorch
from designer.analysis import as_dict, flow, probe
from designer.layers import (
    GRU,
    LSTM,
    Add,
    BatchNorm2d,
    Call,
    Concatenate,
    Constant,
    Conv2d,
    ConvTranspose2d,
    Embedding,
    Flatten,
    Group,
    Input,
    LayerNorm,
    Linear,
    MatMul,
    MaxPool2d,
    MultiheadAttention,
    Multiply,
    Output,
    Parameter,
    Permute,
    Reshape,
    Softmax,
    Upsample,
)
from designer.model import Port


def language_model():
    return Network().chain(
        tokens=Input(("B", "T"), dtype="int64"),
        emb=Embedding(1000, 300),
        lstm=LSTM(300),
        fc=Linear(1000),
        probs=Softmax(),
    )


def tied():
    return tie(language_model(), "emb/weight", "fc/weight")


def texts(net):
    return [problem.text for problem in analyze(net).problems]


def totals(net):
    analysis = analyze(net)
    return analysis.stored, analysis.used, analysis.saved


def test_golden_numbers():
    assert totals(tied()) == (1_023_400, 1_323_400, 300_000)
    assert totals(untie(tied(), "fc/weight")) == totals(language_model()) == (1_323_400, 1_323_400, 0)
    assert analyze(transfer(tied(), "fc", out_features=15, learn_rate_factor=10)).stored == 1_026_915
    fc = analyze(tied()).row("fc")
    assert (fc.stored, fc.used, fc.tied_to) == (1_000, 301_000, {"weight": "emb.weight"})
    assert analyze(tied()).bytes == 4 * 1_023_400


def test_every_column_of_a_row():
    net = freeze(tied(), "emb").set("lstm", learn_rate_factors={"bias_ih_l0": 2.0})
    rows = {row.name: row for row in analyze(net).rows}
    assert list(rows) == ["tokens", "emb", "lstm", "fc", "probs"]
    assert rows["emb"].activations == (("B", "T", 300),)
    assert rows["lstm"].learnables["weight_hh_l0"] == (1200, 300)
    assert rows["fc"].learnables == {"weight": (1000, 300), "bias": (1000,)}
    assert [row.trains for row in rows.values()] == [None, False, True, True, None]
    assert (rows["emb"].factor, rows["lstm"].factor["bias_ih_l0"], rows["fc"].factor) == (1.0, 2.0, 1.0)
    assert (rows["emb"].bytes, rows["fc"].bytes) == (1_200_000, 4_000)
    assert rows["fc"].multiply_adds == "300000*B*T"
    assert rows["lstm"].multiply_adds == "720000*B*T"
    images = analyze(Network().chain(x=Input(("B", 3, 8, 8)), conv=Conv2d(4, 3), norm=BatchNorm2d()))
    assert dict(images.row("norm").states) == {"running_mean": (4,), "running_var": (4,), "num_batches_tracked": ()}
    assert images.row("norm").stored == 8
    assert images.row("conv").multiply_adds == "3888*B"


def test_groups_have_subtotals_and_calls_count_what_they_call():
    net = group(tied(), ["lstm", "fc"], "g").add(again=Call())
    analysis = analyze(net)
    assert [row.name for row in analysis.rows] == [
        "tokens",
        "emb",
        "g",
        "g.emb",
        "g.lstm",
        "g.fc",
        "g.fc_out",
        "probs",
        "again",
    ]
    assert (analysis.row("g").stored, analysis.row("g").used) == (723_400, 1_023_400)
    assert (analysis.stored, analysis.used) == (1_023_400, 1_323_400)
    twice = Network().chain(x=Input(("B", 8)), fc=Linear(8)).add(again=Call())
    twice = twice.connect("fc/learnables", "again/learnables").connect("fc", "again")
    row = analyze(twice).row("again")
    assert (row.type, row.activations, row.stored, row.used, row.tied_to) == (
        "Call",
        (("B", 8),),
        0,
        72,
        {"learnables": "fc"},
    )


def test_a_parameter_counts_once_unless_it_only_feeds_ties():
    net = Network().chain(x=Input(("B", 4)), a=Linear(4, bias=False)).add(w=Parameter((4, 4)))
    only = tie(net, "w/value", "a/weight", permute=())
    assert totals(only) == (16, 16, 0)
    both = only.add(m=MatMul()).connect("a", "m").connect("w/value", "m/other")
    assert totals(both) == (16, 32, 16)
    assert totals(both.add(o=Output()).connect("w/value", "o"))[1] == 32


def test_what_waits_for_a_wire_saves_nothing():
    net = Network().chain(x=Input(("B", 4)), a=Linear(4), fc=Linear(5, input_learnables=("weight",)))
    assert analyze(net).row("fc").used == analyze(net).row("fc").stored == 5
    assert analyze(net).saved == 0


def test_the_table_is_printed():
    text = str(analyze(tied()))
    lines = text.splitlines()
    assert lines[0].split() == ["name", "type", "activations", "learnables", "tied", "to", "stored", "used"]
    fc = next(line for line in lines if line.startswith("fc"))
    assert "emb.weight" in fc
    assert fc.split()[-2:] == ["1,000", "301,000"]
    assert lines[-1].split() == ["total", "1,023,400", "1,323,400"]
    assert "error: fc has nothing on its input 'in'." in str(analyze(tied().disconnect("fc")))
    json.dumps(as_dict(analyze(tied())))


PROBLEMS = {
    "an unconnected input": (
        lambda: language_model().disconnect("fc"),
        "fc has nothing on its input 'in'.",
        None,
    ),
    "nothing on a layer of any number of inputs": (
        lambda: Network().add(x=Input(("B", 4)), sum=Add()),
        "sum has nothing on its inputs.",
        None,
    ),
    "a gap among numbered inputs": (
        lambda: Network().add(x=Input(("B", 4)), sum=Add()).connect("x", "sum/0").connect("x", "sum/2"),
        "sum has nothing on its input '1'.",
        "Close the gap",
    ),
    "gaps among numbered inputs": (
        lambda: Network().add(x=Input(("B", 4)), sum=Add()).connect("x", "sum/9999"),
        "sum has nothing on its inputs '0', '1', '2' and 9996 more.",
        "Close the gap",
    ),
    "sizes that do not fit": (
        lambda: Network().add(x=Input(("B", 3)), y=Input(("B", 4)), sum=Add()).connect("x", "sum").connect("y", "sum"),
        "sum cannot take B x 3 and B x 4: their sizes at dimension -1 are 3 and 4.",
        None,
    ),
    "too few sizes": (
        lambda: Network().chain(x=Input(("B", 3)), conv=Conv2d(4, 3)),
        "conv cannot take B x 3: Conv2d needs 4 sizes (B, C, H, W), but gets B x 3.",
        None,
    ),
    "free sizes that must be one": (
        lambda: (
            Network()
            .add(x=Input(("B", "T")), y=Input(("B", "S")), sum=Multiply())
            .connect("x", "sum")
            .connect("y", "sum")
        ),
        "sum needs T and S to be one size.",
        "Make T the same size as S",
    ),
    "an open learnable port": (
        lambda: language_model().set("fc", input_learnables=("weight",)),
        "fc takes its weight from a wire, but none is connected.",
        "Let fc own its weight",
    ),
    "a tie that does not fit": (
        lambda: tie(Network().chain(x=Input(("B", 20)), a=Linear(6), b=Linear(20)), "a/weight", "b/weight", permute=()),
        "b needs its weight as 20 x 6, but a/weight is 6 x 20.",
        "Insert Permute (1, 0)",
    ),
    "a tie that cannot fit": (
        lambda: tie(Network().chain(x=Input(("B", 20)), a=Linear(6), b=Linear(7)), "a/weight", "b/weight", permute=()),
        "b needs its weight as 7 x 6, but a/weight is 6 x 20.",
        "Let b own its weight",
    ),
    "a value that does not fit": (
        lambda: language_model().with_values({"fc.bias": torch.zeros(7)}),
        "The value of fc.bias is 7, but fc needs 1000.",
        "Initialise again",
    ),
    "a layer that no output needs": (
        lambda: Network().chain(x=Input(("B", 4)), a=Linear(4), y=Output()).chain("a", b=Linear(3)),
        "No output needs b.",
        "Remove b",
    ),
    "an input that feeds nothing": (
        lambda: language_model().add(more=Input(("B",))),
        "more feeds nothing that the network gives back.",
        "Remove more",
    ),
    "a free learnable that nothing uses": (
        lambda: language_model().add(w=Parameter((3,))),
        "w is used by nothing that the network gives back.",
        "Remove w",
    ),
    "a dtype that a layer cannot take": (
        lambda: language_model().set("tokens", dtype="float32"),
        "emb cannot take float32: it needs int64.",
        "Make tokens int64",
    ),
    "a dtype that only kernels refuse": (
        lambda: Network().chain(x=Input(("B", 4), dtype="int64"), fc=Linear(3)),
        "fc cannot take int64: it needs float32.",
        "Make x float32",
    ),
    "conflicting learn-rate factors": (
        lambda: tied().set("fc", learn_rate_factors={"weight": 3.0}),
        "fc gives its weight the learn-rate factor 3, but its owner emb gives it 1.",
        "Use 1",
    ),
    "conflicting weight-decay factors": (
        lambda: tied().set("fc", weight_decay_factors={"weight": 0.0}).set("emb", weight_decay_factors={"weight": 0.5}),
        "fc gives its weight the weight-decay factor 0, but its owner emb gives it 0.5.",
        "Use 0.5",
    ),
    "frozen here and trained there": (
        lambda: tied().set("fc", frozen=("weight",)),
        "fc freezes its weight, but its owner emb trains it.",
        "Train it in both",
    ),
    "a size that must be a multiple": (
        lambda: Network().chain(x=Input(("B", "T")), r=Reshape((0, -1, 16))),
        "r needs T to be a multiple of 16.",
        None,
    ),
    "a learnable that depends on a free size": (
        lambda: Network().chain(x=Input(("B", 3, "H", 4)), f=Flatten(), fc=Linear(2)),
        "fc cannot take B x 12*H: the size of a learnable would depend on H.",
        None,
    ),
    "a learnable that meets its own data": (
        lambda: (
            Network()
            .chain(x=Input(("B", 8)), m=MatMul(), fc=Linear(8, output_learnables=("weight",)))
            .connect("fc/weight", "m/other")
        ),
        "The sizes of m, fc depend on each other: a learnable meets its own data.",
        None,
    ),
    "a call of nothing": (
        lambda: Network().chain(x=Input(("B", 8)), fc=Linear(8)).add(c=Call()),
        "c calls nothing.",
        None,
    ),
    "a call without data": (
        lambda: Network().chain(x=Input(("B", 8)), fc=Linear(8)).add(c=Call()).connect("fc/learnables", "c/learnables"),
        "c has nothing on its input 'in'.",
        None,
    ),
    "a call of a sum without data": (
        lambda: Network().chain(x=Input(("B", 8)), sum=Add()).add(c=Call()).connect("sum/learnables", "c/learnables"),
        "c has nothing on its inputs.",
        None,
    ),
    "a call of a sum with a gap": (
        lambda: (
            Network()
            .chain(x=Input(("B", 8)), sum=Add())
            .add(c=Call())
            .connect("sum/learnables", "c/learnables")
            .connect("x", "c/1")
        ),
        "c has nothing on its input '0'.",
        "Close the gap",
    ),
    "a call that asks for other weights": (
        lambda: (
            Network()
            .chain(x=Input(("B", 9)), fc=Linear(8))
            .add(again=Call())
            .connect("fc/learnables", "again/learnables")
            .connect("fc", "again")
        ),
        "again calls fc, which is nn.Linear(9, 8), with an input for nn.Linear(8, 8).",
        None,
    ),
    "an input of a group": (
        lambda: Network().add(g=Group(Network().chain(x=Input(), fc=Linear(3), y=Output()))),
        "g has nothing on its input 'x'.",
        None,
    ),
    "an input of a group that nothing inside uses": (
        lambda: (
            Network()
            .add(x=Input(("B", 4)), g=Group(Network().add(x=Input(), w=Constant((3,)), y=Output())))
            .connect("g.w", "g.y")
        ),
        "g has nothing on its input 'x'.",
        "Remove g.x",
    ),
    "an output without a wire": (
        lambda: language_model().add(y=Output()),
        "y has nothing on its input 'in'.",
        None,
    ),
    "heads that do not divide": (
        lambda: Network().chain(x=Input(("B", "T", 10)), attn=MultiheadAttention(3)),
        "attn cannot take B x T x 10: 3 heads do not divide 10 features.",
        None,
    ),
}


@pytest.mark.parametrize("name", PROBLEMS)
def test_problems_and_their_fixes(name):
    make, text, first_fix = PROBLEMS[name]
    net = make()
    assert text in texts(net)
    problem = next(problem for problem in analyze(net).problems if problem.text == text)
    assert all(path in net.all for path in problem.layers)
    assert [fix.text for fix in problem.fixes][:1] == ([first_fix] if first_fix else [])
    for fix in problem.fixes:
        fixed = fix.edit(net)
        assert text not in texts(fixed), fix.text
        assert len(analyze(fixed).problems) < len(analyze(net).problems), fix.text
        assert fixed != net


@pytest.mark.parametrize("name", [name for name in PROBLEMS if name != "a learnable that meets its own data"])
def test_totals_stay_when_something_is_wrong(name):
    net = PROBLEMS[name][0]()
    analysis = analyze(net)
    assert len(analysis.rows) == len(net.all)
    assert str(analysis)
    known = [row for row in analysis.rows if row.known and row.type != "Group"]
    assert analysis.stored >= sum(row.stored for row in known)
    if analysis.errors and any(not row.known for row in analysis.rows):
        assert "at least" in str(analysis)


def test_what_can_be_known_is_shown():
    analysis = analyze(tied().disconnect("lstm"))
    assert analysis.partial
    assert analysis.row("emb").activations == (("B", "T", 300),)
    assert analysis.row("lstm").activations == (None,)
    assert analysis.stored == 300_000
    assert analysis.row("fc").tied_to == {"weight": "emb.weight"}
    wrong = analyze(language_model().set("emb", num_embeddings=5).set("tokens", dtype="float32"))
    assert len(wrong.problems) == 1  # what follows from one problem is not told again


def test_tied_across_layouts_and_other_sizes():
    conv = Network().chain(x=Input(("B", 3, "H", "W")), enc=Conv2d(16, 3), dec=ConvTranspose2d(3, 3))
    assert totals(tie(conv, "enc/weight", "dec/weight")) == (432 + 16 + 3, 2 * 432 + 16 + 3, 432)


def test_a_number_that_runs_at_some_points_only_is_no_error():
    net = Network().chain(x=Input(("B", 3, "H", "W")), a=Conv2d(8, 3, padding=1), down=MaxPool2d())
    net = net.chain("down", up=ConvTranspose2d(8, 2, stride=2)).add(join=Concatenate(1))
    net = net.connect("a", "join").connect("up", "join")
    assert [problem.severity for problem in analyze(net).problems] == ["warning"]
    assert texts(net) == ["join needs H to be a multiple of 2 and W to be a multiple of 2."]
    assert build(net)(torch.randn(1, 3, 6, 8)).shape == (1, 16, 6, 8)


def test_two_steps_down_and_up_again_need_a_multiple_of_four():
    net = Network().chain(x=Input(("B", 3, "H", 16)), p1=MaxPool2d(), p2=MaxPool2d(), up=Upsample())
    net = net.add(join=Concatenate(1)).connect("p1", "join").connect("up", "join").chain("join", up2=Upsample())
    net = net.add(join2=Add()).connect("up2", "join2").chain("x", wide=Conv2d(6, 1)).connect("wide", "join2")
    assert texts(net) == ["join needs H to be a multiple of 4.", "join2 needs H to be a multiple of 4."]


def test_a_multiple_that_rounding_up_lets_run_once_is_not_told():
    steps = {f"c{n}": Conv2d(2, 3, stride=2, padding=1) for n in range(1, 6)}
    net = Network().chain(x=Input(("B", 3, "H", 64)), **steps, up=Upsample())
    net = net.add(join=Concatenate(1)).connect("c4", "join").connect("up", "join")
    assert texts(net) == ["join needs H to be a multiple of 32."]  # 96 + 24 is halved to 8 and 4 too


def test_small_sizes_do_not_fit_by_chance():
    net = Network().add(x=Input(("B", 3)), y=Input(("B", 4)), m=MatMul()).connect("x", "m").connect("y", "m/other")
    assert [problem.severity for problem in analyze(net).problems] == ["error"]


def networks():
    for n in range(6):
        net = Network().chain(
            x=Input(("B", "T", 8 + n)),
            a=LSTM(6 + n, bidirectional=True),
            b=MultiheadAttention(2, cross=False),
            c=GRU(5 + n),
            d=Linear(7, transposed=True),
            e=LayerNorm(),
            f=Permute((0, 2, 1)),
        )
        yield net.set("b", num_heads=1)


def test_four_threads_agree():
    before = [(list(a.rows), texts(net)) for net in networks() for a in [analyze(net)]]
    flow._memo.clear()
    probe._answers.clear()
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        found = list(
            pool.map(lambda net: (list(analyze(net).rows), texts(net)), [net for _ in range(4) for net in networks()])
        )
    assert found == before * 4


def test_an_analysis_answers_for_ports():
    analysis = analyze(group(tied(), ["lstm", "fc"], "g"))
    assert analysis.shape(Port("g", "fc_out")) == ("B", "T", 1000)
    assert analysis.shape(Port("g.emb", "out")) == ("B", "T", 300)
    assert analysis.shape(Port("emb", "weight")) == (1000, 300)
    assert analysis.dtype(Port("tokens", "out")) == "int64"
    assert analysis.learnable_shape(Port("g.fc", "weight")) == (1000, 300)
    assert analysis.input_shapes("g") == [("B", "T", 300)]
    assert analysis.shape(Port("no", "out")) is None


def test_the_same_network_is_analyzed_once():
    net = language_model()
    assert analyze(net) is analyze(net)
    assert analyze(Network()).rows == []


@pytest.mark.parametrize(
    ("given", "kind"), [(torch.nn.Linear(3, 4), "a value of type Linear"), (None, "None")], ids=["module", "None"]
)
@pytest.mark.parametrize("use", [analyze, build, write_pytorch])
def test_what_is_no_network_is_refused_in_a_sentence(use, given, kind):
    with pytest.raises(NetworkError, match=f"^A Network is expected here, not {kind}; import_pytorch makes one"):
        use(given)

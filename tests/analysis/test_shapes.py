"""The sizes that are shown against those of real runs, at sizes that the analysis never tried."""

import math

import pytest
import torch

from designer import Network, analyze, build, group, tie
from designer.layers import (
    GRU,
    LSTM,
    RNN,
    AdaptiveAvgPool2d,
    Add,
    AvgPool1d,
    BatchNorm2d,
    Call,
    Concatenate,
    Conv1d,
    Conv2d,
    ConvTranspose1d,
    ConvTranspose2d,
    Embedding,
    Flatten,
    Group,
    Input,
    LayerNorm,
    Linear,
    MatMul,
    MaxPool2d,
    Mean,
    MultiheadAttention,
    Output,
    Pad,
    Permute,
    PixelShuffle,
    ReLU,
    Reshape,
    ScaledDotProductAttention,
    Slice,
    Transpose,
    Unflatten,
    Unsqueeze,
    Upsample,
)
from designer.layers import Sum as Total
from designer.model import Port


def double(channels):
    net = Network().chain(x=Input(), a=Conv2d(channels, 3, padding=1), norm=BatchNorm2d(), act=ReLU())
    return Group(net.chain("act", b=Conv2d(channels, 3, padding=1), y=Output()))


def u_net():
    """At odd sizes: each step up takes the size of the step down beside it."""
    net = Network().chain(image=Input(("B", 1, "H", "W")), d1=double(4), p1=MaxPool2d(), d2=double(8), p2=MaxPool2d())
    net = net.chain("p2", bottom=double(8)).add(up2=Upsample(like=True), join2=Concatenate(1))
    net = net.connect("bottom", "up2").connect("d2", "up2/like").connect("up2", "join2").connect("d2", "join2")
    net = net.chain("join2", u2=double(4)).add(up1=Upsample(like=True, mode="bilinear"), join1=Concatenate(1))
    net = net.connect("u2", "up1").connect("d1", "up1/like").connect("up1", "join1").connect("d1", "join1")
    return net.chain("join1", u1=double(4), mask=Conv2d(1, 1))


def image_stack():
    return Network().chain(
        x=Input(("B", 3, "H", "W")),
        a=Conv2d(4, 7, stride=2, padding=3),
        pool=MaxPool2d(3, stride=2, padding=1),
        b=Conv2d(4, 3, stride=2, dilation=2),
        c=ConvTranspose2d(2, 4, stride=3, output_padding=1),
        flat=Flatten(2),
    )


def classifier():
    return Network().chain(
        x=Input(("B", 3, "H", "W")),
        a=Conv2d(4, 3, stride=2),
        pool=AdaptiveAvgPool2d((2, 3)),
        flat=Flatten(),
        fc=Linear(5),
    )


def strided_text():
    return Network().chain(
        x=Input(("B", 4, "T")),
        a=Conv1d(4, 5, stride=3),
        b=AvgPool1d(2, ceil_mode=True),
        c=ConvTranspose1d(4, 3, stride=2),
        d=Pad((3, 1)),
        e=Upsample(scale_factor=2.0),
    )


def cross_attention():
    net = Network().add(x=Input(("B", "T", 8)), memory=Input(("B", "S", 6)))
    net = net.add(attn=MultiheadAttention(2, cross=True, own_sizes=True, need_weights=True))
    net = net.connect("x", "attn/query").connect("memory", "attn/key").connect("memory", "attn/value")
    return net.chain("attn", norm=LayerNorm()).chain("attn/weights", scores=Mean(2))


def scaled_attention():
    net = Network().add(q=Input(("B", 2, "T", 4)), k=Input(("B", 2, "S", 4)), v=Input(("B", 2, "S", 3)))
    net = net.add(attn=ScaledDotProductAttention())
    for name in "query key value".split():
        net = net.connect(name[0], f"attn/{name}")
    return net.chain("attn", t=Transpose(1, 2), flat=Flatten(2))


def recurrent():
    net = Network().chain(
        x=Input(("B", "T", 5)), a=LSTM(4, 2, bidirectional=True, states=False), b=GRU(3), c=RNN(4, bidirectional=True)
    )
    return net.chain("c", last=Slice(1, -1)).chain("c", some=Slice(1, 2, None, 3)).chain("c", flat=Flatten())


def recurrent_states():
    net = Network().chain(x=Input(("B", "T", 5)), a=LSTM(4)).set("a", states=True).add(h0=Input((1, "B", 4)))
    net = net.connect("h0", "a/h0").connect("h0", "a/c0")
    return net.add(y=Output(), h=Output(), c=Output()).connect("a", "y").connect("a/h", "h").connect("a/c", "c")


def reshapes():
    net = Network().chain(x=Input(("B", "T", 12)), heads=Reshape((0, 0, 3, 4)), swap=Permute((0, 2, 1, 3)))
    net = net.chain("swap", folded=Reshape((-1, 4)), back=Unflatten(0, (-1, 3)))
    return net.chain("swap", rest=Reshape((0, -1))).chain("swap", rows=Reshape((-1, 2, 6)))


def sequences_side_by_side():
    net = Network().add(x=Input(("B", "T", 4)), y=Input(("B", "S", 4)), join=Concatenate(1), both=Add(), m=MatMul())
    net = net.connect("x", "join").connect("y", "join").connect("x", "join").chain("join", cut=Slice(1, 1, -2))
    net = net.chain("y", t=Transpose(1, 2)).connect("x", "m").connect("t", "m/other")
    return net.chain("m", flat=Flatten(1)).connect("x", "both").connect("x", "both")


def broadcast():
    net = Network().add(x=Input(("B", "T", 1)), y=Input(("S",)), sum=Add()).connect("x", "sum").connect("y", "sum")
    return net.chain("sum", total=Total((0, 2), keepdim=True))


def language_model():
    net = Network().chain(tokens=Input(("B", "T"), dtype="int64"), emb=Embedding(9, 4), lstm=LSTM(4), fc=Linear(9))
    return tie(net, "emb/weight", "fc/weight")


def called():
    net = Network().chain(x=Input(("B", 3, "H", "W")), a=Conv2d(3, 3, stride=2), act=ReLU())
    net = group(net, ["a", "act"], "down")
    for name, before in (("second", "down"), ("third", "second")):
        net = net.add(**{name: Call()}).connect("down/learnables", f"{name}/learnables").connect(before, name)
    return net


def siamese():
    net = Network().add(x=Input(("B", "T", 4)), y=Input(("B", "S", 4))).chain("x", rnn=GRU(3)).add(again=Call())
    net = net.connect("rnn/learnables", "again/learnables").connect("y", "again").add(join=Concatenate(1))
    return net.connect("rnn", "join").connect("again", "join")


def groups():
    net = Network().chain(
        x=Input(("B", "T", 4)), a=Linear(6), t=Transpose(1, 2), c=Conv1d(5, 4, stride=2), d=Pad((0, 3))
    )
    return group(group(net, ["t", "c"], "inner"), ["a", "inner"], "outer")


def expressions():
    net = Network().chain(x=Input(("B", "T", 6)), a=Linear(6, output_learnables=("weight",)))
    net = net.add(cut=Slice(0, 0, 4), m=MatMul()).connect("a/weight", "cut").chain("cut", turned=Permute((1, 0)))
    return net.connect("a", "m").connect("turned", "m/other")


def pixels():
    return Network().chain(x=Input(("B", 8, "H", "W")), up=PixelShuffle(2), down=Conv2d(2, (5, 1), stride=(3, 1)))


def patches():
    net = Network().chain(x=Input(("B", 3, "H", "W")), cut=Conv2d(6, 4, stride=4), flat=Flatten(2), t=Transpose(1, 2))
    return net.chain("t", attn=MultiheadAttention(3), norm=LayerNorm(), mean=Mean(1), head=Linear(2))


def same_size_twice():
    return Network().chain(x=Input(("N", "N", 4)), flat=Flatten(0, 1)).chain("x", turned=Transpose(0, 1))


def counted():
    net = Network().chain(x=Input(("B", 2, "T")), a=Conv1d(4, 3, stride=2), up=Unsqueeze(1), up2=Upsample((8, 9)))
    return net.chain("a", total=Total(2), row=Unsqueeze(1)).chain("a", wide=Upsample(scale_factor=3.0))


NETWORKS = (
    *(u_net, image_stack, classifier, strided_text, cross_attention, scaled_attention, recurrent, recurrent_states),
    *(reshapes, sequences_side_by_side, broadcast, language_model, called, siamese, groups, expressions, pixels),
    *(patches, same_size_twice, counted),
)
SIZES = (
    {"B": 2, "T": 11, "S": 7, "H": 33, "W": 45, "N": 5},
    {"B": 1, "T": 14, "S": 20, "H": 50, "W": 31, "N": 3},
    {"B": 3, "T": 23, "S": 9, "H": 38, "W": 64, "N": 8},
    {"B": 4, "T": 29, "S": 31, "H": 61, "W": 35, "N": 1},
    {"B": 5, "T": 40, "S": 12, "H": 71, "W": 40, "N": 10},
)


def value(size, names):
    return eval(size, {"__builtins__": {}}, names) if isinstance(size, str) else size


def probed(net):
    return {size for point in analyze(net).propagation.at for size in point.values()}


@pytest.mark.parametrize("make", NETWORKS, ids=lambda make: make.__name__)
def test_shown_sizes_are_those_of_real_runs(make):
    net = make()
    analysis, module = analyze(net), build(net).eval()
    assert analysis.problems == []
    # Every layer's size, not only the last one's: what stands at the root and gives data becomes an output.
    watched = {}
    open_net = net
    for name in net.layers:
        for out in net.outputs_of(name):
            port = Port(name, out)
            if not net.is_learnable(port):
                watched[end := f"{name}_{out}_seen"] = port
                open_net = open_net.add(**{end: Output()}).connect(port, end)
    whole = build(open_net).eval()
    names = [name for name in open_net.ends if name in watched]
    kinds = {name: net.layers[name] for name in net.inputs}
    for sizes in SIZES:
        assert not set(sizes.values()) & probed(net)
        data = []
        for layer in kinds.values():
            shape = [value(size, sizes) for size in layer.shape]
            data.append(torch.zeros(shape, dtype=torch.int64) if layer.dtype == "int64" else torch.randn(shape))
        module(*data)
        given = whole(*data)
        given = given if isinstance(given, tuple) else (given,)
        by_name = dict(zip(open_net.outputs, given))
        for name in names:
            shown = analysis.shape(watched[name])
            assert shown is not None, watched[name]
            assert tuple(value(size, sizes) for size in shown) == tuple(by_name[name].shape), (
                watched[name],
                shown,
                sizes,
            )


@pytest.mark.parametrize(
    ("layers", "want"),
    [
        ({"x": Input(("B", 3, 4)), "f": Reshape((0, -1))}, ("B", 12)),
        ({"x": Input(("B", 4, "T")), "f": Conv1d(4, 3)}, ("B", 4, "T - 2")),
        ({"x": Input(("B", "T", 4)), "f": Mean(1)}, ("B", 4)),
        ({"x": Input(("B", "T", "T")), "f": Flatten(1)}, ("B", "T*T")),
        ({"x": Input(("B", 3, "H", 4)), "f": Flatten(0)}, ("12*B*H",)),
        ({"x": Input(("B", 1, 200)), "f": Conv1d(2, 128)}, ("B", 2, 73)),
        ({"x": Input(("B", 1, "T")), "f": Conv1d(2, 200)}, ("B", 2, "T - 199")),
        ({"x": Input(("B", "T")), "f": Slice(1, 0, 5)}, ("B", 5)),
        ({"x": Input(("B", "T")), "f": Slice(1, 0, -5)}, ("B", "T - 5")),
        ({"x": Input(("B", 1, "T")), "f": Pad((2, 1))}, ("B", 1, "T + 3")),
        ({"x": Input(("B", 1, "T")), "f": ConvTranspose1d(2, 3, stride=2)}, ("B", 2, "2*T + 1")),
        ({"x": Input(("B", 3, "H", "W")), "f": MaxPool2d()}, ("B", 3, "H//2", "W//2")),
        ({"x": Input(("B", 3, "H", 9)), "a": MaxPool2d(), "f": MaxPool2d()}, ("B", 3, "H//4", 2)),
        ({"x": Input(("B", 3, "H", 9)), "f": Conv2d(2, 3, stride=2, padding=1)}, ("B", 2, "(H + 1)//2", 5)),
        (
            {
                "x": Input(("B", 3, "H", 9)),
                "a": Conv2d(2, 3, stride=2, padding=1),
                "f": Conv2d(2, 3, stride=2, padding=1),
            },
            ("B", 2, "(H + 3)//4", 3),
        ),
        ({"x": Input(("B", 3, "H", "W")), "p": Conv2d(8, 16, stride=16), "f": Flatten(2)}, ("B", 8, "(H//16)*(W//16)")),
        ({"x": Input(("B", "T", 6)), "f": Reshape((0, -1, 4, 3))}, ("B", "T//2", 4, 3)),
        ({"x": Input((0, 3)), "f": Linear(2)}, (0, 2)),
        ({"x": Input(()), "f": ReLU()}, ()),
    ],
)
def test_sizes_as_they_are_written(layers, want):
    net = Network().chain(**layers)
    assert analyze(net).row("f").activations == (want,)


def test_a_size_that_no_text_fits_gets_a_name():
    net = Network().chain(x=Input(("B", 3, "H", 9)), up=Upsample(scale_factor=1.37), flat=Flatten(2), again=ReLU())
    analysis = analyze(net)
    shape = analysis.row("up").activations[0]
    assert shape[:2] == ("B", 3)
    assert shape[3] == math.floor(9 * 1.37)
    assert shape[2] == "T1"
    assert analysis.facts["up"].seen["T1"][0] == math.floor(288 * 1.37)
    assert analysis.row("again").activations == analysis.row("flat").activations
    assert "12*T1" in str(analysis.row("flat").activations[0][2])


def test_free_sizes_may_have_the_names_of_layers():
    net = Network().chain(x=Input(("x", "y", 3)), y=Linear(4), B=Flatten(0, 1))
    assert analyze(net).row("B").activations == (("x*y", 4),)
    assert build(net)(torch.ones(2, 5, 3)).shape == (10, 4)
    named = Network().chain(x=Input(("T1", 3, "H")), up=Upsample(scale_factor=1.37), y=ReLU())
    assert analyze(named).row("y").activations == (("T1", 3, "T1_"),)


def test_many_free_sizes():
    net = Network().add(**{f"x{n}": Input((f"S{n}", 2)) for n in range(8)}, join=Concatenate(0))
    for n in range(8):
        net = net.connect(f"x{n}", "join")
    assert analyze(net).row("join").activations == ((" + ".join(f"S{n}" for n in range(8)), 2),)

"""What is told of the size of a layer without drawing it is never smaller than what is drawn, nor much larger."""

from pathlib import Path

import pytest

from designer import load
from designer.analysis import analyze
from designer.edits import call, group, tie
from designer.edits.outline import crossing_ports, outline_in
from designer.gui.canvas import Canvas
from designer.gui.canvas.placing import outline_of
from designer.gui.document import Document
from designer.layers import LSTM, Add, Embedding, Input, Linear, MultiheadAttention, ReLU
from designer.model import Call, Group, Network, Parameter, layer_types

EXAMPLES = sorted((Path(__file__).parents[3] / "resources" / "examples").glob("*.network"))


def grouped():
    """Groups with several ports, a tie into one, one that is called again, one with a loose learnable."""
    net = Network().add(tokens=Input(("B", "T"), dtype="int64"), mask=Input(("B", "T", 16)), emb=Embedding(40, 16))
    net = net.chain("tokens", emb2=Embedding(40, 16)).connect("tokens", "emb")
    net = net.add(mix=Add(), more=Add(), fc=Linear(16), head=Linear(40), side=Linear(4), act=ReLU())
    net = net.connect("emb", "mix/0").connect("mask", "mix/1").connect("mix", "fc").connect("fc", "more/0")
    net = net.connect("emb2", "more/1").connect("more", "head").connect("mix", "side").connect("side", "act")
    net = net.set("side", output_learnables=("weight",))
    net = tie(net, "emb/weight", "head/weight")
    net = group(net, ["mix", "fc", "more", "head", "side"], "a_rather_long_name_of_a_group")
    net, made = call(net, "a_rather_long_name_of_a_group")
    return net.add(nothing=Call()).set("emb", frozen=("weight",)), made


def capsules():
    net = Network().chain(x=Input(("B", 784)), enc=Linear(64), dec=Linear(784))
    net = net.add(
        p=Parameter((64, 784)), sum=Add(), lstm=LSTM(16, num_layers=2), attn=MultiheadAttention(4, cross=True)
    )
    net = net.set("enc", output_learnables=("weight",)).set("dec", input_learnables=("weight",))
    net = net.connect("enc/weight", "sum/0").connect("p/value", "sum/1")
    return tie(net, "enc/weight", "dec/weight", permute=(1, 0))


def each_type():
    """Every type as it is added, under names of one and of many letters."""
    net = Network()
    for kind in layer_types.values():
        if kind.__doc__ and kind not in (Call, Group):
            net = net.add(
                **{f"{kind.__name__}_WWMM_of_some_block": kind(), kind.__name__[0] + str(len(net.layers)): kind()}
            )
    return net


@pytest.mark.parametrize("down", [False, True], ids=["right", "down"])
@pytest.mark.parametrize(
    "make",
    [each_type, lambda: grouped()[0], capsules, *(lambda file=file: load(file) for file in EXAMPLES)],
    ids=["types", "groups", "capsules", *(file.stem for file in EXAMPLES)],
)
def test_no_layer_is_drawn_larger_than_it_is_told(qapp, make, down):
    network = make()
    for path in levels(network):
        network = network.turn(down, path)
    document = Document(network)
    canvas = Canvas(document)
    crossing = crossing_ports(network)
    for analysis in (None, analyze(network)):
        if analysis is not None:
            document.take_analysis(analysis)
        for path in levels(network):
            canvas.enter(path)
            for node in canvas.nodes():
                told = outline_in(network, node.look.path, crossing.get(node.look.path, ()))
                check(node.look, told, outline_of(node.form), down)
    canvas.widget.close()


def check(look, told, drawn, down):
    assert told.width >= drawn.width, (look.path, told.width, drawn.width)
    assert drawn.height <= told.height <= drawn.height + 24, (look.path, told.height, drawn.height)
    shift = (told.width - drawn.width) / 2 if down else 0.0
    for mine, its, out in ((told.inputs, drawn.inputs, False), (told.outputs, drawn.outputs, True)):
        for name, at in mine.items():
            if look.kind == "capsule" and down:
                assert (at, its[name]) == ((told.width, drawn.width) if out else (0, 0)), look.path
            else:  # the names of ports are a little wider as they are told
                assert abs(at - shift - its[name]) <= (16 * len(mine) if down and len(mine) > 1 else 0), look.path


def levels(network):
    return ["", *(path for path, layer in network.walk() if isinstance(layer, Group))]

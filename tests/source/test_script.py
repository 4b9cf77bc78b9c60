"""The scripting code of a network makes an equal one."""

import dataclasses

import pytest
from hypothesis import given

import designer.layers as layers
from designer import Network, group
from designer.layers import (
    LSTM,
    Add,
    Call,
    Embedding,
    Group,
    Input,
    Linear,
    Output,
    Parameter,
    ReLU,
    Softmax,
)
from designer.model import layer_types
from designer.source.script import write_script


def made(net):
    """What the script of a network makes."""
    names = {}
    exec(compile(write_script(net), "script", "exec"), names)
    return names["net"]


def same(net):
    plain = dataclasses.replace(net, values={})
    again = made(net)
    assert again == plain
    assert write_script(again) == write_script(net)


def test_the_tied_network_reads_as_one_writes_it():
    net = (
        Network()
        .chain(
            tokens=Input(("B", "T"), dtype="int64"),
            emb=Embedding(500, 64, output_learnables=("weight",)),
            lstm=LSTM(64),
            fc=Linear(500, input_learnables=("weight",)),
            probs=Softmax(),
        )
        .connect("emb/weight", "fc/weight")
    )
    assert write_script(net) == (
        "from designer import Network\n"
        "from designer.layers import LSTM, Embedding, Input, Linear, Softmax\n"
        "\n"
        "net = Network().chain(\n"
        '    tokens=Input(("B", "T"), dtype="int64"),\n'
        '    emb=Embedding(500, 64, output_learnables=("weight",)),\n'
        "    lstm=LSTM(64),\n"
        '    fc=Linear(500, input_learnables=("weight",)),\n'
        "    probs=Softmax(),\n"
        ")\n"
        'net = net.connect("emb/weight", "fc/weight")\n'
    )
    same(net.move({"fc": (8, 16.5)}))
    assert "net = Network(down=True).chain(" in write_script(net.turn(True))
    same(net.turn(True))


def test_branches_calls_groups_and_odd_names():
    net = Network(dtype="float64", notes='It says "hello"\nand more.').chain(x=Input(("B", 4)), **{"0": Linear(4)})
    net = net.chain("x", **{"1": Linear(4, bias=False)}).add(sum=Add(), p=Parameter((2, 4)), out=Output())
    net = net.connect("0", "sum").connect("1", "sum").add(again=Call(), act=ReLU())
    net = net.connect("0/learnables", "again/learnables").connect("sum", "again").connect("again", "act")
    net = net.connect("act", "out")
    same(net)
    same(group(net, ["0", "1", "sum", "again"], "block"))
    same(group(net, ["0", "1", "sum", "again"], "block").turn(True, "block"))
    same(Network())


def test_equal_groups_are_written_once():
    inner = Network().chain(x=Input(), fc=Linear(4), y=Output())
    net = Network().chain(x=Input(("B", 4)), one=Group(inner), two=Group(inner), net=Group(inner.set("fc", bias=False)))
    assert write_script(net).count("Linear(4)") == 1
    same(net)


def test_ties_into_groups():
    inner = Network().chain(x=Input(), fc=Linear(4, input_learnables=("weight",)), y=Output())
    net = Network().chain(x=Input(("B", 4)), first=Linear(4, output_learnables=("weight",)), block=Group(inner))
    same(net.connect("first/weight", "block.fc/weight"))


def test_every_type_can_be_written():
    for name, kind in layer_types.items():
        assert getattr(layers, name) is kind
        if name not in ("Group",):
            same(Network().add(layer=kind()))


@pytest.mark.parametrize("value", [float("inf"), 1e300, 0.5])
def test_odd_numbers_and_texts(value):
    same(Network().add(act=ReLU(note='it\'s "odd" \\ \n é'), low=layers.Hardtanh(-1.0, value)))


def test_random_networks(random_networks):
    @given(random_networks(calls=True))
    def check(random):
        same(random[0])

    check()

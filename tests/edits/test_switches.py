"""Switching a learnable on and off changes who stores it, never what is computed."""

import pytest
import torch

from designer import build
from designer.analysis import analyze
from designer.edits.switches import borrowers, switch_input, switch_output
from designer.edits.ties import tie
from designer.layers import Embedding, Input, Linear
from designer.model import Network, NetworkError, Port


def _tied():
    net = Network().chain(tokens=Input(("B", "T"), dtype="int64"), emb=Embedding(20, 6), fc=Linear(20))
    return tie(net, "emb/weight", "fc/weight")


def _same_results(one, other):
    tokens = torch.randint(0, 20, (2, 5), generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        return torch.equal(build(one)(tokens), build(other)(tokens))


def test_ports_come_and_go():
    net = Network().chain(x=Input(("B", 6)), fc=Linear(4))
    offered = switch_output(net, "fc/weight", True)
    assert offered.layer("fc").output_learnables == ("weight",)
    assert switch_output(offered, "fc/weight", True) is offered
    assert switch_output(offered, "fc/weight", False) == net
    taken = switch_input(net, Port("fc", "bias"), True)
    assert taken.layer("fc").input_learnables == ("bias",)
    assert switch_input(taken, "fc/bias", False) == net


def test_an_input_that_is_switched_off_keeps_what_arrived():
    net = _tied()
    alone = switch_input(net, "fc/weight", False)
    assert alone.layer("fc").input_learnables == ()
    assert analyze(alone).stored == analyze(net).used
    assert _same_results(net, alone)


def test_an_output_that_is_switched_off_unties_all_its_borrowers():
    net = _tied().add(more=Linear(20)).connect("emb", "more")
    net = tie(net, "emb/weight", "more/weight")
    alone = switch_output(net, "emb/weight", False)
    assert alone.layer("emb").output_learnables == ()
    assert not any(alone.layer(name).input_learnables for name in ("fc", "more"))
    assert analyze(alone).stored == analyze(net).used


def test_borrowers_are_found_behind_expressions():
    net = Network().chain(x=Input(("B", 12)), enc=Linear(5), dec=Linear(12))
    net = tie(net, "enc/weight", "dec/weight")
    assert net.wires[Port("dec", "weight")].layer != "enc"
    assert borrowers(net, Port("enc", "weight")) == [Port("dec", "weight")]
    alone = switch_output(net, "enc/weight", False)
    assert list(alone.layers) == ["x", "enc", "dec"]
    assert alone.values["dec.weight"].shape == (12, 5)


def test_unknown_learnables_are_refused():
    net = Network().chain(x=Input(("B", 12)), enc=Linear(5))
    with pytest.raises(NetworkError, match="has no learnable 'wheel'"):
        switch_output(net, "enc/wheel", True)

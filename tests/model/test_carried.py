"""What a network knows of its wires is carried from edit to edit, and stays true."""

import pickle

from hypothesis import given, settings
from hypothesis import strategies as st

from designer import Network, NetworkError
from designer.layers import Dropout, Embedding, Input, Linear, Output
from designer.model import Group

CARRIED = ("wires", "targets", "learnable_ports")


def known(net):
    return {name: getattr(net, name) for name in CARRIED}


@given(data=st.data())
@settings(max_examples=100)
def test_carried_is_what_would_be_found(data, random_networks, random_edit):
    net, _ = data.draw(random_networks(calls=True))
    known(net)
    for _ in range(6):
        _, edit = data.draw(random_edit(net))
        try:
            net = edit(net)
        except NetworkError:
            continue
        fresh = pickle.loads(pickle.dumps(net))
        assert known(net) == known(fresh)
        assert all(net.is_learnable(port) == fresh.is_learnable(port) for port in fresh.targets)


def test_a_setting_in_a_group_carries_and_a_switch_does_not():
    inner = Network().chain(x=Input(), emb=Embedding(8, 4), drop=Dropout(), fc=Linear(8), out=Output())
    net = Network().chain(x=Input(("B",), dtype="int64"), block=Group(inner))
    known(net)
    assert net.set("block.drop", p=0.25).wires is net.wires
    assert net.move({"block": (8, 8)}).wires is net.wires
    offered = net.set("block.emb", output_learnables=("weight",))
    assert offered.learnable_ports != net.learnable_ports

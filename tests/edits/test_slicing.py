"""Several wires are cut at once, and borrowers keep what they used."""

from designer.edits import tie
from designer.edits.slicing import cut_wires
from designer.layers import Input, Linear
from designer.model import Network, Port


def autoencoder():
    net = Network().chain(x=Input(("B", 6)), enc=Linear(4), dec=Linear(6))
    return tie(net, "enc/weight", "dec/weight")


def test_data_wires_are_cut():
    net = autoencoder()
    cut = cut_wires(net, [Port("enc", "in"), Port("dec", "in")])
    assert set(net.wires) - set(cut.wires) == {Port("enc", "in"), Port("dec", "in")}


def test_a_tie_cut_before_or_behind_its_permutation_leaves_the_values():
    net = autoencoder()
    for targets in ([Port("permute", "in")], [Port("dec", "weight")], [Port("permute", "in"), Port("dec", "weight")]):
        cut = cut_wires(net, targets)
        assert cut.layers["dec"].input_learnables == ()
        assert cut.values["dec.weight"].equal(cut.values["enc.weight"].t())
        assert "permute" not in cut.layers

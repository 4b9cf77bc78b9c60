"""Copy layers beside themselves, and into other networks."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from designer import Network, NetworkError, analyze, build, group, initialize, tie
from designer.edits.copying import copy, duplicate, fresh_name, paste
from designer.layers import LSTM, Call, Embedding, Group, Input, Linear, Output, Parameter, Permute, ReLU, Softmax
from designer.model import Port
from designer.model.checking import check_network


@pytest.fixture
def tied():
    return (
        Network()
        .chain(
            tokens=Input(("B", "T"), dtype="int64"),
            emb=Embedding(50, 8, output_learnables=("weight",)),
            lstm=LSTM(8),
            fc=Linear(50, input_learnables=("weight",), learn_rate_factors=(("bias", 10.0),)),
            probs=Softmax(),
        )
        .connect("emb/weight", "fc/weight")
        .move({"lstm": (0, 0), "fc": (200, 8), "probs": (400, 0)})
    )


def wires(net):
    return {str(target): str(source) for target, source in net.wires.items()}


def test_duplicates_stand_beside_with_their_wires_and_ties(tied):
    net, paths = duplicate(tied, ["probs", "fc"])  # in any order
    assert paths == ("fc2", "probs2")
    assert net.layers["fc2"] == tied.layers["fc"]
    assert wires(net) == wires(tied) | {"fc2/weight": "emb/weight", "probs2/in": "fc2/out"}
    assert net.positions == {**tied.positions, "fc2": (224, 32), "probs2": (424, 24)}
    check_network(net)
    again, paths = duplicate(net, ["fc"])
    assert paths == ("fc3",)
    assert again.positions["fc3"] == (248, 56), "not over the copy that stands there"


def test_a_tie_among_what_is_duplicated_is_one_of_the_copies(tied):
    net, _ = duplicate(initialize(tied), ["emb", "fc"])
    assert net.source_of(Port("fc2", "weight")) == Port("emb2", "weight")
    assert net.values["emb2.weight"] is net.values["emb.weight"]
    assert {key for key in net.values if "2" in key} == {"emb2.weight", "fc2.bias"}
    check_network(net)


@pytest.mark.parametrize(
    ("chosen", "ties"),
    [
        (["fc"], {"fc2/weight": "permute/out"}),
        (["permute"], {"permute2/in": "emb/weight"}),
        (["emb", "fc"], {"permute2/in": "emb2/weight", "fc2/weight": "permute2/out"}),
    ],
)
def test_ties_through_layers_that_compute(chosen, ties):
    net = Network().chain(x=Input(("B", 6)), emb=Linear(4), fc=Linear(6))
    net = tie(net, "emb/weight", "fc/weight", permute=(1, 0))
    new, _ = duplicate(net, chosen)
    assert wires(new).items() >= ties.items()
    check_network(new)


def test_groups_are_copied_with_all_inside(tied):
    net = initialize(group(tied, ["lstm", "fc"], "block"))
    new, paths = duplicate(net, ["block"])
    assert paths == ("block2",)
    assert new.source_of(Port("block2.fc", "weight")) == Port("emb", "weight")
    assert torch.equal(new.values["block2.lstm.weight_ih_l0"], net.values["block.lstm.weight_ih_l0"])
    assert "block2.fc.weight" not in new.values
    check_network(new)
    inside, paths = duplicate(net, ["block.fc"])
    assert paths == ("block.fc2",)
    assert inside.source_of(Port("block.fc2", "weight")) == Port("emb", "weight")
    check_network(inside)


def test_second_uses_call_what_the_first_one_calls():
    net = Network().chain(x=Input(("B", 4)), fc=Linear(4)).add(again=Call(), act=ReLU())
    net = net.connect("fc/learnables", "again/learnables").connect("fc", "again").connect("again", "act")
    new, paths = duplicate(net, ["again", "act"])
    assert paths == ("again2", "act2")
    assert wires(new).items() >= {"again2/learnables": "fc/learnables", "act2/in": "again2/out"}.items()
    both, _ = duplicate(net, ["fc", "again"])
    assert wires(both).items() >= {"again2/learnables": "fc2/learnables", "again2/in": "fc2/out"}.items()
    check_network(new)
    check_network(both)


def test_ends_of_a_network_and_free_learnables():
    net = Network().add(x=Input(("B", 4)), scale=Parameter((4,)), out=Output()).connect("x", "out")
    new, paths = duplicate(initialize(net), ["x", "scale", "out"])
    assert paths == ("x2", "scale2", "out2")
    assert new.values.keys() == {"scale", "scale2"}
    assert new.source_of(Port("out2", "in")) == Port("x2", "out")
    check_network(new)


def test_old_keys_of_an_imported_file_stay_with_the_original(tied):
    net = Network(tied.layers, tied.connections, aliases={"decoder.weight": "emb.weight"})
    new, _ = duplicate(net, ["emb"])
    assert new.aliases == net.aliases


def test_what_does_not_stand_side_by_side_is_refused(tied):
    net = group(tied, ["lstm"], "block")
    with pytest.raises(NetworkError, match="do not stand side by side"):
        duplicate(net, ["fc", "block.lstm"])
    with pytest.raises(NetworkError, match="nothing to copy"):
        copy(net, [])
    with pytest.raises(NetworkError, match="no layer 'gone'"):
        copy(net, ["gone"])


# Into another network.


def test_a_borrower_owns_where_its_owner_is_not(tied):
    net = initialize(tied)
    pasted = paste(Network(), copy(net, ["fc", "probs"]), "")
    assert pasted.said == ("fc owns its weight: there is no emb here.",)
    assert pasted.network.layers["fc"] == Linear(50, learn_rate_factors=(("bias", 10.0),))
    assert torch.equal(pasted.network.values["fc.weight"], net.values["emb.weight"])
    assert wires(pasted.network) == {"probs/in": "fc/out"}
    check_network(pasted.network)


def test_a_borrower_borrows_where_its_owner_is(tied):
    bare = Network().chain(ids=Input(("B",), dtype="int64"), emb=Embedding(50, 8))
    part = copy(tied, ["fc"], analyze(tied))
    pasted = paste(bare, part, "", analysis=analyze(bare))
    assert pasted.said == ()
    assert pasted.network.layers["emb"].output_learnables == ("weight",)
    assert wires(pasted.network)["fc/weight"] == "emb/weight"
    check_network(pasted.network)
    unknown = paste(bare, part, "")  # sizes that nobody knows: the owner here is not made to offer
    assert unknown.said == ("fc owns its weight: emb does not offer its weight here.",)


def test_an_owner_of_other_sizes_does_not_lend(tied):
    other = tied.remove("fc").set("emb", num_embeddings=60)
    pasted = paste(other, copy(tied, ["fc"], analyze(tied)), "", analysis=analyze(other))
    assert pasted.said == ("fc owns its weight: emb.weight is 60 x 8 here, not 50 x 8.",)
    assert pasted.network.layers["emb"] == other.layers["emb"]


def test_a_layer_that_only_computes_for_a_tie_comes_along():
    net = Network().chain(x=Input(("B", 6)), emb=Linear(4), fc=Linear(6))
    net = tie(net, "emb/weight", "fc/weight", permute=(1, 0))
    bare = net.remove("permute", "fc")
    pasted = paste(bare, copy(net, ["fc"]), "")
    assert wires(pasted.network).items() >= {"permute/in": "emb/weight", "fc/weight": "permute/out"}.items()
    assert pasted.said == ()
    alone = paste(Network(), copy(initialize(net), ["fc"]), "")
    assert list(alone.network.layers) == ["fc"], "no stray permute"
    assert alone.network.values["fc.weight"].shape == (6, 4)
    assert alone.said == ("fc owns its weight: there is no emb here.",)


def test_a_second_use_becomes_what_it_called_where_that_is_not():
    net = Network().chain(x=Input(("B", 4)), fc=Linear(4)).add(again=Call(), more=Call())
    for name, source in (("again", "fc"), ("more", "again")):
        net = net.connect("fc/learnables", f"{name}/learnables").connect(source, name)
    net = initialize(net)
    pasted = paste(Network().chain(x=Input(("B", 4))), copy(net, ["again", "more"]), "")
    assert pasted.network.layers["again"] == Linear(4)
    assert wires(pasted.network) == {"more/learnables": "again/learnables", "more/in": "again/out"}
    assert torch.equal(pasted.network.values["again.weight"], net.values["fc.weight"])
    assert pasted.said == ("again now is what it called: there is no fc here.",)
    check_network(pasted.network)


def test_a_tie_that_would_close_a_loop_is_not_made_again():
    net = Network().add(a=Linear(4, bias=False, input_learnables=("weight",)), p=Parameter((4, 4)))
    net = net.connect("p/value", "a/weight")
    hyper = Network().add(x=Input((4, 4)), p=Permute((1, 0))).connect("x", "p")  # data, not a learnable
    pasted = paste(hyper, copy(net, ["a"]), "")
    assert pasted.said == ("a owns its weight: p has no value here.",)
    check_network(pasted.network)


def test_pasting_into_a_group(tied):
    net = group(tied, ["lstm"], "block")
    pasted = paste(net, copy(net, ["fc"]), "block", (10, 20))
    assert pasted.paths == ("block.fc",)
    assert pasted.network.network_at("block").positions["fc"] == (210, 28)
    assert pasted.network.source_of(Port("block.fc", "weight")) == Port("emb", "weight")
    check_network(pasted.network)
    with pytest.raises(NetworkError, match="fc is not a group"):
        paste(net, copy(net, ["fc"]), "fc")


def test_a_lender_of_a_name_that_is_copied_too():
    inner = Network().chain(x=Input(), fc=Linear(4, input_learnables=("weight",)), out=Output())
    net = Network().chain(x=Input(("B", 4)), fc=Linear(4, output_learnables=("weight",)), block=Group(inner))
    net = net.connect("fc/weight", "block.fc/weight")
    part = copy(net, ["block.fc"])
    assert part.lenders == {"fc_": "fc"}
    pasted = paste(net, part, "block")
    assert pasted.network.source_of(Port("block.fc2", "weight")) == Port("fc", "weight")


@pytest.mark.parametrize(
    ("name", "taken", "fresh"),
    [
        ("fc", ["emb"], "fc"),
        ("fc", ["fc"], "fc2"),
        ("fc2", ["fc", "fc2"], "fc3"),
        ("block2", ["block2"], "block2_2"),
        ("conv2d", ["conv2d"], "conv2d_2"),
        ("conv2d_2", ["conv2d", "conv2d_2"], "conv2d_3"),
        ("0", ["0", "1", "out"], "2"),
        ("3", ["0"], "3"),
    ],
)
def test_names_count_on(name, taken, fresh):
    assert fresh_name(name, taken) == fresh


def test_copies_of_random_networks(random_networks):
    @given(random_networks(calls=True), st.data())
    def check(made, data):
        net, _ = made
        home = data.draw(st.sampled_from(["", *(p for p, layer in net.walk() if isinstance(layer, Group))]))
        beside = net.network_at(home).layers
        chosen = data.draw(st.lists(st.sampled_from(list(beside)), min_size=1, unique=True))
        paths = [f"{home}.{name}" if home else name for name in chosen]
        new, made_paths = duplicate(net, paths)
        check_network(new)
        assert len(made_paths) >= len(paths), "what computes for a tie of its own comes along"
        assert all(new.layer(path) == layer for path, layer in net.walk() if not isinstance(layer, Group))
        assert {t: s for t, s in new.wires.items() if t in net.wires} == net.wires
        part = copy(net, paths, analyze(net))
        check_network(part.network)
        for target in (Network(), net, Network().add(emb=Embedding(4, 6), l0=Linear(6))):
            pasted = paste(target, part, "")
            check_network(pasted.network)
            assert len(pasted.paths) >= len(paths)

    check()


def test_a_copy_runs(tied):
    net = Network().chain(x=Input(("B", 4)), a=Linear(4), b=ReLU())
    net = initialize(net)
    new, _ = duplicate(net, ["a", "b"])
    new = new.connect("x", "a2")
    first, second = build(new)(torch.randn(3, 4))
    assert torch.equal(first, second)

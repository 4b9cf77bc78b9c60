"""Which layers each line of the source is written for, and where a source ends that has an error."""

import pytest

from designer import Network, NetworkError, analyze, tie, write_pytorch
from designer.layers import Call, Embedding, Input, Linear, Output, Permute, ReLU, Softmax
from designer.model import Group
from designer.source import write_located


def lines_of(network, path):
    """Give the lines that a layer is written in, less their indent."""
    written = write_located(analyze(network))
    lines = written.text.splitlines()
    assert len(lines) == len(written.layers)
    return [line.strip() for line, layers in zip(lines, written.layers) if path in layers]


def chain():
    return Network().chain(x=Input(("B", 8)), fc=Linear(4), act=ReLU(), head=Linear(2, bias=False))


def test_a_layer_has_its_module_and_its_call():
    net = chain()
    assert lines_of(net, "fc") == ["self.fc = nn.Linear(8, 4)", "fc = self.fc(x)  # B, 4"]
    assert lines_of(net, "act") == ["act = F.relu(fc)"]
    assert lines_of(net, "x") == ["def forward(self, x):"]
    assert write_located(analyze(net)).text == write_pytorch(net)


def test_ties_and_expressions():
    net = Network().chain(tokens=Input(("B",), dtype="int64"), emb=Embedding(5, 8), up=Linear(4), fc=Linear(8))
    net = net.chain("fc", out=Output())
    tied = tie(net, "up/weight", "fc/weight", permute=(1, 0))
    (permute,) = (path for path, layer in tied.walk() if isinstance(layer, Permute))
    assert lines_of(tied, "fc")[:2] == ["self.fc = nn.Linear(4, 8)", f"self.fc.weight = None  # {permute}.out"]
    assert len(lines_of(tied, "fc")) == 3
    assert len(lines_of(tied, permute)) == 1
    assert "self.up.weight" in lines_of(tied, permute)[0]
    assert lines_of(tied, "out") == ["return fc"]


def test_frozen_layers_and_long_lines():
    net = chain().set("fc", frozen=True)
    assert "self.fc.requires_grad_(False)" in lines_of(net, "fc")
    long = Network().chain(**{"a_rather_long_name_for_an_input_of_a_network": Input(("B", 8))})
    name = "and_a_layer_with_a_name_that_is_so_long_that_its_line_has_to_be_broken_in_several"
    assert len(lines_of(long.chain("a_rather_long_name_for_an_input_of_a_network", **{name: Linear(4)}), name)) > 2


def test_groups_share_the_lines_of_their_class():
    inner = Network().chain(x=Input(), fc=Linear(8), act=ReLU(), out=Output())
    net = Network().chain(x=Input(("B", 8)), h0=Group(inner), h1=Group(inner), again=Call())
    net = net.connect("h0/learnables", "again/learnables").connect("h1", "again")
    assert lines_of(net, "h0.fc") == lines_of(net, "h1.fc") == ["self.fc = nn.Linear(8, 8)", "fc = self.fc(x)"]
    assert lines_of(net, "h1") == ["class H(nn.Module):", "self.h1 = H()", "h1 = self.h1(h0)"]
    assert lines_of(net, "again") == ["again = self.h0(h1)"]
    assert lines_of(net, "h0.x") == ["def forward(self, x):"]


def test_every_layer_that_computes_has_a_line(random_networks):
    from hypothesis import given, settings

    @settings(max_examples=30)
    @given(random_networks(calls=True))
    def check(made):
        net, _ = made
        analysis = analyze(net)
        written = write_located(analysis)
        if not written.problem:
            named = {path for layers in written.layers for path in layers}
            wired = {path for path, layer in net.walk() if not isinstance(layer, Input | Output)}
            used = {source.layer for source in net.wires.values()}
            assert wired & used <= named
        assert named_exist(net, written)

    check()


def named_exist(net, written):
    return all(path in net.all for layers in written.layers for path in layers)


@pytest.mark.parametrize(
    ("broken", "path", "before", "sentence"),
    [
        (chain().set("act", note="fine").disconnect("head/in"), "head", "act = F.relu(fc)", "head has nothing"),
        (Network().chain(x=Input(("B", 8)), s=Softmax(dim=4), fc=Linear(2)), "s", "def forward(self, x):", "s cannot"),
        (chain().set("fc", input_learnables=("weight",)), "fc", "def forward(self, x):", "fc takes its weight"),
    ],
)
def test_a_source_ends_where_the_error_is(broken, path, before, sentence):
    analysis = analyze(broken)
    written = write_located(analysis)
    lines = written.text.splitlines()
    assert written.problem.startswith(sentence)
    assert written.stop == len(lines) - 1
    assert (lines[-1].strip(), lines[-2].strip()) == ("...", before)
    assert written.layers[-1] == (path,)
    with pytest.raises(NetworkError, match=sentence):
        write_pytorch(broken)


def test_an_error_in_a_group_ends_the_network_too():
    inner = Network().chain(x=Input(), fc=Linear(8), s=Softmax(dim=5), act=ReLU(), out=Output())
    net = Network().chain(x=Input(("B", 8)), a=Linear(8), h=Group(inner), b=Linear(2))
    written = write_located(analyze(net))
    assert written.layers[written.stop] == ("h.s",)
    assert "F.relu" not in written.text
    assert "b = self.b(" not in written.text
    assert "a = self.a(x)" in written.text
    assert "return" not in written.text


def test_an_output_that_nothing_feeds():
    written = write_located(analyze(chain().add(out=Output())))
    assert written.layers[written.stop] == ("out",)


def test_nothing_is_given_back():
    written = write_located(analyze(Network().add(x=Input(("B", 8)))))
    assert written.text == ""
    assert written.problem.startswith("The network gives nothing back")


def test_sources_end_where_edits_break_them(random_networks, random_edit):
    """Any network, however broken, is written up to its error."""
    from hypothesis import given, settings
    from hypothesis import strategies as st

    @settings(max_examples=60)
    @given(random_networks(calls=True), st.data())
    def check(made, data):
        net, _ = made
        for _ in range(4):
            _, edit = data.draw(random_edit(net))
            try:
                net = edit(net)
            except NetworkError:
                continue
        analysis = analyze(net)
        written = write_located(analysis)
        assert bool(written.problem) == bool(analysis.errors or not net.outputs)
        assert len(written.text.splitlines()) == len(written.layers)
        assert named_exist(net, written)

    check()


def test_what_is_offered_on_but_arrives_nowhere_ends_the_source_where_it_is_used():
    net = Network().chain(x=Input(("B", 4)), b=Linear(4, input_learnables=("weight",)))
    net = net.chain("b", a=Linear(4, input_learnables=("weight",), output_learnables=("weight",)))
    written = write_located(analyze(net.connect("a/weight", "b/weight")))
    assert written.problem == "a takes its weight from a wire, but none is connected."
    assert written.stop is not None

"""Whether a port would need itself: the answers of the model against a search that tries every way."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from designer.layers import Add, Input, Linear, MatMul, Permute, ReLU
from designer.model import BUNDLE, Call, Group, Network, NetworkError, Output, Port
from designer.model.checking import check_network
from designer.model.names import under


def fed_by(net, target):
    """The output ports that an input port has a part in, told by the kind of layer alone."""
    layer = net.layer(target.layer)
    found = []
    if isinstance(layer, Output):
        group, _, name = target.layer.rpartition(".")
        found.append(Port(group, name))
    elif isinstance(layer, Group) and target.name in layer.inputs():
        found.append(Port(f"{target.layer}.{target.name}", "out"))
    if target.name == BUNDLE or target.name in layer.input_learnables:
        found.append(Port(target.layer, BUNDLE))
    if target.name in layer.input_learnables and target.name in layer.output_learnables:
        found.append(target)
    found += [Port(target.layer, name) for name in net.outputs_of(target.layer)]
    source = net.wires[target]
    for path, group in net.all.items():  # what crosses a border is needed by all that leaves the group
        inside = isinstance(group, Group) and under(target.layer, path) and path != target.layer
        if inside and (source.layer == path or not under(source.layer, path)):
            found += [Port(path, name) for name in (*group.outputs(), BUNDLE)]
    return found


def needs_itself(net):
    """Whether any wire is upstream of itself."""
    after = {target: [t for out in fed_by(net, target) for t in net.targets.get(out, ())] for target in net.wires}
    for start in after:
        todo, seen = list(after[start]), set()
        while todo:
            at = todo.pop()
            if at == start:
                return True
            if at not in seen:
                seen.add(at)
                todo += after[at]
    return False


def wired(net, source, target):
    """The network with one more wire, unchecked."""
    net = net.rewired({**net.wires, target: source})
    return net.rewired({t: s for t, s in net.wires.items() if net.has_input(t) and net.has_output(s)})


def shared(**ports):
    return Linear(4, input_learnables=ports.get("taken", ()), output_learnables=ports.get("offered", ()))


INSIDE = (
    Network()
    .add(x=Input(), u=Input(), lin=shared(taken=("weight",), offered=("bias", "weight")), turn=Permute((1, 0)))
    .add(mix=MatMul(), y=Output(), z=Output())
)
START = Network().add(
    x=Input(("B", 4)),
    a=shared(taken=("weight",), offered=("weight",)),
    b=shared(taken=("bias",), offered=("weight",)),
    c=shared(taken=("weight", "bias"), offered=("weight", "bias")),
    sum=Add(),
    turn=Permute((1, 0)),
    g=Group(INSIDE),
    h=Group(Network().add(x=Input(), inner=Group(INSIDE), y=Output())),
    again=Call(),
    third=Call(),
)


def outputs(net):
    for path, layer in net.all.items():
        yield from (Port(path, name) for name in (*net.outputs_of(path), *layer.output_learnables))
        if net.has_output(Port(path, BUNDLE)):
            yield Port(path, BUNDLE)


def inputs(net):
    for path, layer in net.all.items():
        called = net.called(path)
        variadic = called is not None and net.layer(called).variadic
        names = ("0", "1", "2") if variadic else net.inputs_of(path)
        yield from (Port(path, name) for name in (*names, *layer.input_learnables))
        if isinstance(layer, Call):
            yield Port(path, BUNDLE)


def fits(source, target):
    """Most pairs of ports are refused for other reasons: choose those that loops are made of."""
    bundle = (source.name == BUNDLE) == (target.name == BUNDLE)
    return bundle and abs(source.layer.count(".") - target.layer.count(".")) < 2


@settings(max_examples=150)
@given(data=st.data())
def test_connect_refuses_exactly_what_would_need_itself(data):
    net = START
    for _ in range(30):
        target = data.draw(st.sampled_from(list(inputs(net))))
        source = data.draw(st.sampled_from([port for port in outputs(net) if fits(port, target)]))
        if source.name == BUNDLE and (source.layer.count("."), target.layer.count(".")) != (0, 0):
            continue
        looped = needs_itself(wired(net, source, target))
        try:
            net, refusal = net.connect(source, target), ""
        except NetworkError as error:
            refusal = str(error)
        elsewhere = "border" in refusal  # a loop by way of data that leaves its group is refused for that
        assert elsewhere or refusal.endswith("would make a loop.") == looped, (source, target, refusal)
        if not refusal and data.draw(st.integers(0, 5)) == 0:
            net = net.disconnect(data.draw(st.sampled_from(list(net.wires))))


@settings(max_examples=60)
@given(data=st.data())
def test_a_whole_network_is_refused_exactly_where_a_port_needs_itself(data):
    """The order of layers, level by level, rules loops out or says nothing; then each port is followed."""
    net = START
    for _ in range(20):
        target = data.draw(st.sampled_from(list(inputs(net))))
        source = data.draw(st.sampled_from([port for port in outputs(net) if fits(port, target)]))
        if source.name == BUNDLE and (source.layer.count("."), target.layer.count(".")) != (0, 0):
            continue
        tried = wired(net, source, target)
        try:
            check_network(tried)
            refusal = ""
        except NetworkError as error:
            refusal = str(error)
        assert refusal.endswith(("make a loop.", "calls itself.")) == needs_itself(tried), (source, target, refusal)
        if not refusal:
            net = tried


@settings(max_examples=100)
@given(data=st.data(), places=st.permutations(range(8)))
def test_order_is_carried_from_edit_to_edit(data, places):
    """The quick way looks at an order of layers that edits keep up to date; a fresh network has to find one."""
    net = Network().add(x=Input(("B", 4)), **{f"l{n}": Add() for n in places})
    for step in range(25):
        a, b = (data.draw(st.sampled_from(list(net.layers)[1:])) for _ in range(2))
        if (kind := data.draw(st.integers(0, 9))) == 0 and len(net.layers) > 4:
            net = net.remove(a)
        elif kind == 1:
            net = net.rename(a, f"n{step}")
        elif kind == 2 and net.wires:
            net = net.disconnect(next(iter(net.wires)))
        elif kind == 3:
            net = net.chain(a, **{f"c{step}": Add()})
        elif kind == 4:
            net = net.replace(a, Add(note="new"))
        else:
            fresh = Network(*net.__reduce__()[1])
            looped = needs_itself(wired(fresh, Port(a, "out"), Port(b, "0")))
            try:
                net = net.connect(a, f"{b}/0")
                refused = False
            except NetworkError:
                refused = True
            assert refused == looped


def test_a_long_chain_is_no_deep_recursion():
    net = Network().chain(x=Input((4, 4)), **{f"l{n}": Permute((1, 0)) for n in range(3000)})
    with pytest.raises(NetworkError, match="loop"):
        net.connect("l2999", "l0")
    assert net.connect("l10", "l2999").source_of(Port("l2999", "in")) == Port("l10", "out")


def test_a_group_cannot_take_inside_what_it_gives_back():
    """Its code would be called with its own result."""
    with pytest.raises(NetworkError, match=r"^Connecting g/y to g\.lin/weight would make a loop\.$"):
        START.connect("g/y", "g.lin/weight")


def test_a_network_that_was_emptied_takes_layers_and_wires_again():
    net = Network().add(a=ReLU(), b=ReLU()).connect("a", "b").remove("a", "b")
    with pytest.raises(NetworkError, match="would make a loop"):
        net.add(c=ReLU()).connect("c", "c")
    assert net.add(c=ReLU(), d=ReLU()).connect("c", "d").connections

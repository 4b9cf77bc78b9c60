"""Random networks with random ties: what is counted is what is stored, and workflows change nothing else."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from designer import analyze, build, ungroup, untie
from designer.layers import Permute
from designer.model import Group, Network, NetworkError, Port
from designer.model.checking import check_network

TOKENS = torch.randint(0, 4, (2, 3), generator=torch.Generator().manual_seed(0))


def size(module):
    return sum(parameter.numel() for parameter in module.parameters())


def results(net):
    with torch.no_grad():
        given = build(net).eval()(TOKENS)
    return given if isinstance(given, tuple) else (given,)


def close(some, others, tolerance=1e-6):
    assert len(some) == len(others)
    for a, b in zip(some, others):
        assert (a - b).abs().max() <= tolerance * max(1, b.abs().max())


def equal(some, others):
    close(some, others, 0)


def permuted(net, port):
    """Whether a learnable comes through an expression."""
    source = net.source_of(port)
    while source is not None:
        layer = net.layer(source.layer)
        if isinstance(layer, Permute):
            return True
        source = net.source_of(source) if source.name in layer.input_learnables else None
    return False


def check_counts(net, borrowers):
    analysis, module = analyze(net), build(net)
    assert analysis.problems == []
    assert analysis.stored == size(module)
    assert {key for key, _ in module.named_parameters()} == {
        net.layer(row.name).key(row.name, name)
        for row in analysis.rows
        for name in row.learnables
        if name not in row.tied_to
    }
    untied = untie(net, *borrowers)
    assert analysis.used == analyze(untied).used == analyze(untied).stored == size(build(untied))
    assert not any(isinstance(layer, Permute) for _, layer in untied.walk())
    assert not any(layer.input_learnables or layer.output_learnables for _, layer in untied.walk())


def check_untie(net, borrowers, random):
    net = net.with_values(build(net).state_dict())
    want = results(net)
    random.shuffle(borrowers)
    for name in borrowers:
        through = permuted(net, Port.parse(name))
        before, net = analyze(net), untie(net, name)
        given = results(net)
        (close if through else equal)(given, want)
        want = given
        assert analyze(net).used == before.used
    assert all(value.is_contiguous() for value in net.values.values())


@settings(max_examples=100)
@given(data=st.data())
def test_stored_and_used(data, random_networks):
    check_counts(*data.draw(random_networks()))


@settings(max_examples=100)
@given(data=st.data(), random=st.randoms())
def test_untie_keeps_the_outputs(data, random, random_networks):
    check_untie(*data.draw(random_networks()), random)


@pytest.mark.nightly
@settings(max_examples=600)
@given(data=st.data(), random=st.randoms())
def test_many_networks(data, random, random_networks):
    net, borrowers = data.draw(random_networks(ties=12))
    check_counts(net, borrowers)
    check_untie(net, borrowers, random)


@settings(max_examples=40)
@given(data=st.data())
def test_ungroup_keeps_the_outputs(data, random_networks):
    net, _ = data.draw(random_networks(calls=True))
    net = net.with_values(build(net).state_dict())
    want = results(net)
    for _ in range(2):
        group = next((path for path, layer in net.walk() if isinstance(layer, Group)), None)
        if group is None:
            return
        before = analyze(net)
        try:
            net = ungroup(net, group)
        except NetworkError as error:
            refusal = str(error)
            assert "call" in refusal
            return
        check_network(net)
        equal(results(net), want)
        assert (analyze(net).stored, analyze(net).used) == (before.stored, before.used)


def check_undo(data, net, random_edit, count):
    stack, copies = [net], [Network(*net.__reduce__()[1])]
    for _ in range(count):
        _, edit = data.draw(random_edit(net))
        try:
            net = edit(net)
        except NetworkError as error:
            sentence = str(error)
            assert sentence.endswith(".")
            assert "\n" not in sentence
            continue
        check_network(net)
        analyze(net)
        stack.append(net)
        copies.append(Network(*net.__reduce__()[1]))
    assert stack[::-1] == copies[::-1]
    assert all(analyze(a).rows == analyze(b).rows for a, b in zip(stack, copies))


@settings(max_examples=100)
@given(data=st.data())
def test_edits_undone_and_redone(data, random_networks, random_edit):
    """A list of networks is the undo stack: no edit changes what an older one holds."""
    net, _ = data.draw(random_networks(calls=True))
    check_undo(data, net, random_edit, 8)


@pytest.mark.nightly
@settings(max_examples=600)
@given(data=st.data())
def test_many_edits(data, random_networks, random_edit):
    net, _ = data.draw(random_networks(calls=True))
    check_undo(data, net, random_edit, 20)


def check_runs(data, net, random_edit, count):
    """What the analysis finds no error in runs, with the sizes that it shows."""
    sizes = {"B": 2, "T": 3}
    for _ in range(count):
        _, edit = data.draw(random_edit(net))
        try:
            net = edit(net)
        except NetworkError:
            continue
        analysis = analyze(net)
        if analysis.errors or not net.outputs:
            continue
        module = build(net).eval()
        given = module(*[TOKENS] * len(net.inputs))
        given = given if isinstance(given, tuple) else (given,)
        for (name, port), result in zip(net.outputs.items(), given, strict=True):
            shape = analysis.shape(port)
            assert tuple(sizes.get(size, size) for size in shape) == tuple(result.shape), name


@settings(max_examples=60)
@given(data=st.data())
def test_what_has_no_errors_runs(data, random_networks, random_edit):
    net, _ = data.draw(random_networks(calls=True))
    check_runs(data, net, random_edit, 6)


@pytest.mark.nightly
@settings(max_examples=600)
@given(data=st.data())
def test_many_runs(data, random_networks, random_edit):
    net, _ = data.draw(random_networks(calls=True))
    check_runs(data, net, random_edit, 12)

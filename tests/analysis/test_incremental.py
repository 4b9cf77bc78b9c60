"""An analysis that follows an edit equals one from nothing."""

import sys

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from designer import Network, NetworkError, analyze
from designer.layers import (
    LSTM,
    Add,
    Conv2d,
    Group,
    Input,
    LayerNorm,
    Linear,
    MaxPool2d,
    Output,
    ReLU,
    Reshape,
    Upsample,
)
from designer.model import layer_types

analyze_module = sys.modules["designer.analysis.analyze"]  # the package's attribute is the function


def told(analysis):
    """All that an analysis says, but for the network and what the fixes do."""
    problems = [(p.severity, p.text, p.layers, [fix.text for fix in p.fixes]) for p in analysis.problems]
    return (
        list(analysis.rows),
        problems,
        analysis.stored,
        analysis.used,
        analysis.bytes,
        analysis.partial,
        str(analysis),
    )


def fresh(net):
    """The analysis of a network as if none had been before."""
    kept = list(analyze_module._recent)
    analyze_module._recent.clear()
    analysis = analyze(Network(*net.__reduce__()[1]))
    analyze_module._recent.clear()
    analyze_module._recent.extend(kept)
    return analysis


def compare(net):
    assert told(analyze(net)) == told(fresh(net))


@settings(max_examples=60)
@given(data=st.data())
def test_random_edits(data, random_networks, random_edit):
    net, _ = data.draw(random_networks(calls=True))
    analyze(net)
    for _ in range(6):
        _, edit = data.draw(random_edit(net))
        try:
            net = edit(net)
        except NetworkError:
            continue
        compare(net)


PROPERTIES = {
    "Linear": [{"out_features": n} for n in (4, 6, 8)] + [{"bias": False}, {"bias": True}, {"transposed": True}],
    "Conv2d": [{"out_channels": n} for n in (2, 4)]
    + [{"stride": n} for n in (1, 2)]
    + [{"padding": n} for n in (0, 1)],
    "MaxPool2d": [{"kernel_size": n} for n in (2, 3)],
    "LSTM": [{"hidden_size": n} for n in (4, 6)] + [{"bidirectional": b} for b in (False, True)],
    "LayerNorm": [{"eps": 1e-3}, {"eps": 1e-5}, {"elementwise_affine": False}],
    "Reshape": [{"size": (0, -1, n)} for n in (2, 4, 8)],
    "Upsample": [{"scale_factor": n} for n in (2.0, 1.37)],
    "Input": [{"shape": ("B", 3, "H", 33)}, {"shape": ("B", 3, "H", "W")}, {"shape": ("B", "T", 8)}],
}


def images():
    inside = Network().chain(x=Input(), conv=Conv2d(4, 3, padding=1), pool=MaxPool2d(2), y=Output())
    net = Network().chain(
        x=Input(("B", 3, "H", "W")), a=Conv2d(4, 3, padding=1), g=Group(inside), up=Upsample(), c=Conv2d(4, 1)
    )
    return net.chain("a", other=Conv2d(4, 3), act=ReLU()).chain("c", norm=LayerNorm())


def sequences():
    net = Network().chain(
        x=Input(("B", "T", 8)), a=Linear(8), norm=LayerNorm(), lstm=LSTM(4), b=Linear(8), r=Reshape((0, -1, 8))
    )
    net = net.add(sum=Add()).connect("a", "sum").connect("b", "sum").set("a", output_learnables=("weight",))
    return net.chain("sum", c=Linear(8, input_learnables=("weight",))).connect("a/weight", "c/weight")


@settings(max_examples=1)
@given(data=st.data())
@pytest.mark.parametrize("make", [images, sequences])
def test_random_settings(make, data):
    follow(make(), data)


@pytest.mark.nightly
@settings(max_examples=120)
@given(data=st.data())
@pytest.mark.parametrize("make", [images, sequences])
def test_many_random_settings(make, data):
    follow(make(), data)


def follow(net, data):
    """Compare after each of some random settings."""
    analyze(net)
    kinds = {path: type(layer).__name__ for path, layer in net.walk()}
    paths = [path for path, kind in kinds.items() if kind in PROPERTIES and (kind != "Input" or path == "x")]
    for _ in range(8):
        path = data.draw(st.sampled_from(paths))
        setting = data.draw(st.sampled_from(PROPERTIES[kinds[path]]))
        if data.draw(st.integers(0, 6)) == 0:
            setting = {"note": "looked at"}
        net = net.set(path, **setting)
        compare(net)


def test_an_edit_shares_the_rows_that_did_not_change():
    net = Network().chain(x=Input(("B", "T", 8)), **{f"l{n}": Linear(8) if n % 2 else ReLU() for n in range(50)})
    before = {row.name: row for row in analyze(net).rows}
    after = analyze(net.set("l25", bias=False)).rows
    assert [row.name for row in after if row is not before[row.name]] == ["l25"]
    wider = analyze(net.set("l25", out_features=9)).rows
    assert len([row for row in wider if row is not before[row.name]]) == 3
    assert {row.name for row in wider if row is not before[row.name]} == {"l25", "l26", "l27"}


def test_values_count_in_an_edit():
    net = images().with_values({"a.weight": torch.zeros(4, 3, 3, 3)})
    compare(net)
    compare(net.set("a", kernel_size=5))
    compare(net.set("a", out_channels=6))
    compare(net.set("a", note="x"))
    assert set(PROPERTIES) <= set(layer_types)

"""Where outputs stand in what a network gives back, as texts and as containers."""

import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from designer import Network, NetworkError
from designer.layers import Input, Linear, Output, ReLU
from designer.model import Holder, returned
from designer.model.places import DEEPEST, MOST_GAPS, Step, arranged, parse_place, write_place

steps = st.one_of(
    st.builds(Step, st.just("dict"), st.text(max_size=8), st.just(0)),
    st.builds(Step, st.sampled_from(["list", "tuple"]), st.integers(0, 9999), st.just(0)),
    st.builds(
        lambda kind, at, more: Step(kind, at, at + more),
        st.sampled_from(["list", "tuple"]),
        st.integers(0, 99),
        st.integers(2, 50),
    ),
)


def net(**places):
    """A network with an output at each place; None: the output says none."""
    made = Network().chain(x=Input(("B", 3)), fc=Linear(4))
    for name, place in places.items():
        made = made.chain("fc", **{name: Output(place)})
    return made


def plain(entry):
    """What is returned, in Python's own containers, with the names of the outputs in it."""
    if not isinstance(entry, Holder):
        return entry
    if entry.kind == "dict":
        return {key: plain(inner) for key, inner in entry.items()}
    return {"list": list, "tuple": tuple}[entry.kind](plain(inner) for _, inner in entry.items())


@given(st.lists(steps, max_size=8))
def test_a_place_is_read_as_it_is_written(place):
    assert parse_place(write_place(tuple(place))) == tuple(place)


@given(st.one_of(st.text(), st.text(alphabet='[]()"0123/\\a')))
def test_any_text_is_a_place_or_refused(text):
    with contextlib.suppress(NetworkError):
        place = parse_place(text)
        assert parse_place(write_place(place)) == place
        assert write_place(place).isprintable()


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ('["logits"]', (Step("dict", "logits"),)),
        ('["past"](0)[12]', (Step("dict", "past"), Step("tuple", 0), Step("list", 12))),
        ("(0/2)", (Step("tuple", 0, 2),)),
        ("(0/1)", (Step("tuple", 0),)),
        (r'["\u0061 \"b\""]', (Step("dict", 'a "b"'),)),
        ("", ()),
    ],
)
def test_what_a_place_means(text, place):
    assert parse_place(text) == place


@pytest.mark.parametrize(
    "text",
    [
        *("x", "[", "[x]", "['a']", '["a"', '["a"]]', '["a\n"]', "[0)", "(-1)", "(01)", "( 1)", "(10000)", "(1/1)"),
        *("(0/99999)", "[0:1]", "(0)x", "{0}", "(0)" * (DEEPEST + 1), '["' + "a" * 1000 + '"]', "(\u0661)"),
    ],
)
def test_a_text_that_is_no_place_is_refused(text):
    with pytest.raises(NetworkError, match="is no place of an output: write it as"):
        Output(text)
    with pytest.raises(NetworkError, match="is no place of an output: write it as"):
        net(a="").set("a", place=text)


def test_equal_places_are_equal_layers():
    assert Output('["a"](0/1)') == Output(json.dumps(["a"]) + "(0)")


@pytest.mark.parametrize(
    ("places", "whole"),
    [
        ({"a": ""}, "a"),
        ({"a": "(0)"}, ("a",)),
        ({"a": "", "b": ""}, ("a", "b")),
        ({"a": '["x"]', "b": '["y"](1)', "c": '["y"](0)'}, {"x": "a", "y": ("c", "b")}),
        ({"a": "", "b": '["x"]'}, {"x": "b", "a": "a"}),
        ({"a": "", "b": '["a"]'}, {"a": "b", "a_": "a"}),
        ({"a": "", "b": "[1]"}, [None, "b", "a"]),
        ({"a": "(0/3)", "b": ""}, ("a", None, None, "b")),
        ({"a": "[2]", "b": "[0](1/3)"}, [(None, "b", None), None, "a"]),
    ],
)
def test_what_is_returned(places, whole):
    found = returned(net(**places))
    assert plain(found.whole) == whole
    assert found.misplaced == {}


def test_without_outputs_the_loose_layers_are_returned():
    made = Network().chain(x=Input(("B", 3)), fc=Linear(4)).chain("x", act=ReLU())
    assert plain(returned(made).whole) == ("fc", "act")


def test_an_output_without_a_wire_is_not_returned():
    made = net(a='["x"]', b='["y"]').disconnect("b/in")
    assert plain(returned(made).whole) == {"x": "a"}


@pytest.mark.parametrize(
    ("places", "why"),
    [
        ({"a": '["x"]', "b": '["x"]'}, {"b": "a stands there already"}),
        ({"a": '["x"]', "b": '["x"](0)'}, {"b": 'a stands at ["x"] already'}),
        ({"a": '["x"](0)', "b": '["x"]'}, {"b": "a stands there already"}),
        ({"a": '["x"]', "b": "(0)"}, {"b": "at the outermost place there is a dict already, not a tuple"}),
        ({"a": '["x"](0)', "b": '["x"][1]'}, {"b": 'at ["x"] there is a tuple already, not a list'}),
    ],
)
def test_outputs_that_are_in_each_others_way(places, why):
    found = returned(net(**places))
    assert found.misplaced == why
    assert plain(found.whole) == plain(returned(net(a=places["a"])).whole)


def test_gaps_are_counted():
    places = {f"o{n}": f"({n})(9999)" for n in range(3)}
    assert arranged(places).misplaced == dict.fromkeys(("o1", "o2"), f"more than {MOST_GAPS:,} entries would be empty")
    filled = {f"o{n}": f"({n})" for n in reversed(range(9999))}
    assert arranged(filled).misplaced == {}

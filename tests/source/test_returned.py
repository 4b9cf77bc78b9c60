"""What a built network gives back: dicts, lists and tuples as its outputs say."""

import json
import random
import subprocess
import sys

import pytest
import torch

from designer import Network, analyze, build, group, write_pytorch
from designer.files.difference import difference
from designer.layers import Input, Linear, Output, ReLU
from designer.source import results
from designer.source.lines import laid_out

KEY = "a\\\"]: math. ' , )\n\u202e{x} \\"


@pytest.fixture
def net():
    """Two layers with an output each, which say no place."""
    made = Network().chain(x=Input(("B", 3)), fc=Linear(4), act=ReLU())
    return made.chain("fc", a=Output()).chain("act", b=Output())


def line(net):
    """The statement that gives the results back."""
    return write_pytorch(net).rpartition("        return ")[2].strip()


@pytest.mark.parametrize(
    ("a", "b", "text"),
    [
        ("", "", "fc, act"),
        ("(0)", "(1)", "fc, act"),
        ("[1]", "[0]", "[act, fc]"),
        ('["logits"]', '["past"](0)(1/3)', '{"logits": fc, "past": ((None, act, None),)}'),
        ('["logits"]', "", '{"logits": fc, "b": act}'),
        ("(0)(0)", "(0)(1)", "((fc, act),)"),
    ],
)
def test_what_is_written(net, a, b, text):
    net = net.set("a", place=a).set("b", place=b)
    assert line(net) == text
    x = torch.randn(2, 3)
    module = build(net)
    fc = module.fc(x)
    assert [torch.equal(*pair) for pair in zip(results(net, module(x)).values(), (fc, fc.relu()))] == [True, True]
    assert list(results(net, module(x))) == ["a", "b"]
    assert analyze(net).problems == []


def test_one_output_alone(net):
    net = net.remove("b", "act")
    assert line(net) == "fc"
    assert line(net.set("a", place="[0]")) == "[fc]"
    assert line(net.set("a", place="(0)")) == "(fc,)"
    assert line(net.set("a", place="(0/2)")) == "fc, None"


def test_a_key_of_any_signs(net):
    net = net.set("a", place=f"[{json.dumps(KEY)}]").set("b", place='["x, )\\\\"](9)')
    source = write_pytorch(net)
    assert "import math" not in source
    given = build(net)(torch.randn(2, 3))
    assert list(given) == [KEY, "x, )\\"]


def test_a_place_inside_a_group_says_nothing(net):
    net = group(net.remove("b"), ["fc", "act"], "block")
    inner = net.layers["block"].network.ends
    there = net.set(f"block.{inner[0]}", place='["x"]')
    assert write_pytorch(there) == write_pytorch(net)


def test_outputs_in_each_others_way_are_a_problem_that_can_be_mended(net):
    net = net.set("a", place='["x"]').set("b", place='["x"]')
    (problem,) = analyze(net).problems
    assert (problem.severity, problem.layers) == ("error", ("b",))
    assert problem.text == 'b cannot be given back at ["x"]: a stands there already.'
    (fix,) = problem.fixes
    assert line(fix.edit(net)) == '{"x": fc, "b": act}'


def test_networks_that_return_the_same_otherwise_do_not_differ(net):
    other = net.set("a", place='["x"](1)').set("b", place='["x"](0)')
    assert difference(net, other, apart=False).difference == 0


def test_torch_records_what_is_built(net):
    net = net.set("a", place='["x"]').set("b", place='["y"](0/2)')
    module, x = build(net).eval(), torch.randn(2, 3)
    exported = torch.export.export(module, (x,), strict=False).module()(x)
    assert torch.equal(exported["x"], module(x)["x"])
    assert torch.equal(exported["y"][0], module(x)["y"][0])
    assert exported["y"][1] is None


def nested(r, depth=0):
    """The text of random containers with long entries."""
    if depth > 3 or r.random() < 0.3:
        return r.choice(["None", "fc", "encoder_layers_attention_out", "self.embedding.weight"])
    count = r.choice([1, 2, 5, 12])
    entries = [nested(r, depth + 1) for _ in range(count)]
    if r.random() < 0.5:
        keys = [f'"{r.choice(["a", "hidden_states", "b, c", "d]"])}_{n}"' for n in range(count)]
        return f"{{{', '.join(map(': '.join, zip(keys, entries)))}}}"
    if r.random() < 0.5:
        return f"[{', '.join(entries)}]"
    return f"({', '.join(entries)}{',' if count == 1 else ''})"


def test_ruff_leaves_what_is_returned_as_it_is(tmp_path):
    r = random.Random(0)
    lines = []
    for n in range(200):
        lines += [f"def forward_{n}(self):", *laid_out(f"return {nested(r)}", "", 4), "", ""]
    file = tmp_path / "written.py"
    file.write_text("\n".join(lines).rstrip() + "\n")
    ruff = [sys.executable, "-m", "ruff", "format", "--isolated", "--line-length", "120", "--diff", str(file)]
    assert subprocess.run(ruff, capture_output=True, text=True, check=False).stdout == ""

"""A tie outlives what happens to modules."""

import copy
import pickle

import pytest
import safetensors.torch
import torch

from designer import Network, analyze, build, group, tie
from designer.layers import (
    LSTM,
    Add,
    Call,
    Conv2d,
    ConvTranspose2d,
    Embedding,
    Group,
    Input,
    LayerNorm,
    Linear,
    MatMul,
    MultiheadAttention,
    Output,
    Parameter,
    ReLU,
)


def block():
    net = Network().chain(x=Input(), norm=LayerNorm(), attn=MultiheadAttention(2, is_causal=True))
    net = net.add(add=Add()).connect("x", "add").connect("attn", "add").chain("add", up=Linear(16), down=Linear(8))
    return Group(net.add(sum=Add()).connect("add", "sum").connect("down", "sum").chain("sum", y=Output()))


def gpt():
    net = Network().chain(
        tokens=Input(("B", "T"), dtype="int64"), emb=Embedding(20, 8), a=block(), b=block(), head=Linear(20, bias=False)
    )
    return tie(net, "emb/weight", "head/weight"), torch.randint(0, 20, (4, 6))


def language_model():
    net = Network().chain(tokens=Input(("B", "T"), dtype="int64"), emb=Embedding(20, 8), lstm=LSTM(8), fc=Linear(20))
    return tie(net, "emb/weight", "fc/weight"), torch.randint(0, 20, (4, 7))


def published():
    net = Network().chain(
        tokens=Input(("B", "T"), dtype="int64"), emb=Embedding(20, 8, transposed=True), lstm=LSTM(8), fc=Linear(20)
    )
    return tie(net, "emb/weight", "fc/weight"), torch.randint(0, 20, (4, 7))


def autoencoder():
    net = Network().chain(x=Input(("B", 784)), enc=Linear(64), act=ReLU(), dec=Linear(784))
    return tie(net, "enc/weight", "dec/weight"), torch.randn(4, 784)


def lstm_pair():
    net = Network().chain(x=Input(("B", "T", 6)), a=LSTM(6), b=LSTM(6))
    for name in net.layers["a"].learnables()[:3]:
        net = tie(net, f"a/{name}", f"b/{name}", permute=())
    return net, torch.randn(4, 5, 6)


def attention_pair():
    net = Network().chain(x=Input(("B", "T", 8)), a=MultiheadAttention(2), b=MultiheadAttention(2))
    for name in net.layers["a"].learnables():
        net = tie(net, f"a/{name}", f"b/{name}", permute=())
    return net, torch.randn(4, 5, 8)


def images():
    net = Network().chain(x=Input(("B", 3, 8, 8)), enc=Conv2d(5, 3, padding=1), dec=ConvTranspose2d(3, 3, padding=1))
    return tie(net, "enc/weight", "dec/weight"), torch.randn(4, 3, 8, 8)


def into_a_nested_group():
    net, x = gpt()
    return group(group(net, ["head"], "inner"), ["b", "inner"], "outer"), x


def inside_out():
    net, x = gpt()
    return group(group(net, ["emb"], "inner"), ["inner", "a"], "outer"), x


def between_groups():
    net, x = gpt()
    return group(group(net, ["emb", "a"], "encoder"), ["b", "head"], "decoder"), x


def called_three_times():
    net = Network().chain(x=Input(("B", 8)), w=Linear(8), a=Linear(8), act=ReLU())
    net = group(tie(net, "w/weight", "a/weight", permute=()), ["a", "act"], "block")
    for name, before in (("second", "block"), ("third", "second")):
        net = net.add(**{name: Call()}).connect("block/learnables", f"{name}/learnables").connect(before, name)
    return net, torch.randn(4, 8)


def low_rank():
    """The weight of fc plus a product of two thin matrices: an expression on the wire."""
    net = Network().add(x=Input(("B", 8)), a=Parameter((8, 2), init="randn"), b=Parameter((2, 8), init="randn"))
    net = net.chain("x", base=Linear(8, output_learnables=("weight",)), fc=Linear(8, input_learnables=("weight",)))
    net = net.add(ab=MatMul(), sum=Add()).connect("a/value", "ab").connect("b/value", "ab/other")
    net = net.connect("base/weight", "sum").connect("ab", "sum").connect("sum", "fc/weight")
    return net, torch.randn(4, 8)


NETWORKS = (
    *(gpt, language_model, published, autoencoder, lstm_pair, attention_pair, images),
    *(into_a_nested_group, inside_out, between_groups, called_three_times, low_rank),
)


def size(module):
    return sum(parameter.numel() for parameter in module.parameters())


def assert_close(some, other):
    assert (some - other).abs().max() <= 1e-6 * max(1, other.abs().max().item())


@pytest.mark.parametrize("make", NETWORKS, ids=lambda make: make.__name__)
def test_what_happens_to_a_module_leaves_its_ties(make, tmp_path):
    net, x = make()
    module, stored = build(net), analyze(net).stored
    assert analyze(net).problems == []
    want = module(x)
    copies = {"deepcopy": copy.deepcopy(module), "pickle": pickle.loads(pickle.dumps(module))}
    copies["meta"] = copy.deepcopy(module).to("meta").to_empty(device="cpu")
    copies["meta"].load_state_dict(module.state_dict())
    copies["assign"] = build(net, seed=1)
    copies["assign"].load_state_dict(copy.deepcopy(module.state_dict()), assign=True)
    safetensors.torch.save_file(module.state_dict(), tmp_path / "values.safetensors")
    copies["safetensors"] = build(net.with_values(safetensors.torch.load_file(tmp_path / "values.safetensors")))
    copies["dtype"] = copy.deepcopy(module).double().float()
    for name, made in copies.items():
        assert torch.equal(made(x), want), name
        assert size(made) == stored, name
        with torch.no_grad():
            for parameter in made.parameters():  # what is shared moves with its owner
                parameter.mul_(0.5)
            reference = copy.deepcopy(module)
            for parameter in reference.parameters():
                parameter.mul_(0.5)
        assert torch.equal(made(x), reference(x)), name
    assert torch.equal(build(net)(x), want)


@pytest.mark.filterwarnings("ignore:The tensor attributes .*_flat_weights")  # torch's own, of any nn.LSTM
@pytest.mark.filterwarnings("ignore:The .grad attribute of a Tensor that is not a leaf")  # looked at by torch.compile
@pytest.mark.parametrize("make", NETWORKS, ids=lambda make: make.__name__)
def test_export_and_compile(make):
    net, x = make()
    module, stored = build(net), analyze(net).stored
    want = module(x)
    exported = torch.export.export(module, (x,), dynamic_shapes=({0: torch.export.Dim.AUTO},))
    assert set(exported.state_dict) == set(module.state_dict())
    assert size(exported.module()) == stored
    more = torch.cat([x, x])
    assert_close(exported.module()(more), module(more))
    torch._dynamo.reset()
    assert_close(torch.compile(module, backend="aot_eager")(x), want)


@pytest.mark.parametrize("make", NETWORKS, ids=lambda make: make.__name__)
def test_an_optimizer_keeps_one_state_for_each(make):
    net, x = make()
    module = build(net)
    groups = [{"params": list(layer.parameters())} for layer in module.children()]
    own = [{"params": list(module.parameters(recurse=False))}]
    optimizer = torch.optim.AdamW([group for group in [*groups, *own] if group["params"]])
    module(x).square().sum().backward()
    optimizer.step()
    assert sum(state["exp_avg"].numel() for state in optimizer.state.values()) == analyze(net).stored

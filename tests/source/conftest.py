"""Networks whose written source is kept, each with an input."""

import pytest
import torch

from designer import Network, freeze, group, tie
from designer.layers import (
    GELU,
    LSTM,
    Add,
    BatchNorm2d,
    Call,
    Concatenate,
    Conv2d,
    Dropout,
    Embedding,
    Group,
    Input,
    LayerNorm,
    Linear,
    MatMul,
    MaxPool2d,
    MultiheadAttention,
    Multiply,
    Output,
    Parameter,
    ReLU,
    Reshape,
    Slice,
    Softmax,
    Upsample,
)
from designer.layers.operation import Operation


def language_model():
    net = Network().chain(
        tokens=Input(("B", "T"), dtype="int64"),
        emb=Embedding(1000, 300),
        lstm=LSTM(300),
        fc=Linear(1000),
        probs=Softmax(),
    )
    return tie(net, "emb/weight", "fc/weight"), [torch.zeros(2, 3, dtype=torch.int64)]


def published():
    net = Network().chain(
        tokens=Input(("B", "T"), dtype="int64"),
        emb=Embedding(1000, 300, transposed=True),
        lstm=LSTM(300),
        fc=Linear(1000),
        probs=Softmax(),
    )
    return tie(net, "emb/weight", "fc/weight"), [torch.zeros(2, 3, dtype=torch.int64)]


def _block(width):
    attention = Network().chain(x=Input(), attn=MultiheadAttention(2, is_causal=True), drop=Dropout(0.1), y=Output())
    mlp = Network().chain(x=Input(), c_fc=Linear(4 * width, transposed=True), act=GELU("tanh"))
    mlp = mlp.chain("act", c_proj=Linear(width, transposed=True), dropout=Dropout(0.1), y=Output())
    net = Network().chain(x=Input(), ln_1=LayerNorm(), attn=Group(attention)).add(add=Add())
    net = net.connect("x", "add").connect("attn", "add").chain("add", ln_2=LayerNorm(), mlp=Group(mlp))
    return Group(net.add(sum=Add(), y=Output()).connect("add", "sum").connect("mlp", "sum").connect("sum", "y"))


def gpt2():
    """Blocks by number in a group, positions by a slice of a learnable, the head tied to the embedding."""
    blocks = Network().chain(x=Input(), **{str(n): _block(16) for n in range(3)}, y=Output())
    net = Network().add(tokens=Input(("B", "T"), dtype="int64"), positions=Input(("T",), dtype="int64"))
    net = net.chain("tokens", wte=Embedding(50, 16)).chain("positions", wpe=Embedding(32, 16))
    net = net.add(add=Add()).connect("wte", "add").connect("wpe", "add")
    net = net.chain("add", drop=Dropout(0.1), h=Group(blocks), ln_f=LayerNorm(), lm_head=Linear(50, bias=False))
    net = group(net, ["wte", "wpe", "add", "drop", "h", "ln_f"], "transformer")
    tokens = torch.arange(10).reshape(2, 5)
    return tie(net, "transformer.wte/weight", "lm_head/weight"), [tokens, torch.arange(5)]


def u_net():
    def double(channels):
        net = Network().chain(x=Input(), conv1=Conv2d(channels, 3, padding=1, bias=False), norm1=BatchNorm2d())
        return Group(net.chain("norm1", act1=ReLU(), conv2=Conv2d(channels, 3, padding=1), act2=ReLU(), y=Output()))

    net = Network().chain(image=Input(("B", 3, "H", "W")), down1=double(8), pool1=MaxPool2d(), down2=double(16))
    net = net.add(up=Upsample(like=True, mode="bilinear"), join=Concatenate(1))
    net = net.connect("down2", "up").connect("down1", "up/like").connect("down1", "join").connect("up", "join")
    return net.chain("join", up1=double(8), mask=Conv2d(1, 1)), [torch.ones(1, 3, 9, 11)]


def called():
    net = Network().chain(x=Input(("B", 8)), w=Linear(8), a=Linear(8), act=ReLU())
    net = group(tie(net, "w/weight", "a/weight", permute=()), ["a", "act"], "block")
    for name, before in (("second", "block"), ("third", "second")):
        net = net.add(**{name: Call()}).connect("block/learnables", f"{name}/learnables").connect(before, name)
    return net, [torch.ones(2, 8)]


def expressions():
    """A low-rank weight, a slice of a learnable, a product with a free one, and a hypernetwork."""
    net = Network().add(x=Input(("B", 8)), z=Input((5,)), a=Parameter((12, 2), init="randn"), scale=Parameter((8,)))
    net = net.chain("x", scaled=Multiply(), base=Linear(8)).connect("scale/value", "scaled")
    net = net.add(b=Parameter((2, 8), init="randn"), cut=Slice(0, 0, 8), ab=MatMul(), sum=Add())
    net = net.connect("a/value", "cut").connect("cut", "ab").connect("b/value", "ab/other")
    net = net.set("base", output_learnables=("weight",)).connect("base/weight", "sum").connect("ab", "sum")
    net = net.chain("base", fc=Linear(8, input_learnables=("weight",))).connect("sum", "fc/weight")
    net = net.chain("z", make=Linear(24), shaped=Reshape((3, 8)))
    net = net.chain("fc", head=Linear(3, input_learnables=("weight",))).connect("shaped", "head/weight")
    return net, [torch.ones(2, 8), torch.ones(5)]


def numbered():
    """Layers and a parameter named by numbers, and names that the source has itself."""
    net = Network().chain(**{"0": Input(("B", 4)), "1": Linear(4), "x1": ReLU(), "2": Linear(4), "3": Add()})
    net = net.connect("1", "3").add(**{"4": Parameter((4,)), "5": Add(), "run_lstm": LSTM(4)})
    net = net.connect("3", "5").connect("4/value", "5").chain("5", view=Reshape((0, 1, 4))).connect("view", "run_lstm")
    net = tie(net.chain("run_lstm", lstm=LSTM(4)), "run_lstm/bias_ih_l0", "lstm/bias_ih_l0")
    return net, [torch.ones(2, 4)]


def frozen_double():
    net = Network(dtype="float64").chain(x=Input(("B", 8), dtype="float64"), body=Linear(8), act=ReLU(), head=Linear(3))
    net = freeze(group(net, ["body", "act"], "trunk"), "trunk", "head/bias")
    return net, [torch.ones(2, 8, dtype=torch.float64)]


def wide():
    """Lines that are too long for one line, with names as files of others have them."""
    name = "model_decoder_layers_0_encoder_attention"
    net = Network().add(x=Input(("B", "T", 8))).chain("x", **{name: MultiheadAttention(2), f"{name}_again": LSTM(8, 2)})
    net = net.chain(f"{name}_again", other=MultiheadAttention(2, need_weights=True), rnn=LSTM(8, 2))
    for learnable in net.layers["other"].learnables():
        net = tie(net, f"{name}/{learnable}", f"other/{learnable}", permute=())
    for learnable in net.layers["rnn"].learnables():
        net = tie(net, f"{name}_again/{learnable}", f"rnn/{learnable}", permute=())
    many = {f"a_branch_with_a_long_name_{n}": ReLU() for n in range(6)}
    for branch, layer in many.items():
        net = net.chain("rnn", **{branch: layer})
    net = net.add(sum=Add(), join=Concatenate(-1), product=Multiply())
    for branch in many:
        net = net.connect(branch, "sum").connect(branch, "join").connect(branch, "product")
    return net, [torch.ones(1, 2, 8)]


def operations():
    net = Network().add(x=Input(("B", 4)), next=Linear(4)).connect("x", "next")
    net = net.add(
        roll=Operation("roll", arguments=(("port", "in"), (1,), (0,))),
        ones=Operation("ones", (), arguments=((4,),)),
        sum=Add(),
    )
    net = net.connect("next", "roll").connect("roll", "sum").connect("ones", "sum")
    return net, [torch.ones(2, 4)]


EXAMPLES = (*(language_model, published, gpt2, u_net, called, expressions, numbered, frozen_double, wide, operations),)


@pytest.fixture(scope="session")
def examples():
    """Name -> (network, inputs)."""
    return {make.__name__: make() for make in EXAMPLES}


@pytest.fixture(params=[make.__name__ for make in EXAMPLES])
def example(request, examples):
    """The name of an example, its network and its inputs, one after the other."""
    return request.param, *examples[request.param]

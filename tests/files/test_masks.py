"""What depends on sizes alone is folded into groups; what depends on numbers of an input is not."""

import pytest
import torch
from torch import nn

from designer import build, import_pytorch, write_pytorch
from designer.layers import Operation
from designer.model import Group


class Causal(nn.Module):
    """Attention with a mask and positions that it makes of the sizes of its input."""

    def __init__(self):
        super().__init__()
        self.tokens = nn.Embedding(13, 8)
        self.places = nn.Embedding(32, 8)
        self.out = nn.Linear(8, 13)

    def forward(self, ids):
        places = torch.arange(ids.shape[1], device=ids.device)
        h = self.tokens(ids) + self.places(places + 0)
        rows, columns = places.unsqueeze(1), torch.arange(ids.shape[1], device=ids.device).unsqueeze(0)
        mask = (rows >= columns).unsqueeze(0).expand(ids.shape[0], -1, -1).unsqueeze(1)
        q = h.unsqueeze(1)
        return self.out(nn.functional.scaled_dot_product_attention(q, q, q, attn_mask=mask).squeeze(1))


class Padded(nn.Module):
    """A mask that is made of the numbers of an input."""

    def __init__(self):
        super().__init__()
        self.tokens = nn.Embedding(13, 8)

    def forward(self, ids):
        mask = ids.unsqueeze(1).ne(0).unsqueeze(2).expand(-1, 1, ids.shape[1], -1)
        q = self.tokens(ids).unsqueeze(1)
        return nn.functional.scaled_dot_product_attention(q, q, q, attn_mask=mask)


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.b = nn.Linear(4, 4), Residual()

    def forward(self, x):
        return self.b(self.a(x), x)


class Residual(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(4, 4)

    def forward(self, x, before):
        return self.fc(x) + before


class Blocks(nn.Module):
    def __init__(self):
        super().__init__()
        self.start = nn.Linear(3, 4)
        self.blocks = nn.ModuleList(Block() for _ in range(3))

    def forward(self, x):
        x = self.start(x).tanh()
        for block in self.blocks:
            x = block(x)
        return x


def groups(network):
    return [path for path, layer in network.walk() if isinstance(layer, Group)]


IDS = {"ids": torch.tensor([[1, 5, 12, 3, 0], [2, 0, 7, 7, 1]])}


@pytest.fixture
def causal(exported):
    model = Causal()
    return model, import_pytorch(exported(model, IDS, {"ids": (0, 1)})).network


def test_masks_and_positions_become_groups(causal):
    model, network = causal
    assert groups(network) == ["mask"]
    module = build(network).eval()
    for ids in (IDS["ids"], torch.randint(0, 13, (3, 9))):
        assert torch.equal(module(ids), model(ids))


def test_what_makes_numbers_of_sizes_is_where_its_input_is(causal):
    _, network = causal
    module = build(network).to("meta")
    assert module(IDS["ids"].to("meta")).shape == (2, 5, 13)
    assert "next(self.parameters()" not in write_pytorch(network)


def test_a_mask_of_the_numbers_of_an_input_stays_outside(exported):
    model = Padded()
    network = import_pytorch(exported(model, IDS, {"ids": (0, 1)})).network
    assert groups(network) == []
    assert torch.equal(build(network).eval()(IDS["ids"]), model(IDS["ids"]))


def test_alike_blocks_share_one_class_whatever_feeds_them(exported):
    model = Blocks()
    network = import_pytorch(exported(model, {"x": torch.randn(2, 3)}, {"x": (0,)})).network
    source = write_pytorch(network)
    assert source.count("class ") == 4  # of a residual, a block, the list of them, and all
    x = torch.randn(5, 3)
    assert torch.equal(build(network).eval()(x), model(x))


def test_adding_nothing_to_whole_numbers_is_left_out_and_to_others_not(exported):
    class Model(nn.Module):
        def forward(self, x, n):
            return x + 0.0, x * 1.0, n + 0, n // 1

    inputs = {"x": torch.tensor([[-0.0, 2.0]]), "n": torch.tensor([[3, 4]])}
    network = import_pytorch(exported(Model(), inputs)).network
    given = build(network)(*inputs.values())
    assert str(given[0][0, 0].item()) == "0.0"  # -0.0 + 0.0
    assert str(given[1][0, 0].item()) == "-0.0"
    assert sorted(layer.operation for _, layer in network.walk() if isinstance(layer, Operation)) == [
        "add.Tensor",
        "floor_divide",
    ]

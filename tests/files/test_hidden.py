"""What an export does not show of a model is said in the report."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from designer import analyze, build, free_size, import_pytorch


class Tagger(nn.Module):
    def __init__(self):
        super().__init__()
        self.emb, self.fc = nn.Embedding(30, 8), nn.Linear(12, 3)
        self.lstm = nn.LSTM(8, 6, 2, batch_first=True, bidirectional=True, dropout=0.3)
        self.gru = nn.GRU(12, 12, batch_first=True)

    def forward(self, words):
        return self.fc(self.gru(self.lstm(self.emb(words))[0])[0])


class Attending(nn.Module):
    def __init__(self, dropout=0.1):
        super().__init__()
        self.attn = nn.MultiheadAttention(8, 2, dropout=dropout, batch_first=True)
        self.p, self.drop = dropout, nn.Dropout(0.2)

    def forward(self, x):
        x = self.drop(x + self.attn(x, x, x, need_weights=False)[0])
        q = x.unflatten(-1, (2, 4)).transpose(1, 2)
        return F.scaled_dot_product_attention(q, q, q, dropout_p=self.p if self.training else 0.0)


def test_a_fixed_time_is_told_and_can_be_freed(exported):
    torch.manual_seed(0)
    model, inputs = Tagger(), {"words": torch.randint(0, 30, (2, 9))}
    network, report = import_pytorch(exported(model, inputs, {"words": (0, 1)}))
    assert report.notes == (
        "the time of words is fixed at 9, as torch.export does for recurrent layers: it can be freed",
    )
    assert (report.notes[0].fix, report.notes[0].layers) == ("free_size", ("words", "lstm", "gru"))
    freed = free_size(network, report.notes[0].layers[0])
    assert freed.layers["words"].shape == ("B", "T")
    assert not analyze(freed).problems
    module = build(freed).eval()
    for sizes in ((2, 9), (5, 14)):
        words = torch.randint(0, 30, sizes)
        assert torch.equal(module(words), model(words))


def test_hidden_dropout_is_told(exported):
    inputs = {"x": torch.rand(2, 5, 8)}
    network, report = import_pytorch(exported(Attending(), inputs, {"x": (0,)}))
    (note,) = report.notes
    assert note.startswith("the model was recorded in evaluation mode, which hides the dropout of attention: if it had")
    assert note.layers == ("attn", "attention")
    assert all(path in dict(network.walk()) for path in note.layers)
    assert report.layers["Dropout"] == 1  # which keeps its rate


@pytest.mark.parametrize("model", [Attending(), nn.Sequential(nn.Linear(8, 8), nn.Dropout(0.5))])
def test_nothing_is_told_where_nothing_is_hidden(exported, model):
    training = isinstance(model, Attending)
    file = exported(model, {"x" if training else "input": torch.rand(2, 5, 8)}, eval_mode=not training)
    assert not import_pytorch(file).report.notes

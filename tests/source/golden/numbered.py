"""A PyTorch network, written by Network Designer."""

import torch
import torch.nn.functional as F
from torch import nn


def run_lstm(m, x, states=None, **borrowed):
    """Run the LSTM m with borrowed learnables in the place of some of its own."""
    kinds = ["weight_ih", "weight_hh"] + ["bias_ih", "bias_hh"] * m.bias + ["weight_hr"] * (m.proj_size > 0)
    ends = [f"_l{n}{way}" for n in range(m.num_layers) for way in ["", "_reverse"][: 1 + m.bidirectional]]
    learnables = [borrowed.get(kind + end, getattr(m, kind + end)) for end in ends for kind in kinds]
    if states is None:
        batch = x.shape[0 if m.batch_first else 1]
        states = [x.new_zeros(len(ends), batch, size) for size in (m.proj_size or m.hidden_size, m.hidden_size)]
    settings = m.bias, m.num_layers, m.dropout, m.training, m.bidirectional, m.batch_first
    out, h, c = torch.lstm(x, states, learnables, *settings)
    return out, (h, c)


class Net(nn.ModuleDict):
    def __init__(self):
        super().__init__()
        self["1"] = nn.Linear(4, 4)
        self["2"] = nn.Linear(4, 4)
        self.register_parameter("4", nn.Parameter(torch.zeros(4)))
        self.run_lstm = nn.LSTM(4, 4, batch_first=True)
        self.lstm = nn.LSTM(4, 4, batch_first=True)
        self.lstm.bias_ih_l0 = None  # run_lstm.bias_ih_l0

    def forward(self, x0):
        x1_ = self["1"](x0)
        x1 = F.relu(x1_)
        x2 = self["2"](x1)
        x3 = x2 + x1_
        x5 = x3 + self.get_parameter("4")
        view = x5.reshape(x5.shape[0], 1, 4)  # B, 1, 4
        run_lstm_, _ = self.run_lstm(view)
        lstm, _ = run_lstm(self.lstm, run_lstm_, bias_ih_l0=self.run_lstm.bias_ih_l0)
        return lstm

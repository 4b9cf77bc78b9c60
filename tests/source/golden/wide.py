"""A PyTorch network, written by Network Designer."""

import torch
import torch.nn.functional as F
from torch import nn


def run_attention(m, query, key, value, **given):
    """Run the attention m with what is given: borrowed learnables, which replace its own, and masks."""
    settings = {
        "in_proj_weight": m.in_proj_weight,
        "q_proj_weight": m.q_proj_weight,
        "k_proj_weight": m.k_proj_weight,
        "v_proj_weight": m.v_proj_weight,
        "in_proj_bias": m.in_proj_bias,
        "bias_k": m.bias_k,
        "bias_v": m.bias_v,
        "out_proj_weight": m.out_proj.weight,
        "out_proj_bias": m.out_proj.bias,
        "add_zero_attn": m.add_zero_attn,
        "dropout_p": m.dropout,
        "training": m.training,
    } | given
    separate = settings["in_proj_weight"] is None
    if m.batch_first:
        same_key, same_value = key is query, value is key
        query = query.transpose(0, 1)  # T, B, C
        key = query if same_key else key.transpose(0, 1)  # one tensor stays one: it is projected at once
        value = key if same_value else value.transpose(0, 1)
    out, weights = F.multi_head_attention_forward(
        query, key, value, m.embed_dim, m.num_heads, use_separate_proj_weight=separate, **settings
    )
    return out.transpose(0, 1) if m.batch_first else out, weights


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


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.model_decoder_layers_0_encoder_attention = nn.MultiheadAttention(8, 2, batch_first=True)
        self.model_decoder_layers_0_encoder_attention_again = nn.LSTM(8, 8, num_layers=2, batch_first=True)
        self.other = nn.MultiheadAttention(8, 2, batch_first=True)
        self.other.in_proj_weight = None  # model_decoder_layers_0_encoder_attention.in_proj_weight
        self.other.in_proj_bias = None  # model_decoder_layers_0_encoder_attention.in_proj_bias
        self.other.out_proj.weight = None  # model_decoder_layers_0_encoder_attention.out_proj.weight
        self.other.out_proj.bias = None  # model_decoder_layers_0_encoder_attention.out_proj.bias
        self.rnn = nn.LSTM(8, 8, num_layers=2, batch_first=True)
        self.rnn.weight_ih_l0 = None  # model_decoder_layers_0_encoder_attention_again.weight_ih_l0
        self.rnn.weight_hh_l0 = None  # model_decoder_layers_0_encoder_attention_again.weight_hh_l0
        self.rnn.bias_ih_l0 = None  # model_decoder_layers_0_encoder_attention_again.bias_ih_l0
        self.rnn.bias_hh_l0 = None  # model_decoder_layers_0_encoder_attention_again.bias_hh_l0
        self.rnn.weight_ih_l1 = None  # model_decoder_layers_0_encoder_attention_again.weight_ih_l1
        self.rnn.weight_hh_l1 = None  # model_decoder_layers_0_encoder_attention_again.weight_hh_l1
        self.rnn.bias_ih_l1 = None  # model_decoder_layers_0_encoder_attention_again.bias_ih_l1
        self.rnn.bias_hh_l1 = None  # model_decoder_layers_0_encoder_attention_again.bias_hh_l1

    def forward(self, x):
        model_decoder_layers_0_encoder_attention, _ = self.model_decoder_layers_0_encoder_attention(
            x, x, x, need_weights=False
        )
        model_decoder_layers_0_encoder_attention_again, _ = self.model_decoder_layers_0_encoder_attention_again(
            model_decoder_layers_0_encoder_attention
        )
        other, _ = run_attention(
            self.other,
            model_decoder_layers_0_encoder_attention_again,
            model_decoder_layers_0_encoder_attention_again,
            model_decoder_layers_0_encoder_attention_again,
            in_proj_weight=self.model_decoder_layers_0_encoder_attention.in_proj_weight,
            in_proj_bias=self.model_decoder_layers_0_encoder_attention.in_proj_bias,
            out_proj_weight=self.model_decoder_layers_0_encoder_attention.out_proj.weight,
            out_proj_bias=self.model_decoder_layers_0_encoder_attention.out_proj.bias,
        )
        rnn, _ = run_lstm(
            self.rnn,
            other,
            weight_ih_l0=self.model_decoder_layers_0_encoder_attention_again.weight_ih_l0,
            weight_hh_l0=self.model_decoder_layers_0_encoder_attention_again.weight_hh_l0,
            bias_ih_l0=self.model_decoder_layers_0_encoder_attention_again.bias_ih_l0,
            bias_hh_l0=self.model_decoder_layers_0_encoder_attention_again.bias_hh_l0,
            weight_ih_l1=self.model_decoder_layers_0_encoder_attention_again.weight_ih_l1,
            weight_hh_l1=self.model_decoder_layers_0_encoder_attention_again.weight_hh_l1,
            bias_ih_l1=self.model_decoder_layers_0_encoder_attention_again.bias_ih_l1,
            bias_hh_l1=self.model_decoder_layers_0_encoder_attention_again.bias_hh_l1,
        )
        a_branch_with_a_long_name_0 = F.relu(rnn)
        a_branch_with_a_long_name_1 = F.relu(rnn)
        a_branch_with_a_long_name_2 = F.relu(rnn)
        a_branch_with_a_long_name_3 = F.relu(rnn)
        a_branch_with_a_long_name_4 = F.relu(rnn)
        a_branch_with_a_long_name_5 = F.relu(rnn)
        sum_ = (
            a_branch_with_a_long_name_0
            + a_branch_with_a_long_name_1
            + a_branch_with_a_long_name_2
            + a_branch_with_a_long_name_3
            + a_branch_with_a_long_name_4
            + a_branch_with_a_long_name_5
        )
        join = torch.cat(
            [
                a_branch_with_a_long_name_0,
                a_branch_with_a_long_name_1,
                a_branch_with_a_long_name_2,
                a_branch_with_a_long_name_3,
                a_branch_with_a_long_name_4,
                a_branch_with_a_long_name_5,
            ],
            -1,
        )
        product = (
            a_branch_with_a_long_name_0
            * a_branch_with_a_long_name_1
            * a_branch_with_a_long_name_2
            * a_branch_with_a_long_name_3
            * a_branch_with_a_long_name_4
            * a_branch_with_a_long_name_5
        )
        return sum_, join, product

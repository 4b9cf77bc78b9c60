"""Calls that torch makes of a whole attention layer when nothing is trained, as the calls that they stand for."""

import ast
from collections.abc import Callable
from typing import Any

from designer.files.torchscript.text import Function
from designer.files.torchscript.worlds import Value, Worlds

ATTENTION = "torch.nn.modules.activation.MultiheadAttention"
# As torch.nn.functional.multi_head_attention_forward does it for one input with the batch first.
TEXT = """
def attention(src, embed, heads, weight, bias, out_weight, out_bias, weights):
    x = torch.transpose(src, 1, 0)
    T = torch.size(x, 0)
    B = torch.size(x, 1)
    size = torch.floordiv(embed, heads)
    y = torch.unsqueeze(torch.unflatten(torch.linear(x, weight, bias), -1, [3, embed]), 0)
    y1 = torch.contiguous(torch.squeeze(torch.transpose(y, 0, -2), -2))
    q = torch.transpose(torch.view(torch.select(y1, 0, 0), [T, torch.mul(B, heads), size]), 0, 1)
    k = torch.transpose(torch.view(torch.select(y1, 0, 1), [T, torch.mul(B, heads), size]), 0, 1)
    v = torch.transpose(torch.view(torch.select(y1, 0, 2), [T, torch.mul(B, heads), size]), 0, 1)
    if weights:
        scaled = torch.mul(q, torch.pow(size, -0.5))
        shares = torch.softmax(torch.bmm(scaled, torch.transpose(k, -2, -1)), -1)
        mixed = torch.reshape(torch.transpose(torch.bmm(shares, v), 0, 1), [torch.mul(T, B), embed])
        seen = torch.mean(torch.view(shares, [B, heads, T, T]), [1])
    else:
        q1 = torch.view(q, [B, heads, T, size])
        k1 = torch.view(k, [B, heads, T, size])
        v1 = torch.view(v, [B, heads, T, size])
        z = torch.permute(torch.scaled_dot_product_attention(q1, k1, v1), [2, 0, 1, 3])
        mixed = torch.view(torch.contiguous(z), [torch.mul(B, T), embed])
        seen = None
    out = torch.view(torch.linear(mixed, out_weight, out_bias), [T, B, embed])
    return (torch.transpose(out, 1, 0), seen)

def feed(x, gelu, weight1, bias1, weight2, bias2):
    y = torch.linear(x, weight1, bias1)
    if gelu:
        z = torch.gelu(y)
    else:
        z = torch.relu(y)
    return torch.linear(z, weight2, bias2)

def normed(x, weight, bias, eps):
    return torch.layer_norm(x, [torch.size(x, -1)], weight, bias, eps)

def joined(x, y):
    return torch.add(x, y)
"""
FUNCTIONS = {
    tree.name: Function(tree.name, "torch", tree) for tree in ast.parse(TEXT).body if isinstance(tree, ast.FunctionDef)
}


def unfused(worlds: Worlds, run: Callable[..., Any], name: str, arguments: list[Any]) -> Any:
    """What a fused call gives, made of plain calls; None for one that is none, or takes a mask."""
    if name == "_native_multi_head_attention" and 9 <= len(arguments) <= 13:
        query, key, value, embed, heads, weight, bias, out_weight, out_bias, *rest = arguments
        mask, weights, average = (rest[:3] + [None, True, True][len(rest) :])[:3]
        if query is not key or key is not value or mask is not None or (weights and not average):
            return None
        return _attention(worlds, run, [query, embed, heads, weight, bias, out_weight, out_bias, weights])
    if name == "_transformer_encoder_layer_fwd" and len(arguments) >= 18 and not any(arguments[18:19]):
        x, embed, heads, weight, bias, out_weight, out_bias, gelu, first, eps, *rest = arguments
        norm1, norm2, layers = rest[:2], rest[2:4], rest[4:8]

        def call(what: str, *given: Any) -> Any:
            return run(FUNCTIONS[what], list(given), {})

        def attended(taken: Any) -> Any:
            return _attention(worlds, run, [taken, embed, heads, weight, bias, out_weight, out_bias, False])[0]

        if first:
            x = call("joined", x, attended(call("normed", x, *norm1, eps)))
            return call("joined", x, call("feed", call("normed", x, *norm2, eps), gelu, *layers))
        x = call("normed", call("joined", x, attended(x)), *norm1, eps)
        return call("normed", call("joined", x, call("feed", x, gelu, *layers)), *norm2, eps)
    return None


def _attention(worlds: Worlds, run: Callable[..., Any], arguments: list[Any]) -> Any:
    """An attention, in the module that its weights are of."""
    place, kind = worlds.place, worlds.kind
    weight = arguments[3]
    path = worlds.slots.get(weight.ref, "").rpartition(".")[0] if isinstance(weight, Value) else ""
    if path and (not place or place[-1][0] != path):
        worlds.place = (*place, (path, place[-1][1] if place else 0))
    worlds.kind = ATTENTION
    try:
        return run(FUNCTIONS["attention"], arguments, {})
    finally:
        worlds.place, worlds.kind = place, kind

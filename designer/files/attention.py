"""Recognise the some twenty calls that torch.nn.MultiheadAttention makes, and write them as one.

The chain is followed from the output projection backwards, call by call as torch 2.9 to 2.13 record it; where
anything is different, the calls stay as they are.
"""

import dataclasses
import math
from typing import Any

from designer.files.clean import drop_dead
from designer.files.program import Op, Program, Ref
from designer.files.uses import Uses
from designer.layers import MultiheadAttention

KIND = "torch.nn.modules.activation.MultiheadAttention"


class _Different(Exception):
    """The calls are not those that are looked for."""


@dataclasses.dataclass
class _Found:
    """One attention: its data, its learnables and its settings."""

    data: list[Ref]
    learnables: dict[str, Ref]
    settings: dict[str, Any]
    results: list[Ref]


def join_attention(program: Program) -> None:
    """Write each attention that is recognised as one call of ``layer.attention``."""
    if not any(op.kind == KIND for op in program.ops):
        return
    seen = _Calls(program)
    replaced: dict[int, Op] = {}
    gone: set[Ref] = set()
    for op in program.ops:
        if op.target == "aten.linear.default" and op.kind == KIND:
            try:
                found = seen.attention(op)
            except _Different:
                continue
            gone.update(found.results)
            first = min(
                n for n, other in enumerate(program.ops) if other.results[:1] and other.results[0] in found.results
            )
            layer = MultiheadAttention(**found.settings)
            arguments = [[*found.data], [*found.learnables.values()]]
            made = Op("layer.attention", arguments, {}, [*found.results], False, op.place, op.kind)
            made.keywords = {"layer": layer, "learnables": tuple(found.learnables)}
            replaced[first] = made
    ops = []
    for n, op in enumerate(program.ops):
        if n in replaced:
            ops.append(replaced[n])
        if not gone.intersection(result for result in op.results if result is not None):
            ops.append(op)
    program.ops = ops
    drop_dead(program)


class _Calls(Uses):
    def back(self, ref: Any, name: str, *rest: Any) -> Ref:
        """The first argument of the call that made a value, which must be of this name with these other arguments."""
        op = self.maker(ref, name)
        if rest and op.arguments[1 : len(rest) + 1] != list(rest):
            raise _Different
        source = op.arguments[0]
        assert isinstance(source, Ref)
        return source

    def maker(self, ref: Any, *names: str) -> Op:
        op = self.makers.get(ref) if isinstance(ref, Ref) else None
        if op is None or op.name not in names or op.kind != KIND:
            raise _Different
        return op

    def only_taker(self, ref: Ref) -> Op | None:
        takers = self.takers.get(ref, [])
        return takers[0] if len(takers) == 1 and ref not in self.given else None

    def shape(self, ref: Ref) -> tuple[int, ...]:
        return self.program.metas[ref].shape

    def attention(self, projection: Op) -> _Found:
        """The attention that ends in this output projection."""
        rows, weight, bias = projection.arguments[0], projection.arguments[1], projection.argument(2, "bias")
        size = self.shape(weight)[0]
        view = self.only_taker(projection.results[0])  # type: ignore[arg-type]
        if view is None or view.name != "view" or view.kind != KIND or view.results[0] is None:
            raise _Different
        out: Ref = view.results[0]
        turned = self.only_taker(out)
        batch_first = self.is_turn(turned)
        if batch_first:
            assert turned is not None
            assert turned.results[0] is not None
            out = turned.results[0]
        mixed = self.back(rows, self.maker(rows, "reshape", "view").name)
        settings: dict[str, Any] = {"batch_first": batch_first, "bias": bias is not None}
        mask: Ref | None = None
        padding: Ref | None = None
        results = [out]
        if self.makers.get(mixed) is not None and self.makers[mixed].name == "permute":
            core = self.maker(self.back(mixed, "permute", [2, 0, 1, 3]), "scaled_dot_product_attention")
            if core.keywords or len(core.arguments) > 6:
                raise _Different
            query, key, value = (self.back(ref, "view") for ref in core.arguments[:3])
            mask = core.argument(3, "attn_mask")
            if core.argument(4, "dropout_p", 0.0) != 0.0:
                raise _Different
            settings["is_causal"] = core.argument(5, "is_causal", False)
            if mask is not None and self.is_made(mask, "view"):
                padding, mask = self.parted(self.back(mask, "view"))
            elif mask is not None:
                mask = self.flat_mask(mask)
        else:
            core = self.maker(self.back(mixed, "transpose", 0, 1), "bmm")
            shares, value = core.arguments
            used = shares
            if self.maker(shares, "softmax", "dropout").name == "dropout":
                settings["dropout"] = self.makers[shares].arguments[1]
                shares = self.back(shares, "dropout")
            scores = self.maker(self.back(shares, "softmax", -1), "bmm", "baddbmm")
            *masks, scaled, turned_key = scores.arguments
            if scores.keywords:
                raise _Different
            if masks and (self.is_made(masks[0], "add") or self.is_made(masks[0], "reshape")):
                padding, mask = self.parted(masks[0])
            elif masks:
                mask = self.unpadded(masks[0])
                mask = self.back(mask, "unsqueeze", 0) if self.is_made(mask, "unsqueeze") else mask
            key = self.back(turned_key, "transpose", -2, -1)
            query = self.back(scaled, "mul")
            factor = self.makers[scaled].arguments[1]
            if not isinstance(factor, float) or not math.isclose(factor, self.shape(query)[-1] ** -0.5, rel_tol=1e-6):
                raise _Different
            settings["need_weights"] = True
            self.add_weights(used, core, settings, results)
        length = self.shape(key)[-2]
        key, value = self.without_zeros(key, value, settings)
        heads = [self.back(self.back(ref, "transpose", 0, 1), "view") for ref in (query, key, value)]
        heads[1:], learnt = self.without_biases(heads[1:], settings)
        settings["num_heads"] = size // self.shape(self.back(query, "transpose", 0, 1))[-1]
        data, learnables = self.projected(heads, size, settings)
        learnables |= learnt
        if batch_first:
            data = [self.back(ref, "transpose", 1, 0) for ref in data]
        metas, batch = self.program.metas, 0 if batch_first else 1
        batches = {metas[ref].sizes[batch] for ref in data} | (
            {metas[padding].sizes[0]} if padding is not None else set()
        )
        if len(batches) > 1:
            raise _Different  # equal at run time only: a layer needs one name for them
        settings["cross"] = len(set(data)) > 1
        if not settings["cross"]:
            data = data[:1]
        more = settings.get("add_bias_kv", 0) + settings.get("add_zero_attn", 0)
        if any(ref is not None and self.shape(ref)[-1] + more != length for ref in (padding, mask)):
            raise _Different
        if padding is not None:
            settings["key_padding_mask"] = True
            data.append(padding)
        if mask is not None:
            if len(self.shape(mask)) != 2 and self.shape(mask)[-2] != self.shape(query)[-2]:
                raise _Different  # made of a padding mask
            settings["attn_mask"] = True
            data.append(mask)
        learnables |= {"out_proj.weight": weight} | ({"out_proj.bias": bias} if bias is not None else {})
        if settings["bias"] != ("in_proj_bias" in learnables):
            raise _Different
        return _Found(data, learnables, settings, results)

    def is_turn(self, op: Op | None) -> bool:
        """Whether a call exchanges the batch and the time."""
        return op is not None and op.name == "transpose" and op.arguments[1:] == [1, 0] and op.kind == KIND

    def is_made(self, ref: Ref, name: str) -> bool:
        return ref in self.makers and self.makers[ref].name == name

    def flat_mask(self, mask: Ref) -> Ref:
        """The mask T x S that was given, from the one that is used."""
        return self.back(self.unpadded(self.back(mask, "unsqueeze", 0)), "unsqueeze", 0)

    def unpadded(self, mask: Any) -> Any:
        """A mask without the columns that the module added for keys of its own."""
        while self.is_made(mask, "pad") and self.makers[mask].arguments[1:] == [[0, 1]]:
            mask = self.back(mask, "pad")
        return mask

    def without_zeros(self, key: Ref, value: Ref, settings: dict[str, Any]) -> tuple[Ref, Ref]:
        """Keys and values as they were before the module added one of zeros."""
        if not self.is_made(key, "cat"):
            return key, value
        settings["add_zero_attn"] = True
        parts = [self.lengthened(ref, 1, "zeros") for ref in (key, value)]
        return parts[0][0], parts[1][0]

    def without_biases(self, heads: list[Ref], settings: dict[str, Any]) -> tuple[list[Ref], dict[str, Ref]]:
        """Keys and values as they were before the module added one that it has learnt, and those."""
        if not self.is_made(heads[0], "cat"):
            return heads, {}
        settings["add_bias_kv"] = True
        parts = [self.lengthened(ref, 0, "repeat") for ref in heads]
        learnt = {name: self.back(made.results[0], "repeat") for name, (_, made) in zip(("bias_k", "bias_v"), parts)}
        if not self.program.slots.keys() >= {*learnt.values()}:
            raise _Different
        return [ref for ref, _ in parts], learnt

    def lengthened(self, ref: Ref, dim: int, name: str) -> tuple[Ref, Op]:
        """What a tensor was made longer from, and the call that made what was added: one step in time."""
        cat = self.maker(ref, "cat")
        parts = cat.arguments[0]
        if cat.argument(1, "dim", 0) != dim or len(parts) != 2 or self.shape(parts[1])[dim] != 1:
            raise _Different
        return parts[0], self.maker(parts[1], name)

    def parted(self, mask: Ref) -> tuple[Ref, Ref | None]:
        """The mask of keys B x S, and the one T x S if there was one too, from what was made of both."""
        if self.maker(mask, "add", "reshape").name == "reshape":
            padding = self.spread(mask)
            return self.unfilled(padding) or padding, None
        first, second = self.makers[mask].arguments
        padding, pairs = self.spread(second), self.back(self.unpadded(first), "unsqueeze", 0)
        plain = self.unfilled(padding), self.unfilled(pairs)  # torch wants two masks of one kind
        return (plain[0], plain[1]) if plain[0] and plain[1] else (padding, pairs)

    def spread(self, mask: Ref) -> Ref:
        """The mask of keys that was spread over heads and queries."""
        given: Ref = self.unpadded(self.back(self.back(self.back(mask, "reshape"), "expand"), "view"))
        if len(self.shape(given)) != 2:
            raise _Different
        return given

    def unfilled(self, mask: Ref) -> Ref | None:
        """The mask of truths that the module made one to add of."""
        made = self.makers.get(mask)
        if made is None or made.name != "masked_fill" or made.kind != KIND or made.arguments[2] != -math.inf:
            return None
        zeros, hidden = self.makers.get(made.arguments[0]), made.arguments[1]
        return Ref(hidden) if zeros is not None and zeros.name == "zeros_like" else None

    def add_weights(self, shares: Ref, core: Op, settings: dict[str, Any], results: list[Ref]) -> None:
        """Note the attention weights, if they are used, averaged over the heads or not."""
        others = [op for op in self.takers.get(shares, []) if op is not core]
        if not others:
            return
        if len(others) > 1 or others[0].name != "view" or others[0].results[0] is None or shares in self.given:
            raise _Different
        weights: Ref = others[0].results[0]
        mean = self.only_taker(weights)
        if mean is not None and mean.name == "mean" and mean.arguments[1:] == [[1]] and mean.kind == KIND:
            assert mean.results[0] is not None
            weights = mean.results[0]
        else:
            settings["average_attn_weights"] = False
        results.append(weights)

    def projected(self, heads: list[Ref], size: int, settings: dict[str, Any]) -> tuple[list[Ref], dict[str, Ref]]:
        """What query, key and value were before their projections, and the learnables of those."""
        makers = [self.maker(ref, "select", "linear") for ref in heads]
        names = [op.name for op in makers]
        if names == ["select"] * 3:
            linear = self.unpacked(heads, 3, size)
            return [linear.arguments[0]] * 3, self.packed(linear)
        if names == ["linear", "select", "select"]:
            linear = self.unpacked(heads[1:], 2, size)
            parts = [makers[0], linear]
        elif names == ["linear"] * 3:
            parts = makers
        else:
            raise _Different
        data = [op.arguments[0] for op in parts]
        data = data if len(data) == 3 else [data[0], data[1], data[1]]
        weights, biases = ([op.argument(n, name) for op in parts] for n, name in ((1, "weight"), (2, "bias")))
        learnables: dict[str, Ref] = {}
        if all(weight in self.program.slots for weight in weights) and len(parts) == 3:
            settings["own_sizes"] = True
            learnables |= dict(zip(("q_proj_weight", "k_proj_weight", "v_proj_weight"), weights))
        else:
            learnables["in_proj_weight"] = self.whole(weights, size)
        if biases[0] is not None:
            learnables["in_proj_bias"] = self.whole(biases, size)
        return data, learnables

    def unpacked(self, refs: list[Ref], count: int, size: int) -> Op:
        """The projection whose result these are the parts of, in order."""
        whole = {self.back(ref, "select", 0, n) for n, ref in enumerate(refs)}
        if len(whole) != 1:
            raise _Different
        turned = self.back(self.back(whole.pop(), "squeeze", -2), "transpose", 0, -2)
        return self.maker(self.back(self.back(turned, "unsqueeze", 0), "unflatten", -1, [count, size]), "linear")

    def packed(self, linear: Op) -> dict[str, Ref]:
        bias = linear.argument(2, "bias")
        return {"in_proj_weight": linear.arguments[1]} | ({"in_proj_bias": bias} if bias is not None else {})

    def whole(self, parts: list[Any], size: int) -> Ref:
        """The learnable that these are the parts of, in order."""
        maker = self.maker(parts[0], "chunk", "split_with_sizes", "split")
        made = [result for result in maker.results if result is not None]
        sizes = maker.arguments[1]
        if made != parts or sizes not in (3, size, [size] * 3, [size, 2 * size]) or maker.argument(2, "dim", 0) != 0:
            raise _Different
        source = maker.arguments[0]
        if source not in self.program.slots:
            raise _Different
        return Ref(source)

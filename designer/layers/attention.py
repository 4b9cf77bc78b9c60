"""Attention, over sequences B, T, C."""

from designer.layers.text import facts, literal, miscounted, settings, times, undivided
from designer.model import Layer, prop

RUN_ATTENTION = '''
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
'''
CAUSAL_MASK = '''
def causal_mask(m, query, key):
    """True where a query must not look: at keys that come after it."""
    time = 1 if m.batch_first else 0
    return torch.ones(query.shape[time], key.shape[time], dtype=torch.bool, device=query.device).triu(1)
'''


class MultiheadAttention(Layer, category="Attention", search="transformer self-attention cross-attention"):
    """Let each position look at all others (Vaswani et al., 2017; torch.nn.MultiheadAttention)."""

    num_heads: int = prop(8, "How many heads; they divide the last size of the query.", minimum=1, maximum=65536)
    dropout: float = prop(0.0, "Share of the attention that training zeroes.", maximum=1)
    bias: bool = prop(True, "Add learnable biases to the projections.")
    add_bias_kv: bool = prop(False, "Add a learnable key and a learnable value to the sequences.")
    add_zero_attn: bool = prop(False, "Add a key and a value of zeros to the sequences.")
    batch_first: bool = prop(True, "Take (B, T, C) instead of (T, B, C).")
    cross: bool = prop(False, "Show a port each for query, key and value.", kw_only=True)
    own_sizes: bool = prop(False, "Let keys and values have sizes of their own (kdim, vdim).", kw_only=True)
    key_padding_mask: bool = prop(
        False, "Show a port for a mask of keys, B x S, true where to look away.", kw_only=True
    )
    attn_mask: bool = prop(False, "Show a port for a mask of pairs, T x S, true where to look away.", kw_only=True)
    is_causal: bool = prop(False, "Hide from each position what comes after it.", kw_only=True)
    need_weights: bool = prop(False, "Show a port for the attention weights.", kw_only=True)
    average_attn_weights: bool = prop(True, "Average the attention weights over the heads.", kw_only=True)

    def inputs(self):
        data = ("query", "key", "value") if self.cross else ("in",)
        return (*data, *("key_padding_mask",) * self.key_padding_mask, *("attn_mask",) * self.attn_mask)

    def outputs(self):
        return ("out", "weights") if self.need_weights else ("out",)

    def learnables(self):
        weights = ("q_proj_weight", "k_proj_weight", "v_proj_weight") if self.own_sizes else ("in_proj_weight",)
        kv = ("bias_k", "bias_v") if self.add_bias_kv else ()
        bias = ("in_proj_bias",) if self.bias else ()
        return (*weights, *bias, *kv, "out_proj.weight", *("out_proj.bias",) * self.bias)

    def module(self, *shapes):
        query, key, value = self._roles(shapes)
        given = settings(self, "dropout", "bias", "add_bias_kv", "add_zero_attn")
        sizes = f", kdim={key[-1]}, vdim={value[-1]}" if self.own_sizes else ""
        first = ", batch_first=True" if self.batch_first else ""  # our default, not torch's
        return f"nn.MultiheadAttention({query[-1]}, {self.num_heads}{given}{sizes}{first})"

    def call(self, m, *inputs):
        return f"{m}({self._arguments(m, inputs)})"

    def unpack(self):
        return "{out}, {weights}" if self.need_weights else "{out}, _"

    def functional(self, m, *inputs, **learnables):
        given = (name.replace(".", "_") for name in self.learnables() if name in self.input_learnables)
        borrowed = "".join(f", {name}={learnables[name]}" for name in given)
        return f"run_attention({m}, {self._arguments(m, inputs)}{borrowed})"

    def _roles(self, inputs):
        """Query, key and value, of the inputs or their shapes."""
        return inputs[:3] if self.cross else inputs[:1] * 3

    def _arguments(self, m, inputs):
        query, key, value = self._roles(inputs)
        given = f"{query}, {key}, {value}"
        for name in self.inputs()[3 if self.cross else 1 :]:
            given += f", {name}={inputs[self.inputs().index(name)]}"
        if self.is_causal and not self.attn_mask:
            given += f", attn_mask=causal_mask({m}, {query}, {key})"
        names = ["average_attn_weights"] if self.need_weights else []
        needed = "" if self.need_weights else ", need_weights=False"
        return f"{given}{needed}{settings(self, *names, 'is_causal')}"

    def preamble(self):
        return {"run_attention": RUN_ATTENTION, "causal_mask": CAUSAL_MASK}

    def summary(self, *shapes):
        return facts(f"{self.num_heads} head{'s' if self.num_heads > 1 else ''}", "causal" if self.is_causal else "")

    def multiply_adds(self, *shapes):
        query, key, value = self._roles(shapes)
        batch, time = (0, 1) if self.batch_first else (1, 0)
        length, size = query[time], query[-1]
        sources = key[time] + self.add_bias_kv + self.add_zero_attn
        projections = 2 * length * size**2 + key[time] * size * (key[-1] + value[-1])
        return query[batch] * (projections + 2 * length * sources * size)

    def check(self, *shapes):
        layout = "B, T, C" if self.batch_first else "T, B, C"
        query, key, value = self._roles(shapes)
        for shape in (query, key, value):
            if wrong := miscounted(self, shape, layout):
                return wrong
        if self.own_sizes and key[-1] == value[-1] == query[-1]:
            return f"Keys and values are {query[-1]} long as queries are: they have no sizes of their own."
        for name, shape in (("Keys", key), ("Values", value)):
            if not self.own_sizes and shape[-1] != query[-1]:
                return f"{name} are {shape[-1]} long, queries {query[-1]}: set own_sizes to allow that."
        return undivided(self.num_heads, "heads", query[-1], "features")


class ScaledDotProductAttention(Layer, category="Attention", search="transformer flash sdpa"):
    """Mix values by how well keys match queries (torch.nn.functional.scaled_dot_product_attention)."""

    attn_mask: bool = prop(False, "Show a port for a mask, true where to look, or numbers to add.")
    dropout_p: float = prop(0.0, "Share of the attention that training zeroes.", maximum=1)
    is_causal: bool = prop(False, "Hide from each position what comes after it.")
    scale: float | None = prop(None, "Factor of the products; nothing is one by the root of the last size.")
    enable_gqa: bool = prop(False, "Let several heads of the query share one of keys and values.")

    def inputs(self):
        return ("query", "key", "value", "attn_mask") if self.attn_mask else ("query", "key", "value")

    def call(self, m, query, key, value, mask=None):
        masked = f", attn_mask={mask}" if mask else ""
        dropped = f", dropout_p={literal(self.dropout_p)} if {m}.training else 0.0" if self.dropout_p else ""
        given = settings(self, "is_causal", "scale", "enable_gqa")
        return f"F.scaled_dot_product_attention({query}, {key}, {value}{masked}{dropped}{given})"

    def summary(self, *shapes):
        return facts("causal" if self.is_causal else "", f"scale {self.scale:g}" if self.scale is not None else "")

    def multiply_adds(self, query, key, value, *mask):
        pairs = query[-2] * key[-2]
        for size in query[:-2]:
            pairs *= size
        return pairs * (query[-1] + value[-1])

    def check(self, query, key, value, *mask):
        for shape in (query, key, value):
            if len(shape) < 2:
                return f"ScaledDotProductAttention needs at least 2 sizes (T, C), but gets {times(shape)}."
        if self.is_causal and self.attn_mask:
            return "ScaledDotProductAttention is causal or takes a mask, not both."
        return None

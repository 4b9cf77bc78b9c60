"""Layers that look vectors up by their index."""

from typing import ClassVar

from designer.layers.text import facts, settings, settings_of, times
from designer.model import Layer, prop

TRANSPOSED_EMBEDDING = '''
class TransposedEmbedding(nn.Module):
    """An embedding that stores its vectors as columns."""

    def __init__(self, num_embeddings, embedding_dim, padding_idx=None, **settings):
        super().__init__()
        self.padding_idx = padding_idx
        self.max_norm = settings.get("max_norm")
        self.norm_type = settings.get("norm_type", 2.0)
        self.scale_grad_by_freq = settings.get("scale_grad_by_freq", False)
        self.sparse = settings.get("sparse", False)
        self.weight = nn.Parameter(torch.empty(embedding_dim, num_embeddings))
        self.reset_parameters()

    def reset_parameters(self):
        nn.init.normal_(self.weight)
        if self.padding_idx is not None:
            nn.init.zeros_(self.weight[:, self.padding_idx])

    def forward(self, x):
        return F.embedding(
            x, self.weight.t(), self.padding_idx, self.max_norm, self.norm_type, self.scale_grad_by_freq, self.sparse
        )
'''


class Lookup(Layer):
    """What embeddings have in common."""

    indices: ClassVar[bool] = True

    num_embeddings: int = prop(1000, "Number of vectors: the largest index plus one.", minimum=1)
    embedding_dim: int = prop(300, "Length of each vector.", minimum=1)

    def learnables(self):
        return ("weight",)

    def summary(self, *shapes):
        return f"{self.num_embeddings} × {self.embedding_dim}"


class Embedding(Lookup, category="Embedding", search="lookup word vectors tokens vocabulary"):
    """Replace each index by a learnable vector (torch.nn.Embedding)."""

    padding_idx: int | None = prop(None, "Index whose vector starts at zero and is not trained.", minimum=-(2**31))
    max_norm: float | None = prop(None, "Vectors longer than this are shortened to it when they are used.")
    norm_type: float = prop(2.0, "The p of the norm that max_norm limits.", maximum=float("inf"))
    scale_grad_by_freq: bool = prop(False, "Divide gradients by how often the index is in the batch.")
    sparse: bool = prop(False, "Make the gradient of the weight a sparse tensor.")
    transposed: bool = prop(False, "Store the vectors as columns, as MATLAB does, instead of torch's rows.")

    def module(self, x):
        kind = "TransposedEmbedding" if self.transposed else "nn.Embedding"
        given = settings(self, "padding_idx", "max_norm", "norm_type", "scale_grad_by_freq", "sparse")
        return f"{kind}({self.num_embeddings}, {self.embedding_dim}{given})"

    def functional(self, m, x, weight):
        given = settings_of(m, self, "padding_idx", "max_norm", "norm_type", "scale_grad_by_freq", "sparse")
        return f"F.embedding({x}, {weight}{'.t()' if self.transposed else ''}{given})"

    def preamble(self):
        return {"TransposedEmbedding": TRANSPOSED_EMBEDDING} if self.transposed else {}

    def check(self, x):
        return _problem(self)


class EmbeddingBag(Lookup, category="Embedding", search="lookup bag of words sum mean"):
    """Replace each bag of indices by the mean, sum or maximum of their vectors (torch.nn.EmbeddingBag)."""

    max_norm: float | None = prop(None, "Vectors longer than this are shortened to it when they are used.")
    norm_type: float = prop(2.0, "The p of the norm that max_norm limits.", maximum=float("inf"))
    scale_grad_by_freq: bool = prop(False, "Divide gradients by how often the index is in the batch.")
    mode: str = prop("mean", "How the vectors of a bag become one.", choices=("sum", "mean", "max"))
    sparse: bool = prop(False, "Make the gradient of the weight a sparse tensor.")
    include_last_offset: bool = prop(False, "The last offset is the end of the last bag.")
    padding_idx: int | None = prop(None, "Index that is left out of its bag and not trained.", minimum=-(2**31))
    offsets: bool = prop(False, "Show a port for the start of each bag in one long row of indices.")
    per_sample_weights: bool = prop(False, "Show a port for a factor of each index; the mode is then sum.")

    def inputs(self):
        return ("in", *("offsets",) * self.offsets, *("per_sample_weights",) * self.per_sample_weights)

    def module(self, x, *others):
        names = ("max_norm", "norm_type", "scale_grad_by_freq", "mode", "sparse", "include_last_offset", "padding_idx")
        return f"nn.EmbeddingBag({self.num_embeddings}, {self.embedding_dim}{settings(self, *names)})"

    def call(self, m, x, *others):
        return f"{m}({x}{self._wired(others)})"

    def functional(self, m, x, *others, weight):
        names = ("max_norm", "norm_type", "scale_grad_by_freq", "mode", "sparse", "include_last_offset", "padding_idx")
        return f"F.embedding_bag({x}, {weight}{self._wired(others)}{settings_of(m, self, *names)})"

    def _wired(self, others):
        return "".join(f", {name}={text}" for name, text in zip(self.inputs()[1:], others))

    def summary(self, *shapes):
        return facts(super().summary(), self.mode if self.mode != "mean" else "")

    def check(self, x, *others):
        want = 1 if self.offsets else 2
        if len(x) != want:
            which = "with offsets needs 1 size (indices)" if self.offsets else "needs 2 sizes (B, indices)"
            return f"EmbeddingBag {which}, but gets {times(x)}."
        if self.per_sample_weights and self.mode != "sum":
            return f"EmbeddingBag takes per_sample_weights in mode sum only, not {self.mode}."
        return _problem(self)


def _problem(layer: Embedding | EmbeddingBag) -> str | None:
    kind, index, count = type(layer).__name__, layer.padding_idx, layer.num_embeddings
    if layer.sparse and layer.scale_grad_by_freq:
        return f"{kind} cannot scale a sparse gradient by frequency."
    if index is not None and not -count <= index < count:
        return f"padding_idx {index} lies outside the {count} vectors of {kind}."
    return None

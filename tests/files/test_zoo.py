"""Models of many families, some by other people's code: each file of theirs opens as a network that does the same."""

import dataclasses
import importlib.util
import sys
import warnings
from pathlib import Path
from typing import NamedTuple

import pytest
import torch
from torch import nn
from torch.utils import _pytree as tree

from designer import build, import_pytorch
from designer.layers import Operation
from designer.model import Call, Group, Input, Layer, Output

HERE = Path(__file__).parent
TABLE = HERE / "ZOO.md"


def definitions(name):
    """The models of a file of the folder ``zoo``."""
    spec = importlib.util.spec_from_file_location(f"zoo_{name}", HERE / "zoo" / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module.MODELS


FILES = {
    name: file
    for file, names in {
        "pictures": """plain resnet, plain densenet, plain u-net, plain mobilenet, plain efficientnet, plain convnext,
            plain mixer, plain vgg, plain inception, plain group norm, plain vit, plain generator, plain volumes""",
        "sequences": """plain lstm tagger, plain gru tagger, plain seq2seq, plain tied autoencoder,
            plain tied language model, plain translator, plain attention, plain char cnn, plain gated, plain wavenet,
            plain nanogpt, plain variational, plain recommender, plain shared""",
        "text": """albert, bart, bert, bert with a mask, bloom, deberta v2, distilbert, electra, gemma, gemma 2, gpt-2,
            gpt-neo, gpt-neox, llama, mamba, mistral, opt, phi, qwen2 tied, qwen3 experts, roberta, t5""",
        "vision": """clip, convnext, detr, efficientnet, mobilenet v2, regnet, resnet, segformer, swin, vit, wav2vec2,
            whisper""",
        "torchvision_models": """torchvision resnet18, torchvision densenet121, torchvision mobilenet v3,
            torchvision efficientnet b0, torchvision squeezenet, torchvision shufflenet v2, torchvision convnext,
            torchvision swin, torchvision vit, torchvision inception v3""",
    }.items()
    for name in (" ".join(entry.split()) for entry in names.split(","))
}
QUICK = [
    *("plain u-net", "plain efficientnet", "plain group norm", "plain lstm tagger", "plain tied autoencoder"),
    *("plain translator", "plain recommender", "plain shared", "gpt-neo", "bart", "swin", "wav2vec2"),
]


def made(name):
    """A model of the zoo, and its inputs by name."""
    file = FILES[name]
    if file == "torchvision_models" and importlib.util.find_spec("torchvision") is None:
        pytest.skip("torchvision is not installed")
    torch.manual_seed(0)
    model, inputs = definitions(file)[name]()
    return model.eval(), inputs


class Row(NamedTuple):
    """What is found for a model."""

    layers: int
    operations: int  # those of the layers that are no type of their own
    modules: int  # of torch.nn, without others in them
    recovered: int
    ties: int
    unused: int
    outputs: float  # largest difference, as a part of the tolerance
    larger: float  # the same for another batch
    gradients: float


# What the model is.


def ties_of(model):
    """The names of the state_dict that stand for the very same numbers, seen the same way."""
    groups = {}
    for key, value in model.state_dict(keep_vars=True).items():
        if value.numel():
            view = (value.untyped_storage().data_ptr(), value.storage_offset(), value.shape, value.stride())
            groups.setdefault(view, set()).add(key)
    return {frozenset(group) for group in groups.values() if len(group) > 1}


def does_nothing(module):
    return isinstance(module, nn.Identity) or (isinstance(module, nn.Dropout) and module.p == 0)


def leaves_of(model, inputs):
    """The modules of torch.nn without others in them that a run calls, attention as one, by path."""
    called = set()
    hooks = [
        module.register_forward_hook(lambda module, *_, path=path: called.add(path))
        for path, module in model.named_modules()
    ]
    with torch.no_grad():
        model(**inputs)
    for hook in hooks:
        hook.remove()
    found = {}
    for path, module in model.named_modules():
        plain = type(module).__module__.startswith("torch.nn.modules.") and not does_nothing(module)
        whole = isinstance(module, nn.MultiheadAttention) or next(module.children(), None) is None
        inside = any(path.startswith(f"{other}.") for other in found)
        if plain and whole and path in called and not inside:
            found[path] = module
    return found


def fits(layer, leaf):
    """Whether a layer is a module of torch.nn with its settings."""
    if type(layer).__name__ not in (kind.__name__ for kind in type(leaf).__mro__):
        return False
    for field in dataclasses.fields(layer):
        name = field.name
        if name in OURS or not hasattr(leaf, name) or (name, type(leaf)) == ("dropout", nn.MultiheadAttention):
            continue  # what an export in evaluation mode hides is told in the report
        ours, theirs = getattr(layer, name), getattr(leaf, name)
        if name == "bias":
            ours, theirs = (
                ours and getattr(leaf, "weight", True) is not None,
                theirs is not None and theirs is not False,
            )
        if name == "stride" and ours is None:
            ours = layer.kernel_size
        if spread(ours) != spread(theirs):
            return False
    return True


OURS = {field.name for field in dataclasses.fields(Layer)}
PADDING = {"valid": 0}


def spread(value):
    """A setting as the tuple of what it stands for."""
    value = PADDING.get(value, value) if isinstance(value, str) else value
    return (
        (value,) if not isinstance(value, tuple | list) else tuple(value) if len(set(value)) > 1 else tuple(value[:1])
    )


def lost(leaves, network):
    """The modules that are not there again: at their path where they store something, else as often as in the model.

    Those of lists that are called in turn stand elsewhere, and take what their path stores.
    """
    layers = dict(network.walk())
    plain = [layer for layer in layers.values() if not layer.learnables()]
    wired = [layer for layer in layers.values() if layer.input_learnables]
    gone = []
    for path, leaf in leaves.items():
        stores = any(True for _ in leaf.state_dict())
        good = stores and path in layers and fits(layers[path], leaf)
        if not good and (not stores or isinstance(layers.get(path), Group)):
            rest = wired if stores else plain
            found = next((n for n, layer in enumerate(rest) if fits(layer, leaf)), None)
            good = found is not None and bool(rest.pop(found))
        gone += [] if good else [path]
    return gone


# Whether the network does the same.


def floats(found):
    return [t for t in tree.tree_leaves(found) if isinstance(t, torch.Tensor) and t.is_floating_point()]


def off(ours, theirs):
    """The largest difference, as a part of the tolerance."""
    assert [t.shape for t in ours] == [t.shape for t in theirs]
    assert [t.dtype for t in ours] == [t.dtype for t in theirs]
    largest = 0.0
    for a, b in zip(ours, theirs):
        same = (a == b) | (a.isnan() & b.isnan())
        gap = float((a.double() - b.double()).abs().masked_fill(same, 0).max()) if a.numel() else 0.0
        scale = max(1.0, float(b.double().abs().nan_to_num(posinf=0).max()) if b.numel() else 1.0)
        largest = max(largest, gap / (1e-6 * scale))
    return largest


def outputs(model, inputs):
    with torch.no_grad():
        return [t for t in tree.tree_leaves(model(**inputs)) if isinstance(t, torch.Tensor)]


def outputs_off(module, model, inputs):
    with torch.no_grad():
        ours = module(*inputs.values())
        assert structure(ours) == structure(model(**inputs))
    return off([t for t in tree.tree_leaves(ours) if t is not None], outputs(model, inputs))


def structure(given):
    """The containers that are expected back; None says nothing in a dictionary."""
    if isinstance(given, dict):
        return {key: structure(entry) for key, entry in given.items() if entry is not None}
    if isinstance(given, list | tuple):
        return (list if isinstance(given, list) else tuple)(map(structure, given))
    return given is not None


def gradients_off(module, model, inputs):
    """The same for what each parameter gets from the mean square of all outputs."""
    found = []
    for one, given in ((module, module(*inputs.values())), (model, model(**inputs))):
        one.zero_grad()
        sum(t.square().mean() for t in floats(given)).backward()
        found.append({key: p.grad for key, p in one.named_parameters(remove_duplicate=False) if p.grad is not None})
    ours, theirs = found
    trained = {key for key, p in module.named_parameters()}
    assert set(ours) == set(theirs) & trained
    return off(list(ours.values()), [theirs[key] for key in ours])


def checked(model, inputs, path):
    """Open a file of a model that holds its program, and see what is lost."""
    network, report = import_pytorch(path)
    assert not report.placeholders
    assert grouped(report.ties) == ties_of(model)

    module = build(network).eval()
    theirs, ours = model.state_dict(), module.state_dict()
    unused = set(report.unused)
    if path.suffix == ".pt":  # TorchScript does not say which buffers the state_dict leaves out
        left_out = {key for key, _ in model.named_buffers()} - set(theirs)
        ours = {key: value for key, value in ours.items() if key not in left_out}
        unused -= left_out
    assert set(ours) <= set(theirs)
    assert set(theirs) - set(ours) == set(report.ties) | unused
    assert not needs(model, inputs, unused)
    assert all(torch.equal(value, theirs[key]) for key, value in ours.items())
    train = {key: p.requires_grad for key, p in model.named_parameters(remove_duplicate=False)}
    assert all(train[key] == p.requires_grad for key, p in module.named_parameters())

    leaves = leaves_of(model, inputs)
    layers = [layer for _, layer in network.walk() if not isinstance(layer, Input | Output | Group | Call)]
    return Row(
        len(layers),
        sum(isinstance(layer, Operation) for layer in layers),
        len(leaves),
        len(leaves) - len(lost(leaves, network)),
        len(report.ties),
        len(report.unused),
        outputs_off(module, model, inputs),
        outputs_off(module, model, {key: torch.cat([t, t, t[:1]]) for key, t in inputs.items()}),
        gradients_off(module, model, inputs),
    )


def check_values(model, path):
    """Open the state_dict of a model: all its names, values and ties are there."""
    torch.save(model.state_dict(), path)
    network, report = import_pytorch(path)
    state = model.state_dict()
    names = {key: key for key in network.values} | {key: name for name, key in report.renamed.items()}
    assert {names[key] for key in network.values} | set(report.ties) == set(state)
    assert all(torch.equal(value, state[names[key]]) for key, value in network.values.items())
    assert grouped({name: names[key] for name, key in report.ties.items()}) == ties_of(model)


def grouped(ties):
    """Ties as sets of names."""
    return {frozenset({owner, *(name for name, other in ties.items() if other == owner)}) for owner in ties.values()}


def needs(model, inputs, keys):
    """Whether any output depends on one of these."""
    before = outputs(model, inputs)
    state = model.state_dict()
    kept = {key: state[key].clone() for key in keys}
    for key in keys:
        state[key].fill_(float("nan") if state[key].is_floating_point() else 1)
    after = outputs(model, inputs)
    for key in keys:
        state[key].copy_(kept[key])
    return not all(map(torch.equal, before, after))


def traced(model, inputs, path):
    """Write a model as TorchScript; False where torch cannot."""
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")
        try:
            script = torch.jit.trace(model, example_kwarg_inputs=inputs, strict=False, check_trace=False)
            script.save(path)
        except RuntimeError:
            return False
    return True


def traced_off(model, inputs, path):
    """The largest difference of a model opened from TorchScript, as a part of the tolerance; None: torch wrote none."""
    if not traced(model, inputs, path):
        return None
    row = checked(model, inputs, path)
    return max(row.outputs, row.larger, row.gradients)


def examined(name, exported, folder):
    """All that is found for one model of the zoo."""
    model, inputs = made(name)
    check_values(model, folder / "values.pt")
    return checked(model, inputs, exported(model, inputs, dict.fromkeys(inputs, (0,))))


@pytest.mark.parametrize("name", QUICK)
def test_a_model_of_the_zoo(name, exported, tmp_path):
    row = examined(name, exported, tmp_path)
    assert row.recovered == row.modules
    assert max(row.outputs, row.larger, row.gradients) <= 1


@pytest.mark.nightly
def test_the_whole_zoo(exported, tmp_path):
    rows, scripts, failures = {}, {}, {}
    for name, file in FILES.items():
        if file == "torchvision_models" and importlib.util.find_spec("torchvision") is None:
            continue
        try:
            rows[name] = examined(name, exported, tmp_path)
            scripts[name] = traced_off(*made(name), tmp_path / "script.pt")
        except Exception as error:
            failures[name] = f"{type(error).__name__}: {error}"
    TABLE.write_text(written(rows, scripts), encoding="utf-8")
    assert not failures
    assert len(rows) >= 60
    assert sum(row.recovered for row in rows.values()) >= 0.99 * sum(row.modules for row in rows.values())
    assert all(max(row.outputs, row.larger, row.gradients) <= 1 for row in rows.values())
    assert all(off is None or off <= 1 for off in scripts.values())
    assert sum(off is not None for off in scripts.values()) >= 55


def test_the_table_is_that_of_these_models():
    rows = TABLE.read_text(encoding="utf-8").removeprefix(HEAD).splitlines()
    names = [row.split(" | ")[0].removeprefix("| ") for row in rows[:-1]]
    assert [name for name in names if FILES[name] != "torchvision_models"] == [
        name for name in FILES if FILES[name] != "torchvision_models"
    ]


HEAD = """# Models opened from .pt2 files and TorchScript

Each is exported with a free batch size, opened, built and run again: on its own inputs and on a batch of another size.
`test_zoo.py` writes this table in the nightly run and says what each column means. The last one is the worst of the
three before it for the same model traced by torch.jit.

| model | layers | operations | modules of torch.nn | ties | unused | outputs | larger batch | gradients | TorchScript |
| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |
"""


def written(rows, scripts):
    """The table of results."""

    def found(off):
        if off is None:
            return "cannot be traced"
        return "equal" if off == 0 else "within tolerance" if off <= 1 else f"{off:.3g} times the tolerance"

    lines = [
        f"| {name} | {row.layers} | {row.operations} | {row.recovered} of {row.modules} | {row.ties} | {row.unused} | "
        f"{found(row.outputs)} | {found(row.larger)} | {found(row.gradients)} | {found(scripts.get(name))} |"
        for name, row in rows.items()
    ]
    totals = [sum(column) for column in zip(*(row[:6] for row in rows.values()))]
    equal = [sum(row[n] == 0 for row in rows.values()) for n in (6, 7, 8)]
    equal.append(sum(off == 0 for off in scripts.values()))
    counts = " | ".join(f"{count} equal" for count in equal)
    sums = f"{totals[0]} | {totals[1]} | {totals[3]} of {totals[2]} | {totals[4]} | {totals[5]} | {counts}"
    lines.append(f"| **{len(rows)} models** | {sums} |")
    return HEAD + "\n".join(lines) + "\n"

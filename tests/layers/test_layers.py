"""One examination for every layer type, through the interface that everybody uses."""

import copy
import dataclasses
import pickle

import pytest
import torch
import torch.nn.functional as F
from torch import nn

import designer
from designer import Network, analyze, build, tie
from designer.layers import Input, Parameter
from designer.model import Layer, layer_types

SIZES = {"B": 3, "T": 7, "S": 5, "D": 6, "H": 8, "W": 10}  # the analyzer asks about other ones
OTHERS = {"B": 2, "T": 10, "S": 6, "D": 7, "H": 9, "W": 12}

pytestmark = pytest.mark.filterwarnings(
    "ignore:LSTM with projections is not supported with oneDNN",  # torch says so once and takes another way
    "ignore:Lazy modules are a new feature",
)


@pytest.fixture(autouse=True)
def _no_fast_path():
    """Attention without gradients takes a way that rounds differently."""
    torch.backends.mha.set_fastpath_enabled(False)
    yield
    torch.backends.mha.set_fastpath_enabled(True)


def network(case, **properties):
    """An Input for each input of the case, and the layer ``a``."""
    net = Network()
    for n, (shape, what) in enumerate(case.parsed):
        dtype = {"mask": "bool", "causal": "bool", "offsets": "int64"}.get(what, what)
        net = net.add(**{f"x{n}": Input(shape, dtype=dtype)})
    net = net.add(a=dataclasses.replace(case.layer, **properties))
    ports = [str(n) for n in range(len(case.inputs))] if case.layer.variadic else case.layer.inputs()
    for n, port in enumerate(ports):
        net = net.connect(f"x{n}", f"a/{port}")
    return net


def data(case, sizes, seed=0):
    """Tensors for the inputs of a case."""
    torch.manual_seed(seed)
    made = []
    for shape, what in case.parsed:
        shape = tuple(sizes.get(size, size) for size in shape)
        if what == "int64":
            made.append(torch.randint(0, 10, shape))
        elif what == "mask":
            made.append((torch.rand(shape) < 0.4).index_fill(-1, torch.tensor(0), value=False))  # never all of a row
        elif what == "causal":
            made.append(torch.ones(shape, dtype=torch.bool).triu(1))
        elif what == "offsets":
            made.append(torch.tensor([0, 3, sizes["T"]][: shape[0]]))
        else:
            made.append(torch.randn(shape))
    return made


def run(module, inputs, seed=1):
    """Outputs, and gradients of the inputs and of all parameters by name."""
    inputs = [x.clone().requires_grad_(x.is_floating_point()) for x in inputs]
    module.zero_grad()
    torch.manual_seed(seed)
    outputs = module(*inputs)
    outputs = outputs if isinstance(outputs, tuple | list) else (outputs,)
    if any(y.requires_grad for y in outputs):
        sum(y.nan_to_num(neginf=0.0, posinf=0.0).square().sum() for y in outputs if y.requires_grad).backward()
    grads = {name: p.grad for name, p in module.named_parameters()}
    return outputs, [x.grad for x in inputs], {n: g if g is None else g.to_dense() for n, g in grads.items()}


def same(first, second):
    """Whether tensors are equal bit for bit; NaN equals itself."""
    if first is None or second is None:
        return first is second
    return first.dtype == second.dtype and torch.equal(first.nan_to_num(), second.nan_to_num())


def errors(analysis):
    return [problem.text for problem in analysis.problems if problem.severity == "error"]


def ended(net):
    """A network that gives all outputs of ``a``, in their order."""
    for port in net.layers["a"].outputs():
        net = net.add(**{f"y_{port}": designer.layers.Output()}).connect(f"a/{port}", f"y_{port}")
    return net


class Torchs(nn.Module):
    """What torch itself would do."""

    def __init__(self, text):
        super().__init__()
        self.does = eval(text, {"torch": torch, "nn": nn, "F": F, "self": self})

    def forward(self, *inputs):
        return self.does(*inputs)


@pytest.mark.parametrize("train", [True, False])
def test_a_layer_that_computes_does_what_torch_does(computing, train):
    net = ended(network(computing))
    assert errors(analyze(net)) == []
    assert computing.layer.computes
    theirs = Torchs(computing.torch)
    inputs = data(computing, SIZES)
    ours, grads, _ = run(build(net).train(train), inputs)
    wanted, wanted_grads, _ = run(theirs.train(train), inputs)
    assert len(ours) == len(wanted)
    assert all(map(same, ours, wanted))
    assert all(map(same, grads, wanted_grads))


@pytest.mark.parametrize("train", [True, False])
def test_borrowed_learnables_do_what_owned_ones_do(owner, train):
    alone = ended(network(owner))
    analysis = analyze(alone)
    assert errors(analysis) == []
    alone = designer.initialize(alone)
    names = owner.layer.learnables()
    assert names == tuple(analysis.row("a").learnables)
    inputs = data(owner, SIZES)
    module = build(alone).train(train)
    wanted, wanted_grads, wanted_learned = run(module, inputs)
    again, _, _ = run(module, inputs, seed=2)
    for borrowed in [(name,) for name in names] + [names] * (len(names) > 1):
        net = dataclasses.replace(alone, values={k: v for k, v in alone.values.items() if k[2:] not in borrowed})
        for n, name in enumerate(borrowed):
            net = net.add(**{f"p{n}": Parameter(analysis.row("a").learnables[name])})
            net = tie(net, f"p{n}/value", f"a/{name}", permute=())
            net = net.with_values({f"p{n}": alone.values[f"a.{name}"]})
        lent = build(net).train(train)
        outputs, grads, learned = run(lent, inputs)
        learned = {f"a.{borrowed[int(key[1:])]}" if key[0] == "p" else key: grad for key, grad in learned.items()}
        assert all(map(same, outputs, wanted))
        assert all(map(same, grads, wanted_grads))
        assert learned.keys() == wanted_learned.keys()
        assert all(same(learned[key], grad) for key, grad in wanted_learned.items())
        assert all(map(same, run(lent, inputs, seed=2)[0], again))
        assert [key for key, _ in lent.named_buffers()] == [key for key, _ in module.named_buffers()]
        assert all(same(buffer, dict(module.named_buffers())[key]) for key, buffer in lent.named_buffers())
        row = analyze(net).row("a")
        assert row.stored == sum(alone.values[f"a.{name}"].numel() for name in names if name not in borrowed)
        assert row.used == analysis.row("a").used


def test_the_gradient_of_a_shared_learnable_is_that_of_both_uses(owner):
    names = owner.layer.learnables()
    net = network(owner).add(b=owner.layer)
    for n, port in enumerate(owner.layer.inputs()):
        net = net.connect(f"x{n}", f"b/{port}")
    for name in names:
        net = tie(net, f"a/{name}", f"b/{name}", permute=())
    module = build(net).eval()
    outputs, _, learned = run(module, data(owner, SIZES))
    half = len(outputs) // 2
    alone = dataclasses.replace(network(owner), values={k: v for k, v in module.state_dict().items() if k[0] == "a"})
    single, _, learned_alone = run(build(alone).eval(), data(owner, SIZES))
    alike = torch.allclose if getattr(owner.layer, "max_norm", None) else same  # each use shortens the vectors again
    assert all(map(alike, outputs[:half], outputs[half:]))
    assert alike(outputs[0], single[0])
    for key, grad in learned_alone.items():
        assert grad is None or torch.allclose(learned[key], 2 * grad, rtol=1e-4, atol=1e-5)


def untold(case):
    """Whether a size of the output is no sum, product or quotient of the sizes of the input, and gets a new name."""
    factor = getattr(case.layer, "scale_factor", 1)
    return any(each % 1 for each in (factor if isinstance(factor, tuple) else (factor,)))


@pytest.mark.parametrize("sizes", [SIZES, OTHERS], ids=["small", "other"])
def test_shown_shapes_are_those_of_a_run(case, sizes):
    net = ended(network(case))
    row = analyze(net).row("a")
    outputs = build(net).eval()(*data(case, sizes))
    outputs = outputs if isinstance(outputs, tuple) else (outputs,)
    assert len(outputs) == len(row.activations)
    for shape, output in zip(row.activations, outputs):
        known = dict(sizes)
        if untold(case):
            known |= {size: run for size, run in zip(shape, output.shape) if str(size).isidentifier()}
        assert tuple(eval(str(size), known) for size in shape) == tuple(output.shape)


def test_a_layer_survives_copies_and_files(cases, tmp_path):
    layers = {f"n{number}": case.layer for number, case in enumerate(cases)}
    for layer in layers.values():
        assert dataclasses.replace(layer) == layer == pickle.loads(pickle.dumps(layer)) == copy.deepcopy(layer)
        assert hash(dataclasses.replace(layer)) == hash(layer)
        fields = [field for field in dataclasses.fields(layer) if not field.kw_only]
        named = {field.name: getattr(layer, field.name) for field in dataclasses.fields(layer) if field.kw_only}
        assert type(layer)(*(getattr(layer, field.name) for field in fields), **named) == layer
    net = Network().add(**layers)
    designer.save(net, tmp_path / "all.network")
    assert designer.load(tmp_path / "all.network") == net


def test_every_type_and_every_setting_has_a_case(cases):
    elsewhere = {"Input", "Output", "Parameter", "Group", "Call"}
    for name in layer_types.keys() - elsewhere:
        layers = [case.layer for case in cases if type(case.layer) is layer_types[name]]
        assert layers, f"{name} has no case"
        for field in dataclasses.fields(layer_types[name]):
            if field.name not in Layer.__dataclass_fields__:
                values = [getattr(layer, field.name) for layer in layers]
                assert set(values) - {field.default}, f"no case sets {name}.{field.name}"

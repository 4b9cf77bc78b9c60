"""What a .pt2 file becomes: groups, second uses, wires, names, inputs and outputs, constants, values."""

import copy
import gc
import inspect

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from designer import NetworkError, analyze, build, import_pytorch, load, save, write_pytorch
from designer.files.report import Report
from designer.layers import Constant, Embedding, Linear, Operation, Permute
from designer.model import Call, Group, Input, Output, Parameter, Port


class Net(nn.Module):
    """Layers by name, and a function of the module and its inputs."""

    def __init__(self, run, /, **parts):
        super().__init__()

        def forward(*given, **inputs):
            return run(self, *given, **inputs)

        signature = inspect.signature(run)
        forward.__signature__ = signature.replace(parameters=[*signature.parameters.values()][1:])
        self.forward = forward
        for name, part in parts.items():
            if isinstance(part, nn.Parameter):
                self.register_parameter(name, part)
            elif isinstance(part, torch.Tensor):
                self.register_buffer(name, part)
            else:
                self.add_module(name, part)


def opened(exported, run, inputs, free=None, **parts):
    torch.manual_seed(0)
    model = Net(run, **parts)
    network, report = import_pytorch(exported(model, inputs, free))
    return model, network, report


def agree(model, network, inputs):
    module = build(network).eval()
    model.eval()
    with torch.no_grad():
        wanted, given = model(**inputs), module(*inputs.values())
    wanted, given = (list(t) if isinstance(t, tuple | list) else [t] for t in (wanted, given))
    assert len(wanted) == len(given)
    for a, b in zip(wanted, given):
        assert torch.allclose(a, b, rtol=0, atol=1e-6)
    return module


def test_modules_become_groups_and_layers_by_their_path(exported):
    body = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Sequential(nn.Linear(8, 8), nn.Tanh()))
    _, network, _ = opened(exported, lambda m, x: m.body(x), {"x": torch.rand(2, 4)}, {"x": (0,)}, body=body)
    assert {path: type(layer).__name__ for path, layer in network.walk()} == {
        "x": "Input",
        "body": "Group",
        "body.x": "Input",
        "body.0": "Linear",
        "body.1": "ReLU",
        "body.2": "Group",
        "body.2.x": "Input",
        "body.2.0": "Linear",
        "body.2.1": "Tanh",
        "body.2.out": "Output",
        "body.out": "Output",
    }
    assert network.layers["x"] == Input(("B", 4))
    assert list(network.values) == ["body.0.weight", "body.0.bias", "body.2.0.weight", "body.2.0.bias"]


def test_inputs_keep_their_order_names_and_free_sizes(exported):
    inputs = {
        "tokens": torch.zeros(2, 5, dtype=torch.int64),
        "image": torch.rand(2, 3, 6, 7),
        "mask": torch.ones(5) > 0,
    }
    free = {"tokens": (0, 1), "image": (0, 2, 3), "mask": (0,)}

    def run(m, tokens, image, mask):
        return m.emb(tokens) * mask[:, None], image.mean((1, 2, 3))

    _, network, _ = opened(exported, run, inputs, free, emb=nn.Embedding(9, 4))
    assert [network.layers[name] for name in network.inputs] == [
        Input(("B", "T"), dtype="int64"),
        Input(("B2", 3, "H", "W")),
        Input(("T",), dtype="bool"),
    ]
    assert network.inputs == ("tokens", "image", "mask")


def test_outputs_of_a_dictionary_keep_their_names_and_constants_are_left_out(exported):
    def run(m, x):
        return {"first": m.a(x), "rest": (x * 2, None, 3)}

    _, network, _ = opened(exported, run, {"x": torch.rand(2, 4)}, a=nn.Linear(4, 4))
    assert network.ends == ("first", "rest_0")


def test_an_output_that_something_else_uses_is_named(exported):
    def run(m, x):
        h = m.a(x)
        return h, m.b(h)

    model, network, _ = opened(exported, run, {"x": torch.rand(2, 4)}, a=nn.Linear(4, 4), b=nn.Linear(4, 4))
    assert network.ends == ("out_0", "out_1")
    agree(model, network, {"x": torch.rand(2, 4)})


def test_a_tie_is_one_wire_and_its_other_name_an_alias(exported):
    def run(m, x):
        return m.fc(m.emb(x))

    emb, fc = nn.Embedding(20, 8), nn.Linear(8, 20)
    fc.weight = emb.weight
    inputs = {"x": torch.zeros(2, 5, dtype=torch.int64)}
    _, network, report = opened(exported, run, inputs, {"x": (0, 1)}, emb=emb, fc=fc)
    assert network.wires[Port("fc", "weight")] == Port("emb", "weight")
    assert network.layers["emb"] == Embedding(20, 8, output_learnables=("weight",))
    assert network.layers["fc"] == Linear(20, input_learnables=("weight",))
    assert network.aliases == report.ties == {"fc.weight": "emb.weight"}
    assert analyze(network).row("fc").tied_to == {"weight": "emb.weight"}
    values = network.with_values({"fc.weight": torch.ones(20, 8)}).values
    assert torch.equal(values["emb.weight"], torch.ones(20, 8))


def test_a_transposed_tie_goes_through_a_permutation(exported):
    enc, dec = nn.Linear(6, 3), nn.Linear(3, 6)
    dec.weight = nn.Parameter(enc.weight.detach().t())
    model, network, report = opened(exported, lambda m, x: m.dec(m.enc(x)), {"x": torch.rand(2, 6)}, enc=enc, dec=dec)
    assert network.layers["permute"] == Permute((1, 0))
    assert network.wires[Port("dec", "weight")] == Port("permute", "out")
    assert network.wires[Port("permute", "in")] == Port("enc", "weight")
    assert report.ties == {"dec.weight": "enc.weight"}
    agree(model, network, {"x": torch.rand(2, 6)})


def test_rows_of_a_weight_are_a_tie_but_neighbours_in_one_storage_are_none(exported):
    whole = torch.rand(6, 4)
    a, b, c = nn.Linear(4, 6, bias=False), nn.Linear(4, 2, bias=False), nn.Linear(4, 4, bias=False)
    a.weight = nn.Parameter(whole)
    b.weight = nn.Parameter(whole[2:4])
    shared = torch.rand(32)
    c.weight = nn.Parameter(shared[:16].view(4, 4))
    d = nn.Linear(4, 4, bias=False)
    d.weight = nn.Parameter(shared[16:].view(4, 4))
    parts = {"a": a, "b": b, "c": c, "d": d}
    run = lambda m, x: (m.a(x), m.b(m.d(m.c(x))))  # noqa: E731
    model, network, report = opened(exported, run, {"x": torch.rand(2, 4)}, **parts)
    assert report.ties == {"b.weight": "a.weight"}
    module = agree(model, network, {"x": torch.rand(2, 4)})
    assert set(module.state_dict()) == {"a.weight", "c.weight", "d.weight"}


def test_a_tie_crosses_groups_as_one_connection(exported):
    emb, fc = nn.Embedding(20, 8), nn.Linear(8, 20, bias=False)
    fc.weight = emb.weight
    parts = {"enc": nn.Sequential(emb, nn.Tanh()), "dec": nn.Sequential(nn.ReLU(), nn.Sequential(fc, nn.ReLU()))}
    run = lambda m, x: m.dec(m.enc(x))  # noqa: E731
    model, network, _ = opened(exported, run, {"x": torch.zeros(2, 3, dtype=torch.int64)}, **parts)
    assert network.connections[Port("dec.1.0", "weight")] == Port("enc.0", "weight")
    agree(model, network, {"x": torch.ones(2, 3, dtype=torch.int64)})


def test_a_module_that_is_called_again_is_a_call(exported):
    tower = nn.Sequential(nn.Linear(4, 4), nn.BatchNorm1d(4))

    def run(m, a, b):
        return m.tower(a) + m.tower(b) + m.fc(m.fc(a))

    inputs = {"a": torch.rand(3, 4), "b": torch.rand(3, 4)}
    model, network, _ = opened(exported, run, inputs, {"a": (0,), "b": (0,)}, tower=tower, fc=nn.Linear(4, 4))
    calls = [path for path, layer in network.walk() if isinstance(layer, Call)]
    assert {network.called(path) for path in calls} == {"tower", "fc"}
    assert len(calls) == 2
    module = agree(model, network, inputs)
    assert set(module.state_dict()) == set(model.state_dict())


def test_a_module_that_does_something_else_the_second_time_is_drawn_twice(exported):
    class Switch(nn.Module):
        def __init__(self):
            super().__init__()
            self.a, self.b = nn.Linear(4, 4), nn.Linear(4, 4)

        def forward(self, x, twice):
            return self.b(self.a(x)) if twice else self.a(x) * 2

    run = lambda m, x: m.s(x, True) + m.s(x, False)  # noqa: E731
    model, network, _ = opened(exported, run, {"x": torch.rand(2, 4)}, s=Switch())
    module = agree(model, network, {"x": torch.rand(2, 4)})
    assert set(module.state_dict()) == set(model.state_dict())
    assert not any(isinstance(layer, Call) for _, layer in network.walk())


def test_lists_of_modules_that_alternate_keep_their_keys(exported):
    def run(m, x):
        for a, b in zip(m.first, m.second):
            x = torch.relu(b(a(x)))
        return x

    parts = {name: nn.ModuleList([nn.Linear(4, 4) for _ in range(3)]) for name in ("first", "second")}
    model, network, _ = opened(exported, run, {"x": torch.rand(2, 4)}, {"x": (0,)}, **parts)
    module = agree(model, network, {"x": torch.rand(5, 4)})
    assert set(module.state_dict()) == set(model.state_dict())
    assert sum(isinstance(layer, Linear) for _, layer in network.walk()) == 6


def test_names_that_cannot_be_layers_are_changed_and_kept_as_aliases(exported):
    parts = {"class": nn.Linear(4, 4), "a-b": nn.Linear(4, 4), "_own": nn.Linear(4, 4), "self": nn.Linear(4, 4)}

    def run(m, x):
        for part in m.children():
            x = torch.relu(part(x))
        return x

    model, network, report = opened(exported, run, {"x": torch.rand(2, 4)}, **parts)
    assert report.renamed == {
        "class.weight": "class_.weight",
        "class.bias": "class_.bias",
        "a-b.weight": "a_b.weight",
        "a-b.bias": "a_b.bias",
        "_own.weight": "own.weight",
        "_own.bias": "own.bias",
    }
    assert not report.ties
    module = agree(model, network, {"x": torch.rand(2, 4)})
    assert "self.weight" in module.state_dict()
    again = build(network.with_values(model.state_dict())).eval()
    x = torch.rand(2, 4)
    assert torch.equal(again(x), module(x))


def test_learnables_of_no_layer_are_parameters_under_their_key(exported):
    def run(m, x):
        return F.linear(x * m.gamma, m.weight)

    parts = {"gamma": nn.Parameter(torch.rand(4)), "weight": nn.Parameter(torch.rand(3, 4), requires_grad=False)}
    model, network, _ = opened(exported, run, {"x": torch.rand(2, 4)}, **parts)
    assert network.layers["gamma"] == Parameter((4,))
    assert network.layers["weight"] == Parameter((3, 4), frozen=("value",))
    assert network.wires[Port("linear", "weight")] == Port("weight", "value")
    agree(model, network, {"x": torch.rand(2, 4)})


def test_constants_are_written_by_what_they_are(exported):
    parts = {
        "steps": torch.arange(6.0),
        "mask": torch.full((6, 6), float("-inf")).triu(1),
        "few": torch.tensor([0.5, -1.25, float("nan"), 3.0, 0.1, 1e-30]),
    }

    def run(m, x):
        return x + m.steps + m.mask + m.few.nan_to_num() + torch.tensor(2.5)

    torch.manual_seed(0)
    model = Net(run, **parts)
    for name in ("mask", "few"):
        model._non_persistent_buffers_set.add(name)
    x = torch.rand(6, 6)
    network, _ = import_pytorch(exported(model, {"x": x}))
    assert network.layers["steps"] == Constant((6,), fill="arange", numbers=(0, 1), persistent=True)
    assert network.layers["mask"] == Constant((6, 6), fill="triu", numbers=(float("-inf"), 1))
    assert network.layers["few"].fill == "numbers"
    assert network.layers["constant"] == Constant((), numbers=(2.5,))
    assert list(network.values) == ["steps"]
    names = {}
    exec(compile(write_pytorch(network), "<written>", "exec"), names)
    assert torch.equal(names["Net"]()(x), model(x=x))


def test_many_irregular_numbers_are_a_value(exported):
    model = Net(lambda m, x: x * m.table, table=torch.rand(100, 100))
    model._non_persistent_buffers_set.add("table")
    network, report = import_pytorch(exported(model, {"x": torch.rand(100, 100)}))
    assert network.layers["table"] == Constant((100, 100), fill="values")
    assert set(network.values) == {"table.value"}
    assert not build(network).state_dict()
    assert report.notes == ()
    agree(model, network, {"x": torch.rand(100, 100)})


def test_settings_that_are_sizes_stay_free(exported):
    def run(m, x):
        b, t, c = x.shape
        y = x.view(b * t, 2, c // 2).transpose(0, 1).reshape(2, b, -1)
        z = torch.zeros(b, t + 1).unsqueeze(-1).expand(b, t + 1, c)
        return y, torch.cat([x, z], 1), x[:, : t // 2], torch.arange(t * 2 - 1)

    inputs = {"x": torch.rand(2, 6, 4)}
    model, network, _ = opened(exported, run, inputs, {"x": (0, 1)})
    for sizes in ((3, 8), (2, 4)):
        agree(model, network, {"x": torch.rand(*sizes, 4)})


def test_an_operation_that_cannot_be_run_is_shown_and_counted(exported):
    _, network, report = opened(exported, lambda m, x: torch.poisson(m.a(x)), {"x": torch.rand(2, 4)}, a=nn.Sigmoid())
    placeholder = next(layer for _, layer in network.walk() if isinstance(layer, Operation))
    assert report.placeholders == {placeholder.operation.rstrip("?"): 1}
    assert report.difference is None
    with pytest.raises(NetworkError, match=r"poisson stands for aten.poisson, which is only shown: it cannot be run\."):
        build(network)
    assert analyze(network).problems


def test_an_operation_that_cannot_be_run_is_told_inside_groups_too(exported):
    class Drawing(nn.Module):
        def forward(self, x):
            return torch.poisson(torch.sigmoid(x)) * x

    _, network, _ = opened(exported, lambda m, x: m.b(m.a(x)), {"x": torch.rand(2, 4)}, a=Drawing(), b=Drawing())
    with pytest.raises(NetworkError, match=r"stands for aten.poisson, which is only shown: it cannot be run\."):
        build(network)


def test_values_stay_in_the_file_until_they_are_needed(exported, tmp_path):
    model, network, _ = opened(exported, lambda m, x: m.a(x), {"x": torch.rand(2, 4)}, a=nn.Linear(4, 4))
    value = network.values["a.weight"]
    assert value.mapped.path == tmp_path / "model.pt2"
    assert torch.equal(value, model.a.weight)
    size = (tmp_path / "model.pt2").stat().st_size
    with (tmp_path / "model.pt2").open("r+b") as file:
        file.truncate(size - 10)
    with pytest.raises(NetworkError, match=r"The values in model\.pt2 cannot be read any more"):
        build(network)


def test_an_opened_network_is_saved_and_loaded(exported, tmp_path):
    emb, fc = nn.Embedding(20, 8), nn.Linear(8, 20)
    fc.weight = emb.weight
    inputs = {"x": torch.zeros(2, 5, dtype=torch.int64)}
    run = lambda m, x: m.tail(m.fc(m.emb(x)) * torch.tensor([2.0]))  # noqa: E731
    tail = nn.Sequential(nn.Linear(20, 4), nn.BatchNorm1d(5))
    model, network, _ = opened(exported, run, inputs, {"x": (0,)}, emb=emb, fc=fc, tail=tail)
    save(network, tmp_path / "net.network")
    assert load(tmp_path / "net.network") == network
    agree(model, load(tmp_path / "net.network"), inputs)


def test_half_precision_is_kept(exported):
    model = Net(lambda m, x: m.a(x), a=nn.Linear(4, 4)).to(torch.bfloat16)
    x = torch.rand(2, 4, dtype=torch.bfloat16)
    network, _ = import_pytorch(exported(model, {"x": x}))
    assert network.dtype == "bfloat16"
    assert network.layers["x"].dtype == "bfloat16"
    assert torch.equal(build(network).eval()(x), model(x=x))


def test_a_model_in_training_mode_counts_and_drops(exported):
    model = Net(lambda m, x: m.d(m.bn(x)), bn=nn.BatchNorm1d(4), d=nn.Dropout(0.25))
    network, report = import_pytorch(exported(model, {"x": torch.rand(8, 4)}, eval_mode=False))
    assert network.layers["d"].p == 0.25
    module = build(network)
    module(torch.rand(8, 4))
    assert module.bn.num_batches_tracked == 1
    assert report.comparison.reason == "aten.dropout.default draws random numbers"


def test_code_without_gradients_stays_without(exported):
    def run(m, x):
        with torch.no_grad():
            h = m.a(x) * 2
        return m.b(h)

    model, network, _ = opened(exported, run, {"x": torch.rand(2, 4)}, a=nn.Linear(4, 4), b=nn.Linear(4, 4))
    module = agree(model, network, {"x": torch.rand(2, 4)})
    module(torch.rand(2, 4)).sum().backward()
    assert module.a.weight.grad is None
    assert module.b.weight.grad is not None
    copy.deepcopy(module)


def test_the_report_reads_well(exported):
    emb, fc = nn.Embedding(20, 8), nn.Linear(8, 20)
    fc.weight = emb.weight
    inputs = {"x": torch.zeros(2, 5, dtype=torch.int64)}
    parts = {"emb": emb, "fc": fc, "spare": nn.Linear(2, 2)}
    _, network, report = opened(exported, lambda m, x: m.fc(m.emb(x)), inputs, {"x": (0, 1)}, **parts)
    assert isinstance(report, Report)
    assert str(report) == (
        "model.pt2 (torch.export)\n"
        "layers: 1 Embedding, 1 Linear\n"
        "tied: fc.weight = emb.weight\n"
        "not used by any output: spare.weight, spare.bias\n"
        "largest difference from the file's own program: 0"
    )
    assert not any(isinstance(layer, Group | Output) for layer in network.layers.values())


def test_embeddings_that_shorten_their_vectors_keep_doing_so(exported):
    parts = {"emb": nn.Embedding(5, 3, max_norm=0.5), "bag": nn.EmbeddingBag(5, 3, max_norm=0.4, norm_type=1.0)}
    inputs = {"x": torch.tensor([[1, 2], [2, 4]])}
    model, network, report = opened(exported, lambda m, x: (m.emb(x), m.bag(x)), inputs, {"x": (0,)}, **parts)
    assert network.layers["emb"] == Embedding(5, 3, max_norm=0.5)
    assert (network.layers["bag"].max_norm, network.layers["bag"].norm_type) == (0.4, 1.0)
    assert not report.notes
    agree(model, network, {"x": torch.tensor([[3, 0]])})


def test_a_choice_that_depends_on_the_data_is_shown_only(exported):
    def run(m, x):
        return torch.cond(x.sum() > 0, lambda t: t + 1, lambda t: t - 1, (x,))

    _, network, report = opened(exported, run, {"x": torch.rand(3, 4)})
    assert report.placeholders == {"higher_order.cond": 1}
    assert [note.layers for note in report.notes if note.startswith("cond chooses by numbers")] == [("cond",)]
    assert "cond" in network.layers
    assert report.comparison.reason == "higher_order.cond is not an operation that may be run"


class Scaled(nn.Module):
    """A block with a learnable that no layer stores, which is drawn as a Parameter."""

    def __init__(self, size=4):
        super().__init__()
        self.fc, self.scale = nn.Linear(4, size), nn.Parameter(torch.rand(size))

    def forward(self, x):
        return torch.relu(self.fc(x)) * self.scale


def test_blocks_that_differ_in_ties_and_in_what_trains_are_groups_apart(exported):
    parts = [Scaled(), Scaled(), Scaled(), Scaled(), Scaled(8)]
    parts[1].scale.requires_grad_(False)
    parts[2].fc.weight.requires_grad_(False)
    parts.insert(4, Scaled())
    parts[4].fc.weight = parts[0].fc.weight
    inputs = {"x": torch.rand(2, 4)}
    model = Net(lambda m, x: m.body(x), body=nn.Sequential(*parts))
    path = exported(model, inputs, {"x": (0,)})
    network = import_pytorch(path).network
    blocks = [layer for layer in network.layers["body"].network.layers.values() if isinstance(layer, Group)]
    assert len(blocks) == len({id(block) for block in blocks}) == 7 - 1
    agree(model, network, inputs)


def test_equal_blocks_are_one_group_with_values_of_their_own(exported):
    inputs = {"x": torch.rand(2, 4)}
    model = Net(lambda m, x: m.body(x), body=nn.Sequential(*(Scaled() for _ in range(4)), Scaled(8)))
    network = import_pytorch(exported(model, inputs, {"x": (0,)})).network
    blocks = network.layers["body"].network.layers
    assert blocks["0"] is blocks["1"] is blocks["2"] is blocks["3"] is not blocks["4"]
    assert len(network.values) == 3 * 5
    agree(model, network, inputs)
    changed = network.set("body.1.fc", note="mine").rename("body.2.fc", "other")
    assert [changed.layer(f"body.{n}.fc").note for n in (0, 1, 3)] == ["", "mine", ""]
    assert [changed.find(f"body.{n}.fc") is None for n in range(4)] == [False, False, True, False]
    agree(model, changed, inputs)


def test_a_file_that_was_read_leaves_no_garbage_behind(exported):
    """What only refers to itself, such as a function that calls itself, keeps the whole program until it is found."""
    blocks = nn.Sequential(*(nn.Sequential(nn.Linear(4, 4), nn.ReLU()) for _ in range(8)))
    path = exported(Net(lambda self, x: self.blocks(x) + x.mean(), blocks=blocks), {"x": torch.rand(2, 4)}, {"x": [0]})
    collecting = gc.isenabled()
    gc.disable()
    try:
        left = []
        for _ in range(3):  # what torch compiled before may be let go meanwhile
            gc.collect()
            read = import_pytorch(path)
            left.append(gc.collect())
        assert min(left) < 40
        assert len(read.network.layers["blocks"].network.layers) > 8
    finally:
        if collecting:
            gc.enable()

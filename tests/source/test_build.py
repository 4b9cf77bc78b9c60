"""Values of built modules: made from a seed, checked, cloned; and names that must not reach the source."""

import copy
import linecache
import math
import re
import subprocess
import sys
import traceback

import pytest
import torch
import torch.nn.functional as F

from designer import Network, NetworkError, analyze, build, initialize, tie, write_pytorch
from designer.layers import (
    Add,
    BatchNorm1d,
    Call,
    Constant,
    Embedding,
    Group,
    Input,
    LayerNorm,
    Linear,
    Output,
    Pad,
    Parameter,
    Permute,
    ReLU,
)
from designer.model.checking import check_network
from designer.model.values import Stamp
from designer.source import free_memory
from designer.source import values as source_values


def small():
    net = Network().chain(x=Input(("B", 4)), a=Linear(4), norm=BatchNorm1d(), b=Linear(4))
    return tie(net, "a/weight", "b/weight", permute=())


def same(some, others):
    return some.keys() == others.keys() and all(torch.equal(value, others[key]) for key, value in some.items())


def test_two_builds_are_equal_and_another_seed_is_not():
    net = small()
    assert same(build(net).state_dict(), build(net).state_dict())
    assert not same(build(net).state_dict(), build(net, seed=1).state_dict())
    assert same(initialize(net, 1).values, build(net, seed=1).state_dict())


def test_the_numbers_follow_from_seed_and_path_alone():
    net = small()
    more = net.chain("norm", extra=Linear(4))
    assert torch.equal(initialize(net).values["a.bias"], initialize(more).values["a.bias"])
    renamed = initialize(net.rename("a", "c"))
    assert not torch.equal(initialize(net).values["a.bias"], renamed.values["c.bias"])
    state = torch.get_rng_state()
    build(net)
    assert torch.equal(torch.get_rng_state(), state)


def test_initialize_fills_what_is_missing_only():
    weight = torch.full((4, 4), 7.0)
    net = initialize(small().with_values({"a.weight": weight}))
    assert torch.equal(net.values["a.weight"], weight)
    assert set(net.values) == set(build(net).state_dict())
    assert "b.weight" not in net.values
    assert initialize(net) is net
    assert initialize(Network().add(x=Input(("B",)))).values == {}


def test_a_second_use_has_no_values():
    net = small().add(again=Call(), twice=Call(), g=Group(Network().chain(x=Input(), fc=Linear(4), y=Output())))
    net = net.connect("a/learnables", "again/learnables").connect("b", "again").connect("again", "g")
    net = net.connect("g/learnables", "twice/learnables").connect("g", "twice")
    net = initialize(net)
    assert set(net.values) == set(build(net).state_dict())
    check_network(net)


def test_initial_numbers_have_the_bounds_of_torch():
    net = Network().chain(x=Input(("B", 400)), a=Linear(50), b=Linear(70, transposed=True)).add(e=Embedding(900, 30))
    values = initialize(net).values
    assert 0.9 / 20 < values["a.weight"].abs().max() <= 1 / 20
    assert values["b.weight"].shape == (50, 70)
    assert 0.9 / math.sqrt(50) < values["b.weight"].abs().max() <= 1 / math.sqrt(50)


def test_a_module_never_writes_into_the_values():
    net = initialize(small())
    before = {key: value.clone() for key, value in net.values.items()}
    module = build(net)
    module.train()(torch.randn(8, 4)).sum().backward()
    with torch.no_grad():
        for tensor in module.state_dict().values():
            tensor.add_(1)
    assert same(dict(net.values), before)
    assert not any(value.requires_grad for value in net.values.values())


def test_trained_values_come_back_by_an_edit():
    net = small()
    module = build(net)
    optimizer = torch.optim.SGD(module.parameters(), 0.1)
    module(torch.randn(8, 4)).square().sum().backward()
    optimizer.step()
    trained = net.with_values(module.state_dict())
    x = torch.randn(3, 4)
    assert torch.equal(build(trained).eval()(x), module.eval()(x))


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        (torch.zeros(3, 4), "The value of a.weight is 3 x 4, but a needs 4 x 4."),
        (torch.zeros(()), "The value of a.weight is one number, but a needs 4 x 4."),
        (torch.zeros(4, 4, dtype=torch.int64), "The value of a.weight is int64, but a needs float32."),
    ],
)
def test_a_value_that_does_not_fit_is_refused(value, sentence):
    net = small().with_values({"a.weight": value})
    with pytest.raises(NetworkError, match=re.escape(sentence)):
        build(net)
    problem = analyze(net).errors[0]
    assert (problem.text, problem.fixes[0].text) == (sentence, "Initialise again")
    assert analyze(problem.fixes[0].edit(net)).problems == []


def test_errors_of_the_network_are_refused_with_their_sentence():
    with pytest.raises(NetworkError, match=r"a has nothing on its input 'in'\."):
        build(Network().add(a=Linear(3)))
    with pytest.raises(NetworkError, match="The network gives nothing back"):
        write_pytorch(Network())


def test_what_does_not_fit_into_memory_is_refused_before_it_is_made(monkeypatch):
    assert free_memory() > 2**20
    huge = Network().chain(x=Input(("B", 2**20)), fc=Linear(2**22))
    with pytest.raises(NetworkError, match=r"This takes 16384\.0 GiB of memory, and [0-9.]+ GiB are free\."):
        build(huge)
    with pytest.raises(NetworkError, match="This takes"):
        initialize(huge)
    monkeypatch.setattr(source_values, "free_memory", lambda: None)
    assert build(small())


def test_a_mapped_value_whose_file_changed_is_not_read(tmp_path):
    file = tmp_path / "bias.bin"
    file.write_bytes(torch.ones(4).numpy().tobytes())
    stamp = Stamp.of(file)
    value = torch.frombuffer(stamp.map(), dtype=torch.float32)
    value.mapped = stamp
    net = Network(small().layers, small().connections, values={"a.bias": value})
    assert torch.equal(build(net).a.bias, torch.ones(4))
    file.write_bytes(b"")
    with pytest.raises(NetworkError, match=r"The values in bias\.bin cannot be read any more: it had 16 bytes"):
        build(net)


def test_dtype_of_the_network():
    net = Network(dtype="float64").chain(x=Input(("B", 4), dtype="float64"), a=Linear(4), norm=BatchNorm1d())
    module = build(net)
    assert {p.dtype for p in module.parameters()} == {torch.float64}
    assert module.norm.num_batches_tracked.dtype == torch.int64
    assert module(torch.randn(3, 4, dtype=torch.float64)).dtype == torch.float64
    assert analyze(net).bytes == 8 * 28
    assert "cannot take float32: it needs float64" in analyze(net.set("x", dtype="float32")).problems[0].text


def test_frozen_learnables_need_no_gradient():
    net = small().set("a", frozen=True).set("b", frozen=("bias",))
    module = build(net)
    trained = [name for name, parameter in module.named_parameters() if parameter.requires_grad]
    assert trained == ["norm.weight", "norm.bias"]
    assert all(
        parameter.requires_grad == (name in trained) for name, parameter in copy.deepcopy(module).named_parameters()
    )


def test_constants_that_are_in_no_state_dict_have_their_numbers():
    net = Network().add(c=Constant((4,), fill="numbers", numbers=(1, 2, 3, 4)), g=Group(Network().add(y=Output())))
    net = net.add(**{"g.c": Constant((4,), fill="arange", numbers=(5, 1))}).connect("g.c", "g.y")
    net = net.chain(x=Input(("B", 4)), sum=Add()).connect("c", "sum").connect("g", "sum")
    module = build(net)
    assert module.state_dict() == {}
    assert module(torch.zeros(1, 4)).tolist() == [[6.0, 8.0, 10.0, 12.0]]


def test_tracebacks_show_the_lines_of_the_source():
    module = build(small())
    with pytest.raises(RuntimeError) as caught:
        module(torch.randn(3, 5))
    shown = "".join(traceback.format_tb(caught.value.__traceback__))
    assert "a = self.a(x)" in shown
    assert any(name.startswith("<designer_") for name in linecache.cache)


def test_a_pickled_module_says_in_another_process_what_is_missing(tmp_path):
    torch.save(build(small()), tmp_path / "module.pt")
    code = f"import torch; torch.load({str(tmp_path / 'module.pt')!r}, weights_only=False)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert re.search("No module named 'designer_[0-9a-f]+'", done.stderr)


HOSTILE = '"""\nimport os; os.system("touch owned")\n"""'


def test_notes_and_texts_stay_out_of_the_source():
    net = Network(notes=HOSTILE).chain(x=Input(("B", 4), note=HOSTILE), a=Linear(4, note=HOSTILE))
    net = net.set("a", output_learnables=("weight",))
    source = write_pytorch(net)
    assert "owned" not in source
    assert source == write_pytorch(Network().chain(x=Input(("B", 4)), a=Linear(4)))


@pytest.mark.parametrize(
    "name", [HOSTILE, "a\nb", "a;b", "a#b", "a'b", "a\\", "__class__", "a\u2028b", "ｓｅｌｆ", "ªb"]
)
def test_names_that_are_python_are_refused_everywhere(name):
    for make in (
        lambda: Network().add(**{name: ReLU()}),
        lambda: Network().add(a=ReLU()).rename("a", name),
        lambda: Input((name,)),
        lambda: Linear(3, input_learnables=(name,)),
        lambda: Linear(3, learn_rate_factors=((name, 2.0),)),
        lambda: Input(("B",), dtype=name),
        lambda: Parameter((1,), init=name),
    ):
        with pytest.raises(NetworkError) as caught:
            make()
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", "Net Block sum input float_ next super print run_lstm TransposedLinear x out".split())
def test_names_of_python_and_of_the_source_are_usable(name):
    inner = Network().chain(**{"in_": Input(), name: Linear(4, transposed=True), f"{name}_": ReLU(), "y": Output()})
    net = Network().chain(data=Input(("B", 4)), **{name: Group(inner), f"{name}2": Group(inner), f"{name}_": Linear(4)})
    net = net.chain(f"{name}_", pad=Pad((0, 1), value=-math.inf), norm=LayerNorm())
    assert build(net)(torch.randn(3, 4)).shape == (3, 5)


@pytest.mark.parametrize("value", [math.inf, -math.inf, math.nan, 1e30, 1e-300, -0.0])
def test_floats_are_written_so_that_they_evaluate(value):
    module = build(Network().chain(x=Input(("B", 2)), pad=Pad((1, 0), value=value)))
    want = torch.nn.functional.pad(torch.zeros(1, 2), (1, 0), value=value)
    assert torch.equal(module(torch.zeros(1, 2)).nan_to_num(5.0), want.nan_to_num(5.0))


def test_a_layer_named_by_a_number_has_a_local_of_its_own():
    net = Network().chain(**{"0": Input(("B", 2)), "1": Linear(2), "x1": ReLU(), "x1_": ReLU()})
    net = net.chain("1", **{"2": ReLU(), "x2": ReLU()}).add(sum=Add())
    for name in ("1", "x1", "x1_", "2", "x2"):
        net = net.connect(name, "sum")
    module, x = build(net), torch.randn(3, 2)
    first = module["1"](x)
    assert torch.equal(module(x), first + first.relu() + first.relu() + first.relu() + first.relu())


def test_a_network_without_inputs_and_sizes_of_nothing():
    net = Network().add(p=Parameter((2, 3), init="randn"), y=Output()).connect("p/value", "y")
    assert build(net)().shape == (2, 3)
    assert build(Network().chain(x=Input(()), a=ReLU()))(torch.tensor(-1.0)) == 0
    empty = Network().chain(x=Input((0, 3)), a=Linear(2))
    assert build(empty)(torch.zeros(0, 3)).shape == (0, 2)
    assert analyze(empty).row("a").activations == ((0, 2),)


def test_a_thousand_layers_and_sixty_groups_are_no_deep_recursion():
    inner = Network().chain(x=Input(), fc=Linear(4), y=Output())
    for _ in range(60):
        inner = Network().chain(x=Input(), g=Group(inner), y=Output())
    net = Network().chain(x=Input(("B", 4)), g=Group(inner), head=Linear(4))
    net = tie(net, ".".join(["g"] * 61) + ".fc/weight", "head/weight", permute=())
    assert build(net)(torch.ones(1, 4)).shape == (1, 4)
    deep = Network().chain(x=Input(("B", 4)), **{f"l{n}": ReLU() for n in range(10_000)})
    assert write_pytorch(deep).count("F.relu") == 10_000


def test_an_output_of_a_group_may_be_called_by_a_number():
    """As in a group of layers that a ModuleList numbers."""
    inner = Network().chain(x=Input(), **{"0": Linear(3), "1": Output()})
    net = Network().chain(x=Input(("B", 4)), block=Group(inner), act=ReLU())
    x = torch.randn(2, 4)
    assert build(net)(x).shape == (2, 3)


@pytest.mark.parametrize("order", [(), (1, 0)])
def test_what_a_layer_offers_on_is_there_before_it_runs(order):
    net = Network().add(x=Input(("B", 4)), w=Input((4, 4)))
    net = net.chain("x", a=Linear(4, input_learnables=("weight",)), b=Linear(4))
    net = net.set("b", input_learnables=("weight",), output_learnables=("weight",)).connect("w", "b/weight")
    net = net.add(p=Permute(order)).connect("b/weight", "p") if order else net
    net = net.connect("p/out" if order else "b/weight", "a/weight")
    module, x, w = build(net), torch.randn(2, 4), torch.randn(4, 4)
    a = F.linear(x, w.permute(order) if order else w, module.a.bias)
    assert torch.equal(module(x, w), F.linear(a, w, module.b.bias))


def test_learnables_of_one_layer_have_one_type():
    net = Network().chain(x=Input(("B",), dtype="int64"), emb=Embedding(9, 4), fc=Linear(9))
    values = {"emb.weight": torch.zeros(9, 4).double(), "fc.bias": torch.zeros(9)}
    net = tie(net, "emb/weight", "fc/weight").with_values(values)
    (problem,) = analyze(net).errors
    assert problem.text == "The value of fc.bias is float32, but fc needs float64."
    with pytest.raises(NetworkError, match=re.escape(problem.text)):
        build(net)
    assert build(problem.fixes[0].edit(net))(torch.tensor([3])).dtype == torch.float64

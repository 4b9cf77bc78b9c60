"""Values of a file for a network: by name and shape, nothing guessed in silence, each tensor used once."""

import re

import pytest
import torch
from torch import nn

from designer import Network, NetworkError, analyze, attach_values, build, group, initialize, tie
from designer.edits.attaching import attach
from designer.edits.matching import NUMBERS, PLACE, WAYS, match
from designer.layers import (
    GRU,
    LSTM,
    Add,
    BatchNorm2d,
    Conv2d,
    Embedding,
    Flatten,
    Input,
    LayerNorm,
    Linear,
    Parameter,
)
from designer.model.values import origin_of


@pytest.fixture
def language():
    return Network().chain(
        tokens=Input(("B", "T"), dtype="int64"), emb=Embedding(20, 6), lstm=LSTM(6), fc=Linear(8), out=Linear(20)
    )


@pytest.fixture
def image():
    """A network whose counterpart in Keras has its kernels the other way round."""
    net = Network().chain(x=Input(("B", 3, 8, 8)), conv=Conv2d(4, 3), norm=BatchNorm2d(), conv2=Conv2d(4, 3))
    return net.chain("conv2", flat=Flatten(), fc=Linear(5))


def state(network, seed=1):
    return build(network, seed=seed).state_dict()


def same(network, expected):
    assert set(network.values) == set(expected)
    for key, value in expected.items():
        assert torch.equal(network.values[key], value), key


def keras(values):
    """The same values as Keras has them: kernels turned round, its own names, in groups of its own."""
    words = {"weight": "kernel", "running_mean": "moving_mean", "running_var": "moving_variance"}
    made = {}
    for key, value in values.items():
        path, _, last = key.rpartition(".")
        if last == "num_batches_tracked":
            continue
        if path.startswith("norm") and last in ("weight", "bias"):
            word = {"weight": "gamma", "bias": "beta"}[last]
        else:
            word = words.get(last, last)
            value = value.permute(*range(2, value.ndim), 1, 0) if word == "kernel" else value
        made[f"{path}/{word}:0"] = value.contiguous()
    return made


def test_by_key(language):
    values = state(language)
    new, report = attach_values(language, values)
    same(new, values)
    assert str(report) == "Attached 9 of 9 values from the state_dict."
    assert not report.kept
    assert not report.unused
    assert language.values == {}  # the network before is as it was
    x = torch.arange(6).reshape(2, 3)
    assert torch.equal(build(new)(x), build(language, seed=1)(x))


def test_what_is_in_hand_is_copied(language):
    values = state(language)
    new, _ = attach_values(language, values)
    values["fc.bias"].zero_()
    assert bool(new.values["fc.bias"].any())


@pytest.mark.parametrize("prefix", ["module.", "model.", "_orig_mod.", "state_dict.", "a.b.c.", "module._orig_mod."])
def test_what_stands_before_all_names(language, prefix):
    values = state(language)
    new, report = attach_values(language, {prefix + name: value for name, value in values.items()})
    same(new, values)
    assert not report.kept


def test_what_stands_before_all_names_of_the_network(language):
    values = state(language)
    net = group(language, ["emb", "lstm", "fc", "out"], "net")
    new, _ = attach_values(net, values)
    same(new, {f"net.{name}": value for name, value in values.items()})


def test_wrappers_within_names(language):
    values = state(language)
    given = {name.replace(".", "._orig_mod.module.", 1): value for name, value in values.items()}
    same(attach_values(language, given).network, values)


def test_the_old_words_of_normalisations():
    net = Network().chain(x=Input(("B", 4)), norm=LayerNorm(), fc=Linear(4))
    values = state(net)
    words = {"norm.weight": "norm.gamma", "norm.bias": "norm.beta"}
    given = {words.get(name, name): value for name, value in values.items()}
    new, report = attach_values(net, given)
    same(new, values)
    assert {each.key for each in report.taken if each.by == "other spelling"} == {"norm.weight", "norm.bias"}


def test_names_that_end_alike(language):
    """Others stand beside, so that no prefix is common to all."""
    values = state(language)
    given = {f"model.{name}": value for name, value in values.items()} | {"criterion.weight": torch.ones(3)}
    new, report = attach_values(language, given)
    same(new, values)
    assert {each.by for each in report.taken} == {"end of the name"}
    assert report.unused == {"criterion.weight": (3,)}


def test_an_end_that_two_have_is_no_match():
    net = Network().chain(x=Input(("B", 4)), a=Linear(4), b=Linear(4))
    net = group(group(net, ["a"], "one"), ["b"], "two")
    given = {"enc.fc.weight": torch.ones(4, 4), "dec.fc.weight": torch.zeros(4, 4)}
    with pytest.raises(NetworkError, match="by order and shape 2 would fit"):
        attach_values(net, given)
    given = {"x.a.weight": torch.ones(4, 4), "y.a.weight": torch.zeros(4, 4)}  # one of two copies
    assert not any(each.direct for each in match(net, given).matches)


def test_ends_that_tell_nothing():
    """That both are the weights of a layer 0 does not mean that they are the same."""
    net = group(Network().chain(x=Input(("B", 4)), a=Linear(4)), ["a"], "one")
    given = {"z.0.weight": torch.ones(4, 4), "z.bias.weight": torch.ones(2), "other": torch.ones(1)}
    assert [each.doubts for each in match(net, given).matches] == [(PLACE,)]


def test_one_to_one_and_the_same_each_time(language):
    given = state(language) | {f"module.{name}": value + 1 for name, value in state(language).items()}
    first, second = match(language, given), match(language, dict(given))
    assert first.matches == second.matches
    assert len({each.name for each in first.matches}) == len(first.matches) == 9
    assert set(first.unused) == {f"module.{name}" for name in state(language)}


def test_what_is_missing_and_what_is_left(language):
    net = initialize(language)
    values = state(language)
    del values["fc.bias"]
    new, report = attach_values(net, {**values, "scaler.scale": torch.ones(1)})
    assert new.values["fc.bias"] is net.values["fc.bias"]
    assert str(report) == (
        "Attached 8 of 9 values from the state_dict; fc.bias kept its own.\n"
        "kept: fc.bias (not in the file)\nnot used: scaler.scale 1"
    )


def test_what_does_not_fit_is_not_taken(language):
    values = state(language) | {"fc.weight": torch.ones(8, 7), "fc.bias": torch.ones(8, dtype=torch.complex64)}
    new, report = attach_values(language, values)
    assert "fc.weight" not in new.values
    assert dict(report.kept) == {
        "fc.weight": "fc.weight is 8 x 7",
        "fc.bias": "fc.bias: complex numbers do not fit into float32",
    }
    assert not analyze(new).problems


def test_nothing_fits(language):
    text = (
        "No value of the state_dict fits: it has a, b, c and 1 more, "
        "and the network emb.weight, lstm.weight_ih_l0, lstm.weight_hh_l0 and 6 more."
    )
    with pytest.raises(NetworkError, match=re.escape(text)):
        attach_values(language, {name: torch.ones(3, 3, 3) for name in "abcd"})
    with pytest.raises(NetworkError, match=re.escape("fc.weight is 8 x 6, and in the file fc.weight is 7 x 7.")):
        attach_values(language, {"fc.weight": torch.ones(7, 7)})
    with pytest.raises(NetworkError, match="takes no values"):
        attach_values(Network().chain(x=Input(("B", 3)), flat=Flatten()), {"a": torch.ones(1)})
    with pytest.raises(NetworkError, match="holds no tensors"):
        attach_values(language, {})


# Ties.


def test_a_borrower_has_no_value(language):
    net = language.set("out", bias=False)
    net = tie(net.replace("fc", Linear(6)), "emb/weight", "out/weight")
    values = state(net)
    assert "out.weight" not in values
    new, report = attach_values(net, {**values, "out.weight": values["emb.weight"].clone()})
    same(new, values)
    assert [tuple(twin) for twin in report.matching.twins] == [("out.weight", "emb.weight", True)]
    assert not report.unused
    del values["emb.weight"]  # under the borrower's name alone
    new, report = attach_values(net, {**values, "out.weight": torch.ones(20, 6)})
    assert bool((new.values["emb.weight"] == 1).all())
    assert "out.weight" not in new.values
    assert [each.by for each in report.taken if each.key == "emb.weight"] == ["other name"]


def test_tied_names_that_differ_are_told(language):
    net = tie(language.replace("fc", Linear(6)), "emb/weight", "out/weight")
    values = state(net) | {"out.weight": torch.zeros(20, 6)}
    new, report = attach_values(net, values)
    assert torch.equal(new.values["emb.weight"], values["emb.weight"])
    assert "tied: out.weight differs from emb.weight, to which it is tied; that was taken" in str(report)
    assert "out.weight differs from what it is tied to" in report.sentence


def test_a_borrower_through_a_permutation():
    net = tie(Network().chain(x=Input(("B", 12)), enc=Linear(5), dec=Linear(12)), "enc/weight", "dec/weight")
    values = state(net)
    turned = values["enc.weight"].T.contiguous()
    new, report = attach_values(net, {**values, "dec.weight": turned})
    same(new, values)
    assert [twin.same for twin in report.matching.twins] == [True]
    _, report = attach_values(net, {**values, "dec.weight": turned + 1})
    assert [twin.same for twin in report.matching.twins] == [False]
    without = {name: value for name, value in values.items() if name != "enc.weight"}
    new, report = attach_values(net, {**without, "dec.weight": turned})
    same(new, values)
    assert not analyze(new).problems


def test_old_keys_of_an_imported_file(language):
    import dataclasses

    values = state(language)
    net = dataclasses.replace(language, aliases={"enc.half": "fc.weight", "tied.bias": "fc.bias"})
    given = {**values, "enc.half": values["fc.weight"]}
    given["tied.bias"] = given.pop("fc.bias") + 0
    del given["fc.weight"]
    new, report = attach_values(net, given)
    same(new, values)
    assert not report.kept
    prefixed, _ = attach_values(net, {f"module.{name}": value for name, value in given.items()})
    same(prefixed, values)


# Transposed, and of other frameworks.


def test_matrices_that_fit_only_transposed(language):
    values = state(language)
    given = dict(values) | {"fc.weight": values["fc.weight"].T, "out.weight": values["out.weight"].T}
    new, report = attach_values(language, given)
    same(new, values)
    assert new.values["fc.weight"].is_contiguous()
    assert origin_of(new.values["fc.weight"]) == "copied from fc.weight"
    assert "fc.weight: by Permute 1, 0" in str(report)
    assert not any(each.direct for each in report.matching.matches if each.key in ("fc.weight", "out.weight"))


def test_square_ones_are_doubted_where_others_are_transposed():
    net = Network().chain(x=Input(("B", 4)), a=Linear(4), b=Linear(7))
    values = state(net)
    same(attach_values(net, values).network, values)  # nothing says that they are transposed
    given = {name: value.T if value.ndim == 2 else value for name, value in values.items()}
    new, report = attach_values(net, given)
    assert "a.weight" not in new.values
    assert report.kept == {"a.weight": "a.weight is not taken: it fits as it is and by Permute 1, 0"}
    same(attach_values(net, given, permute={"a.weight": (1, 0)}).network, values)
    told, _ = attach_values(net, given, permute={"a.weight": ()})
    assert torch.equal(told.values["a.weight"], values["a.weight"].T)


@pytest.mark.parametrize(
    ("permute", "text"),
    [
        ({"fc.weight": (0, 1)}, "fc.weight is 6 x 8, in the order (0, 1) 6 x 8, and fc.weight is 8 x 6."),
        ({"fc.weight": (1, 1)}, "fc.weight is 6 x 8: (1, 1) is no order of its dimensions."),
        ({"fc.wait": (1, 0)}, "permute names 'fc.wait', for which there is no tensor."),
        ({"out.weight": (1, 0)}, "out.weight is 20 x 8: out.weight is 3 x 3."),
    ],
)
def test_orders_that_do_not_fit(language, permute, text):
    values = state(language)
    given = dict(values) | {"fc.weight": values["fc.weight"].T, "out.weight": torch.ones(3, 3)}
    with pytest.raises(NetworkError, match=re.escape(text)):
        attach_values(language, given, permute=permute)


def test_keras_with_the_same_names(image):
    values = state(image)
    del values["norm.num_batches_tracked"]
    new, report = attach_values(image, keras(values))
    same(new, values)
    assert dict(report.kept) == {"norm.num_batches_tracked": "not in the file"}
    orders = {each.key: each.order for each in report.taken if each.order}
    assert orders == {"conv.weight": (3, 2, 0, 1), "conv2.weight": (3, 2, 0, 1), "fc.weight": (1, 0)}
    x = torch.randn(2, 3, 8, 8)
    full = build(new).eval()(x)
    assert torch.equal(full, build(image.with_values(values)).eval()(x))


def test_other_names_altogether_are_only_offered(image):
    values = state(image)
    names = {"conv": "conv2d", "norm": "norm_7", "conv2": "conv2d_1", "fc": "dense"}
    given = {}
    for name, value in sorted(keras(values).items()):
        path, _, last = name.partition("/")
        given[f"layers/{names[path]}/{last}"] = value
    with pytest.raises(NetworkError, match="by order and shape 10 would fit"):
        attach_values(image, given)
    new, report = attach_values(image, given, by_shape=True)
    del values["norm.num_batches_tracked"]
    same(new, values)
    assert {each.by for each in report.taken} == {"order and shape"}
    assert all(each.doubts == (PLACE,) for each in report.matching.matches)


def test_arrays_without_names(image):
    """As numpy.savez writes a list; the alphabet puts arr_10 before arr_2."""
    values = {key: value for key, value in state(image).items() if value.ndim}
    given = {f"arr_{n}": value for n, value in enumerate(values.values())}
    new, _ = attach_values(image, {name: given[name] for name in sorted(given)}, by_shape=True)
    same(new, values)


def test_a_layer_more_in_the_file_shifts_nothing(language):
    values = state(language)
    given = {f"n{n}.{name.rpartition('.')[2]}": value for n, (name, value) in enumerate(values.items())}
    given = {"first.weight": torch.ones(5, 5), **given, "last.weight": torch.ones(3)}
    new, report = attach_values(language, given, by_shape=True)
    same(new, values)
    assert set(report.unused) == {"first.weight", "last.weight"}


def test_as_matlab_writes_them(image):
    """Sizes of 1 come along, and a kernel is sizes, channels in, channels out."""
    net = Network().chain(x=Input(("B", 3, 8, 8)), conv=Conv2d(4, 3), flat=Flatten(), fc=Linear(5))
    values = state(net)
    given = {
        "conv_Weights": values["conv.weight"].permute(2, 3, 1, 0).contiguous(),
        "conv_Bias": values["conv.bias"].reshape(1, 1, 4),
        "fc_Weights": values["fc.weight"],
        "fc_Bias": values["fc.bias"].reshape(5, 1),
    }
    _, report = attach_values(net, given, by_shape=True)
    assert report.kept == {
        "conv.weight": "conv_Weights is not taken: it fits by Permute 3, 2, 0, 1 and by Permute 3, 2, 1, 0"
    }
    new, _ = attach_values(net, given, by_shape=True, permute={"conv.weight": (3, 2, 0, 1)})
    same(new, values)


def test_recurrent_layers_of_keras():
    net = Network().chain(x=Input(("B", "T", 3)), rnn=GRU(5))
    values = state(net)
    given = {"rnn/kernel": values["rnn.weight_ih_l0"].T, "rnn/recurrent_kernel": values["rnn.weight_hh_l0"].T}
    new, report = attach_values(net, given, by_shape=True)
    same(new, {key: value for key, value in values.items() if "weight" in key})
    assert all(PLACE in each.doubts for each in report.matching.matches)  # which gate is which is not told


# Numbers.


def test_the_type_of_the_file_stays(language):
    half = {name: value.half() for name, value in state(language).items()}
    new, _ = attach_values(language, half)
    assert {value.dtype for value in new.values.values()} == {torch.float16}


def test_whole_numbers_are_turned_only_where_that_is_said(language):
    values = state(language) | {"fc.bias": torch.arange(8)}
    new, report = attach_values(language, values)
    assert "fc.bias" not in new.values
    assert report.kept == {"fc.bias": f"fc.bias is not taken: {NUMBERS}"}
    new, _ = attach_values(language, values, convert=True)
    assert torch.equal(new.values["fc.bias"], torch.arange(8.0))
    values["fc.bias"] = torch.zeros(8).to(torch.float8_e4m3fn)
    assert attach_values(language, values).report.kept == {
        "fc.bias": "fc.bias: layers cannot compute with float8_e4m3fn"
    }


def test_counters_keep_their_type(image):
    values = state(image) | {"norm.num_batches_tracked": torch.tensor([7], dtype=torch.int32)}
    new, _ = attach_values(image, values)
    counter = new.values["norm.num_batches_tracked"]
    assert counter.dtype == torch.int64
    assert counter.shape == ()
    assert counter == 7


# Networks that are not whole.


def test_layers_whose_size_is_not_known_yet():
    net = Network().add(fc=Linear(4), scale=Parameter((3,)))
    new, _ = attach_values(net, {"fc.weight": torch.ones(4, 9), "scale": torch.ones(3)})
    assert new.values["fc.weight"].shape == (4, 9)
    assert new.values["scale"].shape == (3,)


def test_a_second_use_has_no_values_of_its_own():
    from designer.layers import Call

    net = Network().chain(x=Input(("B", 4)), fc=Linear(4), again=Call()).connect("fc/learnables", "again/learnables")
    net = net.connect("fc", "again").chain("again", sum=Add())
    assert set(match(net, {}).slots) == {"fc.weight", "fc.bias"}


def test_thousands_of_names_take_no_long_time():
    """Names that end alike in many ways are looked up, not compared one by one."""
    count = 3000
    net = Network().add(**{f"p{n}": Parameter((2,)) for n in range(count)})
    given = {f"a.b.{n}.c.p{n}": torch.zeros(2) for n in range(count)} | {"other": torch.zeros(1)}
    network, report = attach(net, given, "f")
    assert len(network.values) == len(report.taken) == count


def test_gpt_like_names_of_another_model():
    """What Hugging Face calls transformer.h is called h by itself."""
    block = nn.ModuleDict({"attn": nn.Linear(4, 4), "mlp": nn.Linear(4, 4)})
    values = nn.ModuleDict({"h": nn.ModuleList([block, block])}).state_dict()
    net = Network().add(**{"h0": Parameter((1,))})
    for n in range(2):
        net = net.chain(**{f"x{n}": Input(("B", 4)), f"attn{n}": Linear(4), f"mlp{n}": Linear(4)})
    with pytest.raises(NetworkError):
        attach_values(net, values)
    doubted = match(net, values).matches
    assert all(PLACE in each.doubts and WAYS not in each.doubts for each in doubted)

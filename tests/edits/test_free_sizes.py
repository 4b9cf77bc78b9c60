"""Sizes of inputs that get a name."""

import pytest
import torch

from designer import Network, NetworkError, analyze, build, free_size
from designer.layers import GRU, LSTM, Embedding, Input, Linear, Reshape


def tagger(**inputs):
    return Network().chain(
        x=Input(("B", 9), dtype="int64"), emb=Embedding(50, 9), rnn=LSTM(6, bidirectional=True), fc=Linear(4), **inputs
    )


def test_the_time_of_a_recurrent_layer_is_freed():
    network = tagger()
    freed = free_size(network, "x")
    assert freed.layers["x"].shape == ("B", "T")
    assert freed.set("x", shape=("B", 9)) == network
    assert not analyze(freed).problems
    tokens = torch.randint(0, 50, (2, 9))
    assert torch.equal(build(freed).eval()(tokens), build(network).eval()(tokens))
    assert build(freed)(torch.zeros(3, 20, dtype=torch.int64)).shape == (3, 20, 4)


def test_a_size_may_be_said():
    freed = free_size(Network().chain(x=Input((5, 2, 8)), rnn=GRU(6, batch_first=False)), "x", -2, size="N")
    assert freed.layers["x"].shape == (5, "N", 8)


def test_the_time_comes_first_where_the_batch_does_not():
    freed = free_size(Network().chain(x=Input((5, "B", 8)), rnn=GRU(6, batch_first=False)), "x")
    assert freed.layers["x"].shape == ("T", "B", 8)


def test_of_two_equal_sizes_the_one_that_can_be_free_is_chosen():
    freed = free_size(Network().chain(x=Input(("B", 8, 8)), rnn=LSTM(6)), "x")
    assert freed.layers["x"].shape == ("B", "T", 8)


@pytest.mark.parametrize(
    ("network", "given", "sentence"),
    [
        (tagger(flat=Reshape((-1, 36))), ("x",), "x cannot have a free size T: "),
        (tagger(flat=Reshape((0, 9, 2, 2))), ("x",), "x cannot have a free size T: "),
        (Network().chain(x=Input(("B", 8)), fc=Linear(3)), ("x",), "x has no fixed size that could be free."),
        (tagger(), ("x", 0), "x has no fixed size that could be free."),
        (tagger(), ("x", 2), "x has 2 sizes, so none has the number 2."),
        (tagger(), ("emb",), "emb is not an input of the network."),
        (tagger(), ("y",), "There is no layer 'y'."),
    ],
)
def test_what_cannot_be_freed_is_refused(network, given, sentence):
    with pytest.raises(NetworkError) as error:
        free_size(network, *given)
    assert str(error.value).startswith(sentence)


def test_the_name_of_another_size_is_refused():
    network = Network().chain(x=Input((5, "B", 8)), rnn=GRU(6, batch_first=False)).add(y=Input((5, 3)))
    for name, dim in (("x", 0), ("y", 1)):
        with pytest.raises(NetworkError, match="B is the name of another free size, "):
            free_size(network, name, dim, "B")
    assert free_size(network, "y", 1, "N").layer("y").shape == (5, "N")

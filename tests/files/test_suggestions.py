"""Ties that a file does not have and that its numbers allow: found without reading everything, never made silently."""

import copy
import json
import os
import struct
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file, save_model
from torch import nn

from designer import Network, build, import_pytorch, load, save, tie
from designer.files import suggestions
from designer.files.report_markdown import to_markdown
from designer.files.suggestions import Suggestion, suggested_ties
from designer.files.weights import save_weights
from designer.layers import Permute
from designer.model import Parameter, Port
from designer.model.checking import check_network


class Tied(nn.Module):
    def __init__(self):
        super().__init__()
        self.emb, self.fc, self.head = nn.Embedding(30, 8), nn.Linear(8, 8), nn.Linear(8, 30, bias=False)
        self.head.weight = self.emb.weight

    def forward(self, tokens):
        return self.head(self.fc(self.emb(tokens)))


def found(**values):
    """What is suggested for free learnables of some values, as (borrower, owner, order)."""
    net = Network().add(**{name: Parameter(tuple(value.shape)) for name, value in values.items()})
    ties = suggested_ties(net.with_values(values))
    return [(each.borrower.removesuffix("/value"), each.owner.removesuffix("/value"), each.permute) for each in ties]


def random(*shape, dtype=torch.float32):
    return torch.randn(shape).to(dtype)


# What is suggested.


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16, torch.float64, torch.float8_e4m3fn])
def test_equal_numbers_of_each_type(dtype):
    a = random(20, 7, dtype=dtype)
    assert found(a=a, b=a.clone(), c=random(20, 7, dtype=dtype)) == [("b", "a", ())]


def test_transposed_and_reordered_numbers():
    a, kernel, square = random(20, 7), random(4, 5, 3, 3), random(9, 9)
    symmetric = square + square.T
    assert found(a=a, b=a.T) == [("b", "a", (1, 0))]
    assert found(a=square, b=square.T) == [("b", "a", (1, 0))]
    assert found(a=symmetric, b=symmetric.T.clone()) == [("b", "a", ())]
    assert found(a=kernel, b=kernel.transpose(0, 1)) == [("b", "a", (1, 0, 2, 3))]
    assert found(a=kernel, b=kernel.permute(3, 1, 0, 2)) == [("b", "a", (3, 1, 0, 2))]
    assert found(a=random(1, 12), b=random(12, 1)) == []


@pytest.mark.parametrize("shape", [(2, 3, 4), (4, 4, 4), (1, 9, 1, 2), (2, 2, 2, 3, 3), (8,), (2, 2, 2, 2, 2, 2)])
def test_a_copy_of_any_shape_is_found_as_it_is(shape):
    a = random(*shape)
    assert found(a=a, b=a.clone()) == [("b", "a", ())]


def test_the_first_owns_and_the_largest_saving_comes_first():
    small, large = random(8), random(40, 30)
    ties = found(s=small, head=large, t=small, emb=large.T, again=large)
    assert ties == [("emb", "head", (1, 0)), ("again", "head", ()), ("t", "s", ())]


def test_pairs_that_look_alike_in_two_kinds():
    """Those that look alike may be equal to one of them only."""
    a = random(300, 200)
    b = a.clone()
    b[-1, -1] += 1
    assert found(a=a, b=b) == []
    assert found(a=a, b=b, c=b.T, d=a.clone()) == [("c", "b", (1, 0)), ("d", "a", ())]


def test_numbers_that_are_equal_everywhere_are_no_tie():
    rule = torch.arange(64.0)
    for same in (torch.zeros(30, 8), torch.ones(64), torch.tril(torch.ones(30, 30)), rule, 10000 ** -(rule / 64)):
        assert found(a=same, b=same.clone()) == []
    table = rule.repeat(9, 1)
    assert found(a=table, b=table.clone()) == []
    few = random(7)
    assert found(a=few, b=few.clone()) == []


def test_nan_is_equal_to_itself():
    a = random(30, 8)
    a[0] = float("nan")
    assert found(a=a, b=a.clone()) == [("b", "a", ())]


def test_what_is_not_equal_to_the_last_bit_is_not_suggested(monkeypatch):
    a = random(64, 48)
    b = a.T.contiguous()
    b[47, 63] = b[47, 63].nextafter(torch.tensor(9.0))
    monkeypatch.setattr(suggestions, "PIECE", 100)  # in many pieces
    assert found(a=a, b=b) == []
    assert found(a=a, b=a.T) == [("b", "a", (1, 0))]


def test_no_more_than_some_bytes_are_compared(monkeypatch):
    a, b = random(64, 48), random(16, 4)
    monkeypatch.setattr(suggestions, "MOST_READ", 2 * b.nbytes)
    assert found(a=a, c=a.clone(), b=b, d=b.clone()) == [("d", "b", ())]


# Where they come from.


def test_a_safetensors_file_lost_its_ties(tmp_path):
    """A click makes what the file does not have; the numbers stay, also in what is saved and exported."""
    state = {name: value.clone() for name, value in Tied().state_dict().items()}
    state["dec.weight"] = state["emb.weight"].T.contiguous()
    save_file(state, tmp_path / "a.safetensors")
    network, report = import_pytorch(tmp_path / "a.safetensors")
    assert not report.ties
    assert report.known_suggestions is None  # nothing was read to open it
    shown = {(each.borrower, each.owner): each for each in report.suggestions}
    assert report.known_suggestions == report.suggestions
    # safetensors sorts names
    transposed, direct = shown["emb.weight/value", "dec.weight/value"], shown["head.weight/value", "dec.weight/value"]
    assert transposed.text == "emb.weight is dec.weight transposed, 30 × 8: 960 B are saved when they are tied."
    assert "suggestion: " + transposed.text in str(report)
    assert f"* {transposed.text}".replace("_", "\\_") in to_markdown(report)
    for each in (transposed, direct):
        assert each.fits(network)
        assert not each.is_made(network)
        network = tie(network, each.owner, each.borrower, permute=each.permute)
        assert each.is_made(network)
        assert not each.fits(network)
    check_network(network)
    assert network.layer("emb.weight") == Permute((1, 0))
    assert set(network.values) == {"dec.weight", "fc.weight", "fc.bias"}
    for n in (1, 2):  # as it is, and as it comes back from a project
        assert torch.equal(network.with_values(state).values["dec.weight"], state["dec.weight"])
        assert torch.equal(network.values["dec.weight"], state["dec.weight"])
        assert save_weights(network, tmp_path / f"{n}.safetensors") == 3
        save(network, tmp_path / "a.network", report=report)
        network = load(tmp_path / "a.network")


def test_equal_tensors_that_were_one(tmp_path):
    model = Tied()
    state = copy.deepcopy(model).state_dict()
    torch.save({name: value.clone() for name, value in state.items()}, tmp_path / "a.pt")
    network, report = import_pytorch(tmp_path / "a.pt")
    (each,) = report.suggestions
    assert (each.owner, each.borrower) == ("emb.weight/value", "head.weight/value")
    tied = tie(network, each.owner, each.borrower, permute=each.permute)
    assert tied.aliases == {"head.weight": "emb.weight"}
    torch.save(state, tmp_path / "b.pt")  # here the file tells
    assert not import_pytorch(tmp_path / "b.pt").report.suggestions


def test_layers_of_a_program(tmp_path, exported):
    model = Tied()
    model.head.weight = nn.Parameter(model.emb.weight.detach().clone())
    tokens = torch.randint(30, (2, 5))
    network, report = import_pytorch(exported(model, {"tokens": tokens}, {"tokens": (0, 1)}))
    (each,) = report.suggestions
    assert each == Suggestion(each.text, "emb/weight", "head/weight")
    tied = tie(network, each.owner, each.borrower, permute=each.permute)
    assert each.is_made(tied)
    assert tied.source_of(Port("head", "weight")) == Port("emb", "weight")
    assert torch.equal(build(tied)(tokens), model(tokens))
    ties = tied.with_values(model.state_dict())  # under the names of the file, the old ones too
    assert torch.equal(build(ties)(tokens), model(tokens))


def test_overlapping_tensors_are_no_copies(tmp_path):
    whole = random(12, 12)
    torch.save({"a": whole, "b": whole.T}, tmp_path / "a.pt")
    assert import_pytorch(tmp_path / "a.pt").report.suggestions == ()


def test_a_file_that_was_changed_meanwhile(tmp_path):
    a = random(30, 8)
    save_file({"a": a, "b": a.clone()}, tmp_path / "a.safetensors")
    report = import_pytorch(tmp_path / "a.safetensors").report
    os.utime(tmp_path / "a.safetensors", ns=(1, 1))
    assert report.suggestions == ()


# What safetensors tells.


def test_the_names_that_save_model_leaves_out_are_ties(tmp_path):
    model = Tied()
    save_model(model, str(tmp_path / "a.safetensors"))
    network, report = import_pytorch(tmp_path / "a.safetensors")
    ((name, owner),) = report.ties.items()
    assert {name, owner} == {"emb.weight", "head.weight"}
    assert network.aliases == report.ties
    assert list(report.tied_bytes.values()) == [960]
    assert report.suggestions == ()
    merged = network.with_values(model.state_dict())
    assert torch.equal(merged.values[owner], model.emb.weight)


@pytest.mark.parametrize(
    "told", [{"b": "gone"}, {"a": "c"}, {"format": "a"}, {"complex128": "a"}, {"b": "b"}, {"b": ""}, {"b": "a b"}]
)
def test_metadata_that_are_no_ties(tmp_path, told):
    save_file({"a": random(4, 4), "c": random(4, 4)}, tmp_path / "a.safetensors", told)
    if "complex128" in told:  # as this program writes complex numbers
        save_file({"a": torch.ones(4, 2, dtype=torch.float64)}, tmp_path / "a.safetensors", told)
    report = import_pytorch(tmp_path / "a.safetensors").report
    assert not report.ties


# How much is read.


def resident():
    """The megabytes of memory of this process that are in use."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20


@pytest.fixture
def sparse(tmp_path):
    """A file of 64 tensors of zeros, 4 GiB that are not on the disk, and of two equal ones at its end."""
    path, last = tmp_path / "big.safetensors", random(256, 1024).numpy().tobytes()
    sizes = [((4096, 4096), 2**26)] * 64 + [((256, 1024), 2**20)] * 2
    header, at = {}, 0
    for n, (shape, size) in enumerate(sizes):
        header[f"blocks.{n}.weight"] = {"dtype": "F32", "shape": shape, "data_offsets": [at, at + size]}
        at += size
    head = json.dumps(header).encode()
    head += b" " * (-len(head) % 8)
    path.write_bytes(struct.pack("<Q", len(head)) + head)
    os.truncate(path, 8 + len(head) + 2**32)
    with path.open("ab") as file:
        file.write(last + last)
    return path


def test_a_large_file_is_searched_without_reading_it(sparse, monkeypatch):
    import_pytorch(sparse)  # what is imported for it is there
    before = resident()
    report = import_pytorch(sparse).report
    assert resident() - before < 20
    seen = []
    bits = suggestions._bits
    monkeypatch.setattr(suggestions, "_bits", lambda value: seen.append(value.nbytes) or bits(value))
    (each,) = report.suggestions
    assert (each.owner, each.borrower) == ("blocks.64.weight/value", "blocks.65.weight/value")
    assert resident() - before < 100
    assert sum(seen) < 2 * 2**20 + 64 * 128 * 4  # the two, and a few numbers of each

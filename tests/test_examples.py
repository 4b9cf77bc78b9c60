"""The example networks: made again as they are, analyzed as their cards say, built and run."""

import json
import runpy
from pathlib import Path

import pytest
import torch

from designer import analyze, build, initialize, load
from designer.gui.drawing import resource
from designer.model import Group

FOLDER = resource("examples")
NAMES = sorted(path.stem for path in FOLDER.glob("*.network"))
SIZES = {"B": 2, "T": 5}


def _inputs(network):
    """A real input for each input layer: numbers below 1000 for tokens, else noise."""
    for layer in network.layers.values():
        if type(layer).__name__ == "Input":
            shape = [SIZES.get(size, size) for size in layer.shape]
            yield torch.randint(0, 1000, shape) if layer.dtype == "int64" else torch.rand(shape)


def test_six_of_them():
    assert len(NAMES) == 6
    assert sorted(path.stem for path in FOLDER.glob("*.json")) == NAMES
    assert sum(path.stat().st_size for path in FOLDER.iterdir()) < 40_000


def test_the_script_makes_them_again(tmp_path, capsys):
    script = Path(__file__).parent.parent / "packaging" / "make_examples.py"
    runpy.run_path(str(script))["main"](tmp_path)
    made = {path.name: path.read_text() for path in tmp_path.iterdir()}
    assert made == {path.name: path.read_text() for path in FOLDER.iterdir()}


@pytest.mark.parametrize("name", NAMES)
def test_the_card_says_what_the_analysis_says(name):
    about = json.loads((FOLDER / f"{name}.json").read_text())
    network = load(FOLDER / f"{name}.network")
    analysis = analyze(network)
    assert not analysis.problems
    assert not analysis.partial
    counts = {"stored": analysis.stored, "used": analysis.used, "saved": analysis.saved}
    counts["layers"] = network.count
    assert about.pop("title")
    assert about.pop("sentence").endswith(".")
    assert about == counts


@pytest.mark.parametrize("name", NAMES)
def test_it_runs(name):
    network = load(FOLDER / f"{name}.network")
    module = build(initialize(network, seed=0)).eval()
    with torch.no_grad():
        out = module(*_inputs(network))
    feeding = {source.layer for source in network.targets}
    (last,) = (name for name in network.layers if name not in feeding)
    assert [SIZES.get(size, size) for size in analyze(network).row(last).activations[0]] == list(out.shape)
    assert bool(torch.isfinite(out).all())
    assert sum(parameter.numel() for parameter in module.parameters()) == analyze(network).stored


@pytest.mark.parametrize("name", NAMES)
def test_layers_stand_beside_each_other(name):
    """On every level all layers have places of their own, in reading order."""
    network = load(FOLDER / f"{name}.network")
    for path in ("", *(path for path, layer in network.walk() if isinstance(layer, Group))):
        level = network.network_at(path)
        assert set(level.positions) == set(level.layers)
        assert len(set(level.positions.values())) == len(level.layers)
        for target, source in level.connections.items():
            if not network.is_learnable(source.above(path)):
                assert level.positions[source.layer][0] < level.positions[target.layer][0]


def test_the_language_model_saves_what_the_readme_says():
    about = json.loads((FOLDER / "tied-language-model.json").read_text())
    assert (about["stored"], about["saved"]) == (1_023_400, 300_000)


def test_tokens_do_not_see_what_comes_after_them():
    network = load(FOLDER / "gpt2.network")
    module = build(initialize(network, seed=0)).eval()
    tokens = torch.randint(0, 1000, (1, 6))
    changed = tokens.clone()
    changed[0, 5] += 1
    with torch.no_grad():
        a, b = (module(given, torch.arange(6)) for given in (tokens, changed))
    assert torch.equal(a[:, :5], b[:, :5])
    assert not torch.equal(a[:, 5], b[:, 5])

"""The stories in the README run, and print what it shows."""

import contextlib
import io
import re
import warnings
from pathlib import Path

import pytest

README = (Path(__file__).parents[1] / "README.md").read_text()
STORIES = README[README.index("## Three stories") : README.index("## In the window")]


def test_the_stories_print_what_the_readme_shows():
    blocks = re.findall(r"```(python|text)\n(.*?)```", STORIES, re.DOTALL)
    codes = [code for kind, code in blocks if kind == "python"]
    shown = [text for kind, text in blocks if kind == "text"]
    names: dict[str, object] = {}
    for code, text in zip(codes[:3], shown, strict=True):
        with contextlib.redirect_stdout(io.StringIO()) as printed:
            exec(code, names)
        assert printed.getvalue() == text


def test_the_source_is_what_the_readme_shows():
    from designer import write_pytorch

    names: dict[str, object] = {}
    code = re.findall(r"```python\n(.*?)```", STORIES, re.DOTALL)
    with contextlib.redirect_stdout(io.StringIO()):
        exec(code[0], names)
    source = write_pytorch(names["net"])
    assert source[source.index("class Net") :] == code[3]


def test_every_folder_that_the_tree_names_is_there():
    root = Path(__file__).parents[1]
    tree = README[README.index("## The tree") :]
    for folder in re.findall(r"^  (\w+/) ", tree, re.MULTILINE):
        assert (root / "designer" / folder).is_dir()
    for folder in re.findall(r"^(\w+/) ", tree, re.MULTILINE):
        assert (root / folder).is_dir()


def recipes():
    """The name of a file and what makes it, for each row of the table of files that has a call."""
    table = README[README.index("## Open files") : README.index("**What comes back**")]
    codes = [row.split(" | ")[-1].strip("`| ") for row in table.splitlines() if row.startswith("| ")]
    return [(found[0], code) for code in codes if (found := re.findall(r'"(model\.\w+)"', code))]


@pytest.mark.parametrize(("name", "code"), recipes())
def test_files_that_are_made_as_the_table_says_open(name, code, tmp_path, monkeypatch):
    import numpy
    import safetensors.torch
    import torch
    from torch import nn
    from torch.export import Dim

    from designer import import_pytorch

    monkeypatch.chdir(tmp_path)
    model, x = nn.Sequential(nn.Linear(3, 4), nn.ReLU()), torch.zeros(2, 3)
    tensors = model.state_dict()
    arrays = {key: value.numpy() for key, value in tensors.items()}
    names = {"Dim": Dim, "torch": torch, "numpy": numpy, "safetensors": safetensors, "arrays": arrays}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        exec(code, names | {"model": model, "x": x, "tensors": tensors})
    assert sorted(map(tuple, (value.shape for value in import_pytorch(name).network.values.values()))) == [(4,), (4, 3)]

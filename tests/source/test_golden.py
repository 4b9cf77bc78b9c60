"""The written source of examples, kept in golden/; DESIGNER_OVERWRITE=1 writes them anew."""

import os
import subprocess
import sys
from pathlib import Path

import torch

from designer import analyze, build, write_pytorch

GOLDEN = Path(__file__).parent / "golden"
RUN = """
import sys
sys.modules["designer"] = sys.modules["PySide6"] = None
from pathlib import Path
import torch
torch.set_grad_enabled(False)
for file in sorted(Path(sys.argv[1]).glob("*.py")):
    names = {}
    exec(compile(file.read_text(), file, "exec"), names)
    module = names["Net"]()
    values, inputs, want = torch.load(file.with_suffix(".pt"), weights_only=True)
    module.load_state_dict(values)
    torch.testing.assert_close(module.eval()(*inputs), want, rtol=0, atol=0)
    print(file.stem)
"""


def test_written_source_is_as_it_was(example):
    name, net, _ = example
    source, file = write_pytorch(net), GOLDEN / f"{name}.py"
    if os.environ.get("DESIGNER_OVERWRITE"):
        GOLDEN.mkdir(exist_ok=True)
        file.write_text(source)
    assert analyze(net).problems == []
    assert source == file.read_text()


def test_every_golden_file_has_its_example(examples):
    assert {file.stem for file in GOLDEN.glob("*.py")} == set(examples)


def test_ruff_has_nothing_to_say():
    ruff = [sys.executable, "-m", "ruff"]
    for command in (
        ["format", "--check", "--line-length", "120"],
        ["check", "--select", "F,I", "--line-length", "120"],
    ):
        done = subprocess.run([*ruff, *command, "--isolated", GOLDEN], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout


def test_source_runs_alone_with_torch(examples, tmp_path):
    for name, (net, inputs) in examples.items():
        module = build(net).eval()
        with torch.no_grad():
            given = module(*inputs)
        (tmp_path / f"{name}.py").write_text(write_pytorch(net))
        torch.save((module.state_dict(), inputs, given), tmp_path / f"{name}.pt")
    done = subprocess.run([sys.executable, "-c", RUN, tmp_path], capture_output=True, text=True, check=False)
    assert done.stdout.split() == sorted(examples), done.stderr


def test_blocks_of_one_kind_are_one_class(examples):
    source = write_pytorch(examples["gpt2"][0])
    classes = [line.split("(")[0] for line in source.splitlines() if line.startswith("class ")]
    assert classes == [f"class {name}" for name in "TransposedLinear Attn Mlp H H2 Transformer Net".split()]
    assert max(map(len, source.splitlines())) <= 120

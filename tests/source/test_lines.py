"""Long lines are broken as ruff would break them."""

import random
import subprocess
import sys

import pytest

from designer.source.lines import laid_out

WORDS = "enc dec attn layers norm mlp proj weight embedding positions hidden state decoder_block_attention".split()


def word(r):
    return "_".join(r.choice(WORDS) for _ in range(r.choice([1, 1, 2, 3])))


def tensor(r):
    kind = r.random()
    if kind < 0.6:
        return word(r)
    if kind < 0.9:
        return "self." + ".".join(word(r) for _ in range(r.randint(1, 3)))
    return f'self.{word(r)}["{r.randint(0, 12)}"].weight'


def arguments(r):
    given = [tensor(r) for _ in range(r.choice([1, 2, 3, 6, 12]))]
    values = [tensor(r), "(2, 3)", "None", '"reflect"', "x.shape[2:]", "0.1 if self.training else 0.0", 'float("-inf")']
    given += [f"{word(r)}={r.choice(values)}" for _ in range(r.choice([0, 0, 1, 4]))]
    return ", ".join(given)


def numbers(r):
    return ", ".join(str(r.randint(0, 99) / 4) for _ in range(r.choice([2, 15, 40])))


def value(r):
    several = ", ".join(tensor(r) for _ in range(r.choice([2, 5, 20])))
    operator = r.choice([" + ", " * "])
    return r.choice(
        [
            f"F.{word(r)}({arguments(r)})",
            f"self.{word(r)}.{word(r)}({arguments(r)})",
            operator.join(tensor(r) for _ in range(r.choice([2, 3, 8, 30]))),
            f"{tensor(r)} {r.choice('-/@')} {tensor(r)}",
            f"torch.cat([{several}], {r.randint(-1, 3)})",
            f"torch.ops.aten.{word(r)}.default({tensor(r)}, [{several}], device={tensor(r)}.device)",
            f"{tensor(r)}.reshape({tensor(r)}.shape[0], {r.randint(1, 9)}, -1)",
            f"{tensor(r)}[:, {r.randint(1, 9)}:{r.randint(10, 200)}]",
            f"nn.Buffer(torch.tensor([{numbers(r)}], dtype=torch.float32), persistent=False)",
            f"nn.Buffer(torch.tensor([{numbers(r)}], dtype=torch.float32).reshape((2, 3)), persistent=False)",
            tensor(r),
        ]
    )


def statement(r):
    some = ", ".join(word(r) for _ in range(r.choice([2, 5, 9])))
    return r.choice(
        [
            f"{word(r)} = {value(r)}",
            f"{word(r)} = {value(r)}",
            f"{word(r)}, _ = self.{word(r)}({arguments(r)})",
            f"{word(r)}, ({word(r)}, {word(r)}) = run_lstm({arguments(r)})",
            f"{some} = self.{word(r)}({arguments(r)})",
            f"self.{word(r)} = nn.{word(r)}({arguments(r)})",
            f"self.{word(r)}.{word(r)} = None",
            f"return {', '.join(tensor(r) for _ in range(r.choice([1, 2, 12])))}",
        ]
    )


@pytest.mark.parametrize("seed", range(4))
def test_ruff_leaves_long_lines_as_they_are(seed, tmp_path):
    r = random.Random(seed)
    lines = []
    for n in range(400):
        names = dict.fromkeys(word(r) for _ in range(r.choice([1, 2, 9, 30])))
        lines += [f"class Block{n}:", *laid_out(f"def forward({', '.join(['self', *names])}):", "", 4)]
        lines += [*laid_out(statement(r), r.choice(["", "B, T, 300", "2*((H + 1)//2), W"]), 8), "", ""]
    file = tmp_path / "written.py"
    file.write_text("\n".join(lines).rstrip() + "\n")
    ruff = [sys.executable, "-m", "ruff", "format", "--isolated", "--line-length", "120", "--diff", str(file)]
    assert subprocess.run(ruff, capture_output=True, text=True, check=False).stdout == ""


def test_a_comment_goes_where_there_is_no_room():
    line = "x = F.relu(" + "y" * 90 + ")"
    assert laid_out(line, "B, T", 8) == [f"        {line}  # B, T"]
    assert laid_out(line, "B, T, C", 8) == [f"        {line}"]


def test_a_name_that_is_too_long_stays_whole():
    name = "self." + "a" * 150
    assert laid_out(f"{name} = None", "", 8) == [f"        {name} = None"]
    assert laid_out(f"x = F.linear({name}, y)", "", 8) == [
        "        x = F.linear(",
        f"            {name},",
        "            y,",
        "        )",
    ]

"""What is said about an opened file: facts, lists, Markdown, and what a project keeps of it."""

import dataclasses
import json

import pytest
import torch
from torch import nn

from designer import import_pytorch
from designer.files import report_json
from designer.files.compare import Comparison
from designer.files.project import load, read_project, save
from designer.files.report import Note
from designer.files.report_lines import compared_text, facts, sections
from designer.files.report_markdown import to_markdown
from designer.files.suggestions import Suggestion


class Tied(nn.Module):
    def __init__(self):
        super().__init__()
        self.emb = nn.Embedding(30, 8)
        self.fc = nn.Linear(8, 30)
        self.fc.weight = self.emb.weight
        self.register_buffer("spare", torch.zeros(5))

    def forward(self, tokens):
        return self.fc(self.emb(tokens))


@pytest.fixture(scope="module")
def opened(tmp_path_factory):
    path = tmp_path_factory.mktemp("reports") / "tied.pt2"
    torch.export.save(torch.export.export(Tied().eval(), (torch.zeros(2, 4, dtype=torch.int64),)), path)
    return import_pytorch(path)


def test_facts(opened):
    size = opened.report.path.stat().st_size
    found = facts(opened.report)
    assert found["File"] == "tied.pt2"
    assert found["Size"] == f"{size / 1024:.1f} KiB"
    assert found["Written by"] == f"torch {torch.__version__}"
    assert found["Layers"] == "2"
    assert found["Parameters"] == f"{30 * 8 + 30:,}"
    assert found["Ties"] == "1, saving 960 B"  # 30 x 8 float32


def test_a_tied_part_saves_only_its_own_bytes(tmp_path):
    class Part(nn.Module):
        def __init__(self):
            super().__init__()
            self.whole, self.part = nn.Linear(4, 10, bias=False), nn.Linear(4, 3, bias=False)
            self.part.weight = nn.Parameter(self.whole.weight[:3])

        def forward(self, x):
            return self.whole(x), self.part(x)

    torch.export.save(torch.export.export(Part(), (torch.randn(2, 4),)), tmp_path / "part.pt2")
    assert import_pytorch(tmp_path / "part.pt2").report.tied_bytes == {"part.weight": 3 * 4 * 4}


def test_lines_name_the_layers_that_are_there(opened):
    report = dataclasses.replace(
        opened.report, notes=(Note("sizes are fixed", ("emb", "gone")),), renamed={"a.0.weight": "emb.weight"}
    )
    found = {section.title: section.lines for section in sections(report, opened.network)}
    assert [(str(line), line.layers) for line in found["Notes"]] == [("Sizes are fixed.", ("emb",))]
    assert [(str(line), line.layers) for line in found["Ties"]] == [
        ("fc.weight = emb.weight, 960 B saved", ("emb", "fc"))
    ]
    assert found["Renamed"][0].layers == ("emb",)
    assert "Can only be shown, not run" not in found


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (None, "Not compared with the original yet."),
        (Comparison(0.0), "Equal to the original on a probe: max |difference| 0."),
        (Comparison(3e-7, "", "x"), "Compared with the original: max |difference| 3e-07 at output x."),
        (Comparison(None, "why"), "Not compared with the original: why."),
    ],
)
def test_the_comparison_is_said_with_its_number(found, said):
    assert compared_text(found) == said


def test_the_output_that_differs_most_is_named(tmp_path, monkeypatch):
    from designer.files import compare

    class Two(nn.Module):
        def forward(self, x):
            return {"first": x + 1, "second": x * 2}

    path = tmp_path / "two.pt2"
    torch.export.save(torch.export.export(Two(), (torch.randn(3),)), path)
    gaps = iter((0.0, 0.5, 0.0, 0.25))
    monkeypatch.setattr(compare, "largest_difference", lambda a, b: next(gaps))
    found = compare.compared(str(path))
    assert (found.difference, found.output) == (0.5, list(import_pytorch(path).network.outputs)[1])


def test_markdown(opened):
    tricky = (Note("fc_1*2 | <b> takes\nanother size"), *[Note(f"note {n}") for n in range(1200)])
    suggestions = (Suggestion("a.weight equals b.weight", "a/weight", "b/weight"),)
    report = dataclasses.replace(
        opened.report, notes=tricky, measured=Comparison(3e-7), code=("Net",), suggested=suggestions
    )
    text = to_markdown(report)
    assert text.startswith("# Import of tied.pt2\n\n| | |\n| --- | --- |\n| File | tied.pt2 |\n")
    assert "max \\|difference\\| 3e-07." in text
    assert "| Embedding | 1 |" in text
    assert "* fc\\_1\\*2 \\| \\<b\\> takes another size.\n" in text
    assert "* and 201 more\n" in text
    assert "code that was not run: Net." in text
    assert "* a.weight equals b.weight\n" in text
    assert "* fc.weight = emb.weight, 960 B saved\n" in text


def test_a_project_keeps_the_report(opened, tmp_path):
    report = dataclasses.replace(
        opened.report,
        notes=(
            Note("half a character \ud800", ("emb",)),
            Note("x" * 50_000),
            Note("fixed", ("x",), "free_size"),
            Note("apart", ("a", "b"), "tie_view", ("a/weight", "b/weight")),
        ),
        suggested=(Suggestion("text", "a/weight", "b/weight", (1, 0)),),
        measured=Comparison(float("inf"), "", "x"),
        code=("Net",),
    )
    path = tmp_path / "kept.network"
    save(opened.network, path, report=report)
    kept = read_project(path).report
    assert facts(kept) == facts(report)
    assert kept.comparison == report.measured
    assert kept.suggestions == report.suggestions
    assert (str(kept.notes[0]), kept.notes[0].layers) == ("half a character ?", ("emb",))
    assert (kept.notes[2].layers, kept.notes[2].fix, kept.notes[2].about) == (("x",), "free_size", ("x",))
    assert (kept.notes[3].layers, kept.notes[3].about) == (("a", "b"), ("a/weight", "b/weight"))
    assert str(opened.report.path.parent) not in path.read_text()
    save(load(path), path, report=kept)  # kept again, the same
    again = read_project(path).report
    assert to_markdown(again) == to_markdown(kept)


def test_what_was_not_compared_says_so(opened, tmp_path):
    path = tmp_path / "early.network"
    save(opened.network, path, report=dataclasses.replace(opened.report))
    report = read_project(path).report
    assert report.compared is None
    assert report.comparison.reason == "the network was saved before that was done"


@pytest.mark.parametrize(
    "damage",
    [3, [], {"file": 3}, {"file": "a", "notes": [{"text": 1, "layers": []}]}, {"file": "a", "layers": {"x": -1}},
     {"file": "a", "comparison": {"difference": 1, "reason": "", "output": ""}}, {"file": "a", "suggestions": [{}]},
     {"file": "a", "size": True}, {"file": "a", "ties": {"a": 1}}, {"file": "a", "unused": "abc"}],
)  # fmt: skip
def test_a_damaged_report_is_left_out(opened, tmp_path, damage):
    path = tmp_path / "damaged.network"
    save(opened.network, path, report=opened.report)
    document = json.loads(path.read_text())
    path.write_text(json.dumps(document | {"report": damage}))
    assert read_project(path).report is None
    assert report_json.decode(document["report"]) is not None

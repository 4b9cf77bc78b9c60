"""The stories in the README run, and print what it shows."""

import contextlib
import io
import re
from pathlib import Path

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

"""What may import what, and the names that are taken."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import designer.layers  # registers every layer type
from designer.model import CATEGORIES, layer_types
from designer.model.names import MODULE_DICT_NAMES, MODULE_NAMES

ROOT = Path(designer.__file__).parent
ORDER = ["model", "layers", "analysis", "source", "edits", "files", "gui"]
FILES = {path.relative_to(ROOT): ast.parse(path.read_text()) for path in sorted(ROOT.rglob("*.py"))}
DEFERRED = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda


def imported(tree, everywhere=True):
    """The modules that a file imports; without ``everywhere`` those that are imported with it."""
    todo = [tree]
    while todo:
        node = todo.pop()
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        only_types = isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)
        if everywhere or not (isinstance(node, DEFERRED) or only_types):
            todo += ast.iter_child_nodes(node)


@pytest.mark.parametrize("file", FILES, ids=str)
def test_a_package_imports_only_what_stands_to_its_left(file):
    for module in imported(FILES[file]):
        parts = module.split(".")
        if len(file.parts) > 1 and parts[0] == "designer" and len(parts) > 1 and parts[1] in ORDER:
            assert ORDER.index(parts[1]) <= ORDER.index(file.parts[0]), module
        assert parts[0] not in ("PySide6", "shiboken6") or file.parts[0] == "gui", module
        assert parts[0] != "NodeGraphQt" or file.parts[:2] == ("gui", "canvas"), module


@pytest.mark.parametrize("file", FILES, ids=str)
def test_torch_is_imported_when_it_is_needed(file):
    names = {module.partition(".")[0] for module in imported(FILES[file], everywhere=False)}
    assert not names & {"torch", "numpy", "safetensors"}
    if file.parts[0] in ("model", "layers"):
        assert names <= {*sys.stdlib_module_names, "designer"}


@pytest.mark.parametrize("module", ["designer", "designer.model", "designer.layers"])
def test_importing_loads_neither_torch_nor_qt(module):
    code = f"import sys, {module}; print(*{{'torch', 'numpy', 'PySide6', 'NodeGraphQt'}} & {{*sys.modules}})"
    run = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.split() == []


def test_every_layer_stands_in_a_category_and_says_what_it_does():
    assert {kind.category for kind in layer_types.values()} == set(CATEGORIES)
    assert all(kind.__doc__ and not kind.__doc__.startswith(kind.__name__ + "(") for kind in layer_types.values())


@pytest.mark.parametrize(
    ("kind", "names"), [("Module", MODULE_NAMES), ("ModuleDict", MODULE_NAMES | MODULE_DICT_NAMES)]
)
def test_taken_names_are_those_of_torch(kind, names):
    code = f"from torch import nn; print(*dir(nn.{kind}()))"  # of its own: transformers adds methods to nn.Module
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert {name for name in run.stdout.split() if not name.startswith("_")} == names


def test_no_function_of_the_package_has_the_name_of_a_package():
    assert not set(ORDER) & {name for name in designer.__all__ if not isinstance(getattr(designer, name), type(sys))}

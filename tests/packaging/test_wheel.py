"""The built wheel: what is in it works without the checkout."""

import subprocess
import sys
import zipfile

import pytest


@pytest.fixture(scope="module")
def installed(root, tmp_path_factory):
    """A folder with what the wheel installs."""
    folder = tmp_path_factory.mktemp("wheel")
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "wheel", "--quiet"]
    subprocess.run([*pip, "--no-deps", "--no-build-isolation", "--wheel-dir", folder, root], check=True)
    with zipfile.ZipFile(next(folder.glob("network_designer-*.whl"))) as wheel:
        wheel.extractall(folder / "site")
    return folder / "site"


def run(installed, *command):
    """Run Python with the wheel alone: no checkout, nothing of the current folder."""
    return subprocess.run(
        [sys.executable, "-P", *command],
        cwd=installed.parent,
        env={"PYTHONPATH": str(installed), "PATH": "", "HOME": str(installed.parent)},
        capture_output=True,
        text=True,
        check=True,
    ).stdout


FOUND = """
import sys
from pathlib import Path
from designer.gui.drawing import resource
for name in sys.argv[1:]:
    path = resource(*name.split("/"))
    assert path.read_bytes() == Path({root!r}, "resources", name).read_bytes(), path
    print(path)
"""


def test_every_resource_is_opened_from_the_wheel(root, installed):
    resources = [
        str(path.relative_to(root / "resources"))
        for folder in ("examples", "fonts", "icons")
        for path in sorted((root / "resources" / folder).rglob("*"))
        if path.is_file()
    ]
    assert len(resources) > 10
    paths = run(installed, "-c", FOUND.replace("{root!r}", repr(str(root))), *resources).split()
    assert paths == [str(installed / "designer" / "resources" / name) for name in resources]


def test_the_wheel_holds_the_package_and_nothing_else(root, installed):
    source = {path.relative_to(root) for path in (root / "designer").rglob("*.py")}
    assert {path.relative_to(installed) for path in (installed / "designer").rglob("*.py")} == source
    assert {path.name.partition("-")[0] for path in installed.iterdir()} == {"designer", "network_designer"}
    assert {path.name for path in (installed / "designer" / "resources").iterdir()} == {"examples", "fonts", "icons"}
    assert {path.name for path in installed.rglob("*LICENSE*")} >= {"LICENSE", "Inter-LICENSE.txt"}


def test_the_program_of_the_wheel_starts(installed):
    entry = "distribution('network-designer').entry_points['designer'].load()(['--version'])"
    version, code = run(installed, "-c", f"from importlib.metadata import distribution; print({entry})").splitlines()
    assert code == "0"
    assert f"designer {next(installed.glob('*.dist-info')).name.split('-')[1].removesuffix('.dist')}" in version

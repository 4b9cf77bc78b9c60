"""The set-up scripts, which are no package."""

import importlib.util
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def root():
    """The folder of the project."""
    return ROOT


@pytest.fixture
def environment():
    """The module ``packaging/environment.py``, new for each test."""
    spec = importlib.util.spec_from_file_location("environment", ROOT / "packaging" / "environment.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module

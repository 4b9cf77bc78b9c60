"""How ``.venv`` is made, made again, and left alone."""

import fcntl
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
import tomllib
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name


@pytest.fixture
def project(environment, tmp_path, monkeypatch, root):
    """A project whose environments are made by noting what would be run: a Python, a pyvenv.cfg, no packages."""
    for name in ("constraints.txt", "pyproject.toml", "packaging/environment.py", "designer/system.py"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(root / name, tmp_path / name)

    class Project:
        venv = tmp_path / ".venv"
        installed = []

        def set_up(self, test=False):
            environment.set_up(tmp_path, test)

        def stamp(self):
            return environment.read_stamp(tmp_path)

    def run(*command, failed=""):
        assert command[1:3] == ("-m", "venv")
        (Project.venv / "bin").mkdir(parents=True)
        (Project.venv / "bin" / "python").touch()
        (Project.venv / "pyvenv.cfg").touch()
        return True

    project = Project()
    project.installed = []
    monkeypatch.setattr(environment, "ROOT", tmp_path)
    monkeypatch.setattr(environment, "run", run)
    monkeypatch.setattr(environment, "install", lambda root, python, test: project.installed.append(test))
    return project


def test_a_complete_environment_is_left_alone(project):
    project.set_up()
    assert project.installed == [False]
    (project.venv / "kept").touch()
    project.set_up()
    assert project.installed == [False]
    assert (project.venv / "kept").exists()


def test_what_the_checks_need_is_added_and_stays(project, tmp_path):
    project.set_up()
    (project.venv / "kept").touch()
    project.set_up(test=True)
    project.set_up()
    (tmp_path / "constraints.txt").write_text("torch==2.13.0\n")
    project.set_up()
    assert project.installed == [False, True, True]
    assert (project.venv / "kept").exists()  # changed in place


def test_an_environment_without_its_stamp_is_made_anew(project):
    project.set_up()
    (project.venv / "half").touch()
    (project.venv / "stamp").unlink()
    project.set_up()
    assert project.installed == [False, False]
    assert not (project.venv / "half").exists()


def test_what_was_interrupted_is_begun_again(project, environment, monkeypatch, capsys):
    for failure in (KeyboardInterrupt(), environment.Stop("Set-up stopped: no network."), OSError(28, "No space", "x")):
        with monkeypatch.context() as patch:

            def install(root, python, test, failure=failure):
                (project.venv / "half").touch()
                raise failure

            patch.setattr(environment, "install", install)
            assert environment.main([]) in (1, 130)
            assert "Traceback" not in capsys.readouterr().err
        assert project.stamp() == {}
    assert environment.main([]) == 0
    assert not (project.venv / "half").exists()
    assert project.stamp()["test"] is False


def test_an_interrupted_change_is_begun_again(project, environment, monkeypatch, tmp_path):
    project.set_up()
    (tmp_path / "constraints.txt").write_text("torch==2.13.0\n")

    def install(root, python, test):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(environment, "install", install)
        assert environment.main([]) == 130
    assert project.stamp() == {}


def test_another_place_or_a_lost_python_makes_it_anew(project):
    project.set_up()
    stamp = project.venv / "stamp"
    stamp.write_text(stamp.read_text().replace(str(project.venv.parent), "/somewhere/else"))
    project.set_up()
    (project.venv / "bin" / "python").unlink()  # as when the system's Python goes
    project.set_up()
    stamp.write_text("not json")
    project.set_up()
    assert len(project.installed) == 4


def test_a_folder_that_is_no_environment_is_never_removed(project, environment):
    project.venv.mkdir()
    (project.venv / "thesis.txt").touch()
    with pytest.raises(environment.Stop, match=r"is in the way and is no virtual environment: move it elsewhere\.$"):
        project.set_up()
    assert (project.venv / "thesis.txt").exists()


@pytest.mark.parametrize("target", ["folder", "nothing"])
def test_a_link_is_never_followed(project, environment, tmp_path, target):
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "pyvenv.cfg").touch()
    project.venv.symlink_to(tmp_path / target)
    with pytest.raises(environment.Stop):
        project.set_up()
    assert (tmp_path / "folder" / "pyvenv.cfg").exists()


def test_folders_left_by_a_very_early_interrupt_are_no_obstacle(project):
    (project.venv / "lib" / "python3.11").mkdir(parents=True)
    (project.venv / "lib64").symlink_to("lib")
    project.set_up()
    assert project.installed == [False]


def test_a_python_that_is_too_old_or_too_new_is_refused(project, environment, monkeypatch):
    for version in ((3, 10, 1), (3, 14, 0)):
        monkeypatch.setattr(sys, "version_info", version)
        with pytest.raises(
            environment.Stop, match=r"^Network Designer needs Python 3.11, 3.12 or 3.13, and this is 3\.1"
        ):
            project.set_up()
    assert not project.venv.exists()


def test_a_missing_ensurepip_is_said_before_anything_is_made(project, environment, monkeypatch):
    monkeypatch.setattr(environment, "can_make_environments", lambda: False)
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(environment.Stop) as stop:
        project.set_up()
    assert str(stop.value) == (
        "Python's ensurepip is missing, without which no virtual environment can be made: "
        "sudo apt-get install --no-install-recommends python3-venv"
    )
    assert not project.venv.exists()


def test_a_second_set_up_waits_for_the_first(environment, tmp_path, capsys):
    lock = tmp_path / "constraints.txt"
    lock.touch()
    with lock.open() as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        threading.Timer(0.3, lambda: fcntl.flock(held, fcntl.LOCK_UN)).start()
        with environment.only_one(lock):
            pass
    assert capsys.readouterr().err == "Another set-up of this folder is at work; waiting for it.\n"


# torch.

PIP = ("python", "-m", "pip", "install")
NAMES = {"CPU": ["torch", "sympy"], "CUDA": ["torch", "nvidia-cublas", "NVIDIA-cudnn-cu13", "triton"]}


@pytest.fixture
def commands(environment, monkeypatch):
    """What is run instead of pip and uv; ``build`` is what the default index serves, ``reached``: uv finds its own."""

    class Commands:
        build, reached, gpu = "CUDA", True, False
        ran = []

    def run(*command, failed=""):
        if "--report" in command:
            packages = [{"metadata": {"name": name}} for name in NAMES[Commands.build]]
            Path(command[command.index("--report") + 1]).write_text(json.dumps({"install": packages}))
            return True
        Commands.ran.append(command)
        return Commands.reached or "uv" not in command[:3]

    Commands.ran = []
    monkeypatch.setattr(environment, "run", run)
    monkeypatch.setattr(environment, "has_nvidia_gpu", lambda: Commands.gpu)
    return Commands


PIP_TORCH = (*PIP, "torch==2.13.0")
UV_TORCH = ("python", "-m", "uv", "pip", "install", "--python", "python", "--torch-backend=auto", "torch==2.13.0")


def test_a_build_without_cuda_at_hand_is_taken(environment, commands, root):
    commands.build = "CPU"
    environment.install_torch(root, PIP)
    assert commands.ran == [PIP_TORCH]


def test_no_cuda_is_downloaded_where_no_gpu_is(environment, commands, root):
    environment.install_torch(root, PIP)
    assert commands.ran == [(*PIP, "uv"), UV_TORCH]


def test_cuda_comes_where_a_gpu_is(environment, commands, root):
    commands.gpu = True
    environment.install_torch(root, PIP)
    assert commands.ran == [PIP_TORCH]


def test_the_size_of_cuda_is_said_before_it_comes(environment, commands, root, capsys):
    commands.reached = False
    environment.install_torch(root, PIP)
    assert commands.ran == [(*PIP, "uv"), UV_TORCH, PIP_TORCH]
    assert "with CUDA's libraries, about 2.5 GB to download; Ctrl+C stops this." in capsys.readouterr().err


@pytest.mark.nightly
def test_this_environment_has_no_cuda_unless_it_must(environment, root):
    pip = (sys.executable, "-m", "pip", "install", "--ignore-installed", "-c", str(root / "constraints.txt"))
    if not environment.has_nvidia_gpu() and not environment.brings_cuda(pip, "torch==2.13.0"):
        assert not [found.name for found in metadata.distributions() if found.name.startswith("nvidia-")]


def test_all_that_is_asked_for_is_pinned(root):
    """What the dependencies need in turn included, of this system and Python."""
    lines = (root / "constraints.txt").read_text().splitlines()
    pins = {canonicalize_name(name): pin for name, pin in (line.split("==") for line in lines if line[0] != "#")}
    project = tomllib.loads((root / "pyproject.toml").read_text())
    asked = [*project["project"]["dependencies"], *project["project"]["optional-dependencies"]["test"]]
    todo, seen = [Requirement(text) for text in [*asked, *project["build-system"]["requires"]]], set()
    while todo:
        requirement = todo.pop()
        name = canonicalize_name(requirement.name)
        if name in seen or (requirement.marker and not requirement.marker.evaluate()):
            continue
        seen.add(name)
        if name.startswith(("nvidia-", "cuda-", "triton")):  # torch names their versions itself
            continue
        assert requirement.specifier.contains(pins[name]), requirement
        assert metadata.version(name).partition("+")[0] == pins[name]
        todo += [Requirement(text) for text in metadata.requires(name) or () if "extra ==" not in text]
    assert {"torch", "pyside6-essentials", "types-pyside6", "sympy", "huggingface-hub", "execnet", "pathspec"} <= seen


# The scripts.


@pytest.fixture
def pythons(tmp_path):
    """A folder for commands that stand in for Pythons."""
    folder = tmp_path / "bin"
    folder.mkdir()

    def add(name, script):
        (folder / name).write_text(f"#!/bin/bash\n{script}\n")
        (folder / name).chmod(0o755)

    add.folder = folder
    return add


def find_python(root, pythons, **environ):
    """The Python that the scripts choose."""
    script = 'source packaging/find_python.sh; echo "$python"'
    environ = {"PATH": str(pythons.folder), "root": str(pythons.folder), **environ}
    return subprocess.run(
        ["/bin/bash", "-c", script], cwd=root, env=environ, capture_output=True, text=True, check=False
    )


WITHOUT_ENSUREPIP = f'case "$2" in *ensurepip*) exit 1;; esac; exec {sys.executable} "$@"'
COMPLETE = f'exec {sys.executable} "$@"'


def test_a_python_that_can_make_environments_is_preferred(root, pythons):
    pythons("python3.11", WITHOUT_ENSUREPIP)
    assert find_python(root, pythons).stdout == "python3.11\n"
    pythons("python3.12", "exit 127")  # as a shim of a version that is not installed
    pythons("python3", COMPLETE)
    assert find_python(root, pythons).stdout == "python3\n"


def test_a_chosen_python_is_taken_or_refused(root, pythons):
    pythons("python3.11", COMPLETE)
    pythons("mine", COMPLETE)
    pythons("id", "echo 1000")
    assert find_python(root, pythons, PYTHON="mine").stdout == "mine\n"
    found = find_python(root, pythons, PYTHON="gone")
    assert (found.returncode, found.stdout) == (1, "")
    assert found.stderr.count("\n") == 1
    assert "needs Python 3.11, 3.12 or 3.13, and gone has none" in found.stderr


def test_no_python_is_said_in_one_sentence(root, pythons):
    pythons("id", "echo 1000")
    found = find_python(root, pythons)
    assert (found.returncode, found.stdout) == (1, "")
    assert found.stderr == (
        "Network Designer needs Python 3.11, 3.12 or 3.13, and this system has none: "
        "sudo apt-get install python3 python3-venv\n"
    )


@pytest.mark.nightly
def test_a_clone_sets_itself_up_after_a_kill_and_starts_quickly(root, tmp_path):
    clone = tmp_path / "clone"
    subprocess.run(["git", "clone", "--quiet", root, clone], check=True)
    command = ["bash", clone / "packaging" / "run.sh"]
    environ = {name: value for name, value in os.environ.items() if name not in ("VIRTUAL_ENV", "PYTHONPATH")}
    with subprocess.Popen([*command, "--version"], env=environ, start_new_session=True) as first:
        for _ in range(600):
            if any((clone / ".venv").glob("lib/*/site-packages/hatchling")):
                break
            time.sleep(0.1)
        os.killpg(first.pid, signal.SIGKILL)
    assert not (clone / ".venv" / "stamp").exists()
    subprocess.run([*command, "--version"], env=environ, check=True, timeout=1200)
    start = time.monotonic()
    again = subprocess.run([*command, "--version"], env=environ, check=True, capture_output=True, text=True)
    assert time.monotonic() - start < 3
    assert again.stdout.startswith("designer ")
    assert again.stderr == ""
    picture = subprocess.run([*command, "--screenshot", "a.png"], env=environ, cwd=tmp_path, check=False)
    assert picture.returncode == 0
    assert (tmp_path / "a.png").stat().st_size > 10_000

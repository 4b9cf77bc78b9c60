"""Make the virtual environment of this checkout, ``.venv``, complete: ``python packaging/environment.py [--test]``.

Standard library only: it runs before anything is installed. A stamp in the environment is written last, so that
what was interrupted is known by its lack; with the right stamp nothing is done.
"""

import contextlib
import fcntl
import hashlib
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

ROOT = Path(__file__).resolve().parent.parent
PYTHONS = "Python 3.11, 3.12 or 3.13"
CUDA = "about 2.5 GB"  # to download: the libraries that torch's default build for Linux brings


class Stop(Exception):
    """Why the environment cannot be made, in one sentence."""


def main(arguments: list[str]) -> int:
    """Make the environment complete, and say what went wrong in one sentence."""
    try:
        with only_one(ROOT / "constraints.txt"):
            set_up(ROOT, test="--test" in arguments)
    except Stop as reason:
        print(reason, file=sys.stderr)
        return 1
    except OSError as error:
        print(f"Set-up stopped: {error.filename}: {error.strerror}.", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nSet-up was interrupted; the next start begins it again.", file=sys.stderr)
        return 130
    return 0


@contextlib.contextmanager
def only_one(file: Path) -> Iterator[None]:
    """Wait while another set-up of this checkout is at work."""
    with file.open() as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("Another set-up of this folder is at work; waiting for it.")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def set_up(root: Path, test: bool) -> None:
    """Install what is missing; with ``test`` also what the checks need."""
    venv, stamp = root / ".venv", read_stamp(root)
    test = test or stamp.get("test", False)  # never less than before
    wanted = {"root": str(root), "python": version(), "pins": pins(root), "test": test}
    if stamp == wanted:
        return
    if not (3, 11) <= sys.version_info[:2] <= (3, 13):
        raise Stop(f"Network Designer needs {PYTHONS}, and this is {version()}.")
    if (stamp.get("root"), stamp.get("python")) != (wanted["root"], wanted["python"]):
        remove(venv)
        need_ensurepip(root)
        say(f"Setting up Network Designer in {venv}: once, some minutes, about 1.5 GB on the disk.")
        run(base_python(), "-m", "venv", str(venv), failed="the virtual environment could not be made")
    (venv / "stamp").unlink(missing_ok=True)
    install(root, venv / "bin" / "python", test)
    write_stamp(venv / "stamp", wanted)
    say("Set-up is complete.")


def read_stamp(root: Path) -> dict[str, object]:
    """What was installed, or nothing where that was never finished."""
    try:
        stamp = json.loads((root / ".venv" / "stamp").read_text())
    except (OSError, ValueError):
        return {}
    working = isinstance(stamp, dict) and (root / ".venv" / "bin" / "python").exists()  # its Python may have gone
    return stamp if working else {}


def write_stamp(path: Path, stamp: dict[str, object]) -> None:
    unfinished = path.with_name("stamp.tmp")
    unfinished.write_text(json.dumps(stamp, indent=1) + "\n")
    unfinished.replace(path)


def version() -> str:
    """Without its third number, which the system may raise under an environment that goes on working."""
    return "{}.{}".format(*sys.version_info)


def pins(root: Path) -> str:
    """The sum of the files that say what is installed."""
    names = ("constraints.txt", "pyproject.toml", "packaging/environment.py")
    return hashlib.sha256(b"\0".join((root / name).read_bytes() for name in names)).hexdigest()


def base_python() -> str:
    """The Python that this one is, or was made from: never one inside the environment that is remade."""
    if sys.prefix == sys.base_prefix:
        return sys.executable
    return str(Path(sys.base_prefix, "bin", f"python{version()}"))


def remove(venv: Path) -> None:
    """Remove an environment that is not complete, and nothing else of that name."""
    if not venv.is_symlink() and not venv.exists():
        return
    empty = not any(path.is_file() or path.is_symlink() for path in venv.rglob("*") if path.name != "lib64")
    if venv.is_symlink() or not venv.is_dir() or not (empty or (venv / "pyvenv.cfg").is_file()):
        raise Stop(f"{venv} is in the way and is no virtual environment: move it elsewhere.")
    say(f"{venv} is not complete, or of another place or Python: it is made anew.")
    shutil.rmtree(venv)


def need_ensurepip(root: Path) -> None:
    """Debian and Ubuntu keep what makes virtual environments in a package of its own."""
    if can_make_environments():
        return
    system = load_system(root)
    package = f"python{version()}-venv"
    package = package if system.is_known(package) else "python3-venv"
    if system.can_install() and system.install([package]) and can_make_environments():
        return
    line = system.install_line([package])
    raise Stop(f"Python's ensurepip is missing, without which no virtual environment can be made: {line}")


def can_make_environments() -> bool:
    """Asked of a new process, since this one remembers what it did not find."""
    return subprocess.run([base_python(), "-c", "import ensurepip"], capture_output=True, check=False).returncode == 0


def load_system(root: Path) -> ModuleType:
    """The module ``designer.system`` without its package, whose dependencies are not installed yet."""
    spec = importlib.util.spec_from_file_location("system", root / "designer" / "system.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def install(root: Path, python: Path, test: bool) -> None:
    """Install everything at its pinned version, and the project itself as it lies in its folder."""
    pip = (str(python), "-m", "pip", "--disable-pip-version-check", "install", "-c", str(root / "constraints.txt"))
    run(*pip, "pip", "hatchling", failed="pip could not install itself")  # an old pip downloads what it only asks about
    install_torch(root, pip)
    project = f"{root}[test]" if test else str(root)
    run(*pip, "--no-build-isolation", "-e", project, failed="pip could not install the dependencies")


def install_torch(root: Path, pip: tuple[str, ...]) -> None:
    """Install torch without the libraries of CUDA where no NVIDIA GPU could use them.

    For Linux the default index serves the build for CUDA. uv knows where the others are, and takes the one that fits.
    """
    torch = next(line for line in (root / "constraints.txt").read_text().split() if line.startswith("torch=="))
    if not has_nvidia_gpu() and brings_cuda(pip, torch):
        run(*pip, "uv", failed="pip could not install uv")
        uv = (pip[0], "-m", "uv", "pip", "install", "--python", pip[0], "--torch-backend=auto", torch)
        if run(*uv):
            return
        say(
            f"The index of PyTorch's builds without CUDA cannot be reached, so {torch} is installed "
            f"with CUDA's libraries, {CUDA} to download; Ctrl+C stops this."
        )
    run(*pip, torch, failed="pip could not install torch")


def has_nvidia_gpu() -> bool:
    return Path("/proc/driver/nvidia/version").exists() or bool(shutil.which("nvidia-smi"))


def brings_cuda(pip: tuple[str, ...], torch: str) -> bool:
    """Whether pip would download libraries of CUDA for torch: asked, without downloading."""
    say("Looking for a build of torch that this computer can use.")
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder, "report.json")
        run(*pip, "--quiet", "--dry-run", "--report", str(report), torch, failed="pip could not find torch")
        packages = json.loads(report.read_text())["install"]
    return any(package["metadata"]["name"].lower().startswith("nvidia-") for package in packages)


def run(*command: str, failed: str = "") -> bool:
    """Run a command and show what it prints; whether it worked, or stop with what failed."""
    environ = {**os.environ, "PIP_USER": "0", "PIP_REQUIRE_VIRTUALENV": "0"}
    worked = subprocess.run(command, env=environ, stdout=sys.stderr, check=False).returncode == 0
    if not worked and failed:
        raise Stop(f"Set-up stopped: {failed}, as said above; the same command begins it again.")
    return worked


def say(sentence: str) -> None:
    print(sentence, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

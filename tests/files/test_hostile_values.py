"""Files of values, sound and hostile, open without anything but themselves being opened, and nothing run or written."""

import io
import json
import os
import pickle
import struct
import subprocess
import sys
import zipfile

import h5py
import numpy as np
import scipy.io
import torch
from safetensors.torch import save_file

WATCH = """
import json, sys
sys.path[:] = json.loads(sys.argv[1])
from designer import FileError, import_pytorch
import encodings.cp437, torch
from designer.model import layer_types
for kind in layer_types.values():  # what is imported or looked up late is now
    kind()
sound, paths = json.loads(sys.argv[2])
for path in sound:
    import_pytorch(path)
events, opened, reads = [], 0, {*map(str, paths), "/proc/meminfo", "/dev/null"}
def watch(event, arguments):
    if event == "open":
        piped = isinstance(arguments[0], int)  # what a child process says
        if (str(arguments[0]) not in reads or "w" in str(arguments[1])) and not piped:
            events.append(f"{event} {arguments[:2]}")
    elif event == "subprocess.Popen":
        if arguments[0] != sys.executable or "from designer.files.hdf5_child import main" not in " ".join(arguments[1]):
            events.append(f"{event} {arguments[:2]}")
    elif event.split(".")[0] in "exec compile os socket shutil ctypes import pickle subprocess".split():
        quiet = ("os.listdir", "os.scandir", "os.posix_spawn", "os.fork", "os.kill")
        if event not in quiet and not (event == "import" and arguments[0] in sys.modules):
            events.append(f"{event} {arguments[:1]}")
sys.addaudithook(watch)
for path in paths:
    try:
        import_pytorch(path)
        opened += 1
    except FileError:
        pass
print(json.dumps([events, opened]))
"""


class Trap:
    def __reduce__(self):
        return os.mkdir, ("ran",)


def written(folder):
    """A sound file of each kind, and hostile twins of them."""
    whole = np.arange(6.0).reshape(2, 3)
    state = {"a.w": torch.arange(6.0), "b.w": torch.zeros(2, 2)}
    np.save(folder / "a.npy", whole)
    np.savez(folder / "a.npz", w=whole)
    np.savez_compressed(folder / "b.npz", w=whole, evil=np.array([Trap()], object))
    for name, options in {"4": {"format": "4"}, "5": {}, "7": {"do_compression": True}}.items():
        scipy.io.savemat(folder / f"{name}.mat", {"w": whole}, **options)
    with h5py.File(folder / "a.h5", "w") as file:
        file["w"] = whole
        file.create_dataset("z", data=whole, compression="gzip")
    with zipfile.ZipFile(folder / "a.keras", "w") as archive:
        archive.writestr("config.json", "{}")
        archive.write(folder / "a.h5", "model.weights.h5")
    save_file(state, folder / "part.safetensors")
    torch.save(state, folder / "part.bin")
    for ending in ("safetensors", "bin"):
        named = dict.fromkeys(state, f"part.{ending}")
        (folder / f"model.{ending}.index.json").write_text(json.dumps({"weight_map": named}))
    sound = sorted(folder.iterdir())
    (folder / "secret").write_bytes((folder / "part.safetensors").read_bytes())
    save_file(state, folder.parent / "secret.safetensors")
    with h5py.File(folder / "out.h5", "w") as file:
        file["w"] = whole
        file["out"] = h5py.ExternalLink("a.h5", "/w")
        file.create_dataset("raw", (3,), "f4", external=[(str(folder / "secret"), 0, 12)])
    (folder / "evil.npy").write_bytes(
        b"\x93NUMPY\x01\0" + struct.pack("<H", 60) + b"{'descr': __import__('os').mkdir('ran')}".ljust(60) + bytes(8)
    )
    data = io.BytesIO()
    np.save(data, np.array([Trap()], object), allow_pickle=True)
    (folder / "objects.npy").write_bytes(data.getvalue())
    (folder / "trap.bin").write_bytes(pickle.dumps({"w": Trap(), "joblib.numpy_pickle": 1}))
    torch.save({"state_dict": state, "evil": Trap()}, folder / "trap.ckpt")
    for number, shard in enumerate(
        ("../secret.safetensors", str(folder.parent / "secret.safetensors"), "link", "trap.bin")
    ):
        (folder / f"evil{number}.index.json").write_text(json.dumps({"weight_map": {"a.w": shard}}))
    (folder / "link").symlink_to(folder.parent / "secret.safetensors")
    for path in sound:
        (folder / f"cut.{path.name}").write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    hostile = sorted({*folder.iterdir()} - {*sound, folder / "secret", folder / "link"})
    return sound, hostile


def test_nothing_but_the_files_is_opened_and_nothing_run_or_written(tmp_path):
    """Seen by an audit hook, in a process of its own; the child that reads HDF5 can open no file at all."""
    folder = tmp_path / "files"
    folder.mkdir()
    sound, hostile = written(folder)
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    given = json.dumps([[str(path) for path in sound], [str(path) for path in (*sound, *hostile)]])
    command = [sys.executable, "-W", "ignore", "-c", WATCH, json.dumps([entry for entry in sys.path if entry]), given]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    events, opened = json.loads(done.stdout)
    assert events == []
    assert opened >= len(sound) + 2
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")} == before

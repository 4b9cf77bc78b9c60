"""Tell what kind of file a file is from its bytes; its name is not asked, and nothing in it is run."""

import ast
import io
import json
import os
import pickletools
import struct
import tokenize
from functools import partial
from pathlib import Path
from typing import BinaryIO, NamedTuple

from designer.files.archive import Archive
from designer.files.errors import FileError
from designer.files.foreign import DISTRIBUTED, foreign_name, matlab_or_hdf5, varint, what_folder
from designer.files.python_classes import classes_of, parsed
from designer.files.shards import indexes_in

LEGACY_TORCH = b"\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19\x2e"  # torch.save before version 1.6
LARGEST_PICKLE = 16 << 20  # bytes that are looked at
LARGEST_SOURCE = 2 << 20

OPENED = (
    "network",
    "pt2",
    "TorchScript",
    "ONNX",
    "module pickle",
    "Python modules",
    "state_dict",
    "safetensors",
    "shards",
    "NumPy",
    "MATLAB",
    "HDF5",
    "Keras",
)  # the first is one of this program

# Where a file of some kind is not opened: what it is, and what to do.
REFUSALS = {
    "AOTInductor": "is a compiled AOTInductor package, which holds machine code instead of layers: "
    "open the file that torch.export.save wrote of the model",
    "other pt2": "is a .pt2 archive that holds no program of torch.export: write the model with torch.export.save",
    "torch.package": "is a torch.package, which can only be opened by running its code: "
    "export the model and write it with torch.export.save",
    "pickle": "is a pickle, which cannot be opened: export the model and write it with torch.export.save",
    "distributed checkpoint": f"belongs to what {DISTRIBUTED}",
    "Git LFS": "is a note of Git LFS that stands for a file, which was not fetched: run git lfs pull beside it",
    "web page": "is a web page, saved in the place of a file: download the file that it leads to",
    "packed": "is packed, as gzip, bzip2, xz, zstd and 7-Zip do it: unpack it and open the file inside",
    "NumPy pickle": "is a pickle of NumPy arrays, which is not unpickled: "
    "write its arrays with numpy.savez and open those",
    "Python": "is Python source that defines no class of modules: "
    "open the file that does, or one that torch.export.save wrote",
    "GGUF": "is a GGUF file, whose values are packed for llama.cpp: open the safetensors files that it was made from",
    "tar": "is a tar archive, as PyTorch 0.1 and NeMo write them: unpack it and open the checkpoint inside, "
    "or export the model and write it with torch.export.save",
    "joblib": "is a pickle that joblib wrote, which can only be opened by running its code: "
    "write its arrays with numpy.savez and open those",
    "scikit-learn": "is a pickle of scikit-learn, which can only be opened by running its code, and holds no network: "
    "write its arrays with numpy.savez and open those",
    "PaddlePaddle": "is a file of PaddlePaddle, which is not opened: "
    "write its parameters with numpy.savez and open those",
    "msgpack": "is a MessagePack file, as Flax writes them, which is not opened: "
    "write the parameters with safetensors.flax.save_file and open those",
    "SavedModel": "is a program of TensorFlow, which is not opened: write the weights of the model with "
    "model.save_weights('name.weights.h5') and open those",
    "TensorFlow checkpoint": "is the index of a TensorFlow checkpoint, which is not opened: load it in TensorFlow, "
    "write the weights with model.save_weights('name.weights.h5') and open those",
    "TFLite": "is a TensorFlow Lite model, which is compiled for devices: open the model that it was made from",
    "Core ML": "is a Core ML model, which is compiled for devices: open the PyTorch model that it was made from",
    "OpenVINO": "is an OpenVINO model, which is compiled for devices: open the PyTorch model that it was made from",
    "TensorRT": "is a TensorRT engine, which holds machine code instead of layers: "
    "open the model that it was made from",
    "zip": "is a zip archive, but not one of PyTorch: open a file that torch.export.save wrote",
    "JSON": "is JSON, but not a network of this program: open a .network file, or one that torch.export.save wrote",
    "empty": "is empty",
    "unknown": "is of no kind that is known here: open a .network file, or one that torch.export.save wrote",
}


class Kind(NamedTuple):
    """The kind of a file, and the sentence that says why it is not opened; none for what can be."""

    name: str
    refusal: str = ""


def is_there(path: Path) -> bool:
    """Whether there is a file; none is seen where nobody may look, as in a locked folder."""
    try:
        return path.is_file()
    except OSError:  # Path.is_file answers for few errors itself
        return False


def kind_of(path: str | os.PathLike[str]) -> Kind:
    """Tell the kind of a file, one of ``OPENED`` or of ``REFUSALS``."""
    path = Path(path)
    try:
        if path.is_dir():
            raise FileError(f"{path.name} is a folder, not a file{_inside(path)}.")
        if path.exists() and not path.is_file():  # a pipe would wait for its writer
            raise FileError(f"{path.name} is a pipe or a device, not a file.")
        with path.open("rb") as file:
            name = _name(path, file)
    except FileError:
        raise
    except (FileNotFoundError, ValueError):  # or a name that no file can have
        raise FileError(f"There is no file {path}.") from None
    except OSError as error:
        raise FileError(f"{path.name} cannot be read: {error.strerror}.") from None
    refusal = REFUSALS.get(name)
    return Kind(name, f"{path.name} {refusal}." if refusal else "")


def _inside(folder: Path) -> str:
    """What to open of a folder instead."""
    if found := indexes_in(folder):
        return f": open {found[0]} in it, which opens all its shards"
    return what_folder(folder)


def _name(path: Path, file: BinaryIO) -> str:
    head = file.read(4096)
    size = os.fstat(file.fileno()).st_size
    if not head:
        return "empty"
    if head[:4] in (b"PK\x03\x04", b"PK\x05\x06"):
        return _in_archive(Archive(path))
    if head.startswith(LEGACY_TORCH):
        file.seek(len(LEGACY_TORCH))
        return _saved(file.read(LARGEST_PICKLE), parts=3)  # protocol, system, what was saved
    if head[257:262] == b"ustar":
        return "tar"
    if _is_safetensors(head, size):
        return "safetensors"
    if head[:6] == b"\x93NUMPY":
        return "NumPy"
    if (name := matlab_or_hdf5(head, size)) or (name := foreign_name(head, size, partial(_end, file, size))):
        return name
    if head[:1] == b"\x80" and len(head) > 1 and head[1] <= 5:
        file.seek(0)
        return _pickled(file.read(LARGEST_PICKLE))
    if _is_onnx(head, size):
        return "ONNX"
    file.seek(0)
    return _in_text(file.read(LARGEST_SOURCE + 1))


def _end(file: BinaryIO, size: int, count: int) -> bytes:
    """The last bytes of a file."""
    file.seek(max(0, size - count))
    return file.read(count)


def _in_archive(archive: Archive) -> str:
    names = archive.entries
    if "archive_format" in names:
        if any(name.startswith("data/aotinductor/") for name in names):
            return "AOTInductor"
        return "pt2" if any(name.startswith("models/") and name.endswith(".json") for name in names) else "other pt2"
    if "serialized_exported_program.json" in names:
        return "pt2"  # of PyTorch before 2.8
    if "constants.pkl" in names or any(name.startswith("code/") for name in names):
        return "TorchScript"
    if "data.pkl" in names:
        return _saved(archive.read("data.pkl", limit=LARGEST_PICKLE * 16)[:LARGEST_PICKLE])
    if any(name.startswith(".data/") for name in names):
        return "torch.package"
    if names and all(name.endswith(".npy") for name in names):
        return "NumPy"
    if "config.json" in names and any(name.endswith(".h5") for name in names):
        return "Keras"
    return "zip"


def _saved(data: bytes, parts: int = 1) -> str:
    """What torch.save wrote: what is no module and needs no code is looked at as a state_dict, and told by that."""
    found = _all_imports(data, parts)
    plain = found is not None and all(map(_is_data, found.names))
    return "state_dict" if plain else _pickled(data, parts)


def _pickled(data: bytes, parts: int = 1) -> str:
    """What a pickle holds, told by the names that it would import, without unpickling it."""
    found = _all_imports(data, parts)
    if found is None:
        return "pickle"
    if any(name.startswith("torch.distributed.checkpoint.metadata.") for name in found.names):
        return "distributed checkpoint"
    if any(not _is_data(name) for name in found.names):
        if found.module and any("torch" in name for name in found.names):
            return "module pickle"
        tensors = any(name.startswith("torch._utils._rebuild") for name in found.names)
        return "state_dict" if tensors else "NumPy pickle" if _is_numpy(found.names) else "pickle"
    return "state_dict" if found.names else "pickle"


def foreign_names(path: Path) -> set[str]:
    """What torch.load would import for a file that torch.save wrote, beside what makes tensors. Raises FileError."""
    with path.open("rb") as file:
        head = file.read(len(LEGACY_TORCH))
        legacy = head == LEGACY_TORCH
        data = head if head[:2] == b"PK" else (b"" if legacy else head) + file.read(LARGEST_PICKLE)
    if head[:2] == b"PK":
        data = Archive(path).read("data.pkl", limit=LARGEST_PICKLE * 16)[:LARGEST_PICKLE]
    found = _all_imports(data, 3 if legacy else 1)
    if found is None:
        raise FileError(f"{path.name} cannot be read: its pickle is damaged or has no end.")
    return {name for name in found.names if not _is_data(name)}


class _Imports(NamedTuple):
    """What a pickle would import, as ``module.name``, and whether something in it has modules inside."""

    names: set[str]
    module: bool


def _all_imports(data: bytes, parts: int) -> _Imports | None:
    """What some pickles would import; None where they are damaged, or longer than what is looked at."""
    stream = io.BytesIO(data)
    found = _Imports(set(), False)
    try:
        for _ in range(parts):
            one = _imports(stream)
            found = _Imports(found.names | one.names, found.module or one.module)
    except (ValueError, IndexError, KeyError, struct.error, OverflowError, MemoryError, UnicodeDecodeError):
        return None
    return found


def _imports(stream: BinaryIO) -> _Imports:
    """What one pickle would import."""
    found: set[str] = set()
    module = False
    texts: list[str] = []
    memo: dict[int, str] = {}
    for opcode, argument, _ in pickletools.genops(stream):
        module = module or argument == "_modules"
        if opcode.name in ("GLOBAL", "INST"):
            found.add(".".join(str(argument).split(" ", 1)))
        elif opcode.name == "STACK_GLOBAL":
            found.add(".".join(texts[-2:]))
        elif "UNICODE" in opcode.name:
            texts.append(str(argument))
        elif opcode.name == "MEMOIZE":
            memo[len(memo)] = texts[-1] if texts else ""
        elif opcode.name in ("BINPUT", "LONG_BINPUT", "PUT") and isinstance(argument, int):
            memo[argument] = texts[-1] if texts else ""
        elif opcode.name in ("BINGET", "LONG_BINGET", "GET") and isinstance(argument, int):
            texts.append(memo.get(argument, ""))
    return _Imports(found, module)


def _is_numpy(names: set[str]) -> bool:
    """Whether imports only build arrays of NumPy, at least one of them, and what holds them."""
    own = {name for name in names if name.startswith("numpy.")}
    return bool(own) and all(name == "_codecs.encode" or _is_data(name) for name in names - own)


def _is_data(name: str) -> bool:
    """Whether an import of a pickle only builds tensors and what holds them."""
    module, _, tail = name.rpartition(".")
    if module in ("torch._utils", "torch._tensor"):
        return tail.startswith("_rebuild")
    if module in ("torch", "torch.storage"):
        return tail.endswith("Storage") or tail.islower() or tail == "Size"
    return name in (
        "collections.OrderedDict",
        "collections.defaultdict",
        "collections.Counter",
        "torch.nn.parameter.Parameter",
        "torch.serialization._get_layout",
    )


def _is_safetensors(head: bytes, size: int) -> bool:
    if len(head) < 10 or head[8:9] != b"{":
        return False
    length = struct.unpack("<Q", head[:8])[0]
    return bool(2 <= length <= size - 8)


def _is_onnx(data: bytes, size: int) -> bool:
    """Whether bytes are the start of an ONNX ModelProto: small field numbers, a version, a graph or its opset."""
    at, version, body = 0, 0, False
    try:
        while at < len(data):
            tag, at = varint(data, at)
            field, wire = tag >> 3, tag & 7
            if not 1 <= field <= 25 or wire not in (0, 2):
                return False
            number, at = varint(data, at)
            if wire == 2:
                if number > size:
                    return False
                body = body or field in (7, 8)
                at += number
            elif field == 1:
                version = number
    except IndexError:  # the value goes on behind what was read
        pass
    return 1 <= version <= 30 and body


def _in_text(data: bytes) -> str:
    try:
        text = data[:LARGEST_SOURCE].decode("utf-8-sig", "strict" if len(data) <= LARGEST_SOURCE else "ignore")
    except UnicodeDecodeError:
        return "unknown"
    if "\0" in text:
        return "unknown"
    if text.lstrip()[:1] in ("{", "["):
        return _json(text, len(data) > LARGEST_SOURCE)
    try:
        tree = parsed(text)
        if classes_of(tree):
            return "Python modules"
    except (SyntaxError, ValueError, RecursionError, MemoryError, tokenize.TokenError):
        return "unknown"
    program = (ast.ClassDef, ast.FunctionDef, ast.Import, ast.ImportFrom)
    return "Python" if any(isinstance(node, program) for node in tree.body) else "unknown"


def _json(text: str, cut: bool) -> str:
    """What JSON is: of a long file only the start is there, which tells a network and an index of shards."""
    try:
        document = json.loads(text, object_hook=lambda found: found)  # Python is called, so other threads can run
    except (ValueError, RecursionError):
        if '"format": "network' in text[:400]:
            return "network"
        return "shards" if cut and '"weight_map"' in text else "unknown"
    if not isinstance(document, dict):
        return "JSON"
    if str(document.get("format", "")).startswith("network"):
        return "network"
    return "shards" if isinstance(document.get("weight_map"), dict) else "JSON"

"""Recognise the files of other programs by their bytes: those that hold arrays, and those that are refused by name."""

import re
import struct
import zlib
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path

SIGNATURE = b"\x89HDF\r\n\x1a\n"
TABLE_END = bytes.fromhex("57fb808b247547db")  # of TensorFlow's tables, which are LevelDB's
PACKED = re.compile(
    rb"\x1f\x8b\x08|BZh[1-9]1AY&SY|\xfd7zXZ\0|\x28\xb5\x2f\xfd|7z\xbc\xaf\x27\x1c"
)  # gzip, bzip2, xz, zstd, 7-Zip
PADDLE = b"StructuredToParameterName@@"  # the last key of what paddle.save pickles

DISTRIBUTED = (
    "is a checkpoint of torch.distributed.checkpoint, whose values lie in many files: put them into one with "
    "dcp_to_torch_save of torch.distributed.checkpoint.format_utils and open that"
)


def matlab_or_hdf5(head: bytes, size: int) -> str:
    """Tell MATLAB and HDF5 files; "" for others. HDF5 may begin behind a block of its user's, of 512 bytes or twice."""
    start = next((at for at in (0, 512, 1024, 2048) if head[at : at + 8] == SIGNATURE), None)
    if start is not None:
        return "MATLAB" if start and head.startswith(b"MATLAB 7.3") else "HDF5"
    five = head[124:128] in (b"\x00\x01IM", b"\x01\x00MI") and not head.startswith(b"\0\0\0\0")
    return "MATLAB" if five or is_matlab_4(head, size) else ""


def is_matlab_4(head: bytes, size: int) -> bool:
    """Whether bytes begin an array of MATLAB 4: five numbers in range, then the name of a variable."""
    if len(head) < 20:
        return False
    for order in "<>":
        kind, rows, columns, complex_, length = struct.unpack_from(f"{order}5I", head)
        known = kind in {1000 * (order == ">") + 10 * kept + use for kept in range(6) for use in range(3)}
        if known and complex_ in (0, 1) and 2 <= length <= 64 and 20 + length <= size and max(rows, columns) < 2**31:
            return re.fullmatch(rb"[A-Za-z]\w*\0", head[20 : 20 + length]) is not None
    return False


def foreign_name(head: bytes, size: int, end: Callable[[int], bytes]) -> str:
    """Tell a kind of file that is refused by name; "" for others. ``end`` reads the last bytes."""
    if head.startswith(b"version https://git-lfs.github.com/spec/"):
        return "Git LFS"
    if re.match(rb"(\xef\xbb\xbf)?\s*<(!doctype\s+html|html)\b", head, re.IGNORECASE):
        return "web page"
    if PACKED.match(head):
        return "packed"
    if head[:4] == b"GGUF":
        return "GGUF"
    if head[4:8] == b"TFL3":
        return "TFLite"
    if head[4:8] == b"\2\0\0\0" and head[64:68] == b"\xef\xbe\xad\xde":  # weight.bin, which stands in a folder
        return "Core ML"
    if head[:4] in (b"ptrt", b"ftrt"):
        return "TensorRT"
    if re.match(rb"(\xef\xbb\xbf)?\s*(<\?xml[^>]*>\s*)?<net\s[^>]*version=", head):
        return "OpenVINO"
    if head[:1] == b"\x80" or _packed_pickle(head):
        return _pickled(head if head[:1] == b"\x80" else _unpacked(head), end)
    if size >= 48 and end(8) == TABLE_END:
        return "TensorFlow checkpoint"
    if re.match(rb"[\x81-\x8f]([\xa1-\xbf]|\xd9.)[A-Za-z_][\w.]*[\x80-\x8f\xc7-\xc9\xd4-\xd8\xde\xdf]", head):
        return "msgpack"
    return _protobuf(head, size)


def _pickled(data: bytes, end: Callable[[int], bytes]) -> str:
    if b"sklearn." in data:
        return "scikit-learn"
    if b"joblib.numpy_pickle" in data:
        return "joblib"
    return "PaddlePaddle" if PADDLE in end(1 << 16) else ""


def _packed_pickle(head: bytes) -> bool:
    """Whether bytes are a pickle that zlib packed, as joblib does."""
    return head[:2] in (b"\x78\x01", b"\x78\x5e", b"\x78\x9c", b"\x78\xda") and _unpacked(head)[:1] == b"\x80"


def _unpacked(head: bytes) -> bytes:
    try:
        return zlib.decompressobj().decompress(head, 1 << 16)
    except zlib.error:
        return b""


def _protobuf(head: bytes, size: int) -> str:
    """Tell TensorFlow's programs and Core ML's models, which have no other mark than their fields."""
    found = list(_fields(head))
    numbers = [field for field, _, _ in found]
    if numbers[:1] == [1] and isinstance(found[0][1], bytes):
        node = {field: value for field, value, _ in _fields(found[0][1])}
        name, op = node.get(1), node.get(2)
        named = isinstance(name, bytes) and re.fullmatch(rb"[\w./>-]+", name)
        return "SavedModel" if named and isinstance(op, bytes) and re.fullmatch(rb"_?[A-Z]\w*", op) else ""
    if numbers[:2] != [1, 2] or not isinstance(found[0][1], int) or not 1 <= found[0][1] <= 30:
        return ""
    if found[0][1] == 1 and set(numbers) == {1, 2} and found[-1][2] == size:
        inner = next(_fields(found[1][1]), None) if isinstance(found[1][1], bytes) else None
        return "SavedModel" if inner and inner[0] in (1, 2) else ""
    return "Core ML" if any(200 <= field <= 3000 for field in numbers) else ""


def _fields(data: bytes) -> Iterator[tuple[int, int | bytes, int]]:
    """The fields of a message: number, value as far as it is there, and where it ends; up to what is none."""
    at = 0
    try:
        while at < len(data):
            tag, at = varint(data, at)
            number, at = varint(data, at)
            if tag & 7 == 2:
                yield tag >> 3, data[at : at + number], at + number
                at += number
            elif tag & 7 == 0:
                yield tag >> 3, number, at
            else:
                return
    except IndexError:  # the value goes on behind what was read
        return


def varint(data: bytes, at: int) -> tuple[int, int]:
    """A number of a protobuf message, and where it ends."""
    number = shift = 0
    while True:
        byte = data[at]
        at += 1
        number |= (byte & 127) << shift
        shift += 7
        if byte < 128 or shift > 63:
            return number, at


def what_folder(folder: Path) -> str:
    """What a folder is that another program wrote as if it were a file; "" for any other."""
    if (folder / "saved_model.pb").is_file():
        return ": TensorFlow keeps a program in it, which is not opened"
    if (folder / ".metadata").is_file() and any(name.suffix == ".distcp" for name in islice(folder.iterdir(), 1000)):
        return f": it {DISTRIBUTED}"
    if (folder / "Manifest.json").is_file() and (folder / "Data").is_dir():
        return ": it is a Core ML model, which is compiled for devices"
    return ""

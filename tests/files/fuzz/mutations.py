"""Damage files: their bytes, or what stands in them, which then still is an archive, a pickle or JSON."""

import copy
import io
import json
import pickletools
import re
import struct
import warnings
import zipfile
from collections.abc import Sequence
from random import Random
from typing import Any

RUN = "__import__('os').mkdir('ran')"
TEXTS = [
    *(RUN, f"x): {RUN}  #", f"\n{RUN}\n", "<img src='file:///etc/passwd'>", "a\nb", "\x1b[31m", "\u202eabc", "\0", ""),
    *("..", "../../../etc/passwd", "/etc/passwd", "__class__", "os;import x", "class", "self", "ⅹ", "a" * 100_000),
    *("a." * 500 + "a", "torch.ops.aten.from_file.default", "os.system", "float99", "x", "0", "-1", "\ud800"),
]
NUMBERS = [-(2**63), -(2**31), -2, -1, 0, 1, 2, 7, 2**31, 2**40, 2**53, 2**62, 2**63 - 1, 2**63, 2**64, 10**50, 1e308]
BITS = [0, 1, 0x7F, 0x80, 0xFF, 2**15, 2**16 - 1, 2**31 - 1, 2**31, 2**32 - 1, 2**40, 2**62, 2**63, 2**64 - 1]
MARKS = [
    b"PK\x03\x04",
    b"PK\x01\x02",
    b"PK\x05\x06",
    b"PK\x06\x06",
    b"\x80\x02",
    b"\x80\x05",
    b"{",
    b"\x93NUMPY",
    b"GGUF",
]


def mutated(data: bytes, others: Sequence[bytes], chance: Random) -> bytes:
    """A file with something in it changed: ``others`` are files of other kinds."""
    if chance.random() < 0.2:
        return _bytes(data, others, chance)
    for _ in range(chance.choice((1, 1, 1, 1, 2))):
        data = _inside(data, chance)
    return _bytes(data, others, chance) if chance.random() < 0.05 else data


# Bytes.


def _bytes(data: bytes, others: Sequence[bytes], chance: Random) -> bytes:
    for _ in range(chance.choice((1, 1, 1, 2, 8))):
        at = chance.randrange(len(data)) if data else 0
        length = chance.choice((1, 2, 4, 16, 64, 1000))
        match chance.randrange(9):
            case 0:  # a bit
                data = data[:at] + bytes([data[at] ^ 1 << chance.randrange(8)]) + data[at + 1 :] if data else b"\0"
            case 1:
                data = data[:at] + chance.randbytes(length) + data[at + length :]
            case 2:
                data = data[:at] + chance.randbytes(length) + data[at:]
            case 3:
                data = data[:at] + data[at + length :]
            case 4:
                data = data[:at]
            case 5:
                other = chance.choice(others)
                data = data[:at] + other[chance.randrange(len(other)) :]
            case 6:  # a part again
                data = data[:at] + data[at : at + length] * chance.choice((2, 3, 100)) + data[at + length :]
            case 7:  # a number that counts or points, perhaps one at the end, where a zip has its table
                at = chance.choice((at, max(0, len(data) - chance.randint(1, 3000)), chance.randrange(64)))
                size = chance.choice((1, 2, 4, 8))
                number = chance.choice(BITS) % 2 ** (8 * size)
                data = data[:at] + number.to_bytes(size, "little") + data[at + size :]
            case _:
                data = data[:at] + chance.choice(MARKS) + data[at + chance.choice((0, 4)) :]
    return data


# What stands in a file.


def _inside(data: bytes, chance: Random) -> bytes:
    length = int.from_bytes(data[:8], "little")
    try:
        if data[:2] == b"PK":
            return _archive(data, chance)
        if data[8:9] == b"{" and length < len(data):  # safetensors
            header = _json(data[8 : 8 + length], chance)
            return len(header).to_bytes(8, "little") + header + data[8 + length :]
        if data[:1] == b"{":
            return _json(data, chance)
        return _pickles(data, chance) if data[:1] == b"\x80" else _text(data, chance)
    except (ValueError, IndexError, KeyError, RecursionError, struct.error, zipfile.BadZipFile, NotImplementedError):
        return _bytes(data, [data], chance)  # it is damaged already


def _archive(data: bytes, chance: Random) -> bytes:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        entries = [[info.filename, archive.read(info), info.compress_type] for info in archive.infolist()]
    told = [entry for entry in entries if entry[0].endswith((".json", ".pkl", ".py"))]
    entry = chance.choice(told if told and chance.random() < 0.85 else entries)
    if chance.random() < 0.9:
        entry[1] = (
            _json(entry[1], chance)
            if entry[0].endswith(".json")
            else _pickles(entry[1], chance)
            if entry[0].endswith(".pkl")
            else _text(entry[1], chance)
            if entry[0].endswith(".py")
            else _bytes(entry[1], [entry[1] or b"\0"], chance)
        )
    else:
        root = entries[0][0].partition("/")[0]
        match chance.randrange(8):
            case 0:
                entries.remove(entry)
            case 1:
                entries.append([entry[0], b"{}", zipfile.ZIP_STORED])
            case 2:
                entry[0] = f"{root}/{chance.choice(TEXTS[:-1])}"
            case 3:
                entry[0] = chance.choice((f"/{entry[0]}", f"../{entry[0]}", entry[0].upper(), entry[0] + "/"))
            case 4:
                entry[2] = chance.choice((zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA))
            case 5:
                entry[1:] = bytes(chance.choice((0, 1 << 20, 20 << 20))), zipfile.ZIP_DEFLATED
            case 6:
                other = chance.choice(entries)
                entry[1], other[1] = other[1], entry[1]
            case _:
                entries.append([f"{root}/{chance.choice(NAMES)}", chance.randbytes(9), zipfile.ZIP_STORED])
    stream = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(stream, "w") as archive:
        warnings.simplefilter("ignore")  # of names that are there twice
        for name, body, packed in entries:
            archive.writestr(name, body, packed)
    return stream.getvalue()


# Entries by which kinds are told apart.
NAMES = ["constants.pkl", "code/x.py", "archive_format", "byteorder", "data.pkl", "models/m.json", ".data/version"]
NAMES += ["serialized_exported_program.json", "traced_inputs.pkl", "config.json", "a.npy"]


def _json(text: bytes, chance: Random) -> bytes:
    """JSON with some of its values changed: to others that stand in it, or to what it should not hold."""
    document = [json.loads(text)]
    for _ in range(chance.choice((1, 1, 1, 2, 4))):
        places: list[tuple[Any, Any]] = []
        todo: list[Any] = [document]
        while todo:
            value = todo.pop()
            for key in range(len(value)) if isinstance(value, list) else value:
                places.append((value, key))
                if isinstance(value[key], dict | list):
                    todo.append(value[key])
        holder, key = chance.choice(places)
        old = holder[key]
        other, there = chance.choice(places)
        match chance.randrange(8):
            case 0 if isinstance(holder, dict):
                del holder[key]
            case 1:
                holder[key] = copy.deepcopy(other[there])
            case 2 if isinstance(old, int | float):
                holder[key] = chance.choice((old + 1, old - 1, -old, old * 2, str(old), bool(old), *NUMBERS))
            case 2 if isinstance(old, str):
                holder[key] = chance.choice((old + "x", old[1:], old * 2, old.upper(), f"{old}.{old}", *TEXTS))
            case 2 | 3:
                holder[key] = chance.choice((*TEXTS, *NUMBERS))
            case 4:
                holder[key] = chance.choice((None, True, False, [], {}, [1], {"as_int": 3}, {"as_none": True}))
            case 5:
                for _ in range(chance.choice((1, 1, 2, 100, 600))):
                    holder[key] = [holder[key]] if chance.random() < 0.5 else {"a": holder[key]}
            case 6 if isinstance(holder, list):
                holder[key:key] = [copy.deepcopy(other[there])] * chance.choice((1, 1, 2, 1000))
            case 6 | 7 if isinstance(holder, dict):
                holder[chance.choice((*TEXTS, str(there)))] = holder.pop(key)
    text = json.dumps(document[0] if document else None).encode()
    if chance.random() < 0.05:  # what json.dumps does not write
        at = chance.randrange(len(text))
        more = (b"[" * 10_000, b"9" * 5_000, b"NaN", b"-Infinity", b"1e999", b"\xff", b"\xef\xbb\xbf", b'"a":1,"a":2,')
        text = text[:at] + chance.choice(more) + text[at:]
    return text


def _short(text: bytes) -> bytes:
    """A text as a pickle holds it."""
    return b"\x8c" + bytes([len(text)]) + text


# Parts of pickles that run code, lie about their length, or grow without end.
STEPS = [
    *(b"cposix\nmkdir\n(" + _short(b"ran") + b"tR", b"(cposix\nmkdir\n" + _short(b"ran") + b"o", b"b", b"R", b"\x81"),
    *(b"(" + _short(b"ran") + b"iposix\nmkdir\n", b"cbuiltins\nexec\n" + _short(RUN.encode()) + b"\x85R", b"\x92"),
    *(_short(b"posix") + _short(b"mkdir") + b"\x93" + _short(b"ran") + b"\x85}\x92", b"\x82\x01", b"Pran\n", b"Q"),
    *(
        b"\x8b\xff\xff\xff\x7f",
        b"\x8d" + struct.pack("<Q", 2**50),
        b"\x96" + struct.pack("<Q", 2**40),
        b"\x97",
        b"\x98",
    ),
    *(
        b"\x95" + struct.pack("<Q", 2**60),
        b"\x95" + struct.pack("<Q", 3),
        b"X\xff\xff\xff\xff",
        b"h\x00",
        b"h\xff",
        b"2",
    ),
    *(b"0", b"1", b"(", b"t", b"l", b"d", b"s", b"u", b"a", b"e", b"]", b"}", b")", b"N", b"\x88", b"\x8f", b"\x90"),
    *(
        b"\x85" * 2000,
        b"2\x86" * 60,
        b"(222222222222t" * 20,
        b"]" + b"2a" * 3,
        b"J\xff\xff\xff\xff",
        b"G" + b"\x7f\xf0" * 4,
    ),
    *(b"ccollections\nOrderedDict\n)R", b"ctorch\nSize\n(K\x01tR", b"q\x00", b"r\xff\xff\xff\xff", b"\x94", b"I99\n"),
    *(b"L" + b"9" * 5000 + b"L\n", b"\x8a\x0a" + b"\xff" * 10, b"K\x02", b"K\x00", b"M\xff\xff", b".", b"\x80\x05"),
    *(b"ctorch._utils\n_rebuild_tensor_v2\n", b"c__torch__\nOther\n", b"X\x08\x00\x00\x00_modules", b"K\x03\x85"),
]


def _pickles(data: bytes, chance: Random) -> bytes:
    """Pickles, and what follows them, with some opcodes changed, moved, taken out or put in."""
    opcodes: list[bytes] = []
    stream = io.BytesIO(data)
    end = 0
    while data[end : end + 1] == b"\x80":
        stream.seek(end)
        starts = [at for _, _, at in pickletools.genops(stream)]
        end = stream.tell()
        opcodes += [data[a:b] for a, b in zip(starts, [*starts[1:], end])]
    for _ in range(chance.choice((1, 1, 1, 2, 4))):
        at, other = chance.randrange(len(opcodes)), chance.randrange(len(opcodes))
        match chance.randrange(7):
            case 0:
                del opcodes[at]
            case 1:
                opcodes[at] = opcodes[other]
            case 2:
                opcodes[at], opcodes[other] = opcodes[other], opcodes[at]
            case 3:
                opcodes[at:at] = [chance.choice(STEPS)]
            case 4:
                opcodes[at] = chance.choice(STEPS)
            case 5:
                opcodes[at:at] = opcodes[other : other + chance.choice((1, 3, 20))]
            case _:  # another text or number of the same kind
                changed = bytearray(opcodes[at])
                if len(changed) > 1:
                    changed[chance.randrange(1, len(changed))] = chance.randrange(256)
                opcodes[at] = bytes(changed)
        if not opcodes:
            break
    return b"".join(opcodes) + data[end:]


WORDS = """
    1 0 -1 None True x self torch.relu [ ] ( ) , : . = + 9223372036854775807 1e400 '' CONSTANTS.c0 annotate torch.size
    ops.aten.from_file torch.from_file torch.load torch.save ops.prim.TupleConstruct prim uninitialized unchecked_cast
    while for if return class def import lambda *x **x torch.zeros torch.empty torch.mul torch.add torch.reshape inf
    torch.cat 4611686018427387904 torch.zeros([1099511627776]) [1099511627776] torch.arange(1099511627776) x.__class__
    eval exec open torch.linspace(0,1,1099511627776) torch.full([1048576,1048576],0) ' " # é ((((((((((((((((((((((((
""".split()
WORDS += [
    RUN,
    "\\",
    "\t",
    "\n",
    " ",
    "\0",
    "(" * 5000,
    "[" * 300 + "]" * 300,
    "-" * 5000,
    "9" * 5000,
    "x if " * 500,
    "\ufeff",
    "\r\n",
    "a" * 10_000,
]


def _text(data: bytes, chance: Random) -> bytes:
    """A program with some of its words in other places, left out, or others in their place."""
    words = re.split(r"(\W)", data.decode("utf-8", "replace"))
    for _ in range(chance.choice((1, 1, 1, 2))):
        at = chance.randrange(len(words))
        words[at] = chance.choice((chance.choice(WORDS), chance.choice(WORDS), chance.choice(words), "", words[at] * 2))
    if chance.random() < 0.2:  # a line more, or elsewhere
        lines = "".join(words).split("\n")
        lines.insert(chance.randrange(len(lines)), chance.choice(lines))
        return "\n".join(lines).encode("utf-8", "replace")
    return "".join(words).encode("utf-8", "replace")

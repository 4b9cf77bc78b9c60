"""A .pt2 file cannot run anything: not when it is opened, not through the source that is written of it."""

import io
import json
import pickle
import random
import struct
import subprocess
import sys
import zipfile

import pytest
import torch
from torch import nn

from designer import FileError, NetworkError, build, import_pytorch, write_pytorch

PAYLOAD = "__import__('os').mkdir('ran')"


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.emb = nn.Embedding(9, 4)
        self.fc = nn.Linear(4, 9)
        self.fc.weight = self.emb.weight
        self.register_buffer("scale", torch.rand(9), persistent=False)

    def forward(self, x):
        h = nn.functional.gelu(self.fc(self.emb(x)))
        h = torch.div(h, 2.0, rounding_mode="floor").view(x.shape[0], -1, 9)
        return {"logits": h * self.scale, "sum": torch.einsum("btc->bt", h)}


class Evil:
    def __reduce__(self):
        import os

        return os.mkdir, ("ran",)


def evil_save():
    stream = io.BytesIO()
    torch.save(Evil(), stream)
    return stream.getvalue()


@pytest.fixture(scope="module")
def sound(tmp_path_factory):
    """The bytes of a file as torch writes it."""
    import warnings

    path = tmp_path_factory.mktemp("sound") / "model.pt2"
    auto = torch.export.Dim.AUTO
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.manual_seed(0)
        inputs = {"x": torch.zeros(2, 5, dtype=torch.int64)}
        program = torch.export.export(
            Model().eval(), (), inputs, dynamic_shapes={"x": {0: auto, 1: auto}}, strict=False
        )
        torch.export.save(program, path)
    return path.read_bytes()


def changed(data, target, edit=None, **how):
    """The archive with one entry changed, by what ``edit`` does to its JSON or its bytes."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        entries = [(info.filename, archive.read(info)) for info in archive.infolist()]
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_STORED) as archive:
        for name, body in entries:
            if name.endswith(target) and edit is not None:
                if name.endswith(".json"):
                    document = json.loads(body)
                    made = edit(document)
                    body = made if isinstance(made, bytes) else json.dumps(document).encode()
                else:
                    body = edit(body)
                archive.writestr(name, body, **how)
            else:
                archive.writestr(name, body)
    return stream.getvalue()


MODEL, WEIGHTS = "models/model.json", "model_weights_config.json"


def graph(document):
    return document["graph_module"]["graph"]


def node(document, name):
    return next(n for n in graph(document)["nodes"] if f".{name}." in n["target"])


def config(document, key="emb.weight"):
    return document["config"][key]


def every_expression(document):
    """Put the payload into each symbolic size."""
    todo = [document]
    while todo:
        value = todo.pop()
        if isinstance(value, dict):
            if "expr_str" in value:
                value["expr_str"] = PAYLOAD
            todo += value.values()
        elif isinstance(value, list):
            todo += value


def renamed_key(old, new):
    def edit(document):
        for spec in document["graph_module"]["signature"]["input_specs"]:
            body = next(iter(spec.values()))
            for kind in ("parameter_name", "buffer_name"):
                if body.get(kind) == old:
                    body[kind] = new

    def weights(document):
        document["config"] = {new if key == old else key: value for key, value in document["config"].items()}

    return lambda data: changed(changed(data, MODEL, edit), WEIGHTS, weights)


def renamed_value(old, new):
    return lambda data: changed(data, MODEL, lambda d: json.dumps(d).replace(f'"{old}"', json.dumps(new)).encode())


def with_stack(stack):
    def edit(document):
        for n in graph(document)["nodes"]:
            n["metadata"]["nn_module_stack"] = stack

    return lambda data: changed(data, MODEL, edit)


def with_target(target):
    return lambda data: changed(data, MODEL, lambda d: node(d, "gelu").update(target=target))


def with_string(text):
    def edit(document):
        for n in graph(document)["nodes"]:
            for entry in n["inputs"]:
                if "as_string" in entry["arg"]:
                    entry["arg"]["as_string"] = text
        node(document, "gelu")["inputs"].append({"name": "approximate", "arg": {"as_string": text}, "kind": 2})

    return lambda data: changed(data, MODEL, edit)


def sample_inputs(data):
    return changed(data, "sample_inputs/model.pt", lambda body: evil_save())


def pickled_weight(data):
    data = changed(data, WEIGHTS, lambda d: config(d).update(use_pickle=True))
    return changed(data, "weights/weight_0", lambda body: evil_save())


# Opened without harm: what is evil is ignored, or becomes a name or a placeholder.
OPENED = {
    "sample inputs": sample_inputs,
    "symbolic sizes": lambda data: changed(data, MODEL, every_expression),
    "a function as the target": with_target("os.system"),
    "another function of torch": with_target("torch.hub.load_state_dict_from_url"),
    "an operation that writes files": with_target("torch.ops.aten.from_file.default"),
    "a target that is Python": with_target(f"torch.ops.aten.gelu.default({PAYLOAD})"),
    "a target on two lines": with_target(f"torch.ops.aten.gelu\n{PAYLOAD}"),
    "an argument that is Python": with_string(f"none'); {PAYLOAD}; ('"),
    "a learnable that is Python": renamed_key("fc.bias", PAYLOAD),
    "a learnable on two lines": renamed_key("fc.bias", f"fc.bias\n{PAYLOAD}"),
    "a learnable that is a path": renamed_key("fc.bias", "../../../etc/passwd"),
    "a learnable with empty names": renamed_key("fc.bias", "..fc..bias."),
    "an input that is Python": renamed_value("x", f"x): {PAYLOAD}  #"),
    "an output that is Python": renamed_value("logits", f"a\n{PAYLOAD}"),
    "modules that are Python": with_stack(f"k,{PAYLOAD},{PAYLOAD};k@{PAYLOAD},a.{PAYLOAD},b"),
    "modules with no name": with_stack("k,..,b;,,;;,.,"),
    "a note for later": lambda data: changed(data, MODEL, lambda d: d.update(guards_code=[PAYLOAD])),
}

DAMAGED = "model.pt2 is damaged or was changed: "
REFUSED = {
    "a pickled weight": (
        pickled_weight,
        "model.pt2 holds 'emb.weight' as a pickle, which can run code when it is read: it is not opened.",
    ),
    "numbers behind the end": (
        lambda data: changed(data, WEIGHTS, lambda d: config(d)["tensor_meta"]["sizes"][0].update(as_int=10)),
        DAMAGED + "'emb.weight' reaches past the end of its numbers.",
    ),
    "an offset behind the end": (
        lambda data: changed(data, WEIGHTS, lambda d: config(d)["tensor_meta"]["storage_offset"].update(as_int=1)),
        DAMAGED + "'emb.weight' reaches past the end of its numbers.",
    ),
    "a negative offset": (
        lambda data: changed(data, WEIGHTS, lambda d: config(d)["tensor_meta"]["storage_offset"].update(as_int=-1)),
        DAMAGED + "-1 is not a size.",
    ),
    "a negative stride": (
        lambda data: changed(data, WEIGHTS, lambda d: config(d)["tensor_meta"]["strides"][0].update(as_int=-4)),
        DAMAGED + "-4 is not a size.",
    ),
    "a huge tensor of one number": (
        lambda data: changed(
            data,
            WEIGHTS,
            lambda d: config(d)["tensor_meta"].update(sizes=[{"as_int": 2**38}] * 2, strides=[{"as_int": 0}] * 2),
        ),
        DAMAGED + f"'emb.weight' says that it has {2**76:,} numbers, and 36 are there.",
    ),
    "a size beyond all numbers": (
        lambda data: changed(data, WEIGHTS, lambda d: config(d)["tensor_meta"]["sizes"][0].update(as_int=2**70)),
        DAMAGED + f"{2**70} is not a size.",
    ),
    "a size that is a text": (
        lambda data: changed(data, WEIGHTS, lambda d: config(d)["tensor_meta"]["sizes"][0].update(as_int=PAYLOAD)),
        DAMAGED + f"{PAYLOAD!r} is not a size.",
    ),
    "an unknown type of numbers": (
        lambda data: changed(data, WEIGHTS, lambda d: config(d)["tensor_meta"].update(dtype=99)),
        DAMAGED + "it uses a type of numbers, 99, that cannot be read.",
    ),
    "a sparse weight": (
        lambda data: changed(data, WEIGHTS, lambda d: config(d)["tensor_meta"].update(layout=1)),
        "model.pt2 holds 'emb.weight' as a sparse tensor, which cannot be opened.",
    ),
    "a weight of another entry": (
        lambda data: changed(data, WEIGHTS, lambda d: config(d).update(path_name="../../models/none")),
        "model.pt2 has no entry 'data/weights/../../models/none', which it says it has.",
    ),
    "a weight that is missing": (
        lambda data: changed(data, WEIGHTS, lambda d: d["config"].pop("emb.weight") and None),
        DAMAGED + "the values of 'emb.weight' are missing.",
    ),
    "a packed weight": (
        lambda data: changed(data, "weights/weight_0", lambda b: bytes(10**6), compress_type=zipfile.ZIP_DEFLATED),
        "model.pt2 holds 'data/weights/weight_0' compressed, which no PyTorch file does.",
    ),
    "a packed program": (
        lambda data: changed(data, MODEL, lambda d: None, compress_type=zipfile.ZIP_DEFLATED),
        "model.pt2 holds 'models/model.json' compressed, which no PyTorch file does.",
    ),
    "a program that is no JSON": (
        lambda data: changed(data, MODEL, lambda d: b"{]"),
        "model.pt2 is damaged: 'models/model.json' is not JSON.",
    ),
    "a program that is nested without end": (
        lambda data: changed(data, MODEL, lambda d: b"[" * 10**6),
        "model.pt2 is damaged: 'models/model.json' is not JSON.",
    ),
    "a number without end": (
        lambda data: changed(data, MODEL, lambda d: b'{"schema_version": ' + b"9" * 10**5 + b"}"),
        "model.pt2 is damaged: 'models/model.json' is not JSON.",
    ),
    "a learnable that is nested without end": (
        renamed_key("fc.bias", "a." * 400 + "b"),
        DAMAGED + "'a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.... is nested too deeply.",
    ),
    "a learnable whose name has no end": (
        renamed_key("fc.bias", "a" * 10**5),
        DAMAGED + "'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa... is not a name.",
    ),
    "modules that are nested without end": (
        with_stack(";".join(f"k{n},a{n},c" for n in range(10**4))),
        DAMAGED + "its modules are nested too deeply.",
    ),
    "another format": (
        lambda data: changed(data, MODEL, lambda d: d["schema_version"].update(major=9)),
        "model.pt2 has format 9 of torch.export, and only formats 7 and 8 can be read: "
        "load it with the PyTorch that wrote it, and save it with PyTorch 2.13.",
    ),
    "another byte order": (
        lambda data: changed(data, "byteorder", lambda body: b"big"),
        "model.pt2 was written on a machine with another byte order, which cannot be read.",
    ),
    "no program": (
        lambda data: changed(data, MODEL, lambda d: b"{}"),
        DAMAGED + "its program is not as torch writes it.",
    ),
    "a value before it is made": (
        lambda data: changed(data, MODEL, lambda d: graph(d)["nodes"].reverse()),
        None,
    ),
    "an integer that is true": (
        lambda data: changed(
            data, MODEL, lambda d: node(d, "view")["inputs"][1].update(arg={"as_sym_ints": [{"as_int": True}]})
        ),
        None,
    ),
}


def write(tmp_path, data):
    path = tmp_path / "model.pt2"
    path.write_bytes(data)
    return path


def check_harmless(network):
    """The source of a network, if it has any, holds nothing of the payload."""
    source = said = ""
    try:
        source = write_pytorch(network)
    except NetworkError as error:
        said = str(error)
    assert "\n" not in said
    for word in ("import os", "mkdir", "passwd", "system"):
        assert word not in source
    compile(source, "<written>", "exec")


@pytest.mark.parametrize("what", OPENED)
def test_what_is_evil_is_ignored_or_only_shown(sound, tmp_path, monkeypatch, what):
    monkeypatch.chdir(tmp_path)
    network, report = import_pytorch(write(tmp_path, OPENED[what](sound)))
    check_harmless(network)
    assert "\n" not in "".join([*report.notes, *report.placeholders])
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("what", REFUSED)
def test_damage_is_refused_in_one_sentence(sound, tmp_path, monkeypatch, what):
    monkeypatch.chdir(tmp_path)
    make, sentence = REFUSED[what]
    with pytest.raises(FileError) as caught:
        import_pytorch(write(tmp_path, make(sound)))
    assert "\n" not in str(caught.value)
    assert sentence in (None, str(caught.value))
    assert not (tmp_path / "ran").exists()


WATCH = """
import json, sys
sys.path[:] = json.loads(sys.argv[1])
from pathlib import Path
from designer import FileError, import_pytorch
import encodings.cp437, torch
from designer.model import layer_types
for kind in layer_types.values():  # what is imported or looked up late is now
    kind()
import_pytorch(sys.argv[2])
events = []
allowed = set(sys.argv[2:])
def watch(event, arguments):
    if event == "open":
        if str(arguments[0]) not in allowed:
            events.append(f"{event} {arguments[0]}")
    elif event.split(".")[0] in "exec compile os subprocess socket shutil ctypes import pickle".split():
        if event not in ("os.listdir", "os.scandir") and not (event == "import" and arguments[0] in sys.modules):
            events.append(f"{event} {arguments[:1]}")
sys.addaudithook(watch)
for path in sys.argv[3:]:
    try:
        import_pytorch(path)
    except FileError:
        pass
print(json.dumps(events))
"""


def test_nothing_is_run_imported_or_written_when_such_files_are_opened(sound, tmp_path):
    """Seen by an audit hook, in a process of its own."""
    (tmp_path / "sound.pt2").write_bytes(sound)
    paths = [str(tmp_path / "sound.pt2")]
    for number, make in enumerate([*OPENED.values(), *(make for make, _ in REFUSED.values())]):
        path = tmp_path / f"evil{number}.pt2"
        path.write_bytes(make(sound))
        paths.append(str(path))
    given = [sys.executable, "-W", "ignore", "-c", WATCH, json.dumps([entry for entry in sys.path if entry]), *paths]
    done = subprocess.run(given, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == []
    assert not (tmp_path / "ran").exists()


def test_torch_itself_runs_such_a_file(sound, tmp_path):
    """The payloads are real."""
    path = write(tmp_path, sample_inputs(sound))
    code = "import sys, torch; torch.export.load(sys.argv[1])"
    subprocess.run([sys.executable, "-W", "ignore", "-c", code, path], cwd=tmp_path, capture_output=True, check=False)
    assert (tmp_path / "ran").exists()


def test_a_truncated_file_is_refused(sound, tmp_path):
    for share in range(200):
        path = write(tmp_path, sound[: len(sound) * share // 200])
        with pytest.raises(FileError) as caught:
            import_pytorch(path)
        assert "\n" not in str(caught.value)


def test_entries_that_share_bytes_are_refused(sound, tmp_path):
    data = bytearray(changed(sound, "nothing"))
    second = data.rindex(b"PK\x01\x02")
    first = data.rindex(b"PK\x01\x02", 0, second)
    data[second + 42 : second + 46] = data[first + 42 : first + 46]  # both begin at the same place
    with pytest.raises(FileError, match=r"reaches into what follows it\.$"):
        import_pytorch(write(tmp_path, bytes(data)))


def test_an_entry_that_claims_a_huge_size_is_refused(sound, tmp_path):
    data = bytearray(changed(sound, "nothing"))
    first = data.rindex(b"PK\x01\x02")
    data[first + 20 : first + 28] = struct.pack("<II", 2**31, 2**31)
    with pytest.raises(FileError, match=r"^model\.pt2 is damaged: "):
        import_pytorch(write(tmp_path, bytes(data)))


def test_an_entry_that_stands_twice_is_refused(sound, tmp_path):
    import warnings

    path = write(tmp_path, sound)
    with warnings.catch_warnings(), zipfile.ZipFile(path, "a") as archive:
        warnings.simplefilter("ignore")
        archive.writestr("model/models/model.json", "{}")
    with pytest.raises(FileError, match=r"^model\.pt2 holds 'models/model\.json' twice\.$"):
        import_pytorch(path)


def mutated(generator, document):
    """The document with some values changed: to others of it, or to what it should not hold."""
    places = []
    todo = [document]
    while todo:
        value = todo.pop()
        items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
        for key, inner in list(items):
            places.append((value, key))
            if isinstance(inner, dict | list):
                todo.append(inner)
    odd = [None, True, -1, 0, 2**31, 2**63, 1.5, "", "x", PAYLOAD, "a.b", [], {}, [1], {"as_int": 3}, {"as_none": True}]
    for _ in range(generator.randint(1, 4)):
        holder, key = generator.choice(places)
        action = generator.random()
        if action < 0.15 and isinstance(holder, dict):
            holder.pop(key, None)
        elif action < 0.5:
            other, there = generator.choice(places)
            if isinstance(other, dict) and there in other:
                holder[key] = other[there]
        elif not isinstance(holder, list) or key < len(holder):
            holder[key] = generator.choice(odd)
    try:
        return json.dumps(document).encode()
    except (ValueError, RecursionError):  # it came to hold itself
        return b"{}"


@pytest.mark.parametrize("seed", range(40))
def test_a_changed_program_is_opened_or_refused_in_one_sentence(sound, tmp_path, monkeypatch, seed):
    monkeypatch.chdir(tmp_path)
    generator = random.Random(seed)
    for _ in range(10):
        target = generator.choice([MODEL, MODEL, MODEL, WEIGHTS, "model_constants_config.json"])
        path = write(tmp_path, changed(sound, target, lambda d: mutated(generator, d)))
        said = ""
        try:
            network, _ = import_pytorch(path)
        except FileError as error:
            said = str(error)
        else:
            check_harmless(network)
        assert "\n" not in said
    assert not (tmp_path / "ran").exists()


def test_a_sound_file_is_opened(sound, tmp_path):
    network, report = import_pytorch(write(tmp_path, changed(sound, "nothing")))
    assert report.difference == 0
    build(network)
    assert pickle.loads(pickle.dumps(network)) == network

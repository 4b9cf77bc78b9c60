"""Code in a project file, wherever it stands, is never run and never becomes code in the written source."""

import dataclasses
import json
import subprocess
import sys
from pathlib import Path

import pytest

from designer.model import Call, Group, layer_types

PAYLOADS = (
    "__import__('os').system('touch PWNED')",
    "8); __import__('os').system('touch PWNED') #",
    "'); __import__('os').system('touch PWNED') #",
    "\n__import__('os').system('touch PWNED')\n",
    '"""\n__import__("os").system("touch PWNED")\n"""',
    "{__import__('os').system('touch PWNED')}",
    "PWNED\u2028__import__('os').system('touch PWNED')",
    "PWNED\\",
)


def documents(payloads):
    """Project files with a payload in each place in turn: where it stands, and the JSON."""
    for number, payload in enumerate(payloads):
        for place, change in places(payload).items():
            document = {"format": "network designer project", "version": 1}
            document["layers"] = {"x": {"type": "Input", "shape": ["B", 8]}, "fc": {"type": "Linear"}}
            document["wires"] = ["x/out -> fc/in"]
            change(document)
            yield f"{number} {place}", document


def places(text):
    """Where a text can stand in a project file -> what puts it there."""
    found = {
        "format": lambda d: d.update(format=text),
        "version": lambda d: d.update(version=text),
        "entry": lambda d: d.update({text: {}}),
        "name": lambda d: d["layers"].update({text: {"type": "ReLU"}}),
        "type": lambda d: d["layers"].update(more={"type": text}),
        "property name": lambda d: d["layers"]["fc"].update({text: 1}),
        "source": lambda d: d["wires"].append(f"{text} -> fc/in"),
        "target": lambda d: d["wires"].append(f"fc/out -> fc/{text}"),
        "dtype": lambda d: d.update(dtype=text),
        "notes": lambda d: d.update(notes=text),
        "position": lambda d: d.update(positions={text: [0, 0]}),
        "place": lambda d: d.update(positions={"fc": [text, 0]}),
        "alias": lambda d: d.update(aliases={text: "fc.weight"}),
        "owner": lambda d: d.update(aliases={"old.weight": text}),
        "values": lambda d: d.update(values=text),
        "same": lambda d: d.update(same_values={text: text}),
        "view": lambda d: d.update(view={text: text}),
        "key of an output": lambda d: _place(d, f"[{json.dumps(text)}](0)"),
        "after an output": lambda d: _place(d, f'["a"]{text}'),
        "group note": lambda d: d["layers"].update(g={"type": "Group", "network": {"notes": text}}),
    }
    for kind, layer in layer_types.items():
        for field in dataclasses.fields(layer):
            for shape, value in {
                "": text,
                " in a list": [text],
                " in a pair": [[text, 1]],
                " deep": [[[text]]],
            }.items():
                entry = {"type": kind, field.name: value}
                found[f"{kind}.{field.name}{shape}"] = lambda d, entry=entry: _insert(d, entry)
    called = {"gelu": {"approximate": text}, "einsum": {"equation": text}, "cumsum": {"dim": ["port", text]}}
    for name, keywords in called.items():
        entry = {"type": "Operation", "operation": name, "arguments": [["port", "in"]], "keywords": [*keywords.items()]}
        found[f"Operation {name}"] = lambda d, entry=entry: _insert(d, entry)
    for kind in ("name", "size"):
        found[f"{kind} of an inner layer"] = lambda d, kind=kind: d["layers"].update(g=_group(kind, text))
    return found


def _insert(document, entry):
    """A layer behind the linear one, with all its inputs wired."""
    document["layers"]["more"] = entry
    kind = layer_types[entry["type"]]
    inputs = ("0", "1") if kind.variadic else () if kind in (Call, Group) else kind().inputs()
    document["wires"] += [f"fc/out -> more/{name}" for name in inputs]


def _place(document, place):
    """An output that says where it stands."""
    document["layers"]["end"] = {"type": "Output", "place": place}
    document["wires"].append("fc/out -> end/in")


def _group(kind, text):
    inner = {"x": {"type": "Input"}, text if kind == "name" else "y": {"type": "Output"}}
    if kind == "size":
        inner["x"]["shape"] = [text]
    return {"type": "Group", "network": {"layers": inner}}


OPEN = """
import ast, io, json, sys, tokenize
from pathlib import Path

import torch

from designer import FileError, NetworkError, analyze, build, load, write_pytorch
from designer.layers import Linear
from designer.model import Input, Network

build(Network().chain(x=Input(("B", 8)), fc=Linear(8)))  # so that what is imported late is there
folder, opened, happened = Path(sys.argv[1]), [], []
watched = ("os.system", "os.exec", "os.fork", "os.posix_spawn", "subprocess.Popen", "socket.connect", "ctypes.dlopen")
watched += ("pickle.find_class", "shutil.rmtree", "os.remove", "os.rename", "os.mkdir")


def watch(event, arguments):
    writes = event == "open" and isinstance(arguments[1], str) and set(arguments[1]) & set("wax+")
    if event in watched or writes or (event == "import" and "PWNED" in arguments[0]):
        happened.append(f"{event} {arguments}")


sys.addaudithook(watch)
wrong = []
for file in sorted(folder.glob("*.network")):
    before = len(happened)
    try:
        network = load(file)
        opened.append(file.name)
        str(analyze(network))
        source = write_pytorch(network)
        for token in tokenize.generate_tokens(io.StringIO(source).readline):
            if "PWNED" in token.string and token.type != tokenize.STRING:
                wrong.append(f"{file.name}: {token.string}")
        if any("PWNED" in (ast.get_docstring(node) or "") for node in ast.walk(ast.parse(source))
               if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef)):
            wrong.append(f"{file.name}: a docstring")
        build(network)
    except (FileError, NetworkError):
        pass
    except Exception as error:
        wrong.append(f"{file.name}: {type(error).__name__} {error}")
    wrong += [f"{file.name}: {event}" for event in happened[before:]]
print(json.dumps({"opened": opened, "wrong": wrong}))
"""


@pytest.mark.parametrize("count", [2, pytest.param(len(PAYLOADS), marks=pytest.mark.nightly)], ids=["two", "all"])
def test_code_in_every_place(tmp_path, count):
    places = []
    for number, (place, document) in enumerate(documents(PAYLOADS[:count])):
        text = json.dumps(document)
        (tmp_path / f"{number:05}.network").write_text(text)
        places.append(place)
    done = subprocess.run(
        [sys.executable, "-c", OPEN, tmp_path],
        capture_output=True,
        text=True,
        check=False,
        timeout=500,
        cwd=Path(__file__).parents[2],
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    assert [f"{places[int(line[:5])]}: {line}" for line in found["wrong"]] == []
    assert not (Path(__file__).parents[2] / "PWNED").exists()
    opened = {places[int(name[:5])].partition(" ")[2] for name in found["opened"]}
    # What may hold any text: it is shown, and written out as a quoted text or not at all. An operation may be one that
    # is not known, which then is not written; the port of a Parameter is always the same.
    free = {"notes", "alias", "view", "group note", "key of an output", *(f"{kind}.note" for kind in layer_types)}
    assert free <= opened
    fixed = ("Operation", "Parameter.output_learnables")
    assert [place for place in opened - free if not place.startswith(fixed)] == []

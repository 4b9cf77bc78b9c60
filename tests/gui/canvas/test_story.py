"""The first story, told with the mouse: five layers, their wires, and the tie."""

import itertools

from PySide6.QtCore import QPoint, Qt

from designer.model import Port


def test_create_the_tied_language_model_with_the_mouse(stage):
    it = stage()
    spots = {"Input": 60, "Embedding": 240, "LSTM": 500, "Linear": 740, "Softmax": 1000}
    settings = {
        "Input": {"shape": ("B", "T"), "dtype": "int64"},
        "Embedding": {"num_embeddings": 1000, "embedding_dim": 300},
        "LSTM": {"hidden_size": 300},
        "Linear": {"out_features": 1000},
    }
    for kind, x in spots.items():
        it.drop(kind, QPoint(x + 60, 200), **settings.get(kind, {}))
        assert it.undo_texts()[-1] == f"Add {kind}"
        assert it.agrees()
    chain = ["input", "embedding", "lstm", "linear", "softmax"]
    assert list(it.network.layers) == chain
    for before, after in itertools.pairwise(chain):
        it.drag(it.port(before, "out", out=True), it.port(after, "in"))
        assert it.network.source_of(Port(after, "in")) == Port(before, "out")
        assert it.undo_texts()[-1] == f"Connect {before} to {after}"
        assert it.agrees()
    wire = it.canvas.mirror.wires[Port("linear", "in")]
    assert wire.label == "B\u200a×\u200aT\u200a×\u200a300"
    for path in ("embedding", "linear"):
        it.click(it.fold(path))
        assert path in it.document.view.unfolded
    it.click(it.switch("embedding", "weight", offers=True))
    assert it.network.layer("embedding").output_learnables == ("weight",)
    it.click(it.switch("linear", "weight", offers=False))
    assert it.network.layer("linear").input_learnables == ("weight",)
    assert it.canvas.node("linear").look.trouble == "error"
    steps = len(it.undo_texts())
    it.drag(it.port("embedding", "weight", out=True), it.port("linear", "weight"))
    assert len(it.undo_texts()) == steps + 1
    assert it.undo_texts()[-1] == "Take weight of linear from embedding"
    assert it.network.source_of(Port("linear", "weight")) == Port("embedding", "weight")
    assert it.canvas.node("linear").look.total == "owns 1,000"
    assert it.canvas.node("linear").look.rows[0].source == "embedding"
    assert it.document.analysis.stored == 1_023_400
    assert it.document.analysis.used == 1_323_400
    assert it.agrees()
    told = it.network
    while it.document.history.canUndo():
        it.document.history.undo()
        assert it.agrees()
    assert not it.network.layers
    while it.document.history.canRedo():
        it.document.history.redo()
        assert it.agrees()
    assert it.network == told


def test_tick_and_drag_is_one_step(stage, language_model):
    it = stage(language_model)
    it.canvas.fold(["emb", "fc"])
    it.canvas.fit(all=True)
    start, end = it.switch("emb", "weight", offers=True), it.switch("fc", "weight", offers=False)
    it.press(start)
    it.move(start, end)
    assert not it.network.layer("emb").output_learnables, "nothing is edited before the release"
    it.release(end)
    assert it.undo_texts() == ["Take weight of fc from emb"]
    assert it.network.source_of(Port("fc", "weight")) == Port("emb", "weight")
    it.document.history.undo()
    assert it.network == language_model


def test_escape_leaves_everything_as_it_was(stage, language_model):
    it = stage(language_model)
    it.canvas.fold(["emb", "fc"])
    it.canvas.fit(all=True)
    start = it.switch("emb", "weight", offers=True)
    it.press(start)
    it.move(start, start + QPoint(80, 90))
    it.key(Qt.Key.Key_Escape)
    it.release(start + QPoint(80, 90))
    assert it.network is language_model

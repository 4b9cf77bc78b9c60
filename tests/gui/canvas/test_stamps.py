"""What is stamped must look like what is drawn, and follow whatever changes."""

from collections import Counter, OrderedDict

import pytest
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QImage, QPainter
from PySide6.QtWidgets import QApplication

from designer.edits import freeze, group, tie
from designer.gui import theme
from designer.gui.canvas import picture, stamps
from designer.gui.canvas.stamps import stamp
from designer.layers import LSTM, Embedding, Input, Linear, Output, ReLU
from designer.model import Network


def network():
    net = Network().chain(
        tokens=Input(("B", "T"), dtype="int64"), emb=Embedding(1000, 300), lstm=LSTM(300), fc=Linear(1000), y=Output()
    )
    net = net.add(x=Input(("B", 8)), enc=Linear(64), dec=Linear(8), loose=Linear(4), act=ReLU())
    net = net.connect("x", "enc").connect("enc", "dec").connect("dec", "act")
    net = freeze(tie(tie(net, "emb/weight", "fc/weight"), "enc/weight", "dec/weight"), "lstm")
    return group(net, ["act"], "block")


def drawn(view):
    """The picture with every node drawn, as while the zoom changes and no two nodes look the same."""
    view._painted_zoom, view._faces = 0.0, Counter()
    return view.viewport().grab().toImage()


def zoomed(view):
    """The picture while the zoom changes: what several nodes show is stamped, but not their names."""
    view._painted_zoom = 0.0
    return view.viewport().grab().toImage()


def stamped(view):
    picture = view.viewport().grab().toImage()
    assert view.steady
    return picture


def far_apart(one, other):
    """The largest difference of a channel."""
    assert one.size() == other.size()
    first, second = (bytes(image.convertToFormat(QImage.Format.Format_RGB32).constBits()) for image in (one, other))
    return max((abs(a - b) for a, b in zip(first, second)), default=0) if first != second else 0


@pytest.mark.parametrize("zoom", [0.45, 0.83, 1.0, 1.37, 2.5])
def test_stamped_nodes_look_like_drawn_ones(stage, zoom):
    it = stage(network())
    it.canvas.fold(["enc"])
    it.canvas.select({"dec", "fc/weight"})
    it.canvas.zoom_to(zoom)
    direct = drawn(it.view)
    made, used = stamped(it.view), stamped(it.view)
    assert made == used
    assert far_apart(direct, made) <= 4  # blending in two steps rounds twice


@pytest.mark.parametrize("zoom", [0.45, 0.9, 1.3])
def test_nodes_that_look_the_same_share_a_stamp_while_the_zoom_changes(stage, zoom, monkeypatch):
    names = ["fc", "a_much_longer_name_that_is_cut", "x1", "x2"]
    it = stage(Network().chain(x=Input(("B", 8)), **{name: Linear(8) for name in names}))
    it.document.edit("Freeze", freeze(it.network, "x2"))
    it.canvas.zoom_to(zoom)
    direct = drawn(it.view)
    made = []
    monkeypatch.setattr(stamps, "_made", OrderedDict())
    monkeypatch.setattr(stamps, "_keep", lambda key, picture: made.append(key) or stamps._made.update({key: picture}))
    together = zoomed(it.view)
    assert far_apart(direct, together) <= 4
    whole = [key[0] for key in made if len(key[0]) > 2]  # the others are plates
    assert len(whole) == len({node.face for node in it.canvas.nodes() if it.view._faces[node.face] > 1})
    assert all(name == "" for _, _, name, *_ in whole)


def test_stamps_follow_what_changes(stage, qapp):
    it = stage(network())
    stamped_before = (drawn(it.view), stamped(it.view))[1]
    changes = [
        lambda: it.canvas.select({"emb"}),
        lambda: it.view.show_hover(it.canvas.node("lstm")),
        lambda: it.view.show_hover(it.canvas.node("fc").port("in", False)),
        lambda: it.canvas.fold(["fc"]),
        lambda: it.document.edit("Set", it.network.set("fc", out_features=7)),
        lambda: it.document.edit("Rename", it.network.rename("emb", "words")),
        lambda: it.document.edit("Cut", it.network.disconnect("lstm/in")),
        lambda: it.canvas.lighting.light(it.canvas.node("loose").port("in", False)),
        lambda: it.document.history.undo(),
        lambda: setattr(it.canvas.node("fc"), "mark", "target"),
        lambda: it.document.look(hidden=frozenset({"lstm/in"})),
        lambda: it.document.edit("Turn", it.network.turn(True)),
        lambda: theme.apply(qapp, theme.LIGHT),
    ]
    for change in changes:
        change()
        QApplication.processEvents()
        now = stamped(it.view)
        assert now != stamped_before, changes.index(change)
        assert far_apart(now, drawn(it.view)) <= 4, changes.index(change)
        stamped_before = stamped(it.view)
    theme.apply(qapp, theme.DARK)
    it.canvas.node("fc").mark = ""


def test_pictures_make_room_for_others(qapp):
    """The pixels that are held stay under their limit, and what was used last stays."""
    image = QImage(64, 64, QImage.Format.Format_ARGB32_Premultiplied)
    painter, area = QPainter(image), QRectF(0, 0, 500, 500)
    draws = []

    def draw(inner):
        draws.append(inner)
        inner.fillRect(area, QColor(Qt.GlobalColor.red))

    for n in range(3 * stamps.HELD // 500**2):
        stamp(painter, QPointF(), area, ("test", n), draw)
        stamp(painter, QPointF(), area, ("test", "kept"), draw)
        assert stamps._held <= stamps.HELD
    assert len(draws) == n + 2
    assert stamps._held == sum(made.width() * made.height() for made in stamps._made.values())
    painter.end()


def test_a_picture_larger_than_its_share_is_drawn_at_once(qapp):
    image = QImage(64, 64, QImage.Format.Format_ARGB32_Premultiplied)
    painter, held, draws = QPainter(image), stamps._held, []
    stamp(painter, QPointF(), QRectF(0, 0, 4000, 4000), "large", draws.append)
    painter.end()
    assert draws == [painter]
    assert stamps._held == held


def test_pictures_for_elsewhere_are_drawn_the_same_whatever_the_screen_shows(stage):
    it = stage(network())
    stamped(it.view)
    at_rest = picture.svg(it.canvas), picture.image(it.canvas)
    whole = {key for key in stamps._made if len(key[0]) > 2}  # the others are plates
    it.canvas.zoom_by(1.1)
    zoomed(it.view)
    assert not it.view.steady
    faces = it.view._faces.copy()
    assert (picture.svg(it.canvas), picture.image(it.canvas)) == at_rest
    assert it.view._faces == faces
    assert whole <= {key for key in stamps._made if len(key[0]) > 2}

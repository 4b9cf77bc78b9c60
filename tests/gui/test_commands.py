"""Every command has a name, a menu, and keys of its own."""

from itertools import combinations

from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLineEdit, QMenu, QToolButton

from designer.gui import theme
from designer.gui.switches import CheckBox, Switch

WIDGET = Qt.ShortcutContext.WidgetShortcut


def _actions(window):
    return [a for a in window.findChildren(QAction) if a.objectName()]


def test_actions_have_names_and_menus(desk, tied):
    desk.open(tied)
    listed = {action for menu in desk.window.findChildren(QMenu) for action in menu.actions()}
    for action in _actions(desk.window):
        assert action.text(), action.objectName()
        assert action in listed or action.objectName() == "theme", action.text()
    for menu in desk.window.findChildren(QMenu):
        named = [a.text().replace("&", "") for a in menu.actions() if not a.isSeparator()]
        assert all(named), menu.title()
        assert len(named) == len(set(named)), menu.title()


def test_no_two_actions_have_one_key(desk, tied):
    desk.open(tied)
    keys = [(key.toString(), action) for action in _actions(desk.window) for key in action.shortcuts()]
    assert len(keys) > 40
    for (first, one), (second, other) in combinations(keys, 2):
        assert first != second, f"{one.text()} and {other.text()} have {first}"
    for key, action in keys:
        plain = ("Ctrl" not in key and not key.startswith(("F", "Shift+F"))) or key == "F"
        assert not plain or action.shortcutContext() == WIDGET, f"{key} of {action.text()} would type nowhere else"
        assert not key.startswith(("Alt+", "Ctrl+Alt+", "Meta+")) or key == "Alt+Up"


def test_actions_of_the_canvas_live_on_its_view(desk, tied):
    desk.open(tied)
    for action in _actions(desk.window):
        if action.shortcutContext() == WIDGET:
            assert action in desk.canvas.view.actions(), action.text()


def test_start_page_offers_nothing_that_needs_a_network(desk):
    actions = desk.window.actions_by_name
    assert not any(actions[name].isEnabled() for name in ("save", "undo", "group", "export", "zoom_in", "tie"))
    assert all(actions[name].isEnabled() for name in ("new", "open", "import", "quit"))
    desk.click(desk.window.start.starts[0])
    assert all(actions[name].isEnabled() for name in ("save", "group", "export", "zoom_in", "tie"))


def test_keys_of_the_canvas_type_in_fields(desk, tied):
    desk.open(tied)
    desk.select("fc")
    name = desk.form.name
    name.setFocus()
    name.selectAll()
    QTest.keyClicks(name, "F/tjl")
    assert name.text() == "F/tjl"
    assert list(desk.network.layers) == list(tied.layers)


def test_undo_names_the_edit(desk, tied):
    desk.open(tied)
    undo, redo = (desk.window.actions_by_name[name] for name in ("undo", "redo"))
    assert undo.text() == "&Undo"
    assert not undo.isEnabled()
    desk.document.edit("Set bias of fc", tied.set("fc", bias=False))
    assert undo.text() == "&Undo set bias of fc"
    desk.key(Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert desk.network is tied
    assert redo.text() == "&Redo set bias of fc"
    assert desk.window.status.message.full == "Undone: set bias of fc."
    desk.key(Qt.Key.Key_Y, Qt.KeyboardModifier.ControlModifier)
    assert not desk.network.layer("fc").bias


def test_group_enter_leave_ungroup(desk, tied):
    desk.open(tied)
    control = Qt.KeyboardModifier.ControlModifier
    desk.select("lstm", "fc")
    desk.key(Qt.Key.Key_G, control)
    assert list(desk.network.layers) == ["tokens", "emb", "block", "probs"]
    assert desk.document.view.selection == {"block"}
    desk.key(Qt.Key.Key_Return)
    assert desk.document.view.path == "block"
    assert set(desk.canvas.mirror.nodes) >= {"block.lstm", "block.fc"}
    desk.key(Qt.Key.Key_Return, Qt.KeyboardModifier.ShiftModifier)
    assert desk.document.view.path == ""
    assert desk.document.view.selection == {"block"}
    desk.key(Qt.Key.Key_G, control | Qt.KeyboardModifier.ShiftModifier)
    assert set(desk.network.layers) == set(tied.layers)
    assert desk.document.view.selection == {"lstm", "fc"}
    assert len(desk.undo_texts()) == 2


def test_tie_and_untie_by_keys(desk, tied):
    control = Qt.KeyboardModifier.ControlModifier
    desk.open(tied)
    desk.select("fc")
    desk.key(Qt.Key.Key_T, control | Qt.KeyboardModifier.ShiftModifier)
    desk.settle()
    assert desk.document.analysis.stored == 1_323_400
    measured = "fc owns a copy of emb.weight; max |difference| of the outputs: 0."
    desk.qtbot.waitUntil(lambda: desk.told[-1] == measured, timeout=20_000)
    desk.select("emb", "fc")
    desk.key(Qt.Key.Key_T, control)
    desk.settle()
    assert desk.document.analysis.stored == 1_023_400
    assert desk.undo_texts() == ["Untie fc", "Take weight of fc from emb"]
    desk.select("probs")
    desk.key(Qt.Key.Key_T, control)
    assert desk.refusals == ["Select two layers to tie: the owner, and the one that borrows."]
    desk.select("fc")
    desk.key(Qt.Key.Key_J)
    assert desk.document.view.selection == {"emb"}
    desk.key(Qt.Key.Key_J, Qt.KeyboardModifier.ShiftModifier)
    assert desk.document.view.selection == {"fc"}


def test_arrange_is_one_step(desk, tied):
    desk.open(tied)
    desk.key(Qt.Key.Key_L, Qt.KeyboardModifier.ControlModifier)
    assert desk.undo_texts() == ["Arrange"]
    xs = [desk.network.positions[name][0] for name in tied.layers]
    assert xs == sorted(xs)


def test_arrange_from_top_to_bottom_and_back(desk, tied):
    """The direction is a part of the network: it is undone, kept by Arrange, and saved."""
    desk.open(tied)
    desk.window.actions_by_name["arrange_down"].trigger()
    desk.key(Qt.Key.Key_L, Qt.KeyboardModifier.ControlModifier)
    assert desk.undo_texts() == ["Arrange"]  # what is arranged stays as it is
    down = desk.network
    assert down.down
    assert [down.positions[name][1] for name in tied.layers] == sorted(down.positions[name][1] for name in tied.layers)
    nodes = [desk.canvas.node(name) for name in tied.layers]
    assert len({node.frame.center().x() for node in nodes}) == 1
    assert all(node.port("out", True).anchor().y() == node.frame.bottom() for node in nodes)
    desk.document.history.undo()
    assert not desk.network.down
    assert all(node.port("out", True).anchor().x() == node.frame.right() for node in nodes)
    desk.document.history.redo()
    desk.window.actions_by_name["arrange_right"].trigger()
    assert not desk.network.down
    assert desk.undo_texts() == ["Arrange", "Arrange"]
    assert len({desk.network.positions[name][1] for name in tied.layers}) == 1


def test_freeze_and_back(desk, tied):
    desk.open(tied)
    desk.select("lstm")
    keys = Qt.Key.Key_F, Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier
    desk.key(*keys)
    assert desk.network.layer("lstm").frozen == desk.network.layer("lstm").learnables()
    desk.key(*keys)
    assert desk.network.layer("lstm").frozen == ()
    assert desk.undo_texts() == ["Freeze lstm", "Unfreeze lstm"]


def test_panels_come_and_go(desk, tied, qtbot):
    desk.open(tied)
    window, control = desk.window, Qt.KeyboardModifier.ControlModifier
    for key, name in ((Qt.Key.Key_1, "library"), (Qt.Key.Key_2, "properties")):
        assert window.docks[name].isVisible()
        desk.key(key, control)
        assert not window.docks[name].isVisible()
        desk.key(key, control)
        assert window.docks[name].isVisible()
    height = window.bottom.height()
    desk.key(Qt.Key.Key_3, control)
    qtbot.waitUntil(lambda: window.bottom.height() == 36)
    desk.key(Qt.Key.Key_5, control)
    qtbot.waitUntil(lambda: abs(window.bottom.height() - height) <= 2)
    assert window.bottom.pages.currentWidget() is window.bottom.code
    desk.qtbot.waitUntil(lambda: "class Net(nn.Module)" in window.bottom.code.source.toPlainText())
    desk.key(Qt.Key.Key_4, control)
    assert window.bottom.pages.currentWidget() is window.bottom.problems


def test_small_windows_keep_the_canvas(desk, tied):
    desk.open(tied)
    window = desk.window
    window.resize(760, 500)
    desk.settle()
    assert not window.docks["properties"].isVisible()
    assert window.docks["library"].isVisible()
    window.resize(640, 500)
    desk.settle()
    assert not window.docks["library"].isVisible()
    assert desk.canvas.view.width() >= 480
    window.resize(1440, 900)
    desk.settle()
    assert window.docks["library"].isVisible()
    assert window.docks["properties"].isVisible()


def test_what_is_typed_after_the_key_for_settings_takes_the_place_of_the_first_one(desk, tied):
    desk.window.show_network(tied, "tied")
    desk.select("lstm")
    desk.key(Qt.Key.Key_Return, Qt.KeyboardModifier.ControlModifier)
    field = desk.window.focusWidget()
    QTest.keyClicks(field, "64")
    QTest.keyClick(field, Qt.Key.Key_Return)
    assert desk.network.layer("lstm").hidden_size == 64


def test_escape_leads_from_a_panel_back_to_the_canvas(desk, tied):
    desk.open(tied)
    desk.select("lstm")
    view, panels = desk.canvas.view, (desk.window.library.field, desk.window.library.tree, desk.table)
    for widget in panels:
        desk.key(Qt.Key.Key_Escape, widget=widget)
        assert view.hasFocus()
    desk.key(Qt.Key.Key_Return, Qt.KeyboardModifier.ControlModifier)
    field = desk.setting("hidden_size")
    QTest.keyClicks(field, "77")
    QTest.keyClick(field, Qt.Key.Key_Escape)
    assert (field.text(), field.hasFocus()) == ("300", True)
    QTest.keyClick(field, Qt.Key.Key_Escape)
    assert view.hasFocus()
    assert desk.document.view.selection == {"lstm"}
    assert desk.network is tied


def test_a_panel_that_is_asked_for_takes_the_place_of_the_other_in_a_small_window(desk, tied):
    desk.open(tied)
    window, control = desk.window, Qt.KeyboardModifier.ControlModifier
    shown = lambda: [name for name in ("library", "properties") if window.docks[name].isVisible()]  # noqa: E731
    window.resize(853, 480)
    desk.settle()
    assert shown() == ["library"]
    desk.select("fc")
    desk.key(Qt.Key.Key_Return, control)
    assert shown() == ["properties"]
    assert window.properties.isAncestorOf(window.focusWidget())
    assert desk.canvas.view.width() >= 480
    desk.key(Qt.Key.Key_Slash)
    assert shown() == ["library"]
    assert window.library.field.hasFocus()
    desk.key(Qt.Key.Key_2, control)
    desk.key(Qt.Key.Key_2, control)
    assert shown() == ["library"]
    window.resize(650, 480)
    desk.settle()
    desk.key(Qt.Key.Key_2, control)
    assert shown() == []
    assert desk.refusals == ["The window is too narrow for the properties beside the canvas."]


def test_themes_switch_while_running(desk, tied):
    desk.open(tied)
    for name, wanted in (("light", theme.LIGHT), ("dark", theme.DARK)):
        desk.window.session.choose_theme(name)
        assert theme.current() is wanted
        picture = desk.window.grab().toImage()
        assert picture.pixelColor(desk.window.width() - 20, 400) == wanted.panel
        icons = {"light": "moon", "dark": "sun"}
        assert desk.window.bar.theme.icon_name == icons[name]
        assert desk.window.session.settings.value("theme") == name
    desk.window.session.choose_theme("system")
    assert theme.current() is theme.system()


def test_everything_that_takes_the_keyboard_says_what_it_is(desk, tied):
    desk.open(tied)
    for names in (("fc",), ("fc", "lstm"), ("fc/in",), ()):
        desk.select(*names)
        for kind in (QLineEdit, QToolButton, CheckBox, Switch):
            for widget in desk.window.findChildren(kind):
                if widget.isVisible():
                    assert widget.accessibleName(), widget


def test_shortcuts_are_written_in_tooltips(desk, tied):
    desk.open(tied)
    keys = QKeySequence("Ctrl+L").toString(QKeySequence.SequenceFormat.NativeText)
    tips = [tool.toolTip() for tool in desk.window.bar.findChildren(QToolButton)]
    assert f"Arrange  {keys}" in tips


def test_f6_walks_the_panels(desk, tied):
    desk.open(tied)
    window = desk.window
    desk.select("fc")
    homes = []
    for _ in range(5):
        window.activateWindow()
        QTest.keyClick(window.focusWidget(), Qt.Key.Key_F6)
        now = window.focusWidget()
        homes.append(next(h for h in _homes(window) if h is now or h.isAncestorOf(now)))
    canvas, properties, bottom, library = window.canvas.widget, window.properties, window.bottom, window.library
    assert homes == [properties, bottom, library, canvas, properties]


def _homes(window):
    return window.library, window.canvas.widget, window.properties, window.bottom


def test_a_double_click_between_panels_restores_their_sizes(desk, tied, qtbot):
    desk.open(tied)
    window = desk.window
    qtbot.waitUntil(lambda: window.library.width() == 224)
    window.resizeDocks([window.docks["library"]], [300], Qt.Orientation.Horizontal)
    qtbot.waitUntil(lambda: window.library.width() == 300)
    QTest.mouseDClick(window, Qt.MouseButton.LeftButton, pos=QPoint(300, 300))
    QTest.mouseRelease(window, Qt.MouseButton.LeftButton, pos=QPoint(300, 300))
    qtbot.waitUntil(lambda: window.library.width() == 224)

"""The path in the room that there is for it: names get shorter, then levels in the middle go into a menu."""

import itertools

import pytest
from PySide6.QtWidgets import QApplication, QMenu

from designer.edits import group
from designer.gui.canvas.path_pill import AROUND, ARROW, GAP, MORE, NARROWEST, WIDEST, Crumb, fitted

LONG = "level_with_a_name_of_about_forty_letters"


@pytest.fixture
def deep(stage, language_model):
    """Give a function that opens the innermost of so many groups, in a window of some width."""

    def make(levels, width=1200, name=LONG):
        net, inner = language_model, "lstm"
        for n in range(levels):
            net = group(net, (inner,), inner := f"{name}{n}")
        it = stage(net, (width, 600))
        it.canvas.enter(".".join(f"{name}{n}" for n in reversed(range(levels))))
        QApplication.processEvents()
        return it

    return make


def crumbs(it):
    return [step for step in it.canvas.frame.path.steps if isinstance(step, Crumb)]


@pytest.mark.parametrize("width", [480, 700, 1200])
@pytest.mark.parametrize("levels", [2, 9])
def test_no_name_covers_another(deep, levels, width):
    it = deep(levels, width)
    path, ties = it.canvas.frame.path, it.canvas.frame.ties
    assert path.geometry().right() < ties.geometry().left()
    pieces = [path.home, *path.steps]
    places = [piece.geometry() for piece in pieces]
    for before, after in itertools.pairwise(places):
        assert before.right() < after.left()
    assert places[-1].right() <= path.content.rect().right()
    first, *_, last = crumbs(it)
    assert (first.path, last.path) == ("", it.document.view.path)
    assert last.width() >= NARROWEST


def test_short_names_are_shown_in_full(deep):
    it = deep(3, name="block")
    assert [step.text() for step in crumbs(it)] == ["untitled", "block2", "block1", "block0"]


def test_a_level_that_has_no_room_is_chosen_from_a_menu(deep):
    it = deep(9, 700)
    more = next(step for step in it.canvas.frame.path.steps if hasattr(step, "paths"))
    shown = [step.path for step in crumbs(it)]
    assert ["", *more.paths, *shown[1:]] == [".".join(it.document.view.path.split(".")[:n]) for n in range(10)]
    more.click()
    menu = QApplication.activePopupWidget()
    assert isinstance(menu, QMenu)
    menu.actions()[1].trigger()
    menu.close()
    assert it.document.view.path == more.paths[1]
    assert more.accessibleName() == f"{len(more.paths)} more levels"


def test_a_wider_window_shows_more_of_the_path(deep):
    it = deep(9, 700)
    few = len(crumbs(it))
    it.window.resize(1600, 600)
    QApplication.processEvents()
    assert len(crumbs(it)) > few


@pytest.mark.parametrize("room", [0, 100, 240, 333, 500, 900, 4000])
@pytest.mark.parametrize("wanted", [[30.4], [500], [30, 300], [150, 20, 400, 80], [90.0] * 30])
def test_the_room_is_kept_where_it_can_be(wanted, room):
    out, widths = fitted(wanted, room)
    shown = [n for n in range(len(wanted)) if not 0 < n <= out]
    taken = sum(widths[n] + AROUND for n in shown) + (len(shown) - 1 + bool(out)) * (ARROW + 2 * GAP)
    taken += MORE + GAP if out else 0
    assert taken <= room or all(widths[n] <= NARROWEST for n in shown)
    assert all(min(wanted[n], NARROWEST) <= widths[n] <= WIDEST for n in shown)
    if room == 4000:
        assert out == 0
        assert all(widths[n] >= min(wanted[n], WIDEST) for n in shown)

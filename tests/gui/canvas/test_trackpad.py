"""A trackpad: two fingers pan, a pinch zooms, and the wheel may be told to pan."""

import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QInputDevice, QNativeGestureEvent, QPointingDevice, QWheelEvent
from PySide6.QtWidgets import QApplication

NONE, SHIFT, CTRL = (
    Qt.KeyboardModifier.NoModifier,
    Qt.KeyboardModifier.ShiftModifier,
    Qt.KeyboardModifier.ControlModifier,
)


@pytest.fixture
def it(stage, language_model):
    return stage(language_model)


@pytest.fixture(scope="module")
def touchpad():
    return QPointingDevice(
        "touchpad",
        7001,
        QInputDevice.DeviceType.TouchPad,
        QPointingDevice.PointerType.Finger,
        QInputDevice.Capability.Position | QInputDevice.Capability.PixelScroll,
        5,
        0,
    )


def scroll(it, at, pixels=QPoint(), steps=QPoint(), modifiers=NONE, device=None):  # noqa: B008
    more = (Qt.MouseEventSource.MouseEventNotSynthesized, device) if device is not None else ()
    event = QWheelEvent(
        QPointF(at),
        QPointF(it.view.viewport().mapToGlobal(at)),
        pixels,
        steps,
        Qt.MouseButton.NoButton,
        modifiers,
        Qt.ScrollPhase.ScrollUpdate,
        False,
        *more,
    )
    QApplication.sendEvent(it.view.viewport(), event)


def pinch(it, at, value, kind=Qt.NativeGestureType.ZoomNativeGesture):
    place = QPointF(at)
    device = QPointingDevice.primaryPointingDevice()
    event = QNativeGestureEvent(kind, device, 2, place, place, place, value, QPointF())
    QApplication.sendEvent(it.view.viewport(), event)


def test_a_pinch_zooms_to_the_pointer(it):
    at = it.body("fc")
    kept, zoom = it.view.scene_at(QPointF(at)), it.view.zoom
    pinch(it, at, 0.25)
    assert it.view.zoom == pytest.approx(zoom * 1.25)
    moved = it.view.scene_at(QPointF(at)) - kept
    assert max(abs(moved.x()), abs(moved.y())) < 1
    pinch(it, at, -0.2)
    assert it.view.zoom == pytest.approx(zoom)
    for _ in range(40):
        pinch(it, at, 0.5)
    assert it.view.zoom == pytest.approx(4.0)
    pinch(it, at, 30.0, Qt.NativeGestureType.RotateNativeGesture)
    assert it.view.zoom == pytest.approx(4.0)


def test_two_fingers_pan_in_both_directions(it):
    center, zoom = it.view.center, it.view.zoom
    scroll(it, it.body("fc"), pixels=QPoint(-30, 12))
    assert it.view.zoom == zoom
    moved = it.view.center - center
    assert (moved.x(), moved.y()) == (pytest.approx(30 / zoom), pytest.approx(-12 / zoom))


def test_a_touchpad_that_gives_no_pixels_pans_too(it, touchpad):
    center, zoom = it.view.center, it.view.zoom
    scroll(it, it.body("fc"), steps=QPoint(0, -60), device=touchpad)
    assert it.view.zoom == zoom
    assert it.view.center.y() > center.y()


def test_control_with_two_fingers_zooms(it, touchpad):
    zoom = it.view.zoom
    scroll(it, it.body("fc"), pixels=QPoint(0, 10), steps=QPoint(0, 120), modifiers=CTRL, device=touchpad)
    assert it.view.zoom == pytest.approx(zoom * 1.15)


def test_shift_with_the_wheel_pans_sideways(it):
    center, zoom = it.view.center, it.view.zoom
    it.wheel(it.body("fc"), -1, SHIFT)
    assert it.view.zoom == zoom
    assert it.view.center.x() > center.x()
    assert it.view.center.y() == center.y()


def test_the_wheel_pans_where_the_settings_say_so_and_zooms_with_control(it):
    it.view.wheel_pans = True
    center, zoom = it.view.center, it.view.zoom
    it.wheel(it.body("fc"), -1)
    assert it.view.zoom == zoom
    assert it.view.center.y() > center.y()
    it.wheel(it.body("fc"), 1, CTRL)
    assert it.view.zoom == pytest.approx(zoom * 1.15)


def test_while_a_layer_is_held_neither_fingers_nor_wheel_move_the_view(it):
    center, zoom = it.view.center, it.view.zoom
    start = it.body("fc")
    it.press(start)
    it.move(start, start + QPoint(40, 40))
    scroll(it, start, pixels=QPoint(-30, 12))
    it.wheel(start, 2)
    assert (it.view.center, it.view.zoom) == (center, zoom)
    it.key(Qt.Key.Key_Escape)
    it.release(start)


def test_space_that_is_held_when_the_window_goes_away_pans_no_more(it):
    it.view.setFocus()
    it.view.keyPressEvent(_space())
    assert it.view.viewport().cursor().shape() == Qt.CursorShape.OpenHandCursor
    it.view.clearFocus()
    QApplication.processEvents()
    assert not it.view.space


def _space():
    from PySide6.QtCore import QEvent
    from PySide6.QtGui import QKeyEvent

    return QKeyEvent(QEvent.Type.KeyPress, Qt.Key.Key_Space, NONE)

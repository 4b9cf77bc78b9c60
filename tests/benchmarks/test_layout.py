"""How well layers are arranged, as they are drawn: in a table beside graphviz' dot, where that is installed.

Wires of one port that lie on each other count as one line where another crosses them, in both drawings. dot knows the
sizes of the layers and their input ports. Times are those of the process.
"""

import gc
import itertools
import json
import math
import shutil
import subprocess
import time
from collections import defaultdict
from pathlib import Path
from typing import NamedTuple

import pytest
from PySide6.QtWidgets import QApplication

from designer.edits.arrange import arrange
from designer.gui import theme
from designer.gui.canvas import Canvas
from designer.gui.canvas.placing import outlines
from designer.gui.document import Document, View

pytestmark = [
    pytest.mark.benchmark,
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::RuntimeWarning"),
]
TABLE = Path(__file__).with_name("LAYOUT.md")
PATIENCE = 120  # seconds that dot may take
SECOND = 1.0  # for 5,000 layers
ASIDE = 1.7  # so many times the crossings to the right there may be downwards where dot does not answer
CELL = 400.0

Point = tuple[float, float]


class Drawing(NamedTuple):
    """Boxes as left, top, right and bottom; the way of each wire, and the boxes at its ends."""

    boxes: list[tuple[float, float, float, float]]
    ways: list[list[Point]]
    ends: list[tuple[int, int]]
    seconds: float


class Quality(NamedTuple):
    overlaps: int
    crossings: int
    through: int  # boxes that wires lead through
    length: float
    seconds: float


def measured(drawing):
    length = sum(math.dist(*step) for way in drawing.ways for step in itertools.pairwise(way))
    return Quality(overlaps(drawing), crossings(drawing), through(drawing), length, drawing.seconds)


def overlaps(drawing):
    count, beside = 0, []
    for left, top, right, bottom in sorted(drawing.boxes):
        beside = [other for other in beside if other[2] > left]
        count += sum(other[1] < bottom and top < other[3] for other in beside)
        beside.append((left, top, right, bottom))
    return count


def cells(x0, y0, x1, y1):
    across = range(int(min(x0, x1) // CELL), int(max(x0, x1) // CELL) + 1)
    return itertools.product(across, range(int(min(y0, y1) // CELL), int(max(y0, y1) // CELL) + 1))


def through(drawing):
    grid = defaultdict(list)
    for n, box in enumerate(drawing.boxes):
        for cell in cells(*box):
            grid[cell].append(n)
    count = 0
    for way, ends in zip(drawing.ways, drawing.ends):
        hit = set()
        for (x0, y0), (x1, y1) in itertools.pairwise(way):
            for cell in cells(x0, y0, x1, y1):
                near = (n for n in grid[cell] if n not in ends and n not in hit)
                hit |= {n for n in near if meets(x0, y0, x1, y1, *drawing.boxes[n])}
        count += len(hit)
    return count


def meets(x0, y0, x1, y1, left, top, right, bottom):
    """Whether a line leads through a box, its border aside (Liang and Barsky, 1984)."""
    begin, end = 0.0, 1.0
    for step, room in (
        (x0 - x1, x0 - left - 1),
        (x1 - x0, right - 1 - x0),
        (y0 - y1, y0 - top - 1),
        (y1 - y0, bottom - 1 - y0),
    ):
        if step == 0:
            if room < 0:
                return False
        elif step < 0:
            begin = max(begin, room / step)
        else:
            end = min(end, room / step)
    return begin <= end


def crossings(drawing):
    grid, lines = defaultdict(list), []
    for n, way in enumerate(drawing.ways):
        for (x0, y0), (x1, y1) in itertools.pairwise(way):
            for cell in cells(x0, y0, x1, y1):
                grid[cell].append(len(lines))
            lines.append((n, x0, y0, x1, y1))
    spots = set()
    for near in grid.values():
        for one, other in itertools.combinations(near, 2):
            (n, *first), (m, *second) = lines[one], lines[other]
            (source, target), (its_source, its_target) = drawing.ends[n], drawing.ends[m]
            if source != its_source and target != its_target and (spot := crossing(*first, *second)):
                spots.add((min(source, its_source), max(source, its_source), *spot))
    return len(spots)


def crossing(ax, ay, bx, by, cx, cy, dx, dy):
    """Where two lines cross, on a grid of 6 px; None if they do not."""
    if max(ax, bx) < min(cx, dx) or max(cx, dx) < min(ax, bx) or max(ay, by) < min(cy, dy) or max(cy, dy) < min(ay, by):
        return None
    turn = (bx - ax) * (dy - cy) - (by - ay) * (dx - cx)
    if turn == 0:
        return None
    s = ((cx - ax) * (dy - cy) - (cy - ay) * (dx - cx)) / turn
    t = ((cx - ax) * (by - ay) - (cy - ay) * (bx - ax)) / turn
    return (round((ax + s * (bx - ax)) / 6), round((ay + s * (by - ay)) / 6)) if 0 < s < 1 and 0 < t < 1 else None


def ours(network, rows=False, down=False):
    network = network.turn(down)
    sizes = outlines(network, View(), None)
    gc.collect()
    gc.disable()  # as in the app
    start = time.process_time()
    network = arrange(network, sizes, path="", rows=rows)
    seconds = time.process_time() - start
    gc.enable()
    canvas = Canvas(Document(network))
    nodes = {path: n for n, path in enumerate(canvas.mirror.nodes)}
    boxes = [node.frame.getCoords() for node in canvas.nodes()]
    ways, ends = [], []
    for wire in canvas.mirror.wires.values():
        ways.append([(point.x(), point.y()) for part in wire.path().toSubpathPolygons() for point in part])
        ends.append((nodes[wire.source.layer], nodes[wire.target.layer]))
    canvas.widget.close()
    return Drawing(boxes, ways, ends, seconds)


def dots(network):
    """The drawing of dot, or None if it takes too long."""
    sizes = outlines(network, View(), None)
    index = {name: n for n, name in enumerate(network.layers)}
    ports = defaultdict(list)
    for target in sorted(network.connections, key=lambda port: sizes[port.layer].inputs[port.name]):
        ports[target.layer].append(target.name)
    lines = ["digraph {rankdir=LR; nodesep=0.556; ranksep=0.889; node [shape=box, fixedsize=true];"]
    for name, n in index.items():
        fields = "|".join(f"<i{place}>" for place in range(len(ports[name])))
        record = f', shape=record, label="{fields}"' if len(ports[name]) > 1 else ""
        lines.append(f"n{n} [width={sizes[name].width / 72:.4f}, height={sizes[name].height / 72:.4f}{record}];")
    wires = [*network.connections.items()]
    for n, (target, source) in enumerate(wires):
        many = ports[target.layer]
        port = f":i{many.index(target.name)}:w" if len(many) > 1 else ""
        lines.append(f"n{index[source.layer]} -> n{index[target.layer]}{port} [id=e{n}];")
    start = time.monotonic()
    try:
        done = subprocess.run(
            ["dot", "-Tjson"],
            input="\n".join([*lines, "}"]),
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=True,
        )
    except subprocess.TimeoutExpired:
        return None
    seconds = time.monotonic() - start
    found = json.loads(done.stdout)
    boxes, ways = [None] * len(index), [None] * len(wires)
    for node in found["objects"]:
        x, y = map(float, node["pos"].split(","))
        width, height = 72 * float(node["width"]), 72 * float(node["height"])
        boxes[int(node["name"][1:])] = x - width / 2, y - height / 2, x + width / 2, y + height / 2
    for edge in found["edges"]:
        ways[int(edge["id"][1:])] = flattened(edge["pos"])
    return Drawing(boxes, ways, [(index[source.layer], index[target.layer]) for target, source in wires], seconds)


def flattened(text):
    """The points of a spline, as graphviz writes it."""
    points = [tuple(map(float, word.split(","))) for word in text.split() if word[1] != ","]
    way = [points[0]]
    for n in range(0, len(points) - 3, 3):
        for t in (step / 8 for step in range(1, 9)):
            share = ((1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t * t * (1 - t), t**3)
            way.append(tuple(sum(s * point[axis] for s, point in zip(share, points[n : n + 4])) for axis in (0, 1)))
    return way


def line(name, count, how, quality):
    if quality is None:
        return f"| {name} | {count:,} | {how} | | | | | over {PATIENCE} |"
    return (
        f"| {name} | {count:,} | {how} | {quality.overlaps} | {quality.crossings:,} | {quality.through} | "
        f"{quality.length / 1000:,.0f} | {quality.seconds:.2f} |"
    )


def test_layouts(qapp, networks, capsys):
    theme.apply(qapp, theme.DARK)
    lines = [
        "| network | layers | drawn by | overlaps | crossings | wires through boxes | length, 1,000 px | seconds |",
        "| --- | --: | --- | --: | --: | --: | --: | --: |",
    ]
    late = []
    for name, make in networks.items():
        network = make()
        mine, count = measured(ours(network)), len(network.layers)
        told = [line(name, count, "ours", mine)]
        if count > 400:
            paged = measured(ours(network, rows=True))
            told.append(line(name, count, "ours, in rows", paged))
            assert (paged.overlaps, paged.through) == (0, 0), name
        turned = measured(ours(network, down=True))
        told.append(line(name, count, "ours, top to bottom", turned))
        assert (turned.overlaps, turned.through) == (0, 0), name
        its = None
        if shutil.which("dot"):
            drawing = dots(network) if count <= 1000 else None
            its = drawing and measured(drawing)
            told.append(line(name, count, "dot", its))
        if its is not None and max(mine.crossings, turned.crossings) > its.crossings:
            late.append(f"{name}: {mine.crossings} crossings, {turned.crossings} downwards, dot {its.crossings}")
        if turned.crossings > ASIDE * mine.crossings:
            late.append(f"{name}: {turned.crossings} crossings from top to bottom, {mine.crossings} to the right")
        with capsys.disabled():
            print("\n" + "\n".join(told), end="", flush=True)
        lines += told
        QApplication.processEvents()
        assert (mine.overlaps, mine.through) == (0, 0), name
        if mine.seconds > SECOND * max(1, count / 5000):
            late.append(f"{name}: {mine.seconds:.2f} s")
    TABLE.write_text(
        "# How layers are arranged\n\n"
        "Written by `test_layout.py`. Flat networks, drawn on the canvas; `dot` has the same boxes and input ports.\n"
        "Lines that are too long to be seen at once go on in rows when the app arranges them.\n\n"
        + "\n".join(lines)
        + "\n"
    )
    assert not late

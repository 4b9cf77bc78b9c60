"""Operators that make pictures larger or smaller."""

import math
from collections.abc import Callable
from typing import Any

from designer.files.onnx_graph.items import Item, Known, Number, Unsupported, each
from designer.files.onnx_graph.node import Run

NAMES = {"linear": {1: "linear1d", 2: "bilinear2d", 3: "trilinear3d"}, "cubic": {2: "bicubic2d"}}


def _resize(run: Run, x: Item, roi: Item = None, scales: Item = None, sizes: Item = None) -> Any:
    if run.version < 11:
        roi, scales = None, roi
    scales = None if isinstance(scales, Known) and not scales.array.size else scales
    sizes = None if isinstance(sizes, Known) and not sizes.array.size else sizes
    return _resized(run, x, scales, sizes)


def _upsample(run: Run, x: Item, scales: Item = None) -> Any:
    from designer.files.onnx_graph.items import known

    if scales is None:
        factors = run.attribute("scales", [])
        scales = known(factors, (len(factors),), "float32")
    return _resized(run, x, scales, None)


def _resized(run: Run, x: Item, scales: Item, sizes: Item) -> Any:
    value, rank = run.tensor(x), run.rank(x)
    dimensions = rank - 2
    mode = run.attribute("mode", "nearest")
    mode = {"bilinear": "linear", "trilinear": "linear"}.get(mode, mode)
    old = run.version < 11
    way = "asymmetric" if old else run.attribute("coordinate_transformation_mode", "half_pixel")
    rounding = "floor" if old else run.attribute("nearest_mode", "round_prefer_floor")
    axes = run.dims("axes", None, rank) or list(range(rank))
    if dimensions not in (1, 2, 3):
        raise Unsupported(f"it makes {dimensions} axes larger")
    if run.attribute("exclude_outside", 0):
        raise Unsupported("it leaves out what is outside")
    was = run.plain_sizes(value)
    wanted: list[Any] = list(run.sizes(value))
    factors: list[float] | None = None
    if sizes is not None:
        if run.attribute("keep_aspect_ratio_policy", "stretch") != "stretch":
            raise Unsupported("it keeps the ratio of the sides")
        for axis, size in zip(axes, run.numbers(sizes, "its size")):
            wanted[axis] = size
    else:
        given = run.numbers(scales, "its scale")
        if any(isinstance(number, Number) for number in given):
            for axis, factor in zip(axes, given):
                wanted[axis] = each(lambda size, by: math.floor(size * by), was[axis], factor)
        else:
            scale = dict(zip(axes, given))
            factors = [float(scale.get(n, 1.0)) for n in range(rank)]
            wanted = [each(lambda size, by=by: math.floor(size * by), size) for size, by in zip(was, factors)]
    same = [_equal(a, b) for a, b in zip(was, wanted)]
    if not all(same[:2]):
        raise Unsupported("it makes the batch or the channels larger")
    if all(same):
        return value
    target: list[Any] | None = wanted[2:]
    by = None if factors is None else factors[2:]
    if any(isinstance(number, Number) for number in wanted[2:]) and by is not None:
        target = None  # told by the factors
    elif by is not None and not all(math.isclose(b * f, t) for b, f, t in zip(was[2:], by, wanted[2:])):
        if way == "align_corners":
            raise Unsupported("its scale does not make a whole size")
        target = None
    else:
        by = None
    larger = all(not isinstance(w, Number) and not isinstance(t, Number) and t % w == 0 for w, t in zip(was, wanted))
    larger = larger or (by is not None and all(float(f).is_integer() for f in by))
    if mode == "nearest":
        if way == "asymmetric" and rounding == "floor":
            name = "upsample_nearest"
        elif way in ("half_pixel", "pytorch_half_pixel") and rounding in ("round_prefer_ceil", "round_prefer_floor"):
            if rounding == "round_prefer_floor" and not larger:
                raise Unsupported("it rounds otherwise than PyTorch")
            name = "_upsample_nearest_exact"
        else:
            raise Unsupported(f"it takes the nearest numbers by {way} and {rounding}")
        return run.call(f"{name}{dimensions}d", value, target, by)
    name = NAMES.get(mode, {}).get(dimensions, "")
    if not name:
        raise Unsupported(f"its mode is {mode} over {dimensions} axes")
    if way not in ("half_pixel", "pytorch_half_pixel", "align_corners"):
        raise Unsupported(f"it tells places by {way}")
    if run.attribute("antialias", 0) and any(_smaller(a, b) for a, b in zip(was, wanted)):
        raise Unsupported("it smooths before it makes smaller")
    if mode == "cubic" and not math.isclose(run.attribute("cubic_coeff_a", -0.75), -0.75):
        raise Unsupported("it uses another cubic curve than PyTorch")
    if way == "pytorch_half_pixel" and any(not isinstance(size, Number) and size == 1 for size in wanted[2:]):
        raise Unsupported("it makes one number of many in another way than PyTorch")
    return run.call(f"upsample_{name}", value, target, way == "align_corners", by)


def _equal(a: Any, b: Any) -> bool:
    if isinstance(a, Number) and isinstance(b, Number):
        return a.values == b.values
    return not isinstance(a, Number) and not isinstance(b, Number) and a == b


def _smaller(a: Any, b: Any) -> bool:
    found = each(lambda x, y: x > y, a, b)
    return bool(any(found.values) if isinstance(found, Number) else found)


def _grid_sample(run: Run, x: Item, grid: Item) -> Any:
    mode = run.attribute("mode", "bilinear")
    modes = {"bilinear": 0, "linear": 0, "nearest": 1, "bicubic": 2, "cubic": 2}
    fill = {"zeros": 0, "border": 1, "reflection": 2}[run.attribute("padding_mode", "zeros")]
    rank = run.rank(x)
    if rank not in (4, 5) or (rank == 5 and modes[mode] == 2):
        raise Unsupported(f"it samples {rank - 2} axes by {mode}")
    return run.call(
        f"grid_sampler_{rank - 2}d",
        run.tensor(x),
        run.tensor(grid),
        modes[mode],
        fill,
        bool(run.attribute("align_corners", 0)),
    )


def _affine_grid(run: Run, theta: Item, size: Item) -> Any:
    return run.call(
        "affine_grid_generator",
        run.tensor(theta),
        run.numbers(size, "its size"),
        bool(run.attribute("align_corners", 0)),
    )


OPERATORS: dict[str, Callable[..., Any]] = {
    "Resize": _resize,
    "Upsample": _upsample,
    "GridSample": _grid_sample,
    "AffineGrid": _affine_grid,
}

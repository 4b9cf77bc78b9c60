"""Write sizes seen at several points as names, sums, products and floor divisions of names."""

import math
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from itertools import combinations_with_replacement

Size = int | str
Point = Mapping[str, int]  # a number for each free size

ODD = 31  # in binary all ones
STEPS = 130  # consecutive sizes at most, to see a floor division step twice

_shifted: dict[str, tuple[str, int, int]] = {}  # a written size that is (text + c)//s, so that they fold


def points(names: Sequence[str], scale: Fraction = Fraction(1)) -> list[Point]:
    """Numbers for the free sizes: a base each, base + 1 and 2 x base of one after the other, all doubled, all + 31.

    A base is an odd multiple of 96, so that no two sizes are alike at any point. All doubled tells B*T from a sum.
    Halved again and again, base + 1 stays odd when rounded up and base + 31 when rounded down: 2*(H//4) is not H//2.
    """
    base = {name: int(96 * scale) * (2 * n + 1) for n, name in enumerate(names)}
    alone = [{**base, name: size} for name in names for size in (base[name] + 1, 2 * base[name])]
    together = [{name: 2 * size for name, size in base.items()}]
    if scale >= 1:
        together.append({name: size + ODD for name, size in base.items()})
    return [base, *alone, *together] if names else [base]


def describe(
    seen: Sequence[int | None],
    at: Sequence[Point],
    entries: Mapping[str, Sequence[int | None]],
    run: Callable[[str, int], int | None],
) -> Size | None:
    """The shortest text that is right at every point, or None.

    ``entries`` are the written sizes of the inputs at the points; ``run`` is the output size
    after one of them became another number.
    """
    known = [n for n, size in enumerate(seen) if size is not None]
    sizes = [size for size in seen if size is not None]
    at = [at[n] for n in known]
    if len(set(sizes)) == 1:
        return sizes[0]
    inputs: dict[str, list[int]] = {}
    for text, values in entries.items():
        there = [value for n in known if (value := values[n]) is not None]
        if len(there) == len(known):
            inputs[text] = there
    return (
        _sum(sizes, at)
        or _scaled(sizes, inputs)
        or _share(sizes, inputs)
        or _product(sizes, inputs)
        or _floor(sizes, inputs, run)
    )


def count_text(seen: Sequence[int], at: Sequence[Point], entries: Mapping[str, Sequence[int]]) -> Size | None:
    """A number that grows with the sizes, such as ``300000*B*T``."""
    if len(set(seen)) == 1:
        return seen[0]
    names = {name: [point[name] for point in at] for name in at[0]}
    return _product(seen, names, 1) or _product(seen, {**names, **entries}, 1)


def _sum(seen: Sequence[int], at: Sequence[Point]) -> str | None:
    """2*T + S - 1"""
    base, names = at[0], list(at[0])
    slopes = {}
    for name in names:
        moved = [
            (point[name], size)
            for point, size in zip(at, seen)
            if point[name] != base[name] and all(point[other] == base[other] for other in names if other != name)
        ]
        if moved and (moved[0][1] - seen[0]) % (moved[0][0] - base[name]):
            return None
        slopes[name] = (moved[0][1] - seen[0]) // (moved[0][0] - base[name]) if moved else 0
    offset = seen[0] - sum(slopes[name] * base[name] for name in names)
    if any(sum(slopes[n] * point[n] for n in names) + offset != size for point, size in zip(at, seen)):
        return None
    terms = [(slope, name) for name, slope in slopes.items() if slope]
    terms.sort(key=lambda term: term[0] < 0)  # no leading minus where one can be avoided
    text = ""
    for slope, name in terms:
        factor = name if abs(slope) == 1 else f"{abs(slope)}*{name}"
        text += (f" {'-' if slope < 0 else '+'} " if text else "-" if slope < 0 else "") + factor
    return _shift(text, offset) if text else None


def _shift(text: str, c: int) -> str:
    if not c:
        return text
    written = f"{text} {'-' if c < 0 else '+'} {abs(c)}"
    _shifted[written] = (text, c, 1)
    return written


def _scaled(seen: Sequence[int], entries: Mapping[str, Sequence[int]]) -> str | None:
    """2*(H//4) + 1, a multiple of one written size."""
    for text, sizes in entries.items():
        n = next((n for n in range(len(seen)) if sizes[n] != sizes[0]), None)
        if n is None or (seen[n] - seen[0]) % (sizes[n] - sizes[0]):
            continue
        a = (seen[n] - seen[0]) // (sizes[n] - sizes[0])
        offset = seen[0] - a * sizes[0]
        if a and all(a * size + offset == out for size, out in zip(sizes, seen)):
            return _shift(text if a == 1 else f"{a}*{_bracket(text)}", offset)
    return None


def _share(seen: Sequence[int], entries: Mapping[str, Sequence[int]]) -> str | None:
    """T//2, where only sizes that it divides are taken at all."""
    for text, sizes in entries.items():
        if len(set(sizes)) == 1 or not sizes[0]:
            continue
        ratio = Fraction(seen[0], sizes[0])
        if ratio and all(ratio * size == out for size, out in zip(sizes, seen)):
            a, d = ratio.numerator, ratio.denominator
            return _folded(text, 0, d) if a == 1 else f"{a}*{_bracket(text)}//{d}"
    return None


def _product(seen: Sequence[int], entries: Mapping[str, Sequence[int]], least: int = 2) -> str | None:
    """64*H*W"""
    for count in range(least, 5):
        for texts in combinations_with_replacement(entries, count):
            products = [math.prod(sizes) for sizes in zip(*(entries[text] for text in texts))]
            if products[0] and not seen[0] % products[0]:
                a = seen[0] // products[0]
                if a and all(a * product == size for product, size in zip(products, seen)):
                    return "*".join(([str(a)] if a != 1 else []) + [_bracket(text) for text in texts])
    return None


def _floor(
    seen: Sequence[int], entries: Mapping[str, Sequence[int]], run: Callable[[str, int], int | None]
) -> str | None:
    """(H - 1)//2 + 1, from sizes that follow each other until the output has stepped twice."""
    for text, sizes in entries.items():
        if len(set(sizes)) == 1:
            continue
        outs = [run(text, sizes[0])]
        steps: list[int] = []
        while len(steps) < 2 and len(outs) < STEPS and outs[-1] is not None:
            outs.append(run(text, sizes[0] + len(outs)))
            if outs[-1] != outs[-2]:
                steps.append(len(outs) - 1)
        first, before, last = outs[0], outs[-2] if len(outs) > 1 else None, outs[-1]
        if len(steps) < 2 or first is None or before is None or last is None:
            continue
        a, s = last - before, steps[1] - steps[0]
        c = -(sizes[0] + steps[0]) % s
        offset = first - a * ((sizes[0] + c) // s)
        if a == 1:
            c, offset = c + s * offset, 0
        if all(a * ((size + c) // s) + offset == out for size, out in zip(sizes, seen)):
            written = _folded(text, c, s)
            return _shift(written if a == 1 else f"{a}*({written})", offset)
    return None


def _folded(text: str, c: int, s: int) -> str:
    """(text + c)//s, where text may be such a thing itself."""
    while text in _shifted:
        text, c1, s1 = _shifted[text]
        c, s = c1 + s1 * c, s1 * s
    written = f"{_bracket(_shift(text, c))}//{s}"
    _shifted[written] = (text, c, s)
    return written


def _bracket(text: str) -> str:
    return text if text.isidentifier() else f"({text})"

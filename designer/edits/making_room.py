"""Where the layers of a group stand when it is taken apart: in its place, and others give way."""

from collections.abc import Mapping

from designer.edits.outline import Outline, estimated_outline
from designer.model import Layer

Place = tuple[float, float]
GAP = 64.0  # to what gives way


def spread(
    name: str,
    outer: Mapping[str, Place],
    layers: Mapping[str, Layer],
    inner: Mapping[str, Place],
    held: Mapping[str, Layer],
    down: bool = False,
) -> dict[str, Place]:
    """The positions of a level after the layers ``held`` of its group ``name`` came to stand there.

    They stand as they stood among each other, the first in the place of the group. What stood right of the group,
    or below it where data leads ``down``, moves on where they would lie over it.
    """
    left = {other: at for other, at in outer.items() if other != name}
    if name not in outer or not inner:
        return left | dict(inner)
    x, y = outer[name]
    first = next(inner[other] for other in held if other in inner)
    came = {other: (at[0] + x - first[0], at[1] + y - first[1]) for other, at in inner.items()}
    sizes = {other: estimated_outline(other, layer, down=down) for other, layer in held.items()}
    begin, top = (min(at[n] for at in came.values()) for n in (0, 1))
    end = max(at[0] + sizes[other].width for other, at in came.items())
    low = max(at[1] + sizes[other].height for other, at in came.items())
    beside = {other: estimated_outline(other, layers[other], down=down) for other in left}
    whole = Outline(end - begin, low - top)
    near = [other for other in beside if _meet((begin, top), whole, left[other], beside[other])]
    if any(_meet(at, sizes[other], left[o], beside[o]) for other, at in came.items() for o in near):
        axis, begun, over = (1, y, low) if down else (0, x, end)
        after = [other for other, at in left.items() if at[axis] > begun]
        by = max(0.0, over + GAP - min((left[other][axis] for other in after), default=over + GAP))
        dx, dy = (0.0, by) if down else (by, 0.0)
        left |= {other: (left[other][0] + dx, left[other][1] + dy) for other in after}
    return left | came


def _meet(at: Place, size: Outline, other: Place, other_size: Outline) -> bool:
    across = at[0] < other[0] + other_size.width and other[0] < at[0] + size.width
    return across and at[1] < other[1] + other_size.height and other[1] < at[1] + size.height

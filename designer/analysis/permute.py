"""Which order of dimensions turns one learnable's shape into another's."""

import itertools
from collections.abc import Sequence

Sizes = Sequence[int]

LONGEST = 6  # sizes: more than a convolution in three dimensions has


def permutations(have: Sizes, want: Sizes) -> list[tuple[int, ...]]:
    """The permutations that a tie is offered; () means direct.

    Equal shapes fit directly, and where exchanging the first two sizes fits as well, that is the other meaning.
    Unequal ones fit by that exchange, else by whatever order fits; several must be asked for, none is a misfit.
    """
    have, want = tuple(have), tuple(want)
    if len(have) != len(want) or sorted(have) != sorted(want) or len(have) > LONGEST:
        return []
    exchange = (1, 0, *range(2, len(have)))
    exchanged = len(have) > 1 and tuple(have[d] for d in exchange) == want
    if have == want:
        return [(), exchange] if exchanged and have[0] != 1 else [()]
    if exchanged:
        return [exchange]
    return [dims for dims in itertools.permutations(range(len(have))) if tuple(have[d] for d in dims) == want]

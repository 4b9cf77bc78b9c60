"""How many learnables of one layer are listed: in groups of like names, ``l0``, ``l0_reverse``, ``l1``."""

import re

FLAT = 6  # as many are listed without groups


def name_groups(names: tuple[str, ...]) -> dict[str, str]:
    """Learnable -> the group of names that it is listed under; of many names only."""
    if len(names) <= FLAT:
        return {}
    found = {name: re.search(r"_(l\d+(?:_reverse)?)$", name) for name in names}
    return {name: match[1] if match else re.split(r"[._]", name)[0] for name, match in found.items()}

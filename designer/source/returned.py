"""Write what a network gives back, in the dicts, lists and tuples where its outputs stand."""

import re
from collections.abc import Mapping

from designer.layers.text import literal
from designer.model import Holder, Network, returned

KEY = re.compile(r"""("|')(?:(?!\1)[^\\\n]|\\.)*\1: """)  # of a dict that is given back: no code


def returned_text(network: Network, values: Mapping[str, str]) -> str:
    """The text of what is returned, from those of the outputs by their names."""
    whole = returned(network).whole
    text = _text(whole, values)
    bare = isinstance(whole, Holder) and whole.kind == "tuple" and whole.size > 1
    return text[1:-1] if bare else text


def _text(entry: Holder | str | None, values: Mapping[str, str]) -> str:
    if not isinstance(entry, Holder):
        return "None" if entry is None else values[entry]
    given = {key: _text(inner, values) for key, inner in entry.items()}
    if entry.kind == "dict":
        return f"{{{', '.join(f'{literal(key)}: {text}' for key, text in given.items())}}}"
    texts = ", ".join(given.values())
    if entry.kind == "list":
        return f"[{texts}]"
    return f"({texts},)" if len(given) == 1 else f"({texts})"

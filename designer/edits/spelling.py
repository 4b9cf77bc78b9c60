"""How learnables are called elsewhere: by wrappers of PyTorch, by Keras, by MATLAB; and how they lie there."""

import difflib
import re
from collections.abc import Iterable, Iterator, Mapping

from designer.edits.slots import Order, Shape, Slot

# What torch.compile, DataParallel, FSDP and activation checkpoints put between names.
WRAPPERS = frozenset(("module", "_orig_mod", "_fsdp_wrapped_module", "_checkpoint_wrapped_module"))
# The last words of names, in lower case, and what torch calls that.
WORDS = {
    **dict.fromkeys(("kernel", "depthwise_kernel", "pointwise_kernel", "w", "weights", "gamma", "scale"), "weight"),
    **dict.fromkeys(("embeddings", "embedding", "inputweights", "input_weights"), "weight"),
    **dict.fromkeys(("beta", "b", "offset", "biases"), "bias"),
    **dict.fromkeys(("moving_mean", "mean", "trainedmean"), "running_mean"),
    **dict.fromkeys(("moving_variance", "moving_var", "variance", "var", "trainedvariance"), "running_var"),
    **dict.fromkeys(("recurrent_kernel", "recurrentweights", "recurrent_weights"), "weight_hh"),
}
NORMALISING = ("gamma", "beta", "scale", "offset")  # words for weight and bias of normalisations alone
TORCH = ("weight", "bias", "running_mean", "running_var", "weight_hh", "bias_hh")
KERNELS = ("kernel", "depthwise_kernel", "pointwise_kernel", "recurrent_kernel")  # sizes before channels in and out
# How torch orders the dimensions of a kernel that is written as sizes, channels in, channels out.
LAYOUTS: dict[int, Order] = {2: (1, 0), 3: (2, 1, 0), 4: (3, 2, 0, 1), 5: (4, 3, 0, 1, 2)}
REVERSED: dict[int, Order] = {4: (3, 2, 1, 0), 5: (4, 3, 2, 1, 0)}  # the sizes in their other order
DEPTHWISE: Order = (2, 3, 0, 1)  # sizes, channels, multiplier
LONGEST = 5_000  # values that are paired by their order


def parts_of(name: str) -> list[str]:
    """The steps of a name, whatever stands between them; Keras writes ``dense/kernel:0``."""
    return re.sub(r":\d+$", "", name).replace("/", ".").split(".")


def plain(name: str) -> tuple[str, ...]:
    """A name as torch would write it: without wrappers, its last word torch's own."""
    *path, last = parts_of(name)
    return (*(step for step in path if step not in WRAPPERS), WORDS.get(last.lower(), last))


def layout(name: str, rank: int) -> Order | None:
    """The order in which torch has the dimensions of what another framework calls so; None where it is as written."""
    last = parts_of(name)[-1].lower()
    if last not in KERNELS:
        return None
    return DEPTHWISE if last == "depthwise_kernel" and rank == 4 else LAYOUTS.get(rank)


def role(name: str) -> str:
    """What a value is in its layer, told by the end of its name: ``weight``, ``bias``, ...; "" where it is not."""
    last = parts_of(name)[-1]
    for word in (last, last.rpartition("_")[2], last.rstrip("0123456789")):
        word = WORDS.get(word.lower(), word.lower())
        word = re.sub(r"_(ih|hh)_l\d+(_reverse)?$", lambda found: "_hh" if found[1] == "hh" else "", word)
        if word in TORCH:
            return word
    return ""


def by_order(wanted: Iterable[Slot], given: Mapping[str, Shape]) -> Iterator[tuple[str, str]]:
    """Pair values with tensors of the same sizes in the same order, those of one role among themselves.

    A file may have them by the alphabet, where layer 10 comes before layer 2.
    """
    left = {slot.key: slot for slot in wanted if slot.shape}
    names = list(given)
    roles = {name: _role_of(name) for name in names}
    normal = any(each.startswith("norm ") for each in roles.values())
    if names == sorted(names):
        names.sort(key=lambda name: [int(s) if s.isdecimal() else s for s in re.split(r"(\d+)", name)])
    if len(left) > LONGEST or len(names) > LONGEST:
        return
    for each in sorted(set(roles.values()), reverse=True):  # those without a role last
        slots = [slot for slot in left.values() if not each or _role_in(slot, normal) == each]
        tensors = [name for name in names if roles[name] == each]
        ranks = sorted({len(_sizes(given[name])) for name in tensors}) if each else [None]
        for rank in ranks:  # a file by the alphabet mixes layers of several types
            mine = [slot for slot in slots if rank in (None, len(_sizes(slot.shape or ())))]
            other = [name for name in tensors if rank in (None, len(_sizes(given[name])))]
            for slot, name in _aligned(mine, other, given):
                del left[slot.key]
                yield slot.key, name


def _role_of(name: str) -> str:
    found = role(name)
    return f"norm {found}" if found and parts_of(name)[-1].lower() in NORMALISING else found


def _role_in(slot: Slot, normal: bool) -> str:
    """The role of a value; where the file tells normalisations from others, so are these."""
    found = role(slot.key)
    return f"norm {found}" if normal and "Norm" in slot.kind and found in ("weight", "bias") else found


def _aligned(slots: list[Slot], names: list[str], given: Mapping[str, Shape]) -> list[tuple[Slot, str]]:
    a, b = [_sizes(slot.shape or ()) for slot in slots], [_sizes(given[name]) for name in names]
    if a == b:
        return list(zip(slots, names))
    blocks = difflib.SequenceMatcher(None, a, b, autojunk=False).get_matching_blocks()
    return [(slots[i + n], names[j + n]) for i, j, count in blocks for n in range(count)]


def _sizes(shape: Shape) -> Shape:
    return tuple(sorted(size for size in shape if size != 1))

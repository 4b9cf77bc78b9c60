"""Inputs that choose a branch, as a sampling rate or a flag does: one number of them is followed."""

from typing import TYPE_CHECKING

from designer.files.onnx_graph.items import WHOLE, Item, Value
from designer.files.torchscript.text import Unfollowed

if TYPE_CHECKING:
    from designer.files.onnx_graph.follow import Follower

KEEPS = frozenset("select squeeze unsqueeze reshape flatten view expand to clone logical_not".split())


class Decides(Unfollowed):
    """A branch that an input chooses: the program can be followed for one number of it."""

    def __init__(self, name: str, number: int | bool):
        super().__init__(f"a branch depends on the number in {name}")
        self.name, self.number = name, number


def ask(follower: "Follower", condition: Item) -> None:
    """Raise Decides where a condition is an input of one number, or whether that equals a known one."""
    if not isinstance(condition, Value):
        return
    ref, number = condition.ref, None
    while ref not in follower.worlds.given_inputs:
        op = follower.made.get(ref)
        if op is None:
            return
        if op.name == "eq" and number is None and type(op.arguments[1]) in (int, float):
            number = op.arguments[1]
        elif op.name not in KEEPS:
            return
        ref = op.arguments[0]
    value = follower.values.get(ref)
    if value is None or any(fake.numel() != 1 for fake in value.fakes):
        return
    dtype = str(value.fake.dtype).removeprefix("torch.")
    if dtype == "bool":
        raise Decides(ref, True)
    if dtype in WHOLE and number is not None and int(number) == number:
        raise Decides(ref, int(number))

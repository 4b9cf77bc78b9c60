"""One node of a graph that is being read: its inputs, its attributes, and ways to call ATen."""

from typing import TYPE_CHECKING, Any

from designer.files.onnx_graph.items import Item, Known, Unsupported
from designer.files.torchscript.numbers import Number, plain
from designer.files.torchscript.text import Unfollowed
from designer.files.torchscript.worlds import Value
from designer.model.names import shortened

if TYPE_CHECKING:
    from designer.files.onnx_graph.follow import Follower


class Run:
    """A node, with what it takes."""

    def __init__(self, follower: "Follower", node: Any, inputs: list[Item]):
        self.follower, self.worlds, self.node, self.inputs = follower, follower.worlds, node, inputs
        self.attributes = {attribute.name: attribute for attribute in node.attribute}
        self.version = follower.versions.get(node.domain, follower.versions.get("ai.onnx", 1))

    def call(self, name: str, *arguments: Any, **keywords: Any) -> Any:
        """A call of ATen."""
        return self.worlds.call(name, [self._given(a) for a in arguments], keywords)

    def _given(self, argument: Any) -> Any:
        if isinstance(argument, Known):
            return self.tensor(argument)
        return [self._given(entry) for entry in argument] if isinstance(argument, list) else argument

    def tensor(self, item: Item) -> Value:
        return self.follower.tensor(item)

    def attribute(self, name: str, default: Any = None) -> Any:
        """An attribute as Python has it."""
        found = self.attributes.get(name)
        if found is None:
            return default
        match found.type:
            case 1:
                return found.f
            case 2:
                return found.i
            case 3:
                return found.s.decode("utf-8", "replace")
            case 4:
                return found.t
            case 5:
                return found.g
            case 6:
                return list(found.floats)
            case 7:
                return list(found.ints)
            case 8:
                return [entry.decode("utf-8", "replace") for entry in found.strings]
        raise Unsupported(f"it has an attribute {shortened(name)} of a kind that is not known")

    def gives(self, index: int) -> bool:
        """Whether an output is wanted."""
        outputs = self.node.output
        return len(outputs) > index and bool(outputs[index]) and self.follower.uses[outputs[index]] > 0

    def once(self, index: int) -> bool:
        """Whether an input is taken by this node alone."""
        return self.follower.uses[self.node.input[index]] == 1

    def alone(self, key: str) -> bool:
        """Whether all nodes that take a stored tensor take it as this one does, so that it may be looked at anew."""
        return all(
            node.op_type == self.node.op_type and list(node.attribute) == list(self.node.attribute) and n == 1
            for node, n in self.follower.users.get(key, [])
        )

    def rank(self, item: Item) -> int:
        if isinstance(item, Known):
            return len(item.shape)
        return int(self.tensor(item).fake.dim())

    def dtype(self, item: Item) -> str:
        if isinstance(item, Known):
            return item.dtype
        return str(self.tensor(item).fake.dtype).removeprefix("torch.")

    def size(self, value: Value, dim: int) -> Any:
        """One size of a tensor; a free one under the name that it was first asked for by."""
        found = plain(tuple(fake.shape[dim] for fake in value.fakes))
        if isinstance(found, Number) and found.values in self.worlds.known:
            return Number(found.values, self.worlds.known[found.values])
        return self.worlds.shape(value, dim)

    def sizes(self, item: Item) -> list[Any]:
        """The sizes of a tensor, with names in the program where they are free."""
        if isinstance(item, Known):
            return list(item.shape)
        value = self.tensor(item)
        return [self.size(value, n) for n in range(value.fake.dim())]

    def plain_sizes(self, item: Item) -> list[Any]:
        """The sizes of a tensor as plain numbers, or as numbers without a name."""
        if isinstance(item, Known):
            return list(item.shape)
        fakes = self.tensor(item).fakes
        return [plain(numbers) for numbers in zip(*(fake.shape for fake in fakes))]

    def numbers(self, item: Item, what: str) -> list[Any]:
        """Numbers that have to be known when the file is read; some of them may follow from free sizes."""
        if isinstance(item, Known):
            return item.numbers
        raise Unsupported(f"{what} depends on the numbers of a tensor")

    def whole(self, item: Item, what: str) -> list[int]:
        """Numbers that have to be the same for all sizes."""
        found = self.numbers(item, what)
        if any(isinstance(number, Number) for number in found):
            raise Unfollowed(f"{what} depends on a size of the inputs")
        return [int(number) for number in found]

    def dims(self, name: str, item: Item, rank: int) -> list[int] | None:
        """Axes, as an attribute or an input, counted from the front; None where none are given."""
        found = self.attribute(name)
        found = [found] if isinstance(found, int) else found
        if item is not None:
            found = self.whole(item, name)
        if found is None:
            return None
        if any(not -rank <= dim < rank for dim in found):
            raise Unfollowed(f"it names an axis of {found} in a tensor with {rank}")
        return [dim % rank for dim in found]


def filled(node: Any, given: dict[str, Any]) -> Any:
    """A node of a function with the attributes that its call gives."""
    if not any(attribute.ref_attr_name for attribute in node.attribute):
        return node
    from onnx import NodeProto

    again = NodeProto()
    again.CopyFrom(node)
    del again.attribute[:]
    for attribute in node.attribute:
        source = given.get(attribute.ref_attr_name) if attribute.ref_attr_name else attribute
        if source is not None:
            made = again.attribute.add()
            made.CopyFrom(source)
            made.name = attribute.name
    return again

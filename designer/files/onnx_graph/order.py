"""The order in which the nodes of a graph can run, and the names that they take."""

from collections.abc import Iterator
from typing import Any

from designer.files.errors import FileError

DEEPEST = 20  # graphs and functions inside each other


def names_used(nodes: Any, outputs: list[str], depth: int = 0) -> Iterator[str]:
    """The names that nodes take, those of the graphs inside them too."""
    if depth > DEEPEST:
        raise FileError("its graphs are nested too deeply")
    yield from outputs
    for node in nodes:
        yield from node.input
        for attribute in node.attribute:
            for inner in (*([attribute.g] if attribute.type == 5 else []), *attribute.graphs):
                yield from names_used(inner.node, [out.name for out in inner.output], depth + 1)


def ordered(nodes: Any) -> list[Any]:
    """The nodes, each after those that give what it takes; most files have them so."""
    makers = {name: n for n, node in enumerate(nodes) for name in node.output if name}
    needs = [{makers[name] for name in names_used([node], []) if name in makers} for node in nodes]
    if all(max(need, default=-1) < n for n, need in enumerate(needs)):
        return list(nodes)
    order: list[int] = []
    done = [0] * len(nodes)  # 1: begun, 2: placed
    for start in range(len(nodes)):
        todo = [start]
        while todo:
            at = todo[-1]
            if done[at] == 2:
                todo.pop()
                continue
            missing = [n for n in needs[at] if done[n] != 2]
            if not missing:
                done[at] = 2
                order.append(at)
                todo.pop()
            elif done[at] or any(done[n] == 1 for n in missing):
                raise FileError("its nodes need each other in a circle")
            else:
                done[at] = 1
                todo += missing
    return [nodes[n] for n in order]

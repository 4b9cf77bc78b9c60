"""What runs on every wire: tensors at several points, and how their sizes are written."""

import dataclasses
import functools
import heapq
from collections.abc import Iterable, Mapping, Sequence, Set
from fractions import Fraction
from functools import cached_property

from designer.analysis.dtypes import needed
from designer.analysis.flat import Flat
from designer.analysis.guesses import guesses
from designer.analysis.probe import REMEMBERED, Outcome, Sizes, Tensor, ask, ask_state, some_size
from designer.analysis.shapes import Point, Size, count_text, describe, points
from designer.model import Input, Layer, Network, Output, Port, Shape
from designer.model.names import parent

# Small: masks have a largest T.
SCALES = (Fraction(1), Fraction(4), Fraction(16), Fraction(1, 16), Fraction(1, 48), Fraction(1, 96))
ALIKE = 3  # points where no size is free, but one is not known


@dataclasses.dataclass(frozen=True, eq=False)  # compared by identity: equal flows are one object
class Flow:
    """What runs on one wire: a tensor at each point (None where the layer refused), and its written shape."""

    at: tuple[Tensor | None, ...]
    shape: Shape | None
    unknown: frozenset[str] = frozenset()  # those of its sizes that depend on numbers

    @property
    def dtype(self) -> str | None:
        return next((tensor.dtype for tensor in self.at if tensor), None)


@dataclasses.dataclass(frozen=True, eq=False)
class Facts:
    """What torch says about one layer in its place."""

    outputs: Mapping[str, Flow] = dataclasses.field(default_factory=dict)
    state: Mapping[str, Tensor] = dataclasses.field(default_factory=dict)  # learnables and buffers
    buffers: frozenset[str] = frozenset()
    module: str | None = None
    multiply_adds: Size | None = None
    error: str | None = None  # "" where something that feeds it is not known
    refused: tuple[Point, ...] = ()  # points at which it does not run
    seen: Mapping[str, tuple[int, ...]] = dataclasses.field(
        default_factory=dict
    )  # a size that no text fits -> what it was

    @property
    def failed(self) -> bool:
        return bool(self.error)


UNKNOWN = Facts(error="")


@dataclasses.dataclass(frozen=True, eq=False)
class Propagation:
    """The facts of every layer of a flat network, at one scale of sizes."""

    flat: Flat
    at: tuple[Point, ...]
    facts: Mapping[str, Facts]
    failures: int

    @cached_property
    def plain(self) -> bool:
        """Whether an edit can be followed from here: nothing failed and no size needed a name of its own."""
        return not self.failures and not any(fact.seen for fact in self.facts.values())

    @cached_property
    def refused(self) -> Set[str]:
        """The layers that run at some points only."""
        return frozenset(path for path, fact in self.facts.items() if fact.refused)


def propagate(flat: Flat) -> Propagation:
    """The facts of every layer, at the scale of sizes where the fewest fail.

    A small size is soon equal to another by chance, so a small scale must do at all of its points.
    """
    names = free_sizes(flat.network)
    best: Propagation | None = None
    fewest = 0
    for scale in SCALES if names else SCALES[:1]:
        found = propagate_at(flat, points(names, scale))
        if not names and not found.plain:  # a size depends on numbers: at several points it is no number itself
            found = propagate_at(flat, points(names, scale) * ALIKE)
        failures = found.failures
        if scale < 1:
            failures += sum(bool(fact.refused) for fact in found.facts.values())
        if best is None or failures < fewest:
            best, fewest = found, failures
        if not fewest:
            break
    assert best is not None
    return best


def free_sizes(network: Network) -> list[str]:
    """The names of sizes that are known only at run time."""
    layers = [network.layers[name] for name in network.inputs]
    shapes = [layer.shape for layer in layers if isinstance(layer, Input)]
    return list(dict.fromkeys(size for shape in shapes for size in shape if isinstance(size, str)))


def propagate_at(flat: Flat, at: Sequence[Point]) -> Propagation:
    """The facts of every layer at these points."""
    facts: dict[str, Facts] = {}
    fresh = 0
    for path in flat.order:
        fact = _examine(flat, path, facts, at, fresh)
        facts[path] = fact
        fresh += len(fact.seen)
    return Propagation(flat, tuple(at), facts, sum(fact.failed for fact in facts.values()))


def repropagate(before: Propagation, flat: Flat, changed: Iterable[str]) -> tuple[Propagation, set[str]] | None:
    """The facts after some layers changed or were fed by others, and the layers that were asked again.

    Only what changes is followed: it ends where nothing changed. None where a look at everything is needed.
    """
    if not before.plain or list(before.at) != points(free_sizes(flat.network), SCALES[0]):
        return None
    facts = dict(before.facts)
    for path in facts.keys() - flat.layers.keys() if flat.order is not before.flat.order else ():
        del facts[path]
    place = flat.place
    first = {*changed}  # and those that read a learnable which a layer tells before it is fed itself
    for path in [path for path in first if flat.layers[path].output_learnables]:
        first.update(flat.followers.get(path, ()))
    todo = [(place[path], path) for path in first]
    heapq.heapify(todo)
    done: set[str] = set()
    refused = {path for path in before.refused if path in facts}
    while todo:
        _, path = heapq.heappop(todo)
        if path in done:
            continue
        done.add(path)
        fact = _examine(flat, path, facts, before.at, 0)
        if fact.failed or fact.seen:
            return None
        old, facts[path] = facts.get(path, UNKNOWN), fact
        (refused.add if fact.refused else refused.discard)(path)
        if fact is not old:
            for follower in flat.followers.get(path, ()):
                if _moved(old, fact, flat, follower, path):
                    if place[follower] < place[path]:
                        return None  # it took a learnable of a layer that waits for it
                    heapq.heappush(todo, (place[follower], follower))
    after = Propagation(flat, before.at, facts, 0)
    after.__dict__.update(plain=True, refused=refused)
    return after, done


def _moved(old: Facts, new: Facts, flat: Flat, follower: str, path: str) -> bool:
    """Whether what runs from one layer to another is no longer the same."""
    names = {source.name for source in flat.data(follower) if source and source.layer == path}
    return any(
        old.outputs.get(name) is not new.outputs.get(name) or old.state.get(name) != new.state.get(name)
        for name in names
    )


def flow_of(port: Port | None, facts: Mapping[str, Facts], count: int) -> Flow | None:
    """What comes out of a port: data, or a learnable."""
    if port is None or (fact := facts.get(port.layer)) is None:
        return None
    if (flow := fact.outputs.get(port.name)) is not None:
        return flow
    if (tensor := fact.state.get(port.name)) is not None:
        return _flow((tensor,) * count, tensor.sizes)
    return None


def _told(flat: Flat, port: Port | None, count: int) -> Flow | None:
    """A learnable that its layer tells without its inputs, for which it may have to wait."""
    if port is None or port.layer not in flat.layers or not flat.told(port):
        return None
    layer = flat.layers[port.layer]
    tensor = ask_state(layer, flat.dtype(port.layer)).get(port.name)
    return _flow((tensor,) * count, tensor.sizes) if tensor else None


_memo: dict[tuple[object, ...], Facts] = {}


@functools.lru_cache(maxsize=REMEMBERED)
def _flow(at: tuple[Tensor | None, ...], shape: Shape | None, unknown: frozenset[str] = frozenset()) -> Flow:
    """Equal flows are one object: a layer whose output stayed the same ends what an edit changes."""
    return Flow(at, shape, unknown)


def _examine(flat: Flat, path: str, facts: Mapping[str, Facts], at: Sequence[Point], fresh: int) -> Facts:
    layer, dtype = flat.layers[path], flat.dtype(path)
    flows = tuple(flow_of(port, facts, len(at)) or _told(flat, port, len(at)) for port in flat.data(path))
    key: tuple[object, ...]
    if isinstance(layer, Input) and parent(path):
        layer_flow = flows[0]
        key = (Input, layer_flow)
    elif isinstance(layer, Input):
        key = (layer.shape, layer.dtype, tuple(tuple(point.items()) for point in at))
    else:
        key = (layer, flows, len(at), fresh if None not in flows else 0, dtype, tuple(at[0]))
    if (found := _memo.get(key)) is None:
        if isinstance(layer, Input):
            found = _passed(flows[0]) if parent(path) else _input(layer, at)
        else:
            found = _asked(layer, flows, at, fresh, dtype)
        if len(_memo) > REMEMBERED:
            _memo.clear()
        _memo[key] = found
    return found


def _passed(flow: Flow | None) -> Facts:
    """The Input of a group gives what is wired to the group."""
    return Facts({"out": flow}, multiply_adds=0) if flow else UNKNOWN


def _input(layer: Input, at: Sequence[Point]) -> Facts:
    sizes = [tuple(point[s] if isinstance(s, str) else s for s in layer.shape) for point in at]
    flow = _flow(tuple(Tensor(size, layer.dtype) for size in sizes), layer.shape)
    return Facts({"out": flow}, multiply_adds=0)


def _asked(layer: Layer, flows: tuple[Flow | None, ...], at: Sequence[Point], fresh: int, dtype: str) -> Facts:
    """The facts of a layer from torch's answers at the points."""
    known = [flow for flow in flows if flow is not None]
    if len(known) < len(flows) or (layer.variadic and not flows):
        return UNKNOWN
    if isinstance(layer, Output):
        return Facts(multiply_adds=0)
    if any(flow.dtype != dtype for flow in known) and (other := needed_dtype(layer, known, dtype)):
        return Facts(error=f"it cannot take {known[other[0]].dtype}")
    free = any(isinstance(size, str) for flow in known for size in flow.shape or ("?",))
    told = [_ask(layer, [flow.at[n] for flow in known], dtype) for n in range(len(at) if free else 1)]
    if not free:  # no free size reaches it: one point is enough
        told *= len(at)
    if not all(map(_runs, told)):  # it may with other numbers for the sizes that depend on numbers
        for guess in guesses(known):
            found = [_ask(layer, [flow.at[n] for flow in guess], dtype) for n in range(len(at))]
            if all(map(_runs, found)):
                known, told = guess, found
                break
    asked = [(module, outcome and _stood_in(outcome, fresh, n)) for n, (module, outcome) in enumerate(told)]
    ran = [(module, outcome) for module, outcome in asked if outcome and outcome.error is None]
    if not ran:
        error = next((outcome.error for _, outcome in asked if outcome and outcome.error), None)
        return Facts(error=error or "")
    modules = {module for module, _ in ran}
    if len(modules) > 1:
        return Facts(error=f"the size of a learnable would depend on {_deciding(at, asked)}")
    refused = tuple(point for point, (_, outcome) in zip(at, asked) if outcome and outcome.error is not None)
    writer = _Writer(layer, known, at, dtype, fresh)
    outputs = {}
    for n, port in enumerate(layer.outputs()):
        tensors = tuple(o.outputs[n] if o and o.error is None else None for _, o in asked)
        unknown = next((o.outputs[n].sizes for _, o in told if o and o.error is None), ())
        shape = writer.written(n, tensors, unknown)
        outputs[port] = _flow(tensors, shape, writer.open.intersection(shape or ()))
    outcome = ran[0][1]
    counts = [o.multiply_adds if o and o.error is None else None for _, o in asked]
    return Facts(
        outputs, outcome.state, outcome.buffers, modules.pop(), writer.counted(counts), None, refused, writer.seen
    )


def _runs(answer: tuple[str | None, Outcome | None]) -> bool:
    return answer[1] is not None and answer[1].error is None


def _stood_in(outcome: Outcome, fresh: int, point: int) -> Outcome:
    """An outcome with some number for each size that depends on numbers, which no text fits at all points."""
    if not any(size < 0 for tensor in outcome.outputs for size in tensor.sizes):
        return outcome

    def number(size: int) -> int:
        return size if size >= 0 else some_size(f"{fresh} {size} {point}")

    outputs = (tensor._replace(sizes=tuple(map(number, tensor.sizes))) for tensor in outcome.outputs)
    return outcome._replace(outputs=tuple(outputs))


def needed_dtype(layer: Layer, flows: Sequence[Flow], dtype: str) -> tuple[int, str] | None:
    """Which input needs which other type of elements for a layer to run."""
    tensors = [flow.at[0] for flow in flows]
    whole = [tensor for tensor in tensors if tensor is not None]
    if len(whole) < len(tensors):
        return None
    small = [
        tensor._replace(sizes=tuple(s if isinstance(e, int) else 2 for e, s in zip(flow.shape or (), tensor.sizes)))
        for flow, tensor in zip(flows, whole)
    ]
    return needed(layer, whole, small, dtype)


def _ask(layer: Layer, inputs: list[Tensor | None], dtype: str) -> tuple[str | None, Outcome | None]:
    known = tuple(tensor for tensor in inputs if tensor is not None)
    return ask(layer, known, dtype) if len(known) == len(inputs) else (None, None)


def _deciding(at: Sequence[Point], asked: Sequence[tuple[str | None, Outcome | None]]) -> str:
    """The free sizes that change the text of a module."""
    base = at[0]
    names = [
        name
        for name in base
        for point, (module, _) in zip(at, asked)
        if _only(point, base, name) and module != asked[0][0]
    ]
    return " and ".join(dict.fromkeys(names)) or "sizes known only at run time"


def _only(point: Point, base: Point, name: str) -> bool:
    return point[name] != base[name] and all(point[other] == base[other] for other in base if other != name)


class _Writer:
    """Writes the sizes of one layer's outputs as numbers and texts."""

    def __init__(self, layer: Layer, flows: list[Flow], at: Sequence[Point], dtype: str, fresh: int):
        self.layer, self.flows, self.at, self.dtype, self.fresh = layer, flows, at, dtype, fresh
        self.seen: dict[str, tuple[int, ...]] = {}
        self.unknown: dict[int, str] = {}  # names of sizes that depend on numbers
        self.open = frozenset().union(*(flow.unknown for flow in flows))  # and those of them that it was given
        self.entries: dict[str, list[int | None]] = {}
        for flow in flows:
            for d, text in enumerate(flow.shape or ()):
                if isinstance(text, str):
                    self.entries[text] = [tensor.sizes[d] if tensor else None for tensor in flow.at]

    def written(self, port: int, tensors: Sequence[Tensor | None], told: Sizes) -> Shape | None:
        """The sizes of one output; None where even their number changes. Of ``told``, those below 0 are not known."""
        there = [tensor for tensor in tensors if tensor]
        if len({len(tensor.sizes) for tensor in there}) > 1:
            return None
        ran = next(n for n, tensor in enumerate(tensors) if tensor)
        sizes: list[Size] = []
        for d in range(len(there[0].sizes)):
            seen = [tensor.sizes[d] if tensor else None for tensor in tensors]
            size: Size | None
            if told[d] < 0:
                size = self.unknown.get(told[d])
            else:
                size = describe(seen, self.at, self.entries, functools.partial(self._run, ran, port, d))
            if size is None:
                size = self._named(seen)
                if told[d] < 0:
                    self.unknown[told[d]] = size
                    self.open |= {size}
            sizes.append(size)
        return tuple(sizes)

    def _named(self, seen: Sequence[int | None]) -> str:
        """A new name for a size."""
        name = f"T{self.fresh + len(self.seen) + 1}"
        while name in self.at[0]:
            name += "_"
        self.seen[name] = tuple(size for size in seen if size is not None)
        return name

    def _run(self, ran: int, port: int, d: int, text: str, size: int) -> int | None:
        """A size of an output after one written size of the inputs became another number."""
        inputs = []
        for flow in self.flows:
            tensor = flow.at[ran]
            assert tensor is not None
            sizes: Sizes = tuple(size if e == text else s for e, s in zip(flow.shape or (), tensor.sizes))
            inputs.append(tensor._replace(sizes=sizes or tensor.sizes))
        outcome = ask(self.layer, tuple(inputs), self.dtype)[1]
        return None if outcome.error is not None else outcome.outputs[port].sizes[d]

    def counted(self, counts: Sequence[int | None]) -> Size | None:
        """Multiply-adds as a number or a text."""
        known = [n for n, count in enumerate(counts) if count is not None]
        if not known:
            return None
        entries = {
            text: [size for n in known if (size := sizes[n]) is not None] for text, sizes in self.entries.items()
        }
        full = {text: sizes for text, sizes in entries.items() if len(sizes) == len(known)}
        return count_text([counts[n] or 0 for n in known], [self.at[n] for n in known], full)

"""Fold masks, positions and other tables into groups: what depends on no number of an input, on sizes alone."""

from collections.abc import Iterable

from designer.files.boxes import Box, Piece, made, pieces, taken
from designer.files.clean import INTEGERS
from designer.files.naming import counted
from designer.files.program import Program, Ref
from designer.files.steps import Step
from designer.layers import Operation

FEWEST = 3  # steps that are worth a group
LIKE = ("new_", "expand_as", "view_as", "reshape_as")  # they take a tensor for its size or type alone


def fold_masks(root: Box, program: Program, found: set[Ref]) -> None:
    """Put what ``found`` names, in each box, into boxes of its own, as far as it hangs together."""
    takers: dict[Ref, set[int]] = {}  # by their identity; what is given back is taken by the program
    for piece in pieces(root):
        for ref in found.intersection(piece.step.flow.taken):
            takers.setdefault(ref, set()).add(id(piece))
    for _, value in program.outputs:
        if isinstance(value, Ref):
            takers.setdefault(value, set()).add(id(program))
    _fold(root, program, found, takers)


def _fold(box: Box, program: Program, found: set[Ref], takers: dict[Ref, set[int]]) -> None:
    own = [item for item in box.items if isinstance(item, Piece) and _is_fixed(item.step, found) and item.movable]
    if len(own) == len(box.items) or all(_is_fixed(piece.step, found) for piece in pieces(box) if piece.movable):
        return
    for item in box.items:
        if isinstance(item, Box):
            _fold(item, program, found, takers)
    for cluster in _clusters(own):
        if len(cluster) < FEWEST:
            continue
        inside = set(map(id, cluster))
        results = [ref for piece in cluster for ref in made(piece) if takers.get(ref, set()) - inside]
        words = _words(results, program)
        mask = Box((*box.path, next(iter(words.values()))), True, [*cluster], words)
        box.items.insert(box.items.index(cluster[0]), mask)
        box.items = [item for item in box.items if id(item) not in inside]


def fixed_values(steps: Iterable[Step], constants: set[Ref]) -> set[Ref]:
    """The values that follow from sizes and from ``constants``."""
    found = set(constants)
    for step in steps:
        if found.issuperset(_read(step)) and not step.stateful and step.layer.computes:
            found.update(step.outputs.values())
    return found - constants


def _is_fixed(step: Step, found: set[Ref]) -> bool:
    return bool(step.outputs) and found.issuperset(step.outputs.values())


def _read(step: Step) -> Iterable[Ref]:
    """The values whose numbers a step reads."""
    layer = step.layer
    if not isinstance(layer, Operation):
        return step.inputs.values()
    if layer.operation.startswith("new_") or layer.operation.partition(".")[0].endswith("_like"):
        return ()
    arguments = (*layer.arguments, *(value for _, value in layer.keywords))
    if layer.operation.startswith(LIKE):
        arguments = arguments[:1]
    return [step.inputs[port] for port in _ports(arguments)]


def _ports(value: object) -> Iterable[str]:
    """The ports whose tensors an argument holds; one that it asks for a size is none."""
    if not isinstance(value, tuple) or value[:1] == ("size",):
        return
    if value[:1] == ("port",):
        yield value[1]
        return
    for entry in value:
        yield from _ports(entry)


def _clusters(found: list[Piece]) -> list[list[Piece]]:
    """The pieces that give each other something, together."""
    makers = {ref: piece for piece in found for ref in made(piece)}
    groups = {id(piece): [piece] for piece in found}
    for piece in found:
        for ref in taken(piece):
            if ref in makers and groups[id(makers[ref])] is not groups[id(piece)]:
                one, other = groups[id(makers[ref])], groups[id(piece)]
                one += other
                groups |= {id(each): one for each in other}
    order = {id(piece): n for n, piece in enumerate(found)}
    distinct = {id(group): group for group in groups.values()}.values()
    return [sorted(group, key=lambda piece: order[id(piece)]) for group in distinct]


def _words(given: list[Ref], program: Program) -> dict[Ref, str]:
    """What each value is, in a word, masks first: what is true or false, or goes into attention as one."""
    masks = {op.argument(3, "attn_mask") for op in program.ops if op.name == "scaled_dot_product_attention"}
    words = {}
    for ref in given:
        dtype = program.metas[ref].dtype
        words[ref] = "mask" if dtype == "bool" or ref in masks else "positions" if dtype in INTEGERS else "constants"
    order = sorted(given, key=lambda ref: words[ref] != "mask")
    found: dict[Ref, str] = {}
    for ref in order:
        found[ref] = counted(words[ref], found.values())
    return found

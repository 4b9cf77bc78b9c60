"""Boxes of modules are put in the order of their data."""

from designer.files.boxes import Again, Box, Piece, pieces
from designer.files.program import Op, Ref
from designer.files.settling import settle
from designer.files.steps import Step
from designer.layers import ReLU


def piece(taken, made):
    taken, made = Ref(taken), Ref(made)
    return Piece(Step(ReLU(), Op("aten.relu.default", [taken], {}, [made]), {"in": taken}, {"out": made}), ())


def box(*items):
    made = Box(("cell",))
    made.items += items
    return made


def test_two_uses_of_a_module_that_both_wait_for_what_stands_outside():
    first, second = box(piece("x", "a"), piece("b", "c")), box(piece("c", "d"), piece("e", "f"))
    inputs, outputs = {Ref("x"): Ref("c"), Ref("b"): Ref("e")}, {Ref("a"): Ref("d"), Ref("c"): Ref("f")}
    root = Box(())
    root.items += [first, piece("a", "b"), Again(first, second, inputs, outputs), piece("d", "e")]
    settle(root, set())
    known = {"x"}
    steps = [found.step for item in root.items for found in pieces(item)]
    assert len(steps) == 6
    for step in steps:
        assert known.issuperset(step.inputs.values())
        known.update(step.outputs.values())

"""Who makes and who takes each value of a program."""

from designer.files.program import Op, Program, Ref


class Uses:
    """The calls of a program by what they make and take, as they are now."""

    def __init__(self, program: Program):
        self.program = program
        self.makers = {result: op for op in program.ops for result in op.results if result is not None}
        self.takers: dict[Ref, list[Op]] = {}
        for op in program.ops:
            for ref in op.refs():
                self.takers.setdefault(ref, []).append(op)
        self.given = {value for _, value in program.outputs if isinstance(value, Ref)}

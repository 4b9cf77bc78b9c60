"""Follow a TorchScript program: what it does with tensors is written down, the rest is computed."""

import ast
import dataclasses
from collections.abc import Callable
from typing import Any

from designer.files.errors import FileError
from designer.files.progress import check
from designer.files.torchscript.alike import Reshaped
from designer.files.torchscript.builtin import NOT_HERE, builtin, truth, whole
from designer.files.torchscript.fused import unfused
from designer.files.torchscript.numbers import Number, each, is_number
from designer.files.torchscript.objects import Foreign, Kept, Objects, Part
from designer.files.torchscript.syntax import is_a, name_of, only_refuses
from designer.files.torchscript.text import Class, Function, Lost, Text, Unfit, Unfollowed
from designer.files.torchscript.unknown import unsure
from designer.files.torchscript.worlds import TOUCHING, Value, Worlds
from designer.model.names import join, shortened

MOST_STEPS, MOST_RUNS = 1_000_000, 20_000  # runs of functions: two calls of the next in each of 40 would be 2**40
DEEPEST = 120  # calls inside each other
CASTS = ("annotate", "unchecked_cast")
STOPPING = ("no_grad", "inference_mode")
MANAGERS = (*STOPPING, "enable_grad")


@dataclasses.dataclass(frozen=True)
class Held:
    """A module of the program, by its path."""

    part: Part
    path: str


@dataclasses.dataclass(frozen=True)
class Named:
    """A tuple with names."""

    fields: tuple[str, ...]
    entries: tuple[Any, ...]
    kind: str  # its class


@dataclasses.dataclass(frozen=True)
class Manager:
    """What a ``with`` of TorchScript is given: the only objects with code of their own that are known."""

    kind: str


class _Returned(Exception):
    def __init__(self, value: Any):
        self.value = value


class Follower:
    """Runs the statements of a program for the inputs that are given."""

    def __init__(self, text: Text, objects: Objects, worlds: Worlds, number: Callable[[str], Any]):
        self.text, self.objects, self.worlds, self.constant = text, objects, worlds, number
        self.left, self.runs, self.depth = MOST_STEPS, 0, 0
        self.calls: dict[str, int] = {}
        self.values: dict[Any, Value] = {}
        self.changed: dict[tuple[str, str], Any] = {}
        self.notes: list[str] = []

    def forward(self, arguments: dict[str, Any]) -> Any:
        return self.method(Held(self.objects.model, ""), "forward", [], arguments, outermost=True)

    def method(
        self, held: Held, name: str, arguments: list[Any], keywords: dict[str, Any], outermost: bool = False
    ) -> Any:
        found = self.text.class_of(held.part.kind)
        function = found.methods.get(name) if found else None
        if function is None:
            raise Unfollowed(f"{shortened(held.part.kind)} has no {shortened(name)}")
        worlds, place, kind = self.worlds, self.worlds.place, self.worlds.kind
        if name == "forward" or name.startswith("forward"):
            count = self.calls.get(held.path, 0)
            self.calls[held.path] = count + 1
            if not outermost:
                worlds.place = (*place, (held.path, count))
            worlds.kind = plain_name(held.part.kind)
        try:
            return self.run(function, [held, *arguments], keywords)
        finally:
            worlds.place, worlds.kind = place, kind

    def run(self, function: Function, arguments: list[Any], keywords: dict[str, Any]) -> Any:
        check()
        self.runs += 1
        if self.text.endless or self.runs > MOST_RUNS:
            self.text.endless = True
            raise Unfollowed(f"it runs its functions more than {MOST_RUNS:,} times")
        if self.depth >= DEEPEST:
            raise Unfollowed(f"its functions call each other more than {DEEPEST} deep")
        given = function.tree.args
        names = [argument.arg for argument in (*given.args, *given.kwonlyargs)]
        scope = dict(zip(names, arguments)) | keywords
        defaults = dict(zip(names[len(given.args) - len(given.defaults) : len(given.args)], given.defaults))
        self.depth += 1
        try:
            for name in names:
                if name not in scope:
                    if name not in defaults:
                        raise Unfollowed(f"{function.name} is called without {name}")
                    scope[name] = self.value(defaults[name], scope)
            self.block(function.tree.body, scope, function)
        except _Returned as returned:
            return returned.value
        finally:
            self.depth -= 1
        return None

    def block(self, statements: list[ast.stmt], scope: dict[str, Any], function: Function) -> None:
        for statement in statements:
            try:
                self.statement(statement, scope, function)
            except (Unfollowed, FileError) as error:
                if not getattr(error, "placed", False):
                    error.args = (f"{str(error).rstrip('.')} (line {statement.lineno} of {function.file})",)
                    error.placed = True  # type: ignore[union-attr]
                raise

    def statement(self, statement: ast.stmt, scope: dict[str, Any], function: Function) -> None:
        match statement:
            case ast.Return():
                raise _Returned(None if statement.value is None else self.value(statement.value, scope))
            case ast.Assign(targets=[target]):
                self.assign(target, self.value(statement.value, scope), scope)
            case ast.AnnAssign(value=value) if value is not None:
                self.assign(statement.target, self.value(value, scope), scope)
            case ast.Expr():
                self.value(statement.value, scope)
            case ast.If():
                self.worlds.assumed = False
                taken = truth(self.value(statement.test, scope), "an if")
                other = statement.orelse if taken else statement.body
                if self.worlds.assumed and not all(map(only_refuses, other)):
                    line = f"line {statement.lineno} of {function.file}"
                    self.notes.append(f"it decides by a size of its inputs, as for those that were tried ({line})")
                self.block(statement.body if taken else statement.orelse, scope, function)
            case ast.While():
                while truth(self.value(statement.test, scope), "a while"):
                    check()
                    self.block(statement.body, scope, function)
            case ast.For():
                for entry in self.entries(statement.iter, scope):
                    check()
                    self.assign(statement.target, entry, scope)
                    self.block(statement.body, scope, function)
            case ast.With(items=[item]):
                self.without_gradients(statement, self.value(item.context_expr, scope), scope, function)
            case ast.Pass():
                pass
            case _:
                raise Unfollowed(f"it has a statement {type(statement).__name__}, which is not known")

    def without_gradients(self, block: ast.With, manager: Any, scope: dict[str, Any], function: Function) -> None:
        """What is made in a block of ``torch.no_grad()`` trains nothing."""
        if not isinstance(manager, Manager):
            raise Unfollowed("it has a with of what is known to its own code only")
        before = dict(scope)
        self.block(block.body, scope, function)
        made = {name: value for name, value in scope.items() if value is not before.get(name)}
        if manager.kind in STOPPING:
            scope |= {name: self.call("detach", [v], {}) for name, v in made.items() if isinstance(v, Value)}

    def assign(self, target: ast.expr, value: Any, scope: dict[str, Any]) -> None:
        if isinstance(target, ast.Name):
            scope[target.id] = value
        elif isinstance(target, ast.Tuple | ast.List):
            entries = list(value.entries if isinstance(value, Named) else value) if _many(value) else None
            if entries is None or len(entries) != len(target.elts):
                raise Unfollowed("it takes apart what has another number of entries")
            for inner, entry in zip(target.elts, entries):
                self.assign(inner, entry, scope)
        elif isinstance(target, ast.Attribute):
            held = self.value(target.value, scope)
            if not isinstance(held, Held):
                raise Unfollowed(f"it sets the attribute {shortened(target.attr)} of what is no module")
            self.changed[held.path, target.attr] = value
            path = join(held.path, target.attr)
            self.notes.append(f"the file changes {shortened(path)} in each run, which is left out")
        else:
            raise Unfollowed(f"it assigns to a {type(target).__name__}")

    def entries(self, tree: ast.expr, scope: dict[str, Any]) -> Any:
        """What a loop goes through."""
        if isinstance(tree, ast.Call) and isinstance(tree.func, ast.Name) and tree.func.id == "range":
            bounds = [whole(self.value(argument, scope), "the length of a loop") for argument in tree.args]
            if not 1 <= len(bounds) <= 3 or (len(bounds) == 3 and not bounds[2]):
                raise Unfollowed("it has a range that is none")
            return range(*bounds)
        value = self.value(tree, scope)
        if isinstance(value, Value):
            return self.worlds.call("unbind", [value, 0], {})
        if not isinstance(value, list | tuple):
            raise Unfollowed("it goes through what is no list")
        return value

    def value(self, tree: ast.expr, scope: dict[str, Any]) -> Any:
        self.left -= 1
        if self.left < 0:
            raise Unfollowed(f"it takes more than {MOST_STEPS:,} steps")
        match tree:
            case ast.Constant(value=value):
                if value is None or isinstance(value, bool | int | float | str):
                    return value
                raise Unfollowed(f"it holds a {type(value).__name__}")
            case ast.Name(id=name):
                if name in scope:
                    return scope[name]
                if name in ("inf", "nan", "infj", "nanj"):
                    return float(name[:3])
                raise Unfollowed(f"it uses {shortened(name)} before it is made")
            case ast.Tuple(elts=entries):
                return tuple(self.value(entry, scope) for entry in entries)
            case ast.List(elts=entries):
                return [self.value(entry, scope) for entry in entries]
            case ast.Dict(keys=keys, values=values):
                return {
                    self.key(key, scope): self.value(value, scope)
                    for key, value in zip(keys, values)
                    if key is not None
                }
            case ast.UnaryOp(op=ast.USub()):
                inner = self.value(tree.operand, scope)
                if is_number(inner):
                    return each(lambda a: -a, inner)
                return self.call("neg", [inner], {})
            case ast.UnaryOp(op=ast.Not()):
                return not truth(self.value(tree.operand, scope), "a condition")
            case ast.IfExp():
                taken = truth(self.value(tree.test, scope), "an if")
                return self.value(tree.body if taken else tree.orelse, scope)
            case ast.BoolOp(op=joined, values=values):
                stops = isinstance(joined, ast.Or)
                return any(map(self.true(scope), values)) if stops else all(map(self.true(scope), values))
            case ast.Compare(left=left, ops=[ast.Is() | ast.IsNot() as how], comparators=[right]):
                same = self.value(left, scope) is self.value(right, scope)
                return same if isinstance(how, ast.Is) else not same
            case ast.Subscript():
                return self.call("__getitem__", [self.value(tree.value, scope), self.value(tree.slice, scope)], {})
            case ast.Attribute():
                return self.attribute(tree, scope)
            case ast.Call():
                return self.called(tree, scope)
        raise Unfollowed(f"it has a {type(tree).__name__}, which is not known")

    def true(self, scope: dict[str, Any]) -> Callable[[ast.expr], bool]:
        return lambda tree: truth(self.value(tree, scope), "a condition")

    def key(self, tree: ast.expr, scope: dict[str, Any]) -> Any:
        key = self.value(tree, scope)
        if not isinstance(key, str | int | float | bool):
            raise Unfollowed("it has a dictionary whose keys are tensors")
        return key

    def attribute(self, tree: ast.Attribute, scope: dict[str, Any]) -> Any:
        dotted = name_of(tree)
        root = dotted.partition(".")[0]
        if root == "CONSTANTS" and root not in scope:
            number = tree.attr.removeprefix("c")
            if not number.isdecimal() or len(number) > 6 or int(number) >= len(self.objects.constants):
                raise Unfollowed(f"it uses {shortened(dotted)}, which the file does not hold")
            return self.opened(self.objects.constants[int(number)], "", "")
        if root == "__torch__" and root not in scope:
            return self.text.function(dotted) or self.text.class_of(dotted) or _missing(dotted)
        return self.part_of(self.value(tree.value, scope), tree.attr)

    def part_of(self, holder: Any, name: str) -> Any:
        if isinstance(holder, Named) and name in holder.fields:
            return holder.entries[holder.fields.index(name)]
        if isinstance(holder, Value):
            return self.call(name, [holder], {})
        if not isinstance(holder, Held):
            raise Unfollowed(f"it asks a {type(holder).__name__} for {shortened(name)}")
        if (holder.path, name) in self.changed:
            return self.changed[holder.path, name]
        if name in holder.part.attributes:
            return self.opened(holder.part.attributes[name], holder.path, name)
        found = self.text.class_of(holder.part.kind)
        if found is not None and name in found.constants:
            return self.value(found.constants[name], {})
        raise Unfollowed(f"{shortened(holder.path or 'the model')} has no {shortened(name)}")

    def opened(self, value: Any, path: str, name: str) -> Any:
        """What an attribute holds, its tensors as values of the program."""
        if isinstance(value, Part):
            return Held(value, join(path, name))
        if isinstance(value, Kept):
            key = self.objects.key(value)
            stored = self.objects.stored[key]
            same = stored.view if stored.numel else key
            if same not in self.values:
                number = self.constant(key) if stored.role == "constant" and not stored.shape else None
                self.values[same] = self.worlds.stored(key, stored, number)
            return self.values[same]
        if isinstance(value, Foreign):
            raise Unfollowed(f"{shortened(join(path, name))} is a {shortened(value.name)}, which cannot be read")
        if isinstance(value, list | tuple):
            return type(value)(self.opened(entry, path, f"{name}.{n}") for n, entry in enumerate(value))
        if isinstance(value, dict):
            return {key: self.opened(entry, path, f"{name}.{key}") for key, entry in value.items()}
        return value

    # Calls.

    def called(self, tree: ast.Call, scope: dict[str, Any]) -> Any:
        dotted = name_of(tree.func)
        root, _, tail = dotted.partition(".")
        if dotted in CASTS and len(tree.args) == 2:
            return self.value(tree.args[1], scope)
        if dotted == "isinstance" and len(tree.args) == 2:
            return is_a(self.value(tree.args[0], scope), tree.args[1])
        if dotted == "uninitialized":
            return None
        if dotted.startswith("__torch__.torch.autograd.grad_mode.") and dotted.split(".")[-2:][1:] == ["__new__"]:
            return self.manager(dotted.split(".")[-2])
        arguments = [self.value(argument, scope) for argument in tree.args]
        keywords = {each_.arg: self.value(each_.value, scope) for each_ in tree.keywords if each_.arg}
        if dotted == "getattr" and len(arguments) == 2 and isinstance(arguments[1], str):
            return self.part_of(*arguments)
        if root == "torch" and root not in scope:
            if tail == "device":
                from designer.files.program import Setting

                return Setting("device")
            return self.call(tail, arguments, keywords)
        if root == "ops" and root not in scope:
            space, _, name = tail.partition(".")
            if space == "prim" and name == "RaiseException":
                raise Unfit("it refuses its inputs")
            if space not in ("aten", "prim"):
                raise Unfollowed(f"it calls {shortened(dotted)}, which is no operation of PyTorch")
            return self.call(name, arguments, keywords)
        if dotted in ("int", "float", "bool", "str") and len(arguments) == 1:
            name = {"int": "Int", "float": "Float", "bool": "Bool", "str": "str"}[dotted]
            return truth(arguments[0], "a condition") if name == "Bool" else self.call(name, arguments, {})
        if isinstance(tree.func, ast.Attribute) and root != "__torch__":
            holder = self.value(tree.func.value, scope)
            if isinstance(holder, Held):
                return self.method(holder, tree.func.attr, arguments, keywords)
            if isinstance(holder, Manager) and tree.func.attr == "__init__":
                return None
            return self.call(tree.func.attr, [holder, *arguments], keywords)
        function = self.value(tree.func, scope)
        if isinstance(function, Function):
            return self.run(function, arguments, keywords)
        if isinstance(function, Class) and "NamedTuple" in function.bases:
            entries = dict(zip(function.fields, arguments)) | keywords
            kind = function.name.rpartition(".")[2]
            return Named(function.fields, tuple(entries.get(field) for field in function.fields), kind)
        if isinstance(function, Held):
            return self.method(function, "forward", arguments, keywords)
        raise Unfollowed(f"it makes a {shortened(dotted)}, which only its own code can")

    def manager(self, kind: str) -> Manager:
        if kind in MANAGERS:
            return Manager(kind)
        raise Unfollowed(f"it uses {shortened(kind)}, which is not known")

    def call(self, name: str, arguments: list[Any], keywords: dict[str, Any]) -> Any:
        if name in TOUCHING:
            raise FileError(f"it calls {shortened(name)}, which may read or write files")
        try:
            if name == "__getitem__" and isinstance(arguments[0], tuple | Named):
                entries = arguments[0].entries if isinstance(arguments[0], Named) else arguments[0]
                return entries[whole(arguments[1], "an index")]
            found = builtin(self.worlds, name, arguments, keywords)
            if found is not NOT_HERE:
                return found
            plain = unfused(self.worlds, self.run, name, arguments)
            return self.worlds.call(name, arguments, keywords) if plain is None else plain
        except (Unfollowed, FileError, RecursionError, Reshaped):
            raise
        except Exception as error:  # whatever torch says of shapes that do not fit
            said = (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")[:200]
            unknown = "DataDependentOutputException", "DynamicOutputShapeException"
            if type(error).__name__ in unknown or unsure(arguments):
                raise Unfollowed(f"{name} depends on the numbers of a tensor") from None
            raise Unfit(f"{name} does not take what it is given: {said}") from None


def plain_name(kind: str) -> str:
    """The name of a class as it was before it was written: ``torch.nn.modules.linear.Linear``."""
    steps = kind.removeprefix("__torch__.").split(".")
    return ".".join(step for step in steps if not step.startswith("___torch_mangle_"))


def _many(value: Any) -> bool:
    return isinstance(value, list | tuple | Named)


def _missing(name: str) -> Any:
    raise Unfollowed(f"it uses {shortened(name)}, which the file does not hold")


__all__ = ["Follower", "Held", "Lost", "Named", "Number", "plain_name"]

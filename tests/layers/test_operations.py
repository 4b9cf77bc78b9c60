"""Which operations an Operation layer may run: the rule, and proof that none of them brings a process down.

Run as a program it writes the list: ``python tests/layers/test_operations.py``.
"""

import json
import re
import signal
import subprocess
import sys
from pathlib import Path

import torch

from designer.layers import operations

LIST = Path(__file__).parents[2] / "designer/layers/operations.txt"

KINDS = {"Tensor", "number", "int", "float", "bool", "str", "ScalarType"}
DROPPED = {"Device", "Layout", "MemoryFormat", "Generator"}  # left at their defaults
REFUSED = {  # why -> a pattern of names
    "reads a file": "from_file",
    "for one backend": "(cudnn|miopen|mkldnn|fbgemm|quantized)_.*|to_mkldnn|convolution_overrideable|pin_memory",
    "for one accelerator": "batch_norm_(elemt|gather|stats|update).*|conv_depthwise3d",
    "quantised": "quantize_.*|q_per_.*|int_repr|dequantize|choose_qparams_optimized",
    "sparse or ragged": (
        "sparse_.*|.*_sparse.*|to_(sparse|dense).*|coalesce|hspmm|smm|sspaddmm|.*padded_tensor|"
        "((ccol|col|crow|row)_)?(indices|values)(_copy)?"
    ),
    "shows what happens to be in memory": "(new_)?empty.*|resize.*",
    "exchanges storage": "set|data",
}
EFFECTS = {  # an operation that may draw numbers or change statistics -> with which argument it does not
    "alpha_dropout": "train=False or p=0.0",
    "dropout": "train=False or p=0.0",
    "feature_alpha_dropout": "train=False or p=0.0",
    "feature_dropout": "train=False or p=0.0",
    "native_dropout": "train=False",
    "rrelu": "training=False",
    "gru.input": "train=False or dropout=0.0",
    "lstm.input": "train=False or dropout=0.0",
    "rnn_relu.input": "train=False or dropout=0.0",
    "rnn_tanh.input": "train=False or dropout=0.0",
    "scaled_dot_product_attention": "dropout_p=0.0",
    "_scaled_dot_product_flash_attention_for_cpu": "dropout_p=0.0",
    "batch_norm": "training=False or running_mean=None",
    "instance_norm": "use_input_stats=False or running_mean=None",
}
PRIVATE = {  # why -> names that start with an underscore and are allowed all the same
    "core ATen, what decompositions leave": """
        _adaptive_avg_pool2d _adaptive_avg_pool3d _cdist_forward _log_softmax _pdist_forward _softmax _to_copy""",
    "what public functions become in an exported program": """
        _scaled_dot_product_flash_attention_for_cpu _unsafe_view _unsafe_index.Tensor _unsafe_index_put
        _upsample_bicubic2d_aa _upsample_bilinear2d_aa _upsample_nearest_exact1d _upsample_nearest_exact2d
        _upsample_nearest_exact3d _convolution _convolution_mode _conj _neg_view _trilinear _safe_softmax""",
    "operators of Python": """
        __and__.Scalar __and__.Tensor __or__.Scalar __or__.Tensor __xor__.Scalar __xor__.Tensor
        __lshift__.Scalar __lshift__.Tensor __rshift__.Scalar __rshift__.Tensor""",
}
CRASHES = """
    ctc_loss.IntList ctc_loss.Tensor linalg_eigvals lu_unpack native_batch_norm special_laguerre_polynomial_l special_laguerre_polynomial_l.n_scalar special_laguerre_polynomial_l.x_scalar
    special_legendre_polynomial_p special_legendre_polynomial_p.n_scalar special_legendre_polynomial_p.x_scalar
""".split()  # given nonsense they end the process, or take hours; so do _embedding_bag, _fft_* and _weight_norm


def operation(name):
    base, _, overload = name.partition(".")
    return getattr(getattr(torch.ops.aten, base), overload or "default")


def kind(argument):
    return re.sub(r"Optional\[|List\[|\]", "", str(argument.real_type))


def is_allowed(name):
    op = operation(name)
    schema, base = op._schema, name.partition(".")[0]
    arguments = [argument for argument in schema.arguments if kind(argument) not in DROPPED]
    dropped = [argument for argument in schema.arguments if kind(argument) in DROPPED]
    results = [str(result.real_type) for result in schema.returns]
    return (
        not schema.is_mutable
        and all(kind(argument) in KINDS for argument in arguments)
        and all(argument.has_default_value() for argument in dropped)
        and (set(results) == {"Tensor"} or results == ["List[Tensor]"])
        and (name in EFFECTS or torch.Tag.nondeterministic_seeded not in op.tags)
        and (not base.startswith("_") or name in " ".join(PRIVATE.values()).split())
        and "backward" not in base
        and not any(re.fullmatch(pattern, base) for pattern in REFUSED.values())
        and name not in CRASHES
    )


def line(name):
    """The schema of an operation, without what says which results are views, and the condition on its arguments."""
    schema = str(operation(name)._schema).removeprefix("aten::").replace("SymInt", "int")
    schema = re.sub(r"\([a-z](!)?( -> \*)?\)", "", schema)
    return schema + (f"  # {EFFECTS[name]}" if name in EFFECTS else "")


CHILD = r"""
import json, os, random, resource, signal, sys
import torch

from designer.layers import Operation

report = os.fdopen(os.dup(1), "w")
os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # where libraries print what they think of nonsense

torch.set_num_threads(1)
status = dict(text.split(":", 1) for text in open("/proc/self/status").read().splitlines())
used = int(status["VmSize"].split()[0]) * 1024
resource.setrlimit(resource.RLIMIT_AS, (used + 2**30, used + 2**30))  # what asks for more memory is refused it
resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
WHOLE = [-(2**63), -(2**40), -(2**31), -7, -2, -1, 0, 1, 2, 3, 7, 2**31, 2**40, 2**63 - 1]
FLOATS = [-1e308, -1.0, 0.0, 0.5, 1.0, 3.0, 1e308, float("inf"), float("-inf"), float("nan")]
TEXTS = ["", "none", "mean", "same", "valid", "floor", "reflect", "left", "ij,jk->ik", "...ij->i", "nonsense"]
SHAPES = [(), (0,), (3,), (6,), (2, 3), (3, 3), (2, 0, 3), (2, 3, 4), (1, 2, 5, 5), (2, 4, 5, 5), (1, 2, 4, 4, 4)]
DTYPES = [torch.float32, torch.float32, torch.float32, torch.int64, torch.int64, torch.bool, torch.int32, torch.uint8]
DTYPES += [torch.float64, torch.complex64, torch.float16]


class Nonsense:
    # Arguments of the kinds that an operation takes: sometimes fitting, often far out of bounds.

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.shape = self.random.choice(SHAPES)
        self.dtype = self.random.choice(DTYPES)
        self.mild = self.random.random() < 0.6

    def tensor(self, name):
        rng = self.random
        shape = self.shape if rng.random() < 0.6 else rng.choice(SHAPES)
        dtype = self.dtype if rng.random() < 0.6 else rng.choice(DTYPES)
        if any(word in name for word in ("ind", "target", "offset", "length", "repeats", "pivots", "batch_sizes")):
            dtype = torch.int64 if rng.random() < 0.8 else torch.int32
        if dtype.is_floating_point or dtype.is_complex:
            return torch.randn(shape).to(dtype) * rng.choice([1, 1, 1, 1e30, float("nan")])
        if dtype == torch.bool or dtype == torch.uint8:
            return torch.randint(0, 2, shape).to(dtype)
        bounds = [(0, 2), (0, 2), (-1, 5), (-(2**31), 2**31 - 1)]
        if dtype == torch.int64:
            bounds += [(-(2**62), 2**62), (2**40, 2**40 + 2)]
        return torch.randint(*rng.choice(bounds), shape).to(dtype)

    def whole(self):
        return self.random.choice([-1, 0, 1, 1, 2, 2, 3] if self.mild else WHOLE)

    def value(self, kind, name):
        rng = self.random
        if kind.endswith("?"):
            return None if rng.random() < 0.4 else self.value(kind[:-1], name)
        if kind.endswith("]"):
            entry, count = kind[:-1].rsplit("[", 1)
            count = int(count) if count and self.mild else rng.choice([0, 1, 1, 2, 2, 3, 3, 4, 5])
            return [self.value(entry, name) for _ in range(count)]
        if kind == "Tensor":
            return self.tensor(name)
        if kind == "ScalarType":
            return rng.choice(DTYPES)
        if kind == "int":
            return self.whole()
        if kind == "float":
            return rng.choice(FLOATS)
        if kind == "bool":
            return rng.random() < 0.5
        if kind == "str":
            return rng.choice(TEXTS)
        assert kind == "Scalar", kind
        return self.whole() if rng.random() < 0.5 else rng.choice(FLOATS)


def moved(value, device):
    if isinstance(value, torch.Tensor):
        return value.to(device)
    if isinstance(value, list):
        return [moved(entry, device) for entry in value]
    if isinstance(value, dict):
        return {name: moved(entry, device) for name, entry in value.items()}
    return value


def recurrent(name, nonsense):
    # What a recurrent operation takes, all right but for one thing.
    rng = nonsense.random
    gates = {"lstm.input": 4, "gru.input": 3}.get(name, 1)
    hidden, features, layers, ways, bias = rng.randint(1, 4), rng.randint(0, 3), rng.randint(1, 2), rng.randint(1, 2), rng.random() < 0.5
    out = rng.randint(1, hidden) if gates == 4 else hidden
    first, batch, time = rng.random() < 0.5, rng.randint(0, 2), rng.randint(0, 3)
    params = []
    for n in range(layers):
        for _ in range(ways):
            params += [torch.randn(gates * hidden, ways * out if n else features), torch.randn(gates * hidden, out)]
            params += [torch.randn(gates * hidden), torch.randn(gates * hidden)] * bias
            params += [torch.randn(out, hidden)] * (out != hidden)
    states = [torch.zeros(layers * ways, batch, out), torch.zeros(layers * ways, batch, hidden)]
    x = torch.randn(*((batch, time) if first else (time, batch)), features)
    wrong = rng.randint(0, 6)
    if wrong == 0:
        x = nonsense.tensor("")
    if wrong == 1:
        states[rng.randint(0, 1)] = nonsense.tensor("")
    if wrong == 2:
        params[rng.randrange(len(params))] = nonsense.tensor("")
    if wrong == 3:
        layers = nonsense.whole()
    if wrong == 4:
        params = params[: rng.randrange(len(params))]
    if wrong == 5:
        params = [param.to(rng.choice(DTYPES)) for param in params]
    return [x, states if gates == 4 else states[0], params, bias, layers, 0.0, False, ways == 2, first]


def refused(name, given):
    # Whether an Operation with these arguments is refused, by the sizes of its tensors.
    x, states, params, *settings = given
    tensors = [x, *(states if isinstance(states, list) else [states]), *params]
    ports = [f"in{n}" for n in range(len(tensors))]
    refs = [("port", port) for port in ports]
    count = 1 + (name == "lstm.input")
    hx = ("list", *refs[1 : 1 + count]) if count == 2 else refs[1]
    arguments = (refs[0], hx, ("list", *refs[1 + count :]), *settings)
    layer = Operation(name, ports, arguments, results=1 + count)
    return layer.check(*(tuple(tensor.shape) for tensor in tensors))


def main(jobs, times, device):
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    for job in jobs:
        name, arguments, harmless, placed = job
        print(name, file=report, flush=True)
        base, _, overload = name.partition(".")
        operation = getattr(getattr(torch.ops.aten, base), overload or "default")
        signal.setitimer(signal.ITIMER_REAL, 20)  # one that takes longer ends this process too
        for n in range(times):
            torch.manual_seed(n)
            nonsense = Nonsense(f"{name} {n}")
            given, named, left_out = [], dict(harmless), False
            if placed:
                named["device"] = device
            for kind, argument, keyword, required in arguments:
                if argument in harmless:
                    continue
                if not required and nonsense.random.random() < 0.3:
                    left_out = True
                elif keyword or left_out:
                    named[argument] = nonsense.value(kind, argument)
                else:
                    given.append(nonsense.value(kind, argument))
            if "params" in (argument for _, argument, *_ in arguments):
                given, named = recurrent(name, nonsense), {}
                if refused(name, given):
                    continue
            given, named = moved(given, device), moved(named, device)
            try:
                operation(*given, **named)
            except Exception:
                pass  # refusing nonsense is right
    print("done", file=report, flush=True)


main(json.loads(sys.stdin.read()), int(sys.argv[1]), sys.argv[2])
"""


def deaths(jobs, times, device):
    """Names of operations that ended a process when they were given nonsense, and how."""
    found = {}
    while jobs:
        text = json.dumps(jobs)
        command = [sys.executable, "-W", "ignore", "-c", CHILD, str(times), device]
        child = subprocess.run(command, input=text, capture_output=True, text=True, check=False)
        seen = child.stdout.split()
        if seen and seen[-1] == "done":
            break
        assert seen, child.stderr
        assert child.returncode < 0, child.stderr
        found[seen[-1]] = signal.Signals(-child.returncode).name
        jobs = jobs[[job[0] for job in jobs].index(seen[-1]) + 1 :]
    return found


def jobs():
    for name in operations.names():
        known = operations.signature(name)
        arguments = [(a.kind, a.name, a.keyword, a.required) for a in known.arguments]
        arguments = [a for a in arguments if a[0].rstrip("?") not in DROPPED]
        first = [a[1] for a in arguments].index(known.harmless[0][0]) if known.harmless else len(arguments)
        arguments = [
            (kind, name, keyword or n > first, required) for n, (kind, name, keyword, required) in enumerate(arguments)
        ]
        yield name, arguments, dict(known.harmless[:1]), known.placed


def allowed():
    names = sorted(name[6:] for name in torch._C._dispatch_get_all_op_names() if name.startswith("aten::"))
    return [line(name) for name in names if is_allowed(name)]


if __name__ == "__main__":
    LIST.write_text("".join(f"{text}\n" for text in allowed()))

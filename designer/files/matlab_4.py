"""Read the arrays of a file of MATLAB 4: a header of five numbers and a name before the numbers of each."""

import struct

from designer.files.archive import Span
from designer.files.errors import FileError
from designer.files.foreign import is_matlab_4
from designer.files.held import Array, Held, columns_first, converted, held, left_out
from designer.model.names import shortened
from designer.model.values import Stamp

HEADER = 20  # bytes
LONGEST_NAME = 64
MOST_ARRAYS = 100_000
ELEMENTS = ("float64", "float32", "int32", "int16", "uint16", "uint8")
NOT_READ = {1: "text", 2: "a sparse matrix"}


def read_matlab_4(stamp: Stamp) -> Held:
    """The arrays of a .mat file of version 4 by name; raises FileError."""
    arrays: dict[str, Array] = {}
    reasons: dict[str, list[str]] = {}
    at = 0
    while at < stamp.size:
        head = stamp.read(at, HEADER + LONGEST_NAME)
        if not is_matlab_4(head, stamp.size - at):
            raise FileError("it is damaged: an array in it does not say what it is.")
        order = "<" if int.from_bytes(head[:4], "little") < 1000 else ">"
        kind, rows, columns, paired, length = struct.unpack_from(f"{order}5I", head)
        name = head[HEADER : HEADER + length - 1].decode("ascii")
        dtype, use = ELEMENTS[kind % 1000 // 10], kind % 10
        begin, shape = at + HEADER + length, (rows, columns)
        whole = Array(dtype, shape, columns_first(shape), Span(begin, 0), order == ">" and dtype != "uint8")
        parts = [whole._replace(place=Span(begin + n * whole.nbytes, whole.nbytes)) for n in range(1 + paired)]
        at = begin + len(parts) * whole.nbytes
        if at > stamp.size:
            raise FileError(f"the numbers of {shortened(name)} end before they should.")
        if use:
            reasons.setdefault(NOT_READ[use], []).append(name)
        elif name in arrays or len(arrays) == MOST_ARRAYS:
            raise FileError(f"it holds {shortened(name)} twice." if name in arrays else "it holds too many arrays.")
        else:
            arrays[name] = converted(stamp, parts, dtype) if paired else whole._replace(place=parts[0].place)
    return held(stamp, arrays, left_out(reasons))

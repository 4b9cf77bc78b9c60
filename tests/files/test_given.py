"""What people type for what a file does not tell."""

import pytest

from designer.files.asking import Argument
from designer.files.errors import FileError
from designer.files.given import argument_of, input_of, named_input, named_value, sizes_of
from designer.model import Input


@pytest.mark.parametrize(
    ("text", "sizes"),
    [
        ("B, 3, 224, 224", ("B", 3, 224, 224)),
        ("(B,T)", ("B", "T")),
        ("[2, 5,]", (2, 5)),
        ("7", (7,)),
        (" batch ,1", ("batch", 1)),
        ("()", ()),
    ],
)
def test_sizes(text, sizes):
    assert sizes_of(text) == sizes


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("", "missing"),
        ("3.5", "3.5"),
        ("B, -1", "-1"),
        ("B x 3", "B x 3"),
        ("B,,3", "''"),
        ("__import__('os')", "no size"),
        ("²", "²"),
    ],
)
def test_what_is_no_size_is_named(text, named):
    with pytest.raises(FileError, match=named):
        sizes_of(text)


def test_inputs():
    assert named_input("image=B,3,8,8") == ("image", Input(("B", 3, 8, 8)))
    assert named_input("tokens = B,T : int64") == ("tokens", Input(("B", "T"), dtype="int64"))
    for wrong in ("B,3", "=3", "a b=3", "x=3:int65", "x=", f"x={10**30}"):
        with pytest.raises(FileError):
            named_input(wrong)
    with pytest.raises(FileError, match="complex3"):
        input_of("B", "complex3")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("n=3", 3),
        ("n=1e-5", 1e-5),
        ("n=gelu", "gelu"),
        ("n='a, b'", "a, b"),
        ("n=[1, (2,)]", [1, (2,)]),
        ("n=None", None),
    ],
)
def test_values(text, value):
    assert named_value(text) == ("n", value)


@pytest.mark.parametrize("text", ["n", "1=2", "n=open('a')", "n=3+", "n=nn.ReLU()", "n=" + "[" * 500])
def test_what_is_no_value_is_refused(text):
    with pytest.raises(FileError, match="write"):
        named_value(text)


def test_arguments_keep_their_defaults():
    assert argument_of(Argument("act", "nn.ReLU()"), "nn.ReLU()") == {}
    assert argument_of(Argument("dim", "8"), "16") == {"dim": 16}
    assert argument_of(Argument("dim", "8"), "") == {}
    assert argument_of(Argument("dim"), "16") == {"dim": 16}
    with pytest.raises(FileError, match="dim must be given"):
        argument_of(Argument("dim"), " ")

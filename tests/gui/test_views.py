"""How the network is looked at, when the network changes under it."""

from designer import group, ungroup
from designer.gui.bookmarks import Bookmark
from designer.gui.document import Document, View
from designer.gui.moved import kept, renaming
from designer.layers import Input, Linear, ReLU
from designer.model import Network


def test_views_follow_what_is_renamed():
    net = group(Network().chain(x=Input(("B", 8)), a=Linear(8), b=Linear(8)), ["a"], "block")
    mark = Bookmark("here", "block", (1.0, 2.0, 0.5))
    view = View(
        path="block",
        selection=frozenset({"block.a", "block.a/in"}),
        unfolded=frozenset({"block.a"}),
        places={"block": (1.0, 2.0, 1.0)},
        bookmarks=(mark,),
        hidden=frozenset({"block.a/in", "b/in"}),
    )
    document = Document(net)
    document.look(**vars(view))
    document.edit("Rename", net.rename("block", "enc"))
    assert document.view.path == "enc"
    assert document.view.selection == {"enc.a", "enc.a/in"}
    assert document.view.unfolded == {"enc.a"}
    assert document.view.places == {"enc": (1.0, 2.0, 1.0)}
    assert document.view.bookmarks[0].path == "enc"
    assert document.view.hidden == {"enc.a/in", "b/in"}
    document.edit("Rename", document.network.rename("enc.a", "fc"))
    assert document.view.selection == {"enc.fc", "enc.fc/in"}
    document.history.undo()
    document.history.undo()
    assert document.view.bookmarks == (mark,)
    assert document.view.path == "block"
    assert document.view.hidden == {"block.a/in", "b/in"}


def test_undo_unfolds_what_went_again():
    net = Network().chain(x=Input(("B", 8)), a=Linear(8), b=Linear(8))
    document = Document(net)
    document.look(unfolded=frozenset({"a", "b"}))
    document.edit("Delete b", net.remove("b"))
    assert document.view.unfolded == {"a"}
    document.look(unfolded=frozenset())
    document.history.undo()
    assert document.view.unfolded == {"b"}
    document.history.redo()
    assert document.view.unfolded == set()
    document.history.undo()
    assert document.view.unfolded == {"b"}


def test_a_view_tells_equal_layers_apart_that_were_renamed_together():
    layer = ReLU()
    before = Network().chain(x=Input(("B", 8)), a=layer, b=layer, c=layer)
    view = View(selection=frozenset({"a", "c"}), unfolded=frozenset({"b"}))
    now = view.following(before, before.rename("a", "first").rename("b", "second"))
    assert (now.selection, now.unfolded) == ({"first", "c"}, {"second"})


def test_hidden_wires_follow_equal_layers_into_a_group_and_its_ports_that_are_renamed():
    layer = Linear(8)  # equal layers of a file are one object
    before = Network().chain(x=Input(("B", 8)), a=layer, b=layer, c=layer)
    view = View(hidden=frozenset({"b/in", "c/in"}))
    grouped = group(before, ["a", "b"], "g")
    assert kept(view.hidden, before, grouped, renaming(before, grouped)).there == {"g.b/in"}
    (inner,) = grouped.layers["g"].inputs()
    (outer,) = grouped.layers["g"].outputs()
    renamed = grouped.rename(f"g.{inner}", "first").rename(f"g.{outer}", "last")
    hidden = frozenset({f"g/{inner}", "c/in"})
    assert kept(hidden, grouped, renamed, renaming(grouped, renamed)).there == {"g/first", "c/in"}


def test_a_view_follows_what_is_open_out_of_a_group_and_into_one():
    net = Network().chain(x=Input(("B", 8)), a=Linear(8), b=ReLU(), c=ReLU())
    net = group(group(net, ["b"], "inner"), ["a", "inner"], "outer")
    mark = Bookmark("here", "outer.inner", (1.0, 2.0, 0.5))
    document = Document(net)
    view = View(path="outer.inner", selection=frozenset({"outer.inner.b"}), unfolded=frozenset({"outer.a"}))
    document.look(**vars(view) | {"bookmarks": (mark,), "places": {"outer.inner": (1.0, 2.0, 1.0)}})
    document.edit("Ungroup outer", ungroup(net, "outer"))
    assert (document.view.path, document.view.selection, document.view.unfolded) == ("inner", {"inner.b"}, {"a"})
    assert (document.view.bookmarks[0].path, document.view.places) == ("inner", {"inner": (1.0, 2.0, 1.0)})
    document.history.undo()
    assert document.view.path == "outer.inner"
    assert document.view.bookmarks == (mark,)
    document.edit("Ungroup inner", ungroup(net, "outer.inner"))
    assert (document.view.path, document.view.selection) == ("outer", {"outer.b"})


def test_a_view_follows_layers_that_get_other_names_where_their_group_was():
    net = group(Network().chain(x=Input(("B", 8)), a=Linear(8), b=ReLU(), c=ReLU()), ["b"], "inner")
    net = group(net, ["inner"], "outer").rename("a", "inner")  # a name that is taken then
    document = Document(net)
    document.look(path="outer.inner", unfolded=frozenset({"inner"}))
    document.edit("Ungroup outer", ungroup(net, "outer"))
    assert (document.view.path, document.view.unfolded) == ("inner_", {"inner"})


def test_a_link_to_a_group_that_is_gone_leads_to_what_is_left_around_it():
    document = Document(group(Network().chain(x=Input(("B", 8)), a=Linear(8), b=Linear(8)), ["a"], "block"))
    document.look(path="block2", selection=frozenset({"block2.a"}))
    assert document.view == View()
    document.look(path="block.inner", selection=frozenset({"block.a"}))
    assert (document.view.path, document.view.selection) == ("block", {"block.a"})

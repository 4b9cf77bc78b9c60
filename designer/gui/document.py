"""The one open network: what it is, what was done to it, how it is looked at."""

import dataclasses
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QUndoCommand, QUndoStack

from designer.analysis import Analysis, forget
from designer.analysis.waiting import MustWait, not_waiting
from designer.gui.bookmarks import Bookmark
from designer.gui.busy import busy
from designer.gui.moved import Renaming, kept, renaming
from designer.model import Group, Network, NetworkError, Port
from designer.model.names import join, parent

if TYPE_CHECKING:
    from designer.files.report import Report


@dataclasses.dataclass(frozen=True)
class View:
    """How the network is looked at: kept with the document, never an undo step."""

    path: str = ""  # of the open group
    selection: frozenset[str] = frozenset()  # paths of layers, and wires by their target port, "fc/weight"
    unfolded: frozenset[str] = frozenset()  # layers whose learnables are listed, of many a group: lstm/l0
    ties: Literal["all", "selected", "off"] = "all"
    places: Mapping[str, tuple[float, float, float]] = dataclasses.field(default_factory=dict)  # group -> x, y, zoom
    bookmarks: tuple[Bookmark, ...] = ()
    hidden: frozenset[str] = frozenset()  # wires that are not drawn, by their target ports

    def following(self, before: Network, now: Network) -> "View":
        """The same view with layers and groups that were renamed under their new names."""
        new = renaming(before, now)
        hidden = kept(self.hidden, before, now, new).there if self.hidden else self.hidden
        if new is None:
            return self if hidden == self.hidden else dataclasses.replace(self, hidden=hidden)
        return dataclasses.replace(
            self,
            path=new(self.path),
            selection=frozenset(map(new, self.selection)),
            unfolded=frozenset(map(new, self.unfolded)),
            places={new(path): place for path, place in self.places.items()},
            bookmarks=tuple(_followed(mark, before, now, new) for mark in self.bookmarks),
            hidden=hidden,
        )

    def within(self, network: Network) -> "View":
        """The same view without what the network does not have."""
        path = self.path
        while not is_group(network, path):
            path = parent(path)
        selection = frozenset(name for name in self.selection if name in network.all or _wired(network, name))
        unfolded = frozenset(name for name in self.unfolded if name.partition("/")[0] in network.all)
        hidden = frozenset(name for name in self.hidden if _wired(network, name))
        if (path, selection, unfolded, hidden) == (self.path, self.selection, self.unfolded, self.hidden):
            return self
        return dataclasses.replace(self, path=path, selection=selection, unfolded=unfolded, hidden=hidden)


def _wired(network: Network, target: str) -> bool:
    return Port.parse(target) in network.wires


def is_group(network: Network, path: str) -> bool:
    """Whether there is a group at a path that can be shown; "" is the whole network."""
    return not path or isinstance(network.find(path), Group)


def _followed(mark: Bookmark, before: Network, now: Network, new: Renaming) -> Bookmark:
    """A bookmark of a group that has another path; of one that was dissolved, where its layers stand now."""
    path = new(mark.path)
    if is_group(before, mark.path) and not is_group(now, path):
        held = before.network_at(mark.path)
        for name in held.layers:
            home, _, its_name = new(join(mark.path, name)).rpartition(".")
            if home != path and is_group(now, home):
                was, at = held.positions.get(name), now.network_at(home).positions.get(its_name)
                dx, dy = (at[0] - was[0], at[1] - was[1]) if was and at else (0.0, 0.0)
                left, top, zoom = mark.place
                return Bookmark(mark.name, home, (left + dx, top + dy, zoom))
    return mark._replace(path=path)


class Lost(NamedTuple):
    """What of the view goes with a step, and comes back with the next one the other way."""

    hidden: frozenset[str] = frozenset()
    unfolded: frozenset[str] = frozenset()
    bookmarks: tuple[tuple[Bookmark, Bookmark], ...] = ()  # of dissolved groups: what became of them, and they


NOTHING = Lost()


Work = Callable[[], Any]
Then = Callable[[Any], None]


def at_once(work: Work, then: Then, failed: Callable[[BaseException], None]) -> None:
    """Do here and now what a window does beside itself."""
    try:
        result = work()
    except Exception as error:
        failed(error)
    else:
        then(result)


class Document(QObject):
    """The network of one window and its history.

    Signals:
        began: another document is opened in the place of this one; its network comes next.
        changed: the network is another one, by an edit, undo, redo or another file.
        viewed: the view is another one.
        analyzed: the analysis of the network that is shown has come, or its failure.
        refused: an edit made no sense; one sentence for the status bar.
        told: something was done that the status bar should say.
        followed: more has become known of the last step, in place of what was told of it.
        named: the document has another name.
    """

    began = Signal()
    changed = Signal()
    viewed = Signal()
    analyzed = Signal()
    refused = Signal(str)
    told = Signal(str)
    followed = Signal(str)
    named = Signal()

    def __init__(self, network: Network | None = None, parent: QObject | None = None):
        super().__init__(parent)
        self.network = network or Network()
        self.view = View()
        self.analysis: Analysis | None = None  # of `network`, or of an earlier one while `stale`
        self.stale = True
        self.history = QUndoStack(self)
        self.beside: Callable[[Work, Then, Callable[[BaseException], None]], None] = at_once  # in other threads
        self.waiting = 0  # edits that are being made beside
        self.closed = False  # its window is gone: nobody waits for what comes from beside
        self.path: Path | None = None  # of the project file it was read from or saved to
        self.name = "untitled"
        self.report: Report | None = None  # of the import it came from

    def edit(self, text: str, network: Network) -> None:
        """Make one undo step; an edit that changes nothing is none."""
        if network is not self.network:
            self.history.push(Edit(self, text, network))

    def attempt(
        self,
        text: str,
        edit: Callable[[Network], Network],
        then: Callable[[], object] | None = None,
        refused: Callable[[str], object] | None = None,
    ) -> bool:
        """Make an edit, ``edit(network)``, or say in a sentence why it cannot be; whether it was made at once.

        One that needs an analysis is made beside the window, and dropped when the network is another one by then.
        ``then`` is called when the edit was made; ``refused`` gets the sentence in place of the status bar.
        """
        before, refuse = self.network, refused or self.refused.emit

        def made(network: Network) -> None:
            self.edit(text, network)
            if then is not None:
                then()

        def late(network: Network) -> None:
            self.waiting -= 1
            if self.closed:
                return
            if self.network is before:
                made(network)
            else:
                refuse(f"Not done, since the network was changed meanwhile: {text}.")

        def failed(error: BaseException) -> None:
            self.waiting -= 1
            if not isinstance(error, NetworkError):
                raise error
            if not self.closed:
                refuse(str(error))

        try:
            with not_waiting(), busy(before.count):
                network = edit(before)
        except NetworkError as refusal:
            refuse(str(refusal))
            return False
        except MustWait:
            self.waiting += 1
            self.beside(lambda: edit(before), late, failed)
            return False
        made(network)
        return True

    def close(self) -> None:
        """Let go of the network: nobody waits any longer for what comes from beside."""
        self.closed = True
        self._forget()

    def _forget(self) -> None:
        """Let nothing keep the networks that it has and had."""
        steps = [self.history.command(n) for n in range(self.history.count())]
        ends = [network for step in steps if isinstance(step, Edit) for network in (step.before, step.after)]
        forget([self.network, *ends])

    def failed(self, error: BaseException) -> None:
        """Take what went wrong beside the window."""
        if self.closed:
            return
        if not isinstance(error, NetworkError):
            raise error
        self.refused.emit(str(error))

    def look(self, **view: Any) -> None:
        """Change the view; a group that is gone, as one that an old link leads to, is not entered."""
        new = dataclasses.replace(self.view, **view)
        if new.path != self.view.path:
            new = new.within(self.network)
        if new != self.view:
            self.view = new
            self.viewed.emit()

    def show(self, network: Network, back: Lost = NOTHING) -> Lost:
        """Make another network the one that is open; give what went of the view, and take back what went before."""
        left, self.network, self.stale = self.network, network, True
        before, view = self.view, self.view.following(left, network)
        gone = kept(before.hidden, left, network, renaming(left, network)).gone if before.hidden else before.hidden
        if any(back):
            view = dataclasses.replace(view, hidden=view.hidden | back.hidden, unfolded=view.unfolded | back.unfolded)
        moved = tuple(pair for pair in zip(view.bookmarks, before.bookmarks) if pair[0] != pair[1])
        if back.bookmarks:
            were = dict(back.bookmarks)
            view = dataclasses.replace(view, bookmarks=tuple(were.get(mark, mark) for mark in view.bookmarks))
        self.view = view.within(network)
        with busy(network.count):
            self.changed.emit()
            if self.view is not before:
                self.viewed.emit()
        return Lost(gone, view.unfolded - self.view.unfolded, moved)

    def open(
        self,
        network: Network,
        name: str,
        path: Path | None = None,
        view: View | None = None,
        report: "Report | None" = None,
    ) -> None:
        """Begin with another network: no history, nothing unsaved, and nothing kept of what was open."""
        self._forget()
        self.history.clear()
        self.name, self.path, self.analysis, self.report = name, path, None, report
        self.view = View()
        self.began.emit()
        self.show(network)
        self.look(**vars((view or View()).within(network)))
        self.named.emit()

    def saved(self, path: Path, network: Network) -> None:
        """Note that a network is in a file; what was edited since is not."""
        self.path, self.name = path, path.stem
        if network is self.network:
            self.history.setClean()
        else:
            self.history.resetClean()
        self.named.emit()

    def take_analysis(self, analysis: Analysis | None) -> None:
        """Take the analysis of the network that is shown; None when it failed, so that older numbers stay stale."""
        if analysis is not None:
            self.analysis, self.stale = analysis, False
        with busy(self.network.count):
            self.analyzed.emit()


class Edit(QUndoCommand):
    """The only undo command: the network before, and the network after."""

    def __init__(self, document: Document, text: str, after: Network):
        super().__init__(text)
        self.document, self.before, self.after = document, document.network, after
        self.lost = NOTHING  # with the last step

    def redo(self) -> None:
        self.lost = self.document.show(self.after, self.lost)

    def undo(self) -> None:
        self.lost = self.document.show(self.before, self.lost)

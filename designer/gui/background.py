"""Work beside the window: in other threads, and results that come back to the thread of the window."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

from PySide6.QtCore import QCoreApplication, QEvent, QObject, Qt, QTimer, Signal

from designer.analysis import forget
from designer.gui.document import Document
from designer.gui.examples import examples

BEHIND = Qt.EventPriority.LowEventPriority.value - 1  # Qt paints with low priority


class Background(QObject):
    """Threads that work off what they are given; a single one keeps the order, but for what waits for the picture."""

    _finished = Signal(object)

    def __init__(self, parent: QObject | None = None, threads: int = 1):
        super().__init__(parent)
        self._pool = ThreadPoolExecutor(threads, "designer")
        self._under_way, self._stopped = 0, False
        self._finished.connect(self._deliver, Qt.ConnectionType.QueuedConnection)

    def run(
        self,
        work: Callable[[], Any],
        then: Callable[[Any], None],
        failed: Callable[[BaseException], None] | None = None,
        painted: bool = False,
    ) -> None:
        """Call ``then`` with the result, or ``failed``; without it a failure is raised in the window's thread.

        What need not be known at once is begun when all is ``painted`` that is to be: Python runs one thread at a time.
        """

        def job() -> None:
            try:
                result = work()
            except BaseException as error:
                self._finished.emit(partial(failed or _raise, error))
            else:
                self._finished.emit(partial(then, result))

        self._under_way += 1
        if painted:  # behind the timers that are due, and what those want painted
            QTimer.singleShot(0, self, lambda: QCoreApplication.postEvent(self, _Job(job), BEHIND))
        else:
            self._pool.submit(job)

    def customEvent(self, event: QEvent) -> None:
        if isinstance(event, _Job) and not self._stopped:
            self._pool.submit(event.job)

    @property
    def busy(self) -> bool:
        """Whether there is work whose result has not come."""
        return self._under_way > 0

    def stop(self) -> None:
        """Let what runs end and drop what waits."""
        self._stopped = True
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _deliver(self, call: Any) -> None:
        self._under_way -= 1
        call()


class _Job(QEvent):
    """Work that waits until all is painted."""

    def __init__(self, job: Callable[[], None]):
        super().__init__(QEvent.Type.User)
        self.job = job


def _raise(error: BaseException) -> None:
    raise error


class Torch(QObject):
    """Whether torch is there yet: its import takes seconds, so it waits until the first window is painted."""

    came = Signal()
    warmed = Signal()

    def __init__(self, background: Background):
        super().__init__(background)
        self.background, self.version, self._asked = background, "", False

    def load(self) -> None:
        """Import torch, once."""
        if not self._asked:
            self._asked = True
            self.background.run(_import_torch, self._loaded)

    def warm(self) -> None:
        """Let torch load what its first fake runs need, and tell what the examples need, so that none waits for it."""
        self.background.run(_run_once, lambda _: None)
        *others, last = (partial(_analyze_file, example.path) for example in examples())
        for work in others:
            self.background.run(work, lambda _: None)
        self.background.run(last, lambda _: self.warmed.emit())

    def _loaded(self, version: str) -> None:
        self.version = version
        self.came.emit()


def _import_torch() -> str:
    import torch

    return str(torch.__version__).partition("+")[0]


def _run_once() -> None:
    """Analyze a layer of each kind that torch runs in a way of its own."""
    from designer.analysis import analyze
    from designer.layers import LSTM, Conv1d, Embedding, Flatten, Input, Linear, MultiheadAttention, Operation
    from designer.model import Network

    net = Network().chain(tokens=Input(("B", "T"), dtype="int64"), emb=Embedding(3, 2), lstm=LSTM(2))
    net = net.chain("lstm", attn=MultiheadAttention(1, is_causal=True), fc=Linear(2)).add(x=Input(("B", 2, 8)))
    analyze(net.chain("x", conv=Conv1d(2, 3), flat=Flatten(), abs=Operation("abs", arguments=(("port", "in"),))))


def _analyze_file(path: Path) -> None:
    """Analyze a network whose layers torch is then known to answer for; the network itself is let go."""
    from designer.analysis import analyze
    from designer.files.project import load

    network = load(path)
    analyze(network)
    forget([network])


class Analyzer(QObject):
    """Keeps the analysis of a document: one at a time, the newest network next, late results dropped."""

    def __init__(self, document: Document, torch: Torch):
        super().__init__(document)
        self.document, self.torch = document, torch
        self.busy = self.stopped = False
        document.changed.connect(self.ask)
        torch.came.connect(self.ask)
        self.ask()

    def ask(self) -> None:
        """Analyze the network as it is now, if that is not done or under way."""
        if self.torch.version and not self.busy and self.document.stale:
            self.busy = True
            network = self.document.network
            self.torch.background.run(
                lambda: _analyzed(network), self._came, lambda e: self._failed(network, e), painted=True
            )

    def stop(self) -> None:
        """Take nothing more: the window closes."""
        self.stopped = True

    def _came(self, found: Any) -> None:
        if self.stopped:
            return
        self.busy = False
        if found.network is self.document.network:
            self.document.take_analysis(found)
        self.ask()

    def _failed(self, network: Any, error: BaseException) -> None:
        if self.stopped:
            return
        self.busy = False
        if network is self.document.network:
            self.document.take_analysis(None)
            raise error
        self.ask()


def _analyzed(network: Any) -> Any:
    from designer.analysis import analyze

    return analyze(network)

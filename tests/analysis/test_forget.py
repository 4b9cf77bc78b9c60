"""What is let go is not kept by the analysis, also when one is under way."""

import gc
import threading
import weakref

import pytest

from designer import initialize
from designer.analysis import analyze, forget
from designer.analysis import analyze as analyze_function
from designer.layers import Input, Linear
from designer.model import Network


@pytest.fixture
def network():
    return initialize(Network().chain(x=Input(("B", 8)), fc=Linear(4)))


def test_only_the_networks_that_were_named_are_let_go(network):
    other = network.set("fc", bias=False)
    kept, gone = analyze(other), weakref.ref(analyze(network))
    forget([network])
    gc.collect()
    assert gone() is None
    assert analyze(other) is kept


def test_one_under_way_is_not_remembered(network, monkeypatch):
    module = __import__("sys").modules[analyze_function.__module__]
    begun, go, whole = threading.Event(), threading.Event(), module._whole

    def slowly(of):
        begun.set()
        go.wait(60)
        return whole(of)

    monkeypatch.setattr(module, "_whole", slowly)
    monkeypatch.setattr(module, "_followed", lambda of: None)
    done = []
    thread = threading.Thread(target=lambda: done.append(analyze(network).stored))
    thread.start()
    assert begun.wait(60)
    forget([network])
    go.set()
    thread.join(60)
    assert done == [36]
    assert not any(recent.network is network for recent in tuple(module._recent))

"""How two or more things are timed in the same run: interleaved rounds, the median counts."""

import gc
import statistics
import time

import pytest


@pytest.fixture
def interleaved(capsys):
    """Times callables in turn and gives the median seconds of each; prints them beside each other."""

    def run(rounds, **runs):
        times = {name: [] for name in runs}
        for n in range(rounds + 2):
            order = list(runs) if n % 2 else list(reversed(runs))
            for name in order:
                gc.collect()
                start = time.perf_counter()
                runs[name]()
                times[name].append(time.perf_counter() - start)
        medians = {name: statistics.median(taken[2:]) for name, taken in times.items()}
        with capsys.disabled():
            print("\n" + ", ".join(f"{name} {1e3 * median:.3g} ms" for name, median in medians.items()))
        return medians

    return run

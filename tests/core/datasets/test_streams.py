"""Work shared out among processes."""

import signal
import subprocess
import sys
import time
from collections.abc import Sequence

import pytest

from core.datasets import streams

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals")

ALONE = """
import multiprocessing, time
from core.datasets import streams
results = streams.pooled(time.sleep, [0.0] * 40 + [60.0], processes=True)
next(results)
print(*(p.pid for p in multiprocessing.active_children()), flush=True)
list(results)
"""
BESIDE_A_THREAD = (
    """
import threading, time
threading.Thread(target=time.sleep, args=(60,), daemon=True).start()
"""
    + ALONE
)


@pytest.mark.parametrize("code", [ALONE, BESIDE_A_THREAD], ids=["forked", "spawned"])
def test_workers_end_when_the_process_that_started_them_is_killed(code: str) -> None:
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        workers = [int(pid) for pid in process.stdout.readline().split()]
        assert workers and running(workers) == workers
        process.send_signal(signal.SIGKILL)
    until = time.monotonic() + 20
    while running(workers) and time.monotonic() < until:
        time.sleep(0.05)
    assert not running(workers)


def test_results_of_processes_come_in_order_and_errors_are_raised() -> None:
    assert list(streams.pooled(abs, range(-50, 0), processes=True)) == list(range(50, 0, -1))
    with pytest.raises(ZeroDivisionError):
        list(streams.pooled(reciprocal, [1, 0], processes=True))


def reciprocal(x: int) -> float:
    return 1 / x


def running(pids: Sequence[int]) -> list[int]:
    return [pid for pid in pids if _runs(pid)]


def _runs(pid: int) -> bool:
    """Ended processes that nobody waited for do not count."""
    state = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], stdout=subprocess.PIPE, text=True, check=False).stdout
    return bool(state.strip()) and not state.startswith("Z")

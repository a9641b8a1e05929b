"""Linear algebra on one thread, also in a library that was loaded after the first time."""

from __future__ import annotations

import os
import subprocess
import sys

from riskcast.machinery.workers import THREAD_LIMITS

PROBE = """
import numpy
from threadpoolctl import threadpool_info
from riskcast.machinery.threads import single_thread

with single_thread():
    assert {one["num_threads"] for one in threadpool_info()} == {1}
before = len(threadpool_info())
import scipy.linalg
assert len(threadpool_info()) > before, "scipy has brought no library of its own: this tries nothing"
free = [one["num_threads"] for one in threadpool_info()]
with single_thread():
    assert {one["num_threads"] for one in threadpool_info()} == {1}, threadpool_info()
assert [one["num_threads"] for one in threadpool_info()] == free
"""


def in_a_process(code: str) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if name not in THREAD_LIMITS}
    # Two threads also where the machine has one processor, or there would be nothing to hold back.
    environment["OPENBLAS_NUM_THREADS"] = "2"
    return subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)


def test_a_library_that_is_loaded_later_is_held_to_one_thread_as_well() -> None:
    ran = in_a_process(PROBE)
    assert ran.returncode == 0, ran.stderr


OVERLAP = """
import threading
import numpy
from threadpoolctl import threadpool_info
from riskcast.machinery.threads import single_thread

def numbers():
    return {one["num_threads"] for one in threadpool_info()}

free, inside, left = numbers(), threading.Event(), threading.Event()
assert free == {2}, free

def first():
    with single_thread():
        inside.set()
        left.wait()
        seen.append(numbers())

seen = []
other = threading.Thread(target=first)
with single_thread():
    other.start()
    inside.wait()
left.set()
other.join()
assert seen == [{1}], seen
assert numbers() == free
"""


def test_contexts_that_overlap_hold_until_the_last_one_ends() -> None:
    ran = in_a_process(OVERLAP)
    assert ran.returncode == 0, ran.stderr

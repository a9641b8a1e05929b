"""Tasks run once each and their results arrive once each, whatever is killed meanwhile; nothing is left running."""

from __future__ import annotations

import os
import signal
import socket
import struct
import subprocess
import sys
import threading
import warnings
from collections import Counter
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from functools import partial
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from pickle import PicklingError
from typing import Any

import numpy as np
import pytest
from threadpoolctl import threadpool_info

from riskcast.errors import CaseError, OptionError, Problem, RiskcastError, UnknownNameError
from riskcast.machinery.workers import (
    MOST_DEATHS,
    MOST_WORKERS,
    THREAD_LIMITS,
    Workers,
    cluster_workers,
    local_workers,
    run_tasks,
    workers,
)
from tests.support.clusters import PATIENCE, Cluster, needs_distributed, until


def note(log: Path, *words: object) -> None:
    with log.open("a") as file:
        file.write(" ".join(map(str, words)) + "\n")


def notes(log: Path) -> list[list[str]]:
    return [line.split() for line in log.read_text().splitlines()] if log.exists() else []


def square(value: Any) -> Any:
    return value * value


def solve(seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    matrix = rng.normal(size=(300, 300))
    return np.linalg.solve(matrix @ matrix.T + np.eye(300), rng.normal(size=300))


def numeric_threads() -> int:
    return max(library["num_threads"] for library in threadpool_info())


def logged(key: str, log: Path, gate: Path | None = None) -> str:
    note(log, key, os.getpid())
    if gate is not None:
        until(gate.exists, "the gate")
    return key.upper()


def keys_kept(dask_scheduler: Any) -> list[str]:
    return [str(key) for key in dask_scheduler.tasks]


def die_once(key: str, log: Path) -> str:
    note(log, key, os.getpid())
    if Counter(words[0] for words in notes(log))[key] == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    return key.upper()


def die_in_the_middle_of_the_answer_once(key: str, log: Path) -> bytes:
    note(log, key, os.getpid())
    if len(notes(log)) == 1:

        def half(pipe: Connection, message: bytes) -> None:
            os.write(pipe.fileno(), struct.pack("!i", len(message)) + message[: len(message) // 2])
            os.kill(os.getpid(), signal.SIGKILL)

        Connection._send_bytes = half  # ty: ignore[missing-attribute]  # typeshed leaves out private names
    return key.encode() * 1000


def die(log: Path) -> None:
    note(log, os.getpid())
    os.kill(os.getpid(), signal.SIGKILL)


class OddError(Exception):
    def __init__(self, one: str, two: str) -> None:
        super().__init__(f"{one} and {two}")
        # Where distributed is imported, exceptions are pickled in its way, and only what they hold can stop it.
        self.lock = threading.Lock()


def fail(how: str) -> None:
    if how == "value":
        raise ValueError("no such value")
    if how == "odd":
        raise OddError("this", "that")
    if how == "case":
        raise CaseError([Problem("case.yaml", 3, "seed", "is 1", "give 2")])
    if how == "name":
        raise UnknownNameError("event", "demarsh", ["demarche"])
    raise OptionError("the option is wrong")


def unpicklable() -> object:
    return threading.Lock()


@contextmanager
def processes_of_a_user() -> Generator[Workers]:
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as executor:
        yield Workers(executor, 2)


@contextmanager
def threads_of_a_user() -> Generator[Workers]:
    with ThreadPoolExecutor(2) as executor:
        yield Workers(executor, 2)


KINDS = {
    "this process": partial(local_workers, 1),
    "processes": partial(local_workers, 2),
    "processes of a user": processes_of_a_user,
    "threads of a user": threads_of_a_user,
}


@pytest.fixture(scope="module", params=KINDS)
def crew(request: pytest.FixtureRequest) -> Generator[Workers]:
    with pytest.MonkeyPatch.context() as environment:
        for name in THREAD_LIMITS:
            environment.delenv(name, raising=False)
        with KINDS[request.param]() as made:
            yield made


def collect(function: Callable[..., Any], tasks: Any, crew: Workers) -> dict[str, Any]:
    """All results by key; each must come once, in this thread."""
    results: dict[str, Any] = {}

    def keep(key: str, result: Any) -> None:
        assert threading.current_thread() is threading.main_thread()
        assert key not in results
        results[key] = result

    run_tasks(function, tasks, crew, keep)
    return results


def digits(results: dict[str, np.ndarray]) -> dict[str, bytes]:
    return {key: value.tobytes() for key, value in results.items()}


def test_every_result_arrives_once(crew: Workers) -> None:
    tasks = {f"task {i}": (i,) for i in range(25)}
    assert collect(square, tasks, crew) == {f"task {i}": i * i for i in range(25)}
    assert collect(square, {}, crew) == {}


def test_arguments_and_results_may_be_large(crew: Workers) -> None:
    tasks = {str(i): (np.full(1_000_000, float(i)),) for i in range(6)}
    for key, result in collect(square, tasks, crew).items():
        np.testing.assert_array_equal(result, tasks[key][0] ** 2)


def test_tasks_are_made_only_as_workers_become_free(crew: Workers) -> None:
    handed: list[str] = []
    most = 0

    def make() -> Iterator[tuple[str, tuple[int]]]:
        nonlocal most
        for i in range(20):
            most = max(most, i + 1 - len(handed))
            yield str(i), (i,)

    run_tasks(square, make(), crew, lambda key, _: handed.append(key))
    assert len(handed) == 20
    assert crew.count <= most <= 2 * crew.count


def test_processes_give_the_same_digits_as_this_process() -> None:
    tasks = {str(seed): (seed,) for seed in range(4)}
    with local_workers(1) as one, local_workers(2) as two:
        here, there = collect(solve, tasks, one), collect(solve, tasks, two)
    assert digits(here) == digits(there)


def test_numerics_use_one_thread(crew: Workers) -> None:
    assert set(collect(numeric_threads, {"a": (), "b": ()}, crew).values()) == {1}


@pytest.mark.parametrize(
    ("how", "kind", "told"),
    [
        ("value", ValueError, "no such value"),
        ("odd", RuntimeError, "OddError: this and that"),
        ("name", RiskcastError, "task 'a': unknown event 'demarsh'; did you mean 'demarche'? (known: demarche)"),
        ("case", RiskcastError, "task 'a': case.yaml:3: seed: is 1; give 2"),
        ("option", OptionError, "task 'a': the option is wrong"),
    ],
)
def test_an_error_in_a_task_names_it(crew: Workers, how: str, kind: type[Exception], told: str) -> None:
    with pytest.raises(kind) as caught:
        run_tasks(fail, {"a": (how,)}, crew, lambda *_: pytest.fail("a failed task has no result"))
    assert str(caught.value) == told
    assert isinstance(caught.value, RiskcastError) or "in task 'a'" in caught.value.__notes__


def test_an_error_in_a_task_stops_the_rest(crew: Workers) -> None:
    asked: list[str] = []

    def make() -> Iterator[tuple[str, tuple[str]]]:
        for i in range(50):
            asked.append(str(i))
            yield str(i), ("value",)

    with pytest.raises(ValueError, match="no such value"):
        run_tasks(fail, make(), crew, lambda *_: pytest.fail("a failed task has no result"))
    assert len(asked) <= 2 * crew.count


def test_the_traceback_of_a_worker_is_kept() -> None:
    with local_workers(2) as crew, pytest.raises(ValueError, match="no such value") as caught:
        collect(fail, {"a": ("value",)}, crew)
    assert "in fail" in "".join(caught.value.__notes__)


@pytest.mark.parametrize("bad", [(unpicklable, ()), (square, (threading.Lock(),)), (lambda: 0, ())])
def test_what_cannot_be_sent_to_or_from_a_process_is_an_error_not_a_hang(bad: tuple[Any, Any]) -> None:
    function, arguments = bad
    with local_workers(2) as crew, pytest.raises((TypeError, AttributeError, PicklingError)) as caught:
        collect(function, {"a": arguments}, crew)
    assert "in task 'a'" in caught.value.__notes__


def test_an_error_in_on_result_stops_the_rest(crew: Workers) -> None:
    asked: list[str] = []

    def make() -> Iterator[tuple[str, tuple[int]]]:
        for i in range(50):
            asked.append(str(i))
            yield str(i), (i,)

    def full(key: str, result: float) -> None:
        raise OSError(f"disk full at {key}: {result}")

    with pytest.raises(OSError, match="disk full"):
        run_tasks(square, make(), crew, full)
    assert len(asked) <= 2 * crew.count


def test_leaving_the_context_ends_workers_that_are_busy(tmp_path: Path) -> None:
    log, gate = tmp_path / "log", tmp_path / "never"

    def stop(*_: object) -> None:
        until(lambda: len(notes(log)) == 3, "both workers to be busy")
        raise KeyboardInterrupt

    tasks = {"quick": ("quick", log), "slow": ("slow", log, gate), "slower": ("slower", log, gate)}
    with pytest.raises(KeyboardInterrupt), local_workers(2) as crew:
        run_tasks(logged, tasks, crew, stop)
    for _, pid in notes(log):
        with pytest.raises(ProcessLookupError):
            os.kill(int(pid), 0)


def test_a_key_may_not_be_given_twice(crew: Workers) -> None:
    with pytest.raises(OptionError, match="task 'a' is given twice"):
        collect(square, [("a", (1,)), ("b", (1,)), ("a", (2,))], crew)


def test_a_killed_worker_costs_its_own_task_only(tmp_path: Path) -> None:
    log, gate = tmp_path / "log", tmp_path / "gate"
    handed: list[str] = []
    killed: list[str] = []

    def kill_one(key: str, result: str) -> None:
        assert result == key.upper()
        handed.append(key)
        if len(handed) == 3:
            key, pid = until(lambda: next((words for words in notes(log) if words[0][0] == "g"), None), "a busy worker")
            os.kill(int(pid), signal.SIGKILL)
            killed.append(key)
            gate.touch()

    tasks = {f"q{i}": (f"q{i}", log) for i in range(3)} | {f"g{i}": (f"g{i}", log, gate) for i in range(5)}
    with local_workers(2) as crew:
        run_tasks(logged, tasks, crew, kill_one)
    assert sorted(handed) == sorted(tasks)
    assert Counter(words[0] for words in notes(log)) == Counter([*tasks, *killed])


def test_every_worker_may_be_killed_once_in_every_task(tmp_path: Path) -> None:
    log = tmp_path / "log"
    tasks = {key: (key, log) for key in "abcd"}
    with local_workers(2) as crew:
        assert collect(die_once, tasks, crew) == {key: key.upper() for key in "abcd"}
    assert Counter(words[0] for words in notes(log)) == dict.fromkeys("abcd", 2)


def test_a_worker_killed_in_the_middle_of_its_answer_is_noticed(tmp_path: Path) -> None:
    log = tmp_path / "log"
    with local_workers(2) as crew:
        assert collect(die_in_the_middle_of_the_answer_once, {"a": ("a", log)}, crew) == {"a": b"a" * 1000}
    assert len(notes(log)) == 2


def test_a_task_that_kills_its_workers_is_given_up_and_named(tmp_path: Path) -> None:
    log = tmp_path / "log"
    with local_workers(2) as crew, pytest.raises(RiskcastError, match=r"task 'bad'.*signal 9.*fewer workers"):
        collect(die, {"bad": (log,)}, crew)
    assert len(notes(log)) == MOST_DEATHS


def test_a_broken_pool_of_a_user_is_named(tmp_path: Path) -> None:
    with processes_of_a_user() as crew, pytest.raises(RiskcastError, match=r"task 'bad'.*fewer workers"):
        collect(die, {"bad": (tmp_path / "log",)}, crew)


@pytest.mark.parametrize("count", [0, -1, MOST_WORKERS + 1, 2.5, True])
def test_a_count_that_cannot_be_is_an_error(count: Any) -> None:
    with pytest.raises(OptionError, match=f"from 1 to {MOST_WORKERS}"), workers(count):
        pytest.fail("no workers should be made")


def test_by_default_there_is_a_worker_for_each_processor() -> None:
    with workers() as crew:
        processors = getattr(os, "process_cpu_count", os.cpu_count)()
        assert processors is not None
        assert crew.count == min(processors, MOST_WORKERS)
    with pytest.raises(OptionError, match="give one"):
        workers(2, "tcp://127.0.0.1:8786")


SCRIPT = """
import os, signal, sys, time
from pathlib import Path
from riskcast.machinery.workers import local_workers, run_tasks

def task(log):
    with open(log, "a") as file:
        file.write(f"{os.getpid()}\\n")
    time.sleep(3600)

def run():
    with local_workers(2) as crew:
        run_tasks(task, {"a": (sys.argv[1],), "b": (sys.argv[1],)}, crew, print)
"""
GUARDED = SCRIPT + "\nif __name__ == '__main__':\n    run()\n"


@contextmanager
def started(folder: Path, script: str) -> Generator[subprocess.Popen[str]]:
    path = folder / "script.py"
    path.write_text(script)
    command = [sys.executable, str(path), str(folder / "log")]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        try:
            yield process
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)


def ended(process: subprocess.Popen[str]) -> str:
    """What it wrote to stderr; returns only when it and all that inherited its output have ended."""
    return process.communicate(timeout=PATIENCE)[1]


def test_an_interrupt_ends_the_run_and_all_its_workers_quietly(tmp_path: Path) -> None:
    with started(tmp_path, GUARDED) as process:
        until(lambda: len(notes(tmp_path / "log")) == 2, "both workers")
        os.killpg(process.pid, signal.SIGINT)
        told = ended(process)
    assert process.returncode == -signal.SIGINT
    assert told.count("Traceback") == 1
    assert told.rstrip().endswith("KeyboardInterrupt")


def test_an_interrupt_is_the_parents_affair_and_not_the_workers(tmp_path: Path) -> None:
    log, gate = tmp_path / "log", tmp_path / "gate"

    def interrupt() -> None:
        for _, pid in until(lambda: len(notes(log)) == 2 and notes(log), "both workers to be busy"):
            os.kill(int(pid), signal.SIGINT)
        gate.touch()

    threading.Thread(target=interrupt).start()
    with local_workers(2) as crew:
        assert collect(logged, {key: (key, log, gate) for key in "ab"}, crew) == {"a": "A", "b": "B"}
    assert len(notes(log)) == 2


def test_an_interrupt_does_not_reach_workers_that_start(tmp_path: Path) -> None:
    starts, gate = tmp_path / "starts", tmp_path / "gate"
    waiting = f"""
import os, time
open({str(starts)!r}, "a").write(f"{{os.getpid()}}\\n")
while __name__ != "__main__" and not os.path.exists({str(gate)!r}):
    time.sleep(0.02)
"""
    with started(tmp_path, waiting + GUARDED) as process:
        _, *children = until(lambda: len(notes(starts)) == 3 and notes(starts), "both workers to start")
        for (pid,) in children:
            os.kill(int(pid), signal.SIGINT)
        gate.touch()
        until(lambda: len(notes(tmp_path / "log")) == 2, "both workers to work")
        os.killpg(process.pid, signal.SIGINT)
        told = ended(process)
    assert len(notes(starts)) == 3
    assert told.count("Traceback") == 1


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_workers_end_with_a_parent_that_is_killed(tmp_path: Path, number: signal.Signals) -> None:
    with started(tmp_path, GUARDED) as process:
        until(lambda: len(notes(tmp_path / "log")) == 2, "both workers")
        process.send_signal(number)
        ended(process)
    assert process.returncode == -number


def test_a_script_without_a_guard_is_told_so(tmp_path: Path) -> None:
    with started(tmp_path, SCRIPT + "\nrun()\n") as process:
        told = ended(process)
    assert process.returncode == 1
    assert "if __name__ == '__main__'" in told.splitlines()[-1]


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Generator[Cluster]:
    with Cluster(tmp_path_factory.mktemp("cluster")) as made:
        made.add_worker()
        yield made


@needs_distributed
def test_a_cluster_gives_every_result_once_and_the_same_digits(cluster: Cluster) -> None:
    tasks = {str(seed): (seed,) for seed in range(12)}
    with workers(cluster=cluster.address) as crew, local_workers(1) as here:
        there = collect(solve, tasks, crew)
        again = collect(solve, tasks, here)
    assert digits(there) == digits(again)


@needs_distributed
def test_arguments_and_results_of_a_cluster_may_be_large(cluster: Cluster) -> None:
    with workers(cluster=cluster.address) as crew, warnings.catch_warnings():
        warnings.simplefilter("error")
        test_arguments_and_results_may_be_large(crew)


@needs_distributed
def test_a_cluster_remembers_nothing_between_runs(cluster: Cluster, tmp_path: Path) -> None:
    with workers(cluster=cluster.address) as crew:
        for _ in range(2):
            collect(logged, {"a": ("same", tmp_path / "log"), "b": ("same", tmp_path / "log")}, crew)
    assert len(notes(tmp_path / "log")) == 4


@needs_distributed
def test_a_cluster_forgets_a_result_that_was_handed_on(cluster: Cluster) -> None:
    from distributed import Client

    handed: list[str] = []
    with workers(cluster=cluster.address) as crew, Client(cluster.address, set_as_default=False) as looking:

        def look(key: str, _: object) -> None:
            handed.append(key)
            if len(handed) == 5:
                until(lambda: not looking.run_on_scheduler(keys_kept), "the scheduler to forget")

        run_tasks(square, {str(i): (i,) for i in range(5)}, crew, look)
    assert len(handed) == 5


@needs_distributed
def test_an_error_on_a_cluster_names_its_task(cluster: Cluster) -> None:
    with workers(cluster=cluster.address) as crew:
        with pytest.raises(ValueError, match="no such value") as caught:
            collect(fail, {"a": ("value",)}, crew)
        assert "in task 'a'" in caught.value.__notes__
        with pytest.raises(RiskcastError, match="task 'a': unknown event 'demarsh'"):
            collect(fail, {"a": ("name",)}, crew)


@needs_distributed
def test_a_killed_worker_of_a_cluster_loses_and_repeats_no_result(cluster: Cluster, tmp_path: Path) -> None:
    log, gate = tmp_path / "log", tmp_path / "gate"
    victim = cluster.add_worker()
    asked: list[str] = []
    handed: list[str] = []
    before: list[str] = []

    def make() -> Iterator[tuple[str, tuple[Any, ...]]]:
        number = 0
        while not any(key in handed and int(pid) == victim.pid for key, pid in notes(log)):
            asked.append(f"quick{number}")
            yield asked[-1], (asked[-1], log)
            number += 1
        before.extend(handed)
        for i in range(8):
            asked.append(f"slow{i}")
            yield asked[-1], (asked[-1], log, gate)

    def kill() -> None:
        until(lambda: any(key[:4] == "slow" and int(pid) == victim.pid for key, pid in notes(log)), "a busy victim")
        victim.kill()
        victim.wait()
        gate.touch()

    with workers(cluster=cluster.address) as crew:
        assert crew.count == 2
        killer = threading.Thread(target=kill)
        killer.start()
        run_tasks(logged, make(), crew, lambda key, _: handed.append(key))
        killer.join()
        assert crew.count == 1
    assert sorted(handed) == sorted(asked)
    runs = Counter(key for key, _ in notes(log))
    assert {key: runs[key] for key in before} == dict.fromkeys(before, 1)
    assert max(runs.values()) == 2


@needs_distributed
def test_workers_that_join_a_cluster_later_get_tasks(cluster: Cluster, tmp_path: Path) -> None:
    log, gate = tmp_path / "log", tmp_path / "gate"
    late: list[subprocess.Popen[bytes]] = []

    def join(*_: object) -> None:
        if not late:
            late.append(cluster.add_worker())
            gate.touch()

    with workers(cluster=cluster.address) as crew:
        run_tasks(logged, {"first": ("first", log)} | {f"{i}": (f"{i}", log, gate) for i in range(40)}, crew, join)
        assert crew.count == 2
        late[0].kill()
        until(lambda: crew.count == 1, "the cluster to notice")
    assert len({pid for _, pid in notes(log)}) == 2


@needs_distributed
def test_an_interrupt_leaves_nothing_on_a_cluster(cluster: Cluster, tmp_path: Path) -> None:
    log, gate = tmp_path / "log", tmp_path / "gate"
    from distributed import Client

    def interrupt() -> None:
        until(lambda: notes(log), "a task to run")
        # A signal that another thread takes does not wake the one that waits.
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)

    assert signal.SIGINT not in signal.pthread_sigmask(signal.SIG_BLOCK, ())
    with Client(cluster.address, set_as_default=False) as looking:
        with workers(cluster=cluster.address) as crew:
            threading.Thread(target=interrupt).start()
            with pytest.raises(KeyboardInterrupt):
                collect(logged, {key: (key, log, gate) for key in "abcdef"}, crew)
            gate.touch()
            assert collect(square, {"after": (3,)}, crew) == {"after": 9}
        # An interrupt in the middle of handing a task over may leave its key with the client, until that closes.
        until(lambda: not looking.run_on_scheduler(keys_kept), "the scheduler to forget")
    # One runs and one is with the worker already; whether that one can still be called back is for the cluster to say.
    assert {key for key, _ in notes(log)} <= {"a", "b"}


@needs_distributed
def test_a_task_that_kills_workers_of_a_cluster_is_named(tmp_path: Path) -> None:
    with Cluster(tmp_path, DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES="0") as fragile:
        fragile.add_worker()
        with (
            workers(cluster=fragile.address) as crew,
            pytest.raises(RiskcastError, match=r"task 'bad': 1 workers of the cluster died"),
        ):
            collect(die, {"bad": (tmp_path / "notes",)}, crew)


@needs_distributed
def test_a_scheduler_that_dies_is_an_error_not_a_hang(tmp_path: Path) -> None:
    log, gate = tmp_path / "notes", tmp_path / "gate"
    with Cluster(tmp_path) as mortal:
        mortal.add_worker()

        def kill(*_: object) -> None:
            mortal.scheduler.kill()

        tasks = {"quick": ("quick", log)} | {str(i): (str(i), log, gate) for i in range(6)}
        with (
            cluster_workers(mortal.address, patience=3) as crew,
            pytest.raises(RiskcastError, match="see that its scheduler is running"),
        ):
            run_tasks(logged, tasks, crew, kill)


@pytest.mark.parametrize("address", ["", "host", "127.0.0.1:8786", "tcp://host", "http://host:1", "tcp://host:x"])
def test_what_is_no_address_is_an_error(address: str) -> None:
    with pytest.raises(OptionError, match=r"tcp://host:8786"), workers(cluster=address):
        pytest.fail("there is no such cluster")


@needs_distributed
def test_an_address_without_a_scheduler_is_an_error() -> None:
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        address = f"tcp://127.0.0.1:{deaf.getsockname()[1]}"
        with pytest.raises(OptionError, match="no Dask scheduler answers"), cluster_workers(address, patience=1):
            pytest.fail("nothing answers there")
    with pytest.raises(OptionError, match="no Dask scheduler answers"), cluster_workers(address, patience=1):
        pytest.fail("nothing listens there")


@needs_distributed
def test_a_cluster_without_fit_workers_is_an_error(tmp_path: Path) -> None:
    bare = tmp_path / "bare.py"
    bare.write_text(
        "import importlib.metadata as metadata\n"
        "def version(name):\n"
        "    raise metadata.PackageNotFoundError(name)\n"
        "metadata.version = version\n"
    )
    with Cluster(tmp_path) as poor:
        with pytest.raises(OptionError, match="has no workers"), cluster_workers(poor.address, patience=1):
            pytest.fail("there are no workers")
        poor.add_worker("--preload", str(bare))
        with pytest.raises(OptionError, match=r"has no riskcast; install riskcast"), workers(cluster=poor.address):
            pytest.fail("the worker is of no use")


@needs_distributed
def test_another_version_on_a_cluster_is_an_error(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("riskcast.machinery.workers.__version__", "99.0")
    with pytest.raises(OptionError, match=r"not 99\.0; install riskcast 99\.0"), workers(cluster=cluster.address):
        pytest.fail("the worker is of no use")


def test_a_cluster_needs_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(OptionError, match=r"pip install 'riskcast\[cluster\]'"), workers(cluster="tcp://127.0.0.1:1"):
        pytest.fail("there is no cluster")

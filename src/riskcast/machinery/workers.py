"""Many independent tasks, run in this process, in local processes, on a Dask cluster or on an executor of your own."""

from __future__ import annotations

import asyncio
import importlib.metadata
import multiprocessing
import os
import pickle
import re
import signal
import threading
import traceback
from collections.abc import Callable, Generator, Iterable, Mapping
from concurrent.futures import (
    FIRST_COMPLETED,
    BrokenExecutor,
    CancelledError,
    Executor,
    Future,
    ThreadPoolExecutor,
    wait,
)
from contextlib import AbstractContextManager, contextmanager, suppress
from itertools import islice
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import Any, cast

from riskcast.errors import OptionError, RiskcastError, show
from riskcast.machinery.staging import check_working_folder
from riskcast.machinery.threads import single_thread
from riskcast.version import __version__

MOST_WORKERS = 256
MOST_DEATHS = 4
AHEAD = 2
THREAD_LIMITS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")


class Workers:
    """Something to run tasks on: an executor and how many tasks it works on at once.

    Wrap an executor of your own as `Workers(executor, count)`; whoever made the executor shuts it down.
    """

    def __init__(self, executor: Executor, count: int) -> None:
        self.executor = executor
        self._count = count

    @property
    def count(self) -> int:
        """How many tasks are worked on at once, now."""
        return self._count

    @property
    def ahead(self) -> int:
        """How many tasks to keep submitted: enough that no worker waits, few enough for memory."""
        return AHEAD * self.count

    def loss(self, error: BaseException) -> str | None:
        """What befell the worker that ran a task and how to mend it; None where the task itself failed."""
        if isinstance(error, BrokenExecutor):
            return f"the process that ran it ended before it was done ({error}); if memory ran out, use fewer workers"
        return None


def run_tasks[Result](
    function: Callable[..., Result],
    tasks: Mapping[str, tuple[Any, ...]] | Iterable[tuple[str, tuple[Any, ...]]],
    workers: Workers,
    on_result: Callable[[str, Result], object],
) -> None:
    """Call a top-level function with each task's arguments; hand each result on, once, in this thread, as it arrives.

    Tasks are read as workers become free, so a generator may make large arguments lazily. Whatever is raised, here or
    in a worker, cancels the rest. Raises what a task raised, naming its key; RiskcastError when a task's workers keep
    dying; OptionError for a key given twice.

    >>> with local_workers(1) as here:
    ...     run_tasks(divmod, {"a": (7, 2), "b": (9, 4)}, here, print)
    a (3, 1)
    b (2, 1)
    """
    pairs = tasks.items() if isinstance(tasks, Mapping) else tasks
    coming = iter(cast("Iterable[tuple[str, tuple[Any, ...]]]", pairs))
    running: dict[Future[Any], str] = {}
    seen: set[str] = set()
    try:
        while True:
            for key, arguments in islice(coming, max(0, workers.ahead - len(running))):
                if key in seen:
                    raise OptionError(f"task {show(key)} is given twice; give every task a key of its own")
                seen.add(key)
                with _naming(key, workers):
                    running[workers.executor.submit(_call, function, arguments)] = key
            if not running:
                return
            done = wait(running, return_when=FIRST_COMPLETED).done
            while done:
                future = done.pop()
                key = running.pop(future)
                with _naming(key, workers):
                    result = future.result()
                # A cluster keeps a result, and runs its task again if that is lost, while anybody holds the future.
                del future
                on_result(key, result)
                del result
    except BaseException:
        for future in running:
            future.cancel()
        raise


def workers(count: int | None = None, cluster: str | None = None) -> AbstractContextManager[Workers]:
    """Local worker processes, as many as there are processors unless counted, or those of the cluster at an address.

    Raises OptionError when both are given, or for a count or an address that cannot be.

    >>> with workers(count=1) as here:
    ...     here.count
    1
    """
    if cluster is None:
        return local_workers(count)
    if count is not None:
        raise OptionError("both a number of workers and a cluster are given; a cluster has its own workers, give one")
    return cluster_workers(cluster)


@contextmanager
def local_workers(count: int | None = None) -> Generator[Workers]:
    """Worker processes on this machine, by default as many as processors; a single one is this process itself.

    A worker that is killed is replaced and its task run again, a few times. None outlives the context, nor this
    process. Raises OptionError for a count that cannot be.
    """
    if count is None:
        count = min(getattr(os, "process_cpu_count", os.cpu_count)() or 1, MOST_WORKERS)
    if isinstance(count, bool) or not isinstance(count, int) or not 1 <= count <= MOST_WORKERS:
        raise OptionError(f"number of workers is {show(count)}; give a whole number from 1 to {MOST_WORKERS}")
    if count == 1:
        yield _ThisProcess()
        return
    check_working_folder()
    with _Processes(count) as processes:
        yield Workers(processes, count)


@contextmanager
def cluster_workers(address: str, patience: float = 10.0) -> Generator[Workers]:
    """The workers of the Dask cluster whose scheduler listens at an address such as `tcp://host:8786`.

    Every worker must have this version of riskcast. Raises OptionError where the package `distributed` is missing,
    where no scheduler or worker answers within `patience` seconds, or where riskcast is missing or another there.
    """
    if not re.fullmatch(r"(tcp|tls|wss?)://[^/\s]+:\d{1,5}/?", address):
        raise OptionError(f"cluster is {show(address)}; give the address of its scheduler, such as tcp://host:8786")
    try:
        from distributed import Client
    except ImportError:
        raise OptionError("a cluster needs the package distributed; run: pip install 'riskcast[cluster]'") from None
    try:
        # A client waits for ever where something listens but does not answer.
        with ThreadPoolExecutor(1) as thread:
            thread.submit(asyncio.run, _find_scheduler(address, patience)).result()
        client = Client(address, timeout=patience, set_as_default=False)
    except (OSError, ImportError) as error:
        raise OptionError(
            f"no Dask scheduler answers at {address} within {patience:g} s{f' ({error})' if str(error) else ''}; "
            "check the address, or start one with: dask scheduler"
        ) from error
    try:
        _check_cluster(client, address, patience)
        yield _Cluster(client, address)
    finally:
        with suppress(OSError):
            client.close()


async def _find_scheduler(address: str, patience: float) -> None:
    from distributed import Security, rpc

    connection = Security().get_connection_args("client")
    async with asyncio.timeout(patience), rpc(address, timeout=patience, connection_args=connection) as there:
        found = (await there.identity())["type"]
    if found != "Scheduler":
        raise OSError(f"a {found.lower()} does")


def _check_cluster(client: Any, address: str, patience: float) -> None:
    try:
        client.wait_for_workers(1, timeout=patience)
    except TimeoutError:
        raise OptionError(f"the cluster at {address} has no workers; start some with: dask worker {address}") from None
    found = client.run(importlib.metadata.version, "riskcast", on_error="return")
    for worker, version in found.items():
        if version != __version__:
            wrong = "no riskcast" if isinstance(version, Exception) else f"riskcast {version}, not {__version__}"
            raise OptionError(f"worker {worker} has {wrong}; install riskcast {__version__} there as it is here")


class _Cluster(Workers):
    def __init__(self, client: Any, address: str) -> None:
        super().__init__(client.get_executor(pure=False), 1)
        self._client = client
        self._address = address

    @property
    def count(self) -> int:
        # Once the connection is lost, the tasks that are out tell of it.
        with suppress(OSError, AttributeError, RuntimeError):
            self._count = max(1, sum(self._client.nthreads().values()))
        return self._count

    def loss(self, error: BaseException) -> str | None:
        from distributed import KilledWorker
        from distributed.client import ClosedClientError

        if isinstance(error, KilledWorker):
            return (
                f"{error.allowed_failures + 1} workers of the cluster died while running it; their logs say why; if "
                "memory ran out, give each worker more of it or fewer threads"
            )
        if isinstance(error, (CancelledError, ClosedClientError)):
            return f"the cluster at {self._address} lost it; see that its scheduler is running, then run again"
        return super().loss(error)


class _ThisProcess(Workers, Executor):
    def __init__(self) -> None:
        super().__init__(self, 1)

    @property
    def ahead(self) -> int:
        return 1

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as error:
            future.set_exception(error)
        return future


class _Processes(Executor):
    """One thread for each worker process, each with a pipe of its own.

    The end of a process closes its pipe, even in the middle of a message, so a worker that is killed neither blocks
    the others nor loses their work; a pool with shared queues can do both.
    """

    def __init__(self, count: int) -> None:
        self._context = multiprocessing.get_context("spawn")
        self._threads = ThreadPoolExecutor(count, thread_name_prefix="riskcast-worker")
        self._mine = threading.local()
        self._lock = threading.Lock()
        self._open = True
        self._processes: set[BaseProcess] = set()

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        return self._threads.submit(self._run, (fn, args, kwargs))

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Kill all workers, busy or not."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        with self._lock:
            self._open = False
            for process in self._processes:
                process.kill()
        self._threads.shutdown(wait=True)
        for process in self._processes:
            process.join()

    def _run(self, task: tuple[Any, ...]) -> Any:
        message = pickle.dumps(task)
        ending = ""
        for _ in range(MOST_DEATHS):
            started = hasattr(self._mine, "worker") or self._start()
            if started:
                _, pipe = self._mine.worker
                with suppress(EOFError, OSError):
                    pipe.send_bytes(message)
                    answer = pipe.recv_bytes()
                    break
            ending = self._bury(started)
        else:
            raise BrokenExecutor(ending)
        result, error = pickle.loads(answer)
        if error is not None:
            raise error
        return result

    def _start(self) -> bool:
        ours, theirs = self._context.Pipe()
        process = self._context.Process(target=_serve, args=(theirs,), daemon=True)
        with self._lock:
            if not self._open:
                raise CancelledError
            with _safe_path(), _interrupts_blocked():
                process.start()
            self._processes.add(process)
        theirs.close()
        self._mine.worker = process, ours
        with suppress(EOFError, OSError):
            return ours.recv_bytes() == READY
        return False

    def _bury(self, started: bool) -> str:
        process, pipe = self._mine.worker
        del self._mine.worker
        pipe.close()
        process.join()
        with self._lock:
            self._processes.discard(process)
        code = process.exitcode or 0
        how = f"was killed by signal {-code}" if code < 0 else f"ended with exit code {code}"
        if started:
            return f"its worker {how}, {MOST_DEATHS} times"
        return f"its worker {how} as it started; a script must call this under: if __name__ == '__main__'"


READY = b"ready"


def _serve(pipe: Connection) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.environ.update(dict.fromkeys(THREAD_LIMITS, "1"))
    threading.Thread(target=_end_with_parent, daemon=True).start()
    with suppress(EOFError, OSError):
        pipe.send_bytes(READY)
        while True:
            pipe.send_bytes(_answer(pipe.recv_bytes()))


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _answer(message: bytes) -> bytes:
    try:
        function, args, kwargs = pickle.loads(message)
        return pickle.dumps((function(*args, **kwargs), None))
    except Exception as error:
        error.add_note(f"in a worker process:\n{traceback.format_exc()}")
        return pickle.dumps((None, _portable(error)))


def _call(function: Callable[..., Any], arguments: tuple[Any, ...]) -> Any:
    with single_thread():
        try:
            return function(*arguments)
        except Exception as error:
            # An error that cannot be unpickled breaks a pool of processes instead of being reported.
            portable = _portable(error)
            if portable is error:
                raise
            raise portable from None


def _portable(error: Exception) -> Exception:
    with suppress(Exception):
        copy = pickle.loads(pickle.dumps(error))
        if type(copy) is type(error) and str(copy) == str(error):
            return error
    if isinstance(error, RiskcastError):
        plain: Exception = RiskcastError(str(error))
    else:
        plain = RuntimeError(f"{type(error).__name__}: {error}")
    plain.add_note("".join(traceback.format_exception(error)))
    return plain


@contextmanager
def _naming(key: str, workers: Workers) -> Generator[None]:
    try:
        yield
    except Exception as error:
        loss = workers.loss(error)
        if loss is not None:
            raise RiskcastError(f"task {show(key)}: {loss}") from error
        if isinstance(error, RiskcastError):
            error.args = (f"task {show(key)}: {error}",)
        else:
            error.add_note(f"in task {show(key)}")
        raise


@contextmanager
def _safe_path() -> Generator[None]:
    """Let a process that is started import nothing from the folder that one stands in: anybody may have filled it."""
    before = os.environ.get("PYTHONSAFEPATH")
    os.environ["PYTHONSAFEPATH"] = "1"
    try:
        yield
    finally:
        if before is None:
            del os.environ["PYTHONSAFEPATH"]
        else:
            os.environ["PYTHONSAFEPATH"] = before


@contextmanager
def _interrupts_blocked() -> Generator[None]:
    # A child inherits the mask, so that Ctrl-C reaches only the parent even while the child is still importing.
    # Python's resource tracker unblocks interrupts in the thread that starts it, which is the first to start a child.
    if not hasattr(signal, "pthread_sigmask"):
        # Windows: there is no such mask, and no tracker.
        yield
        return
    resource_tracker.ensure_running()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)

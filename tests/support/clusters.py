"""Dask clusters of processes on this machine, and waiting for what other processes do."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Generator
from contextlib import ExitStack, contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

import pytest

from tests.support.places import ROOT

PATIENCE = 120.0
needs_distributed = pytest.mark.skipif(
    find_spec("distributed") is None, reason="needs the package distributed: pip install 'riskcast[cluster]'"
)


def until[Answer](ask: Callable[[], Answer | Literal[False] | None], what: str) -> Answer:
    deadline = time.monotonic() + PATIENCE
    while not (answer := ask()):
        assert time.monotonic() < deadline, f"waited in vain for {what}"
        time.sleep(0.02)
    return answer


@contextmanager
def dask(folder: Path, *arguments: str, **environment: str) -> Generator[subprocess.Popen[bytes]]:
    folder.mkdir(parents=True, exist_ok=True)
    inherited = {"PYTHONPATH": str(ROOT), "DASK_TEMPORARY_DIRECTORY": str(folder)}
    with (
        (folder / "log").open("wb") as log,
        subprocess.Popen(
            [sys.executable, "-m", "dask", *arguments, "--host", "127.0.0.1", "--dashboard-address", "127.0.0.1:0"],
            env=os.environ | inherited | environment,
            stdout=log,
            stderr=log,
        ) as process,
    ):
        try:
            yield process
        finally:
            process.kill()


class Cluster:
    """A real scheduler and worker processes, which talk over TCP and listen on 127.0.0.1 only."""

    def __init__(self, folder: Path, **environment: str) -> None:
        self._stack = ExitStack()
        self._folder = folder
        self._started = 0
        about = folder / "scheduler.json"
        arguments = ("scheduler", "--port", "0", "--no-dashboard", "--scheduler-file", str(about))
        self.scheduler = self._stack.enter_context(dask(folder / "scheduler", *arguments, **environment))
        self.address = json.loads(until(lambda: about.exists() and about.read_text(), "the scheduler"))["address"]

    def add_worker(self, *arguments: str) -> subprocess.Popen[bytes]:
        self._started += 1
        place = self._folder / f"worker-{self._started}"
        options = (self.address, "--nthreads", "1", "--no-nanny", "--no-dashboard", "--memory-limit", "0", *arguments)
        process = self._stack.enter_context(dask(place, "worker", *options))
        until(lambda: "Registered to" in (place / "log").read_text(), "a worker of the cluster")
        return process

    def __enter__(self) -> Cluster:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

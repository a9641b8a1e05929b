"""`riskcast app`: a server of one's own, which listens at home, says what is wrong and leaves nothing behind."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import tomllib
import urllib.request
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest
import streamlit.net_util
import streamlit.web.cli

from riskcast.cli import app_server
from tests.support.command_line import Run, runner
from tests.support.places import ROOT

LISTENS = "0A"
PATIENCE = 40.0


@pytest.fixture
def port() -> int:
    """A port that nothing listens on."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs `riskcast app`: exit status, standard output, standard error."""
    return runner(capsys, "app")


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[list[str]]:
    """What Streamlit is called with, in place of a server."""
    calls: list[list[str]] = []
    # Put back with what the command changes in this process.
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(streamlit.net_util, "get_external_ip", lambda: "203.0.113.9")
    monkeypatch.setattr(streamlit.net_util, "get_internal_ip", lambda: "203.0.113.9")
    monkeypatch.setenv("RISKCAST_LINKS", "")
    monkeypatch.setattr(streamlit.web.cli, "main", lambda words, standalone_mode: calls.append(words))
    return calls


@contextmanager
def server(port: int, folder: Path) -> Generator[subprocess.Popen[str]]:
    """The app's server in a process group of its own, once it answers."""
    process = subprocess.Popen(
        [sys.executable, "-m", "riskcast", "app", "--port", str(port), "--no-browser"],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        deadline = time.monotonic() + PATIENCE
        while not answers(port):
            assert process.poll() is None, process.communicate()
            assert time.monotonic() < deadline, "the server does not answer"
            time.sleep(0.1)
        yield process
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def answers(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/_stcore/health", timeout=2) as answer:
            return answer.status == 200
    except OSError:
        return False


def listeners(port: int) -> set[str]:
    """Addresses, as the kernel writes them, on which something listens at a port."""
    lines = [
        line.split()
        for table in ("tcp", "tcp6")
        if (file := Path("/proc/net") / table).exists()
        for line in file.read_text().splitlines()[1:]
    ]
    return {words[1].split(":")[0] for words in lines if words[1].endswith(f":{port:04X}") and words[3] == LISTENS}


@pytest.mark.skipif(not Path("/proc/net/tcp").exists(), reason="tells who listens from /proc")
def test_it_answers_at_home_only_and_ends_quietly_with_all_it_started(port: int, tmp_path: Path) -> None:
    with server(port, tmp_path) as process:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=PATIENCE) as page:
            assert b"<title>" in page.read()
        assert listeners(port) == {"0100007F"}
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=PATIENCE)
        assert process.returncode == 0
        assert f"http://127.0.0.1:{port}" in out
        assert "Traceback" not in out + err
        with pytest.raises(ProcessLookupError):
            os.killpg(process.pid, 0)
    assert listeners(port) == set()


def test_a_port_that_is_taken_is_told_with_another(run: Run, started: list[list[str]]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        status, _, err = run("--port", port)
    assert status == 2
    assert f"port {port} is taken; give another, such as --port {port + 1}" in err
    assert not started


@pytest.mark.parametrize("address", ["nowhere.invalid", "192.0.2.1", "a" * 300, ""])
def test_an_address_of_another_machine_is_told(run: Run, started: list[list[str]], port: int, address: str) -> None:
    status, _, err = run("--port", port, "--address", address)
    assert status == 2
    assert "is no address of this machine; leave it out" in err
    assert not started


def test_without_streamlit_it_says_what_to_install(
    run: Run, started: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(app_server, "find_spec", lambda name: None)
    status, _, err = run()
    assert status == 2
    assert "pip install 'riskcast[app]'" in err
    assert not started


@pytest.mark.parametrize(
    ("screen", "options", "headless"),
    [("", (), "true"), ("", ("--browser",), "true"), (":0", (), "false"), (":0", ("--no-browser",), "true")],
)
def test_it_opens_a_browser_only_where_there_is_a_screen_and_it_may(
    run: Run,
    started: list[list[str]],
    monkeypatch: pytest.MonkeyPatch,
    port: int,
    screen: str,
    options: tuple[str, ...],
    headless: str,
) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    monkeypatch.setenv("DISPLAY", screen)
    status, _, _ = run("--port", port, *options)
    assert status == 0
    assert f"--server.headless={headless}" in started[0]


def test_it_listens_at_home_and_tells_nobody_unless_asked(run: Run, started: list[list[str]], port: int) -> None:
    run("--port", port)
    run("--port", port, "--address", "localhost")
    first, second = started
    assert {"--server.address=127.0.0.1", f"--server.port={port}", "--browser.gatherUsageStats=false"} <= set(first)
    assert "--server.address=localhost" in second
    assert Path(first[1]) == ROOT / "app" / "server.py"


def test_the_app_travels_inside_the_package() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    included = settings["tool"]["hatch"]["build"]["targets"]["wheel"]["force-include"]
    assert included["app"] == "riskcast/app"

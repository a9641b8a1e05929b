"""Who may ask the app's server, and that neither a folder, nor the environment, nor a stranger's page changes that."""

from __future__ import annotations

import doctest
import http.client
import os
import socket
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
import streamlit.config
import streamlit.net_util
from starlette.datastructures import Headers

import server
from riskcast.cli import app_server
from tests.app.test_command import port, run, server as serving, started
from tests.support.command_line import Run
from tests.support.watched import watch

__all__ = ["port", "run", "started"]

# Every option of Streamlit is either set, or can be set by a folder or a person without harm to the reader.
HARMLESS = {
    *("global.disableWidgetStateDuplicationWarning", "global.showWarningOnDirectExecution", "global.appTest"),
    *("global.suppressDeprecationWarnings", "global.minCachedMessageSize", "global.maxCachedMessageAge"),
    *("logger.level", "logger.messageFormat", "logger.enableRich", "client.showSidebarNavigation"),
    *("runner.postScriptGC", "runner.fastReruns", "runner.enforceSerializableSessionState", "runner.enumCoercion"),
    *("runner.parallelMaxWorkers", "runner.cacheBackgroundRefreshMaxWorkers"),
    *("runner.cacheBackgroundRefreshTTLMultiplier", "runner.connectionDefaultTTL", "runner.cacheHashSeed"),
    *("server.folderWatchList", "server.folderWatchBlacklist", "server.enableExpensiveMemoryStats"),
    *("server.maxCacheDataSize", "server.cookieSecret", "server.baseUrlPath", "server.maxMessageSize"),
    *("server.enableWebsocketCompression", "server.websocketPingInterval", "server.disconnectedSessionTTL"),
    *("server.agentWaitTimeout", "server.agentSessionTTL", "server.agentMaxSessions", "server.agentPreviewRows"),
    *("server.sslCertFile", "server.sslKeyFile", "server.unsafeMetricsUserAttributes"),
    *("magic.displayRootDocString", "magic.displayLastExprIfNoSemicolon", "ui.hideTopBar"),
}
WEAK = """
[server]
enableCORS = false
enableXsrfProtection = false
enableStaticServing = true
enableAgentApi = true
maxUploadSize = 5000
corsAllowedOrigins = ["http://evil.example"]
allowedHosts = ["*"]
fileWatcherType = "poll"
[client]
showErrorDetails = "full"
allowedOrigins = ["http://evil.example"]
[browser]
gatherUsageStats = true
serverAddress = "evil.example"
[theme]
base = "http://evil.example/theme.toml"
"""


def answer(port: int, path: str = "/", method: str = "GET", **headers: str) -> tuple[int, Mapping[str, str], bytes]:
    """What the server says: status, headers in small letters, content."""
    line = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        line.putrequest(method, path, skip_host="Host" in headers)
        for name, value in headers.items():
            line.putheader(name.replace("_", "-"), value)
        line.endheaders()
        found = line.getresponse()
        return found.status, {name.lower(): value for name, value in found.getheaders()}, found.read()
    finally:
        line.close()


def stream(port: int, origin: str | None, host: str = "") -> int:
    """The status with which a WebSocket is opened, or not."""
    lines = ["GET /_stcore/stream HTTP/1.1", f"Host: {host or f'127.0.0.1:{port}'}", "Connection: Upgrade"]
    lines += ["Upgrade: websocket", "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="]
    lines += [f"Origin: {origin}"] if origin is not None else []
    with socket.create_connection(("127.0.0.1", port), timeout=60) as line:
        line.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
        return int(line.recv(4096).split()[1])


@pytest.fixture(scope="module")
def hostile_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder such as a stranger's repository, which holds all that Streamlit would take for its own."""
    folder = tmp_path_factory.mktemp("clone")
    (folder / ".streamlit").mkdir()
    (folder / ".streamlit" / "config.toml").write_text(WEAK)
    (folder / "static").mkdir()
    (folder / "static" / "x.html").write_text("<script>alert(1)</script>")
    (folder / "pages").mkdir()
    (folder / "pages" / "stranger.py").write_text("raise SystemExit")
    return folder


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory, hostile_folder: Path) -> Iterator[tuple[int, Path]]:
    """The port of a server that was started in a hostile folder and environment, and the file of its turns outside."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        own = int(free.getsockname()[1])
    variables, log = watch(tmp_path_factory.mktemp("watch"))
    variables |= {"STREAMLIT_SERVER_ENABLE_CORS": "false", "STREAMLIT_THEME_BASE": "http://evil.example/theme.toml"}
    variables |= {"STREAMLIT_SERVER_ENABLE_STATIC_SERVING": "true", "STREAMLIT_SERVER_ENABLE_XSRF_PROTECTION": "false"}
    with pytest.MonkeyPatch.context() as patch:
        for name, value in variables.items():
            patch.setenv(name, value)
        with serving(own, hostile_folder):
            yield own, log


def outside(log: Path) -> list[str]:
    time.sleep(2)
    return log.read_text().splitlines()


@pytest.mark.parametrize(
    "path", ["/", "/overview", "/_stcore/health", "/_stcore/host-config", "/nothing/here.js", "/app/static/x.html"]
)
def test_every_answer_bears_the_headers_that_guard_the_reader(watched: tuple[int, Path], path: str) -> None:
    status, headers, content = answer(watched[0], path)
    assert status in (200, 404)
    for name, value in server.HEADERS.items():
        assert headers[name.lower()] == value
    assert "access-control-allow-origin" not in headers or headers["access-control-allow-origin"] != "*"
    assert b"alert(1)" not in content
    policy = headers["content-security-policy"]
    assert "unsafe-eval" not in policy
    assert "frame-ancestors 'none'" in policy
    assert "http" not in policy


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "127.0.0.1.evil.example:80",
        "localhost.evil.example",
        "user@127.0.0.1",
        "192.0.2.1",
        "127.0.0.1/x",
    ],
)
def test_a_foreign_host_name_is_refused_with_the_mend(watched: tuple[int, Path], host: str) -> None:
    status, _, content = answer(watched[0], Host=host)
    assert status in (400, 403)
    assert b"--host" in content or status == 400
    assert stream(watched[0], None, host) in (400, 403)
    assert stream(watched[0], f"http://{host}", host) in (400, 403)


def test_the_app_answers_to_its_own_names(watched: tuple[int, Path]) -> None:
    own = watched[0]
    for host in (f"127.0.0.1:{own}", f"localhost:{own}", f"[::1]:{own}", "localhost"):
        assert answer(own, "/_stcore/health", Host=host)[0] == 200
    assert stream(own, f"http://localhost:{own}", f"localhost:{own}") == 101
    assert stream(own, None) == 101


@pytest.mark.parametrize(
    "origin",
    [
        "http://evil.example",
        "null",
        "http://127.0.0.1",
        "http://127.0.0.1:1",
        "file://",
        "http://8.8.8.8",
        "chrome://x",
    ],
)
def test_a_foreign_page_is_refused_and_nobody_outside_is_asked(watched: tuple[int, Path], origin: str) -> None:
    own, log = watched
    assert stream(own, origin) == 403
    for path in ("/", "/_stcore/health", "/_stcore/upload_file/a/b", "/_stcore/agent/interact", "/_stcore/host-config"):
        status, headers, _ = answer(own, path, "GET", Origin=origin)
        assert status == 403
        assert "access-control-allow-origin" not in headers
    assert outside(log) == []


def test_the_agents_door_is_shut_and_an_upload_needs_a_session(watched: tuple[int, Path]) -> None:
    own = watched[0]
    assert answer(own, "/_stcore/agent/interact", "POST")[0] in (400, 403)
    assert answer(own, "/_stcore/upload_file/a/b", "PUT", Content_Length=str(100_000_000))[0] == 403


def test_the_folder_and_the_environment_are_not_heard(watched: tuple[int, Path]) -> None:
    own, log = watched
    allowed = answer(own, "/_stcore/host-config")[2]
    assert b"evil.example" not in allowed
    assert outside(log) == []


def test_variables_that_are_not_heard_are_told(
    run: Run, started: list[list[str]], monkeypatch: pytest.MonkeyPatch, port: int
) -> None:
    monkeypatch.setenv("STREAMLIT_SERVER_ENABLE_CORS", "false")
    status, _, err = run("--port", port, "--no-browser")
    assert status == 0
    assert "STREAMLIT_SERVER_ENABLE_CORS is not heard" in err
    assert "STREAMLIT_SERVER_ENABLE_CORS" not in os.environ


def test_every_option_of_streamlit_is_set_or_harmless(run: Run, started: list[list[str]], port: int) -> None:
    run("--port", port, "--no-browser")
    given = {word.removeprefix("--").partition("=")[0] for word in started[0][2:]}
    known = {
        name
        for name, option in streamlit.config._config_options_template.items()
        if not name.startswith(("theme", "_test")) and not option.deprecated
    }
    assert known - given - HARMLESS == set()
    assert given - known == set()
    assert streamlit.config._config_options_template["server.allowedHosts"].multiple


def test_names_of_a_proxy_are_answered_to(run: Run, started: list[list[str]], port: int) -> None:
    run("--port", port, "--host", "Risk.example.org", "--links", "www.example.org, DATA.example.org")
    words = set(started[0])
    assert {"--server.allowedHosts=risk.example.org", "--server.corsAllowedOrigins=https://risk.example.org"} <= words
    assert os.environ["RISKCAST_LINKS"] == "www.example.org,data.example.org"
    for option in ("--host", "--links"):
        status, _, err = run("--port", port, option, "https://x.example/")
        assert status == 2
        assert f"{option} is 'https://x.example/', which is no name of a host" in err


def test_secrets_of_a_folder_are_heard_only_where_they_are_named(
    run: Run, started: list[list[str]], port: int, tmp_path: Path
) -> None:
    (tmp_path / ".streamlit").mkdir()
    secrets = tmp_path / ".streamlit" / "secrets.toml"
    secrets.write_text('[auth]\nclient_id = "stranger"\n')
    status, _, err = run("--port", port)
    assert status == 2
    assert "is not heard by itself; add --secrets" in err
    assert not started
    assert run("--port", port, "--secrets", secrets)[0] == 0
    assert f"--secrets.files={secrets}" in started[0]
    # Where they decide nothing about who may come in, they are passed over.
    os.chdir(tmp_path)
    secrets.write_text('key = "x"\n')
    assert run("--port", port)[0] == 0
    assert f"--secrets.files={secrets}" not in started[1]
    assert run("--port", port, "--secrets", tmp_path / "none.toml")[0] == 2


def test_without_its_own_names_the_guard_serves_nobody() -> None:
    assert server.why_refused(Headers({"host": "127.0.0.1:8501"}), [], []) is not None
    assert doctest.testmod(server).failed == 0


@pytest.mark.parametrize(
    ("host", "origin", "hosts", "served"),
    [
        ("10.1.2.3:8501", "http://10.1.2.3:8501", ["*", "box"], True),
        ("box:8501", "http://box:8501", ["*", "box"], True),
        ("rebound.example:8501", "http://rebound.example:8501", ["*", "box"], False),
        ("risk.example.org", "https://risk.example.org", ["risk.example.org"], True),
        ("127.0.0.1:8501", "https://risk.example.org", ["127.0.0.1"], True),
        ("127.0.0.1:8501", "http://risk.example.org", ["127.0.0.1"], False),
        ("127.0.0.1:8501", "https://risk.example.org.evil.example", ["127.0.0.1"], False),
        ("[::1]:8501", "http://[::1]:8501", ["::1"], True),
        ("[::1", None, ["::1"], False),
        ("127.0.0.1:x", None, ["127.0.0.1"], False),
        ("", None, ["*"], False),
    ],
)
def test_hosts_and_origins_are_judged(host: str, origin: str | None, hosts: list[str], served: bool) -> None:
    headers = Headers({"host": host} | ({"origin": origin} if origin is not None else {}))
    assert (server.why_refused(headers, hosts, ["https://risk.example.org"]) is None) == served


def test_a_streamlit_that_looks_up_addresses_otherwise_is_refused(
    run: Run, started: list[list[str]], port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(streamlit.net_util, "get_external_ip")
    status, _, err = run("--port", port)
    assert status == 2
    assert "looks up addresses in a way that is not known; install streamlit 1.67" in err
    assert not started
    assert app_server.FIXED["server.enableCORS"] == "true"

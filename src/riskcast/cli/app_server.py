"""The command that opens the app."""

from __future__ import annotations

import errno
import os
import socket
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer

from riskcast.errors import OptionError, show
from riskcast.machinery.bundled import bundled
from riskcast.machinery.staging import check_working_folder


def open_app(
    port: Annotated[int, typer.Option(min=1, max=65535, help="The port to listen on.")] = 8501,
    address: Annotated[
        str, typer.Option(help="The address to listen on; any but 127.0.0.1 lets other machines in.")
    ] = "127.0.0.1",
    browser: Annotated[
        bool, typer.Option("--browser/--no-browser", help="Open the app in a browser, where there is a screen.")
    ] = True,
) -> None:
    """Open the app: adjust an assumption and see what follows."""
    if find_spec("streamlit") is None:
        raise OptionError("the app needs Streamlit, which is not installed; run pip install 'riskcast[app]'")
    check_working_folder()
    _check_free(address, port)
    from streamlit.web.cli import main as streamlit

    url = f"http://{f'[{address}]' if ':' in address else address}:{port}"
    print(f"riskcast runs at {url} until you press Ctrl-C.", flush=True)
    options = {
        "server.address": address,
        "server.port": port,
        "server.headless": str(not (browser and _has_screen())).lower(),
        "server.showEmailPrompt": "false",
        "browser.serverAddress": address,
        "browser.gatherUsageStats": "false",
        "logger.hideWelcomeMessage": "true",
    }
    streamlit(
        ["run", str(_app_folder() / "main.py"), *(f"--{name}={value}" for name, value in options.items())],
        standalone_mode=False,
    )


def _app_folder() -> Path:
    """The folder of the app: inside the package where it was installed, beside `src` in a clone."""
    found = bundled("app")
    if found is None or not (found / "main.py").is_file():
        raise OptionError("the app's files are missing; install riskcast anew")
    return found


def _check_free(address: str, port: int) -> None:
    """Refuse an address or port that nothing can listen on, before anything slow is imported."""
    try:
        family, _, _, _, place = socket.getaddrinfo(address, port, type=socket.SOCK_STREAM)[0]
        socket.create_server(place[:2], family=family).close()
    except (OSError, UnicodeError) as error:
        code = getattr(error, "errno", None)
        if code == errno.EADDRINUSE:
            raise OptionError(f"port {port} is taken; give another, such as --port {port % 65535 + 1}") from None
        if code == errno.EACCES:
            raise OptionError(f"port {port} is not open to you; give one above 1023, such as --port 8501") from None
        wrong = f"--address is {show(address)}, which is no address of this machine"
        raise OptionError(f"{wrong}; leave it out to listen on 127.0.0.1") from None


def _has_screen() -> bool:
    return sys.platform in ("darwin", "win32") or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))

"""The command that opens the app."""

from __future__ import annotations

import errno
import os
import re
import socket
import sys
import tomllib
from collections.abc import Iterable, Sequence
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Final

import typer

from riskcast.errors import OptionError, show
from riskcast.machinery.bundled import bundled
from riskcast.machinery.staging import check_working_folder
from riskcast.names import LINKS, OWN_CASE

AT_HOME: Final = ("localhost", "127.0.0.1", "::1")
EVERYWHERE: Final = ("0.0.0.0", "::")
HOST_NAME: Final = re.compile(r"(?!-)[a-z0-9-]{1,63}(\.[a-z0-9-]{1,63})*")
# What the files of a case may hold together, in megabytes; more is turned away before it is read.
MOST_MEGABYTES: Final = 20
SECRETS: Final = Path(".streamlit", "secrets.toml")
ANY: Final = "*"
FIXED: Final = {
    "server.enableCORS": "true",
    "server.enableXsrfProtection": "true",
    "server.xsrfCookieSameSite": "strict",
    "server.enableStaticServing": "false",
    "server.enableAgentApi": "false",
    "server.scriptHealthCheckEnabled": "false",
    "server.trustedUserHeaders": "{}",
    "server.customComponentBaseUrlPath": "",
    "server.maxWidgetStateSize": "25",
    "server.fileWatcherType": "none",
    "server.runOnSave": "false",
    "server.allowRunOnSave": "false",
    "server.showEmailPrompt": "false",
    "client.showErrorDetails": "none",
    "client.showErrorLinks": "false",
    "client.toolbarMode": "viewer",
    "client.disableDataExport": "true",
    "runner.magicEnabled": "false",
    "global.developmentMode": "false",
    "global.e2eTest": "false",
    "global.unitTest": "false",
    "browser.gatherUsageStats": "false",
    "logger.hideWelcomeMessage": "true",
}


def open_app(
    case: Annotated[
        str | None,
        typer.Argument(help="A case folder of your own, which the page Update edits in its place.", show_default=False),
    ] = None,
    port: Annotated[int, typer.Option(min=1, max=65535, help="The port to listen on.")] = 8501,
    address: Annotated[
        str, typer.Option(help="The address to listen on; any but 127.0.0.1 lets other machines in.")
    ] = "127.0.0.1",
    browser: Annotated[
        bool, typer.Option("--browser/--no-browser", help="Open the app in a browser, where there is a screen.")
    ] = True,
    host: Annotated[
        list[str] | None,
        typer.Option(help="A name under which others reach the app, such as that of a proxy; more than once for more."),
    ] = None,
    links: Annotated[
        str, typer.Option(help="Hosts, parted by commas, to which links of opened cases may lead, over https.")
    ] = "",
    secrets: Annotated[
        Path | None, typer.Option(help="The file of secrets whose [auth] turns on sign-in.", show_default=False)
    ] = None,
) -> None:
    """Open the app: adjust an assumption and see what follows."""
    if find_spec("streamlit") is None:
        raise OptionError("the app needs Streamlit, which is not installed; run pip install 'riskcast[app]'")
    check_working_folder()
    names, linked = _host_names("--host", host or ()), _host_names("--links", filter(None, links.split(",")))
    own = None if case is None else _own_folder(case)
    options = guarding(address, port, names) | {
        "server.headless": [str(not (browser and _has_screen())).lower()],
        "secrets.files": [str(_secrets_file(secrets))],
    }
    _check_free(address, port)
    folder = _app_folder()
    _stay_at_home()
    from click.exceptions import Abort
    from streamlit.web.cli import main as streamlit

    for name in [name for name in os.environ if name.startswith("STREAMLIT_")]:
        print(f"riskcast: {name} is not heard; docs/app.md says what can be set", file=sys.stderr)
        del os.environ[name]
    if linked:
        os.environ[LINKS] = ",".join(linked)
    if own is not None:
        os.environ[OWN_CASE] = str(own)
    print(f"riskcast runs at {_url(address, port)} until you press Ctrl-C.", flush=True)
    # From here on Streamlit finds no settings and no secrets in the folder that one stood in.
    os.chdir(folder)
    words = [f"--{name}={value}" for name, values in options.items() for value in values]
    # Ctrl-C is how it ends.
    with suppress(Abort):
        streamlit(["run", str(folder / "server.py"), *words], standalone_mode=False)


def _own_folder(case: str) -> Path:
    """The folder of a case that may be edited; raises RiskcastError where it may not, or holds no valid case."""
    from riskcast.case.files import load_case
    from riskcast.updates.case_files import find_editable

    load_case(case)
    return find_editable(case)


def guarding(address: str, port: int, names: Sequence[str] = ()) -> dict[str, list[str]]:
    """The options of Streamlit that guard the user. They stand on its command line, to which files and environment
    yield.

    `names`: hosts under which others reach the app.
    """
    own = _url(address, port)
    reached = [ANY, socket.gethostname().lower()] if address in EVERYWHERE else [address.lower()]
    return {
        "server.address": [address],
        "server.port": [str(port)],
        "browser.serverAddress": [address],
        "browser.serverPort": [str(port)],
        "server.allowedHosts": list(dict.fromkeys([*AT_HOME, *reached, *names])),
        "server.corsAllowedOrigins": [own, *(f"https://{name}" for name in names)],
        "client.allowedOrigins": [own],
        "server.maxUploadSize": [str(MOST_MEGABYTES)],
        **{name: [value] for name, value in FIXED.items()},
    }


def _stay_at_home() -> None:
    """Let Streamlit ask nobody for this machine's addresses, as it does to judge a page of another origin."""
    from streamlit import net_util

    for name in ("get_external_ip", "get_internal_ip"):
        if not hasattr(net_util, name):
            raise OptionError("this Streamlit looks up addresses in a way that is not known; install streamlit 1.67")
        setattr(net_util, name, lambda: None)


def _secrets_file(given: Path | None) -> Path:
    """Where secrets stand: in the file that was given, or in the home of whoever starts the app.

    Raises OptionError where a file cannot be read, as the app would be open to everybody, or where one of the working
    directory would turn on sign-in: not to hear it could open the app, and to hear it would let any folder say who may
    sign in.
    """
    home = Path.home() / SECRETS
    if given is not None:
        if not _asks_for_sign_in(given, f"--secrets is {show(str(given))}"):
            raise OptionError(f"--secrets is {show(str(given))}, which has no [auth]; write one as docs/app.md shows")
        return given.resolve()
    if SECRETS.is_file() and SECRETS.resolve() != home.resolve() and _asks_for_sign_in(SECRETS, str(SECRETS)):
        raise OptionError(f"{SECRETS} in this folder is not heard by itself; add --secrets {SECRETS} if it is yours")
    if home.is_file():
        _asks_for_sign_in(home, str(home))
    return home


def _asks_for_sign_in(file: Path, called: str) -> bool:
    """Whether a file of secrets turns on sign-in; raises OptionError where it cannot be read."""
    try:
        return "auth" in tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        why = str(error).partition("\n")[0]
        raise OptionError(f"{called}, which cannot be read ({why}); write one as docs/app.md shows") from None


def _host_names(option: str, given: Iterable[str]) -> list[str]:
    """Names of hosts in small letters; raises OptionError for what is none."""
    names = [name.strip().lower() for name in given]
    for name in names:
        if HOST_NAME.fullmatch(name) is None:
            raise OptionError(f"{option} is {show(name)}, which is no name of a host; give one such as www.example.org")
    return names


def _url(address: str, port: int) -> str:
    return f"http://{f'[{address}]' if ':' in address else address}:{port}"


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

"""A server whose every turn to the outside is written down, by whichever library it comes."""

from __future__ import annotations

from pathlib import Path

SPY = """
import os, sys

HOME = ("127.", "localhost", "::1", "0.0.0.0", "::")


def heard(event, details):
    if event not in ("socket.connect", "socket.getaddrinfo", "socket.gethostbyname", "socket.sendto"):
        return
    whom = details[0] if event in ("socket.getaddrinfo", "socket.gethostbyname") else details[1]
    host = whom[0] if isinstance(whom, tuple) and whom else whom
    host = host.decode() if isinstance(host, bytes) else str(host)
    if host not in ("None", "") and not host.startswith(HOME):
        with open(os.environ["RISKCAST_ASKED"], "a") as file:
            file.write(f"{event} {host}\\n")


if os.environ.get("RISKCAST_ASKED"):
    sys.addaudithook(heard)
"""


def watch(folder: Path) -> tuple[dict[str, str], Path]:
    """Variables of the environment under which a process of Python is watched, and the file that it fills."""
    (folder / "spy").mkdir(parents=True)
    (folder / "spy" / "sitecustomize.py").write_text(SPY, encoding="utf-8")
    log = folder / "asked.txt"
    log.touch()
    return {"PYTHONPATH": str(folder / "spy"), "RISKCAST_ASKED": str(log)}, log

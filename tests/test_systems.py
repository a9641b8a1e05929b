"""Nothing that only one system has: modules, formats of days, encodings and line ends, names of files."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from riskcast.numbers import long_date, month_year, short_date
from tests.support.places import APP, ROOT

SOURCE = ROOT / "src" / "riskcast"
FILES = sorted((*SOURCE.rglob("*.py"), *APP.rglob("*.py")))
# What Windows lacks of Python's library.
ELSEWHERE = (
    "fcntl",
    "resource",
    "pwd",
    "grp",
    "termios",
    "tty",
    "pty",
    "curses",
    "readline",
    "syslog",
    "crypt",
)
TEXT = {"read_text", "write_text", "fdopen", "TextIOWrapper", "NamedTemporaryFile"}
RESERVED = re.compile(r"(?i)(con|prn|aux|nul|com\d|lpt\d)(\..*)?$|.*[<>:\"|?*\\].*|.*[. ]$")


def calls(tree: ast.AST) -> Iterator[tuple[str, ast.Call]]:
    """Calls by the last part of the name that is called."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            if isinstance(node.func, ast.Attribute):
                yield node.func.attr, node
            elif isinstance(node.func, ast.Name):
                yield node.func.id, node


def constants(call: ast.Call) -> list[str]:
    given = [*call.args, *(word.value for word in call.keywords if word.arg == "mode")]
    return [each.value for each in given if isinstance(each, ast.Constant) and isinstance(each.value, str)]


def is_text(name: str, call: ast.Call) -> bool:
    """Whether a call opens, reads or writes a file as text."""
    if name == "open":
        # What is opened in a mode, but neither by number nor within an archive.
        modes = [each for each in constants(call) if re.fullmatch(r"[rwxabt+]{1,3}", each)]
        of_a_path = isinstance(call.func, ast.Attribute) and not call.args and bool(call.keywords)
        return any("b" not in mode for mode in modes) or of_a_path
    if name == "read_text":
        return len(call.args) < 2
    return name in TEXT and not any("b" in each for each in constants(call) if len(each) < 4)


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(ROOT)))
def test_texts_are_utf_8_and_no_format_of_a_day_is_that_of_one_system(file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    assert not re.findall(r"%[-#][a-zA-Z](?![a-z])", text)
    tree = ast.parse(text)
    for name, call in calls(tree):
        words = {word.arg for word in call.keywords}
        if is_text(name, call) and "force_zip64" not in words:
            assert "encoding" in words, f"{file}:{call.lineno} leaves the encoding to the system"
        if name == "write_text" and SOURCE in file.parents:
            assert "newline" in words, f"{file}:{call.lineno} leaves the ends of lines to the system"
    # What is imported within a function is for the system that has it.
    for node in tree.body:
        if isinstance(node, ast.Import):
            assert not {alias.name for alias in node.names} & set(ELSEWHERE), f"{file}:{node.lineno}"


def test_every_module_can_be_imported_without_what_windows_lacks() -> None:
    script = f"""
import sys, pkgutil, os, signal
for name in {ELSEWHERE!r}:
    sys.modules[name] = None
for name in ("O_DIRECTORY", "O_NOFOLLOW", "O_NONBLOCK", "O_CLOEXEC", "getuid", "killpg", "fork"):
    if hasattr(os, name): delattr(os, name)
for name in ("SIGKILL", "SIGHUP", "pthread_sigmask", "pthread_kill"):
    if hasattr(signal, name): delattr(signal, name)
import riskcast
for found in pkgutil.walk_packages(riskcast.__path__, "riskcast."):
    if found.name != "riskcast.__main__":
        __import__(found.name)
for name in riskcast.__all__:
    getattr(riskcast, name)
print("all of them")
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "all of them\n"), done.stderr


def test_the_files_of_the_project_have_names_that_every_system_takes() -> None:
    run = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, encoding="utf-8", check=False)
    if run.returncode:
        pytest.skip("not a git checkout")
    names = run.stdout.splitlines()
    assert not [name for name in names if any(RESERVED.match(part) for part in name.split("/"))]
    assert len({name.casefold() for name in names}) == len(names)


def test_days_are_in_the_same_words_in_every_locale() -> None:
    import datetime as dt

    for month in range(1, 13):
        day = dt.date(2024, month, 5)
        assert long_date(day) == f"5 {month_year(day)}"
        assert re.fullmatch(r"5 [A-Z][a-z]{2} 2024", short_date(day))
        assert day.strftime("%B %Y") == month_year(day)

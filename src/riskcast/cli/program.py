"""The program around the commands: signals, streams, and the exit status.

| exit status | meaning |
|---:|---|
| 0 | done, or whoever read the output wanted no more of it |
| 1 | a verdict that was asked for (`check --strict`, `rerun`), or what riskcast did not foresee |
| 2 | what can be mended: an option, a file, a full disk, output that cannot be written |
| 128 + n | ended by signal n, such as 130 by Ctrl-C |
"""

from __future__ import annotations

import atexit
import errno
import os
import signal
import sys
import threading
import time
from collections.abc import Sequence
from typing import Any, Final, NoReturn

SIGNALS: Final = ("SIGINT", "SIGTERM", "SIGHUP")
FINE, UNFORESEEN, MENDABLE, BY_SIGNAL = 0, 1, 2, 128
# Keys are pressed twice; a second interrupt would break into the tidying up that the first one has begun.
AGAIN_SECONDS: Final = 1.0
RETRY_SECONDS: Final = 0.05


class _Signals:
    """The signals that end the program, each as KeyboardInterrupt, which tidies up on its way out."""

    def __init__(self) -> None:
        self.heard: int | None = None
        self._when = -AGAIN_SECONDS

    def listen(self) -> None:
        """Hear interrupts and requests to end, but for those that whoever started the program ignores or handles."""
        for name in SIGNALS:
            number = getattr(signal, name, None)
            usual = signal.default_int_handler if name == "SIGINT" else signal.SIG_DFL
            if number is not None and signal.getsignal(number) == usual:
                signal.signal(number, self._raise)
        sys.unraisablehook = self._lost
        # What is registered first runs last, when nothing is left that could take long.
        atexit.register(self._ignore)

    def leave_at_once(self) -> None:
        """From now on a signal ends the process without a word: all is said."""
        for name in SIGNALS:
            number = getattr(signal, name, None)
            if number is not None and signal.getsignal(number) == self._raise:
                signal.signal(number, lambda number, frame: os._exit(BY_SIGNAL + number))

    def _ignore(self) -> None:
        # As it ends, Python gives all but ignored signals back to the system, which would kill what is done.
        for name in SIGNALS:
            number = getattr(signal, name, None)
            if number is not None and callable(signal.getsignal(number)):
                signal.signal(number, signal.SIG_IGN)

    def _raise(self, number: int, frame: Any) -> None:
        now = time.monotonic()
        if now - self._when >= AGAIN_SECONDS:
            self.heard, self._when = number, now
            raise KeyboardInterrupt

    def _lost(self, about: Any) -> None:
        """Raise an interrupt again that came where Python can raise nothing, as in the end of an object."""
        if not isinstance(about.exc_value, KeyboardInterrupt):
            sys.__unraisablehook__(about)
            return
        self._when = -AGAIN_SECONDS
        again = threading.Timer(RETRY_SECONDS, _send, (self.heard or signal.SIGINT,))
        again.daemon = True
        again.start()


def _send(number: int) -> None:
    """Send a signal to the main thread, awake or not."""
    if hasattr(signal, "pthread_kill"):
        signal.pthread_kill(threading.main_thread().ident or 0, number)
    else:
        import _thread

        _thread.interrupt_main(signal.Signals(number))


_signals: Final = _Signals()


def program() -> NoReturn:
    """Run the command line as a program of its own, to the end of the process."""
    try:
        _signals.listen()
        _fill_closed()
        status = run(None)
    except KeyboardInterrupt:
        status = _interrupted()
    _signals.leave_at_once()
    sys.exit(status)


def run(arguments: Sequence[str] | None) -> int:
    """Run the command line, with the words that the program was called with where none are given; gives its status.

    What riskcast did not foresee is said in words; with RISKCAST_DEBUG set, it is raised.
    """
    from riskcast.cli.streams import OutputError, standard_streams

    with standard_streams() as (out, err):
        status = BY_SIGNAL
        try:
            try:
                status = _called(arguments)
                out.flush()
            except KeyboardInterrupt:
                status = _interrupted()
                out.flush()
            except SystemExit as leaving:
                status = leaving.code if isinstance(leaving.code, int) else UNFORESEEN if leaving.code else FINE
                out.flush()
        except OutputError as error:
            out.abandon()
            # Whoever reads no further, as `head` does, has what they wanted.
            if error.code == errno.EPIPE:
                status = status if status >= BY_SIGNAL and _signals.heard else FINE
            else:
                print(f"riskcast: cannot write the output: {error}; make room, or send it elsewhere", file=sys.stderr)
                status = MENDABLE
        err.flush()
    return status


def _called(arguments: Sequence[str] | None) -> int:
    """Call a command; gives its status, and says what went wrong."""
    from riskcast.cli.streams import OutputError
    from riskcast.errors import RiskcastError, unforeseen, wants_traceback

    try:
        from riskcast.cli.commands import app

        found = app(arguments, standalone_mode=False)
        if found == BY_SIGNAL + signal.SIGINT:
            raise KeyboardInterrupt
    except OutputError:
        raise
    except RiskcastError as error:
        return _said(str(error), MENDABLE)
    except Exception as error:
        if _signals.heard is not None or type(error).__name__ == "Abort":
            # Some libraries make another error of an interrupt, as where it comes while they are imported.
            raise KeyboardInterrupt from error
        show: Any = getattr(error, "show", None)
        if hasattr(error, "format_message") and show is not None:
            show(sys.stderr)
            return int(getattr(error, "exit_code", MENDABLE))
        told = _of_the_system(error)
        if told is not None:
            return _said(told, MENDABLE)
        if wants_traceback():
            raise
        return _said(unforeseen(error), UNFORESEEN)
    return found if isinstance(found, int) else FINE


def _of_the_system(error: Exception) -> str | None:
    """What to say of an error that lies with the machine, not with riskcast."""
    from riskcast.errors import OptionError
    from riskcast.machinery.staging import check_working_folder

    try:
        check_working_folder()
    except OptionError as gone:
        return str(gone)
    if not isinstance(error, OSError) or error.errno not in OF_THE_SYSTEM:
        return None
    place = f"{error.filename}: " if error.filename else ""
    return f"{place}{error.strerror}; {OF_THE_SYSTEM[error.errno]}, then run again"


OF_THE_SYSTEM: Final = {
    errno.ENOSPC: "make room on the disk",
    getattr(errno, "EDQUOT", errno.ENOSPC): "make room within your quota",
    errno.EFBIG: "raise the limit for the size of files",
    errno.EROFS: "name a folder that can be written",
    errno.EACCES: "give yourself permission",
    errno.EPERM: "give yourself permission",
    errno.EMFILE: "raise the limit for open files",
    errno.ENFILE: "close other programs",
    errno.ENAMETOOLONG: "give a shorter path",
    errno.ELOOP: "give a path without links that lead in a circle",
    errno.ENOTDIR: "give a path that leads through folders",
    errno.EIO: "see whether the disk is whole",
}


def _said(text: str, status: int) -> int:
    from riskcast.errors import visible

    # A name of a file may hold what a terminal obeys.
    print(visible(f"riskcast: {text}"), file=sys.stderr)
    return status


def leave_on_signals() -> None:
    """From now on a signal ends the program at once: for a command that has nothing to tidy up, and waits in a thread
    for input that no signal wakes."""
    for name in SIGNALS:
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) == _signals._raise:
            signal.signal(number, _leave)


def _leave(number: int, frame: Any) -> NoReturn:
    _signals.heard = number
    status = _interrupted()
    sys.stderr.flush()
    os._exit(status)


def _interrupted() -> int:
    """Say that a signal ended the program; gives the status that tells which."""
    number = _signals.heard or signal.SIGINT
    return _said("interrupted" if number == signal.SIGINT else "asked to end", BY_SIGNAL + number)


def _fill_closed() -> None:
    """Open nothing in the place of standard streams that are closed: the next file would be taken for one of them."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)

"""A desk served to programs over standard input and output, by the Model Context Protocol."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextvars import ContextVar
from functools import wraps
from importlib.util import find_spec
from threading import Lock
from typing import TYPE_CHECKING, Any, Final

from riskcast.agents.desk import Desk
from riskcast.agents.questions import AT_ONCE, Questions
from riskcast.errors import OptionError, RiskcastError, UnknownNameError, shorten, unforeseen, wants_traceback
from riskcast.version import __version__

if TYPE_CHECKING:
    from mcp.server import MCPServer

INSTRUCTIONS: Final = (
    "Forecasts of friction between states, from priors with sources and a record of events. Ask `cases` first. Quote "
    "numbers as they stand, each with its interval, the day that it is as of, its caveats and its citation; do not "
    "work out new ones, do not carry over numbers from memory, and say so where health is not reliable. An error says "
    "what is wrong and how to mend it."
)

# How long a question waits for its turn, in seconds, before it sees whether anybody still asks.
PATIENCE: Final = 0.5


def make_server(desk: Desk) -> MCPServer[Any]:
    """A server of the questions that a desk answers, all of which only read.

    Questions are answered one at a time, with progress, and stop when nobody waits for them any longer; those that the
    files of a case answer do not wait. What is wrong with a question comes back as a tool's error in one sentence.
    Raises OptionError where the SDK is not
    installed.
    """
    if find_spec("mcp") is None:
        raise OptionError("agents need the MCP SDK, which is not installed; run pip install 'riskcast[agents]'")
    from anyio import from_thread
    from anyio.from_thread import check_cancelled
    from mcp.server import MCPServer
    from mcp.server.mcpserver.exceptions import ToolError
    from mcp.server.mcpserver.tools import Tool
    from mcp_types import ToolAnnotations
    from pydantic import ValidationError

    class Question(Tool):
        """A tool whose errors are one sentence."""

        async def run(self, arguments: dict[str, Any], context: Any, *given: Any, **named: Any) -> Any:
            """The answer; raises ToolError with what is wrong, and nothing else."""
            asked_in.set(context)
            known = list(self.parameters.get("properties", {}))
            for name in arguments:
                if name not in known:
                    raise ToolError(f"{self.name}: {UnknownNameError('argument', name, known)}")
            try:
                return await super().run(arguments, context, *given, **named)
            except ToolError as error:
                cause = error.__cause__
                if isinstance(cause, ValidationError):
                    raise ToolError(_misfit(self.name, self.parameters, cause)) from None
                raise ToolError(str(cause) if isinstance(cause, ToolError) else str(error)) from None

    lock, asked_in = Lock(), ContextVar[Any]("asked_in")

    def report(done: int, total: int) -> None:
        check_cancelled()
        from_thread.run(asked_in.get().report_progress, done, total)

    def wait_for_turn() -> None:
        while not lock.acquire(timeout=PATIENCE):
            check_cancelled()

    def told(name: str, ask: Callable[..., dict[str, Any]]) -> Callable[..., dict[str, Any]]:
        @wraps(ask)
        def answer(**given: Any) -> dict[str, Any]:
            try:
                if name in AT_ONCE:
                    return ask(**given)
                # One at a time: answers share what is kept.
                wait_for_turn()
                try:
                    desk.progress = report
                    return ask(**given)
                finally:
                    lock.release()
            except RiskcastError as error:
                raise ToolError(_first_line(error)) from None
            except Exception as error:
                if wants_traceback():
                    logging.exception("a question was answered with an error")
                raise ToolError(shorten(unforeseen(error), 1000)) from None

        return answer

    reads = ToolAnnotations(read_only_hint=True, destructive_hint=False, idempotent_hint=True, open_world_hint=False)
    asked = Questions(desk).all()
    tools = [Question.from_function(told(name, ask), name=name, annotations=reads) for name, ask in asked.items()]
    return MCPServer(
        "riskcast",
        instructions=INSTRUCTIONS,
        version=__version__,
        tools=list(tools),
        log_level="CRITICAL",
        subscriptions=False,
    )


def _first_line(error: RiskcastError) -> str:
    """The first of what is wrong: what follows are more of the same, or marks beneath it."""
    return shorten(str(error).partition("\n")[0])


def _misfit(name: str, parameters: dict[str, Any], error: Any) -> str:
    """What is wrong with the arguments of a question, in a sentence."""
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"])
    known = ", ".join(parameters.get("properties", {}))
    return shorten(f"{name}: {where}: {first['msg'][:1].lower()}{first['msg'][1:]}; it takes {known}")

"""The engines that can fit a case: what one must do, and those that come with riskcast.

A further engine is one file that does what `Engine` says, and one line in `ENGINES`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, runtime_checkable

from riskcast.machinery.registry import Entry, Registry

if TYPE_CHECKING:
    from riskcast.engines.draws import EventDraws
    from riskcast.engines.jobs import Job, Joint

DEFAULT_ENGINE = "laplace"


class Engine(Protocol):
    """What samples the posterior of a case.

    One that can sample event types which share tension or trust is a `JointEngine` too; else such cases are refused.
    """

    @property
    def packages(self) -> tuple[str, ...]:
        """Those whose versions its digits depend on."""
        ...

    @property
    def advice(self) -> str:
        """What to try where its draws fail their checks."""
        ...

    @property
    def chains(self) -> int:
        """How many chains of equal length its draws are laid end to end from."""
        ...

    def sample(self, job: Job) -> dict[str, EventDraws]:
        """Draws of every event type, with their health: k-hat, ESS, R-hat, divergences, or NaN where it has none."""
        ...


@runtime_checkable
class JointEngine(Protocol):
    """An engine that can sample event types which share tension or trust."""

    @property
    def chains(self) -> int:
        """As of `Engine`."""
        ...

    def sample_together(self, job: Job) -> Joint:
        """Draws of every event type and of what they share, joined by draw number."""
        ...


# Each is imported when it is first asked for: one of them takes seconds to start.
ENGINES = Registry[Engine](
    "engine",
    {
        "laplace": Entry("is fast", "riskcast.engines.laplace_engine:ENGINE"),
        "nuts": Entry("is the reference, and takes minutes", "riskcast.engines.pymc_model:ENGINE"),
    },
)


def engine_versions(name: str) -> dict[str, str]:
    """Versions of the packages that an engine's digits depend on."""
    from importlib.metadata import PackageNotFoundError, version

    found = {}
    for package in ENGINES.get(name).packages:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "unknown"
    return found

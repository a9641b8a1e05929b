"""The commands that keep a run and make it again."""

from __future__ import annotations

import sys
from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from riskcast.cli.options import (
    Asked,
    GroupOption,
    JsonOption,
    NamedCase,
    ScenariosOption,
    asks,
    named_path,
    print_json,
    progress,
)
from riskcast.errors import visible

if TYPE_CHECKING:
    from riskcast.runs.making import Progress


@asks(case=NamedCase, scenario=ScenariosOption, panel=GroupOption)
def run(
    asked: Asked,
    out: Annotated[Path, typer.Option(help="The folder to keep runs in.", parser=named_path, metavar="<path>")] = Path(
        "runs"
    ),
) -> None:
    """Forecast, score and explain, and keep it all in a folder from which it can be made again."""
    from riskcast.exports.folder import check_out
    from riskcast.runs.bundles import write_bundle
    from riskcast.runs.making import run_request

    check_out(out)
    request = asked.request()
    with _stages() as report:
        made = run_request(request, report)
    there = (out / made.name).exists()
    print(write_bundle(made, out))
    if made.posterior.warning:
        print(made.posterior.warning, file=sys.stderr)
    if there:
        print("This run was there already, with the same digits; nothing was written.", file=sys.stderr)


def rerun(
    bundle: Annotated[Path, typer.Argument(help="The folder of an earlier run.")],
    case: Annotated[
        str | None, typer.Option(help="A case as it stands now, in place of the run's own.", show_default="its own")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Make a kept run again; exit status 0 where all digits are the same, 1 where they differ."""
    from riskcast.runs.reruns import rerun as again

    with _stages() as report:
        found = again(bundle, case, progress=report)
    if as_json:
        print_json({"same": found.same, "differences": list(found.differences)})
    else:
        print("The same digits." if found.same else "The digits differ.")
        for difference in found.differences:
            print(f"- {visible(difference)}")
    if not found.same:
        raise typer.Exit(1)


@contextmanager
def _stages() -> Generator[Progress]:
    """Progress of several stages, one bar after the other."""
    with ExitStack() as bars:
        current: dict[str, Any] = {}

        def report(label: str, done: int, total: int) -> None:
            if label not in current:
                bars.close()
                current.clear()
                current[label] = bars.enter_context(progress(label))
            current[label](done, total)

        yield report

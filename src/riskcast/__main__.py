"""The program: what `riskcast` and `python -m riskcast` call, which imports nothing slow before it hears Ctrl-C."""

import sys

if __name__ == "__main__" and not sys.flags.safe_path:
    # `python -m` would import from the folder that one stands in, which anybody may have filled.
    sys.path.pop(0)


def main() -> None:
    """Run the command line, to the end of the process."""
    try:
        from riskcast.cli.program import program
    except KeyboardInterrupt:
        print("riskcast: interrupted", file=sys.stderr)
        raise SystemExit(130) from None
    program()


if __name__ == "__main__":
    main()

"""The command line: parse, call one function, print."""

from __future__ import annotations

import sys
import time

BEGAN = time.perf_counter()
"""When the command began; a budget counts from here."""


def main() -> None:
    """Run the command line; a user's mistake is one line on stderr and exit code 2."""
    from comp.cli.app import app
    from comp.errors import CompError

    try:
        app(prog_name="comp")
    except CompError as error:
        message = " ".join(str(error).split())
        print(f"comp: {message}", file=sys.stderr)  # noqa: T201
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        print("comp: interrupted", file=sys.stderr)  # noqa: T201
        sys.exit(130)

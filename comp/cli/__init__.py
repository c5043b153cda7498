"""The command line: parse, call one function, print."""

from __future__ import annotations

import atexit
import gc
import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

from comp.cli.started import STARTED_AT as _STARTED_AT  # noqa: F401  the import starts the clock
from comp.data.openmp import wait_gently
from comp.streams import print_to_stderr, report_output_errors

CLOSED_PIPE = 141
"""Exit code when the reader of a pipe closes it early; a command that SIGPIPE ends has it too."""


def main() -> None:
    """Run the command line; a user's mistake is one line on stderr and exit code 2."""
    atexit.register(gc.freeze)  # else Python looks for cycles in all of torch before it ends: 2 s
    os.environ.setdefault("NO_ALBUMENTATIONS_UPDATE", "1")  # else it looks for updates online
    wait_gently()
    sys.stdout = sys.stdout or _open_devnull()  # None if the caller closed it
    sys.stderr = sys.stderr or _open_devnull()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # not every encoding has all characters
    with report_output_errors(), _report_interrupt():
        try:
            code = _run_command()
        except (BrokenPipeError, SystemExit) as error:
            # typer and rich turn a broken pipe into an exit
            if BrokenPipeError not in (type(error), type(error.__context__)):
                raise
            code = CLOSED_PIPE
    sys.exit(code)


@contextmanager
def _report_interrupt() -> Iterator[None]:
    """Turn Ctrl-C into one line and exit code 130."""
    try:
        yield
    except KeyboardInterrupt:
        sys.exit(_report("interrupted", 130))


def _run_command() -> int:
    """Run the command; returns its exit code."""
    import typer

    from comp.cli.app import build_app
    from comp.cli.ranks import ranks_of
    from comp.errors import CompError

    try:
        with ranks_of(sys.argv[1:]) as works:
            app = build_app(*sys.argv[1:2]) if works else _nothing
            code = app(prog_name="comp", standalone_mode=False) or 0
            sys.stdout.flush()
    except CompError as error:
        return _report(str(error), error.exit_code)
    except _usage_error() as error:
        from comp.cli.usage import usage_message

        return _report(usage_message(error), 2)
    except typer.Abort:
        return _report("interrupted", 130)
    except Exception as error:
        from comp.cli.plugin_error import PluginFailure, traceback_text
        from comp.training.out_of_memory import is_out_of_memory

        if is_out_of_memory(error):
            return _report(_memory_message(error), 2)
        failure = PluginFailure.of(error)
        if failure is None:
            raise  # a bug of comp keeps its traceback
        if not failure.plain:
            sys.stderr.write(traceback_text(error))
        return _report(failure.message, 2)
    if code == 130:  # typer's code for Ctrl-C, without a message
        raise KeyboardInterrupt
    return int(code)


def _nothing(**_options: Any) -> int:
    """What a process does whose work another process has done."""
    return 0


def _memory_message(error: Exception) -> str:
    reason = f"{type(error).__name__} {error}".strip()[:160]
    return (
        f"out of memory ({reason}): use smaller images or batches, fewer threads or workers, or a "
        "machine with more memory"
    )


def _open_devnull() -> TextIO:
    return Path(os.devnull).open("w", encoding="utf-8", errors="replace")


def _usage_error() -> Any:
    """The base class of typer's usage errors, from click or typer, depending on the release."""
    import typer

    return typer.BadParameter.mro()[1]


def _report(message: str, code: int) -> int:
    """Print one line on stderr and return the exit code."""
    from comp.report.escaping import escape_unprintable

    print_to_stderr(escape_unprintable(" ".join(message.split())))
    return code

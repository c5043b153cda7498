"""Starts a command in several processes, as torchrun does."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Sequence
from tempfile import TemporaryDirectory

from torch.distributed.elastic.multiprocessing import DefaultLogsSpecs, SignalException
from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
from torch.distributed.launcher.api import LaunchConfig, launch_agent

from comp.data.cores import cores
from comp.streams import print_to_stderr


def launch(processes: int, arguments: Sequence[str]) -> int:
    """Run `comp` with these arguments in several processes of this machine, and wait for them.

    A signal goes on to the processes, which save their run. Returns the exit code of rank 0, which
    prints; if another rank failed by itself, it is 1.
    """
    threads = str(max(1, cores() // processes))
    os.environ.setdefault("OMP_NUM_THREADS", threads)  # else torch sets it to 1
    logging.disable(logging.CRITICAL)  # the processes say what went wrong
    with TemporaryDirectory() as logs:
        config = LaunchConfig(
            min_nodes=1,
            max_nodes=1,
            nproc_per_node=processes,
            run_id="comp",
            rdzv_backend="c10d",
            rdzv_endpoint="localhost:0",
            max_restarts=0,
            logs_specs=DefaultLogsSpecs(log_dir=logs),
        )
        try:
            launch_agent(config, sys.executable, ["-m", "comp", *arguments])
        except SignalException as error:
            return 128 + int(error.sigval)
        except ChildFailedError as error:
            return _exit_code(error)
        finally:
            logging.disable(logging.NOTSET)
    return 0


def _exit_code(error: ChildFailedError) -> int:
    if 0 in error.failures:
        code = error.failures[0].exitcode
        return code if code >= 0 else 128 - code  # a signal is a negative code
    rank, failure = error.get_first_failure()
    print_to_stderr(
        f"process {rank} ended with exit code {failure.exitcode}, so the others were stopped: "
        "'comp resume' continues the run"
    )
    return 1

"""Whether a launcher, such as torchrun or `accelerate launch`, started several processes.

The variables are those of torch.distributed, which both launchers set:
https://docs.pytorch.org/docs/stable/elastic/run.html
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from comp.errors import ConfigError

SIZE, RANK, LOCAL_SIZE, LOCAL_RANK = "WORLD_SIZE", "RANK", "LOCAL_WORLD_SIZE", "LOCAL_RANK"
VARIABLES = (SIZE, RANK, LOCAL_SIZE, LOCAL_RANK)
MPI_SIZES = ("OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "MV2_COMM_WORLD_SIZE")
"""Variables of mpirun. Accelerate reads them too, and would give each process a part of the
batches."""
SHARDING = (
    *("ACCELERATE_USE_FSDP", "ACCELERATE_USE_DEEPSPEED", "ACCELERATE_USE_MEGATRON_LM"),
    "ACCELERATE_USE_PARALLELISM_CONFIG",
)
"""Variables of `accelerate launch` that choose another way of training than DDP."""
PRECISION, USE_CPU, COMPILER = (
    *("ACCELERATE_MIXED_PRECISION", "ACCELERATE_USE_CPU"),
    "ACCELERATE_DYNAMO_BACKEND",
)
"""Variables of `accelerate launch` for what comp has keys of its own."""
TRUE = ("true", "1")


@dataclass(frozen=True, kw_only=True)
class Launched:
    """One of `size` processes that a launcher started, `local_size` of them on this machine.

    `rank` is 0..size-1, and `local_rank` is 0..local_size-1.
    """

    rank: int
    size: int
    local_rank: int
    local_size: int


def launched(environment: Mapping[str, str] = os.environ) -> Launched | None:
    """This process among several of a launcher; None if it is alone.

    Raises:
        ConfigError: the variables of the launcher are not complete, or it is not a launcher that
            comp knows.
    """
    known = {name: environment[name] for name in VARIABLES if environment.get(name)}
    _check_sharding(environment)
    by_mpi = [name for name in MPI_SIZES if environment.get(name, "1") not in ("1", "")]
    if SIZE not in known:
        if by_mpi:
            raise ConfigError(
                f"mpirun started several processes ({by_mpi[0]}={environment[by_mpi[0]]}): use "
                "--gpus N, torchrun or 'accelerate launch'"
            )
        if USE_CPU in environment and "MASTER_ADDR" in environment:
            raise ConfigError(
                "'accelerate launch' starts one process on the CPU, also if --num_processes is "
                "more: use 'torchrun --nproc-per-node N -m comp ... --device cpu', or "
                "--num_processes 1 without MASTER_ADDR"
            )
        return None
    try:
        size = int(known[SIZE])
        if size == 1:
            return None
        rank = int(known[RANK])
        local_rank = int(known.get(LOCAL_RANK, known[RANK]))
        local_size = int(known.get(LOCAL_SIZE, known[SIZE]))
    except (KeyError, ValueError):
        size = rank = local_rank = local_size = -1
    if not (0 <= rank < size and 0 <= local_rank < local_size <= size):
        given = ", ".join(f"{name}={known.get(name, 'missing')}" for name in VARIABLES)
        raise ConfigError(
            f"the variables of a launcher do not fit together ({given}): start several processes "
            "with --gpus N, torchrun or 'accelerate launch', or unset them"
        )
    return Launched(rank=rank, size=size, local_rank=local_rank, local_size=local_size)


def _check_sharding(environment: Mapping[str, str]) -> None:
    sharding = [name for name in SHARDING if environment.get(name, "").lower() in TRUE]
    if sharding:
        raise ConfigError(
            f"'accelerate launch' chose another way of training than DDP ({sharding[0]}=true): "
            "start it without FSDP, DeepSpeed, Megatron and its parallelism_config"
        )


def launcher_settings(environment: Mapping[str, str] = os.environ) -> dict[str, str]:
    """What `accelerate launch` was told of the training, by the key of comp that says the same.

    It also sets its defaults, without which nobody asked for anything; they are left out.
    """
    settings = {}
    precision = environment.get(PRECISION, "").lower()
    if precision not in ("", "no"):
        settings["precision"] = precision
    if environment.get(USE_CPU, "").lower() in TRUE:
        settings["device"] = "cpu"
    if environment.get(COMPILER, "").lower() not in ("", "no"):
        settings["compile"] = "true"
    return settings


@contextmanager
def launcher_variables(values: Mapping[str, str]) -> Iterator[None]:
    """Set the variables of launchers to `values`, and unset the others, inside the block."""
    names = {*VARIABLES, *MPI_SIZES, *values}
    names |= {name for name in os.environ if name.startswith("ACCELERATE_")}
    before = {name: os.environ.pop(name) for name in names if name in os.environ}
    os.environ.update(values)
    try:
        yield
    finally:
        for name in names:
            os.environ.pop(name, None)
        os.environ.update(before)

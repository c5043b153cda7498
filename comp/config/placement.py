"""Where a run trains. It is no part of the configuration, because it changes no result."""

from __future__ import annotations

from dataclasses import dataclass

from comp.errors import ConfigError


@dataclass(frozen=True, kw_only=True)
class Placement:
    """Where the folds of a run train, and how many at the same time.

    `jobs` is the number of folds at the same time; None is one for each GPU, and one on the CPU.
    `on` is a Ray cluster: "ray" starts one on this machine, "ray://HOST:PORT" is one that runs; ""
    trains in processes of this machine. `gpus` is the number of GPUs on which each fold trains.
    `node_data` says how the nodes of a cluster get the data: "path" if they see it at its path,
    "copy" through the object store, or a URI that each node fetches once; "" is "path" where a node
    sees the data, else "copy".
    """

    jobs: int | None = None
    on: str = ""
    gpus: int = 1
    node_data: str = ""

    def __post_init__(self) -> None:
        """Check the numbers.

        Raises:
            ConfigError: one of them is not positive, or `node_data` is unknown or without `on`.
        """
        for name in ("jobs", "gpus"):
            number = getattr(self, name)
            if number is not None and number < 1:
                raise ConfigError(f"{name} = {number}: give a number of at least 1")
        if self.node_data and not self.on:
            raise ConfigError(
                f"node_data = {self.node_data}: only a cluster has nodes; add --on or leave it out"
            )
        if self.node_data not in ("", "path", "copy") and "://" not in self.node_data:
            raise ConfigError(
                f"node_data = {self.node_data}: give path, copy, or a URI such as s3://bucket/a.zip"
            )

"""The caches of features of a run, and the file that says where they are."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from comp.config.model import NETWORK
from comp.config.schema import RunConfig
from comp.errors import RunError
from comp.features.embeddings import backbone_record_of
from comp.features.store import FeatureStore
from comp.files import read_json, write_json

POINTER = "features.json"


@dataclass(frozen=True)
class PreparedFeatures:
    """The caches of a run: of the features of frozen stages, on which its network of images trains,
    and of the embeddings from which its estimators learn; None without them. `note` is for the
    user, "" for none."""

    cache: Path | None = None
    note: str = ""
    embeddings: Path | None = None
    root: Path | None = None
    """The folder of the data; None: the caches are named by their absolute paths only."""
    given_up: bool = False
    """Whether the frozen stages have no cache because it would take too much of the budget."""

    def recorded(self, config: RunConfig) -> RunConfig:
        """The configuration of the run: without a cache that was given up, so that the run resumes
        and repeats without one too."""
        if not self.given_up:
            return config
        features = config.features.model_copy(update={"cache": False})
        return config.model_copy(update={"features": features})

    def write_pointer(self, folder: Path) -> None:
        """Write where the caches are to a file in `folder`, if there are any."""
        caches = {"network": self.cache, "embeddings": self.embeddings}
        found = {name: str(path.absolute()) for name, path in caches.items() if path}
        if self.root:
            found |= {f"{n}_from_root": os.path.relpath(p, self.root) for n, p in found.items()}
        if found:
            write_json(folder / POINTER, found)

    def embedding_record(self) -> dict[str, Any] | None:
        """What made the embeddings, as JSON; None without embeddings."""
        return backbone_record_of(FeatureStore(self.embeddings)) if self.embeddings else None


def read_pointer(
    folder: Path, name: Literal["network", "embeddings"], root: Path | None = None
) -> FeatureStore | None:
    """A cache that a run uses, from the file of `PreparedFeatures.write_pointer`.

    Args:
        root: the folder of the data; None: where it was when the cache was made.

    Raises:
        RunError: the file is damaged.
    """
    path = folder / POINTER
    if not path.is_file():
        return None
    try:
        pointer = read_json(path)
        cache = Path(pointer[name]) if pointer.get(name) else None
        from_root = pointer.get(f"{name}_from_root")
        if cache and root and from_root and not cache.is_dir():
            cache = Path(os.path.normpath(root / from_root))
        return FeatureStore(cache, root) if cache else None
    except (OSError, ValueError, AttributeError, TypeError) as error:
        raise RunError(f"{path} is damaged ({error}): start a new run") from None


def fold_features(config: RunConfig, folder: Path, root: Path | None = None) -> FeatureStore | None:
    """The cache of features on which a network of images trains, None without one.

    Args:
        config: that of one model.
        folder: the reader's folder in the run.
        root: as in `read_pointer`.
    """
    return read_pointer(folder, "network", root) if NETWORK in config.model else None

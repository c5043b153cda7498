"""`comp.embed`, the call in Python."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from comp.contract import registry
from comp.pipeline.ranked_call import in_rank_0
from comp.pipeline.request import RunRequest, config_keys, user_keys
from comp.report.libraries import quiet_libraries
from comp.signals import handle_signals
from comp.workspace import Workspace

if TYPE_CHECKING:
    from comp.contract.competition import Competition
    from comp.features.embedding_set import Embeddings
    from comp.pipeline.embed import Splits

PathLike = str | os.PathLike[str]


@in_rank_0
def embed(
    competition: Competition | str,
    *,
    split: Splits = "train",
    ids: Sequence[str] | None = None,
    data: PathLike | None = None,
    config: PathLike | Mapping[str, Any] | None = None,
    set: Mapping[str, Any] | None = None,
    weights: PathLike | None = None,
    pretrained: bool | None = None,
    device: str | None = None,
    skip_bad: bool = False,
    out: PathLike | None = None,
    quiet: bool = False,
) -> Embeddings:
    """The embeddings of images: the pooled features of the pretrained backbone, kept on disk.

    The result has `samples`, `ids`, `values` (float32, a row per sample), and the methods
    `neighbours(id, count)` and `duplicates(least)`.

    Args:
        competition: its name, or the competition itself.
        split: "train", "test" or "all".
        ids: only these samples, in this order; of "all", an id that both splits have is refused.
        data: folder or zip file; if None `data/<competition>`, or synthetic data without that.
        out: folder of the caches; the current folder if None.
        quiet: print nothing.

    Raises:
        CompError: random weights, a backbone without embeddings, no such id, or wrong data.
    """
    keys = config_keys(config if isinstance(config, Mapping) else _path(config), set)
    keys = user_keys(keys, weights=_path(weights), pretrained=pretrained, device=device)
    found = registry.get(competition) if isinstance(competition, str) else competition
    workspace = Workspace.at(Path.cwd(), Path(out).expanduser().absolute() if out else None)
    request = RunRequest(
        competition=found, workspace=workspace, keys=keys, data=_path(data), skip_bad=skip_bad
    )
    quiet_libraries()
    from comp.pipeline.embed import embed as compute
    from comp.report.terminal import TerminalReporter
    from comp.runs.progress import Silent

    with handle_signals():
        if quiet:
            return compute(request, Silent(), split=split, ids=ids)
        with TerminalReporter(found.metric) as reporter:
            return compute(request, reporter, split=split, ids=ids)


def _path(path: PathLike | None) -> Path | None:
    return None if path is None else Path(path).expanduser()

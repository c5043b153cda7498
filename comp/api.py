"""comp in Python, for notebooks and scripts: `import comp` offers these functions.

Faults that a user can mend are exceptions of `comp.errors`. Nothing asks a question or exits.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, SupportsIndex

from comp.bundle.call import write_bundle
from comp.calls.blend import blend
from comp.calls.gather import gather
from comp.calls.pseudo import pseudo
from comp.calls.report import write_report
from comp.calls.run import run_and_show
from comp.config.placement import Placement
from comp.contract import registry
from comp.discovery.call import new
from comp.explanations.call import explain
from comp.exploration.call import explore
from comp.export.call import write_export
from comp.notebook.call import submit
from comp.pipeline.compare_call import compare
from comp.pipeline.embed_call import embed
from comp.pipeline.fold_numbers import fold_numbers, more_folds
from comp.pipeline.ranked_call import in_rank_0, in_ranks
from comp.pipeline.request import config_keys, new_request, user_keys
from comp.pipeline.run_view import Run
from comp.racing.call import race
from comp.report.libraries import quiet_libraries
from comp.runs.folder import RunFolder
from comp.runs.newest import newest_partial, newest_unfinished
from comp.signals import Stopped
from comp.tuning.call import tune
from comp.workspace import Workspace

if TYPE_CHECKING:
    from comp.pipeline.prediction import PredictResult

__all__ = [
    "Run", "Stopped", "blend", "compare", "competitions", "embed", "explain", "explore", "gather",
    "load_run", "new", "predict", "pseudo", "race", "resume", "run", "submit", "tune",
    "write_bundle", "write_export", "write_report",
]  # fmt: skip

PathLike = str | os.PathLike[str]


def competitions() -> dict[str, str]:
    """The titles of all competitions by name, with those of the folder `competitions/`.

    Raises:
        CompetitionError: a plugin is not valid, or two have the same name.
    """
    return {name: competition.title for name, competition in registry.competitions().items()}


@in_ranks
def run(
    competition: str,
    *,
    folds: int | None = None,
    fold: SupportsIndex | Sequence[SupportsIndex] | None = None,
    data: PathLike | None = None,
    synthetic: bool = False,
    budget: str | float | None = None,
    max_steps: int | None = None,
    seed: int | None = None,
    device: str | None = None,
    precision: str | None = None,
    config: PathLike | Mapping[str, Any] | None = None,
    set: Mapping[str, Any] | None = None,
    weights: PathLike | None = None,
    pretrained: bool | None = None,
    skip_bad: bool = False,
    repeat: Run | str | None = None,
    jobs: int | None = None,
    on: str = "",
    node_data: str = "",
    gpus: int = 1,
    out: PathLike | None = None,
    quiet: bool = False,
) -> Run:
    """Cross-validate, predict, and write a checked submission, as `comp run` does.

    The configuration is the competition's defaults < `config` < `set` < the other arguments.

    Args:
        fold: the folds to train (0-based); all if None.
        data: folder or zip file; if None `data/<competition>`, or synthetic data without that.
        budget: wall-clock time of the whole call: "30m", or a number of seconds.
        config: a TOML file, or nested keys such as `{"optim": {"lr": 1e-3}}`.
        set: dotted keys such as `{"optim.lr": 1e-3}`.
        repeat: a run in `out` whose data, configuration and plan are used again.
        jobs: folds that train at the same time; None: one for each GPU, and one on the CPU.
        on: a Ray cluster: "ray", or "ray://HOST:PORT".
        node_data: how the nodes of `on` get the data: "path", "copy" or a URI.
        gpus: GPUs on which each fold trains.
        out: folder to write to; the current folder if None.
        quiet: print nothing.

    Raises:
        CompError: for any fault of the data or the configuration.
        Stopped: an interrupt or SIGTERM stopped the run; its state is saved.
    """
    began = time.perf_counter()
    flags: dict[str, Any] = {"folds": folds, "budget": budget, "max_steps": max_steps}
    flags |= {"seed": seed, "device": device, "precision": precision}
    layer = config_keys(config if isinstance(config, Mapping) else _path(config), set)
    keys = user_keys(layer, weights=_path(weights), pretrained=pretrained, **flags)
    request = new_request(
        registry.get(competition),
        _workspace(out),
        keys,
        data=_path(data),
        synthetic=synthetic,
        folds=fold_numbers(fold),
        repeat=repeat.run_id if isinstance(repeat, Run) else repeat,
        skip_bad=skip_bad,
        placement=Placement(jobs=jobs, on=on, gpus=gpus, node_data=node_data),
    )
    request.check()
    quiet_libraries()
    return run_and_show(request.competition, lambda reporter: request.run(reporter, began), quiet)


@in_ranks
def resume(
    run: Run | str | None = None,
    *,
    folds: Literal["rest"] | SupportsIndex | Sequence[SupportsIndex] | None = None,
    data: PathLike | None = None,
    set: Mapping[str, Any] | None = None,
    jobs: int | None = None,
    on: str = "",
    node_data: str = "",
    gpus: int = 1,
    runs: PathLike | None = None,
    quiet: bool = False,
) -> Run:
    """Continue a stopped run until it is finished.

    Args:
        run: a run, its id, or the beginning of its id; if None the newest that can resume.
        folds: train folds that the run left out: "rest" for all, or their numbers; also of a
            finished run.
        data: a folder or zip file with the run's data, if the data was moved.
        set: dotted keys that may change, such as `{"loader.workers": 0}`.
        jobs: as in `run`, with `on`, `node_data` and `gpus`.
        runs: the `out` of the run; the current folder if None.
        quiet: print nothing.

    Raises:
        CompError: no such run, a finished one, other data, or another configuration.
        Stopped: an interrupt or SIGTERM stopped the run; its state is saved.
    """
    began = time.perf_counter()
    placement = Placement(jobs=jobs, on=on, gpus=gpus, node_data=node_data)
    keys, more = user_keys(config_keys(None, set)), more_folds(folds)
    newest = newest_unfinished if more is None else newest_partial
    loaded = Run(newest(_workspace(runs)).path) if run is None else _find(run, runs)
    quiet_libraries()
    from comp.pipeline.resume import resume as resume_run

    return run_and_show(
        registry.get(loaded.competition),
        lambda reporter: resume_run(
            RunFolder(loaded.folder),
            loaded.workspace,
            reporter,
            given=keys,
            data=_path(data),
            began=began,
            more=more,
            placement=placement,
        ),
        quiet,
    )


def load_run(run_id: str, *, runs: PathLike | None = None) -> Run:
    """A run on disk, finished or not, by its id or an unambiguous beginning of the id.

    Args:
        runs: the `out` of the run; the current folder if None.

    Raises:
        RunError: no such run, or several.
    """
    return _find(run_id, runs)


@in_rank_0
def predict(
    run: Run | str,
    *,
    data: PathLike | None = None,
    out: PathLike | None = None,
    device: str | None = None,
    precision: str | None = None,
    set: Mapping[str, Any] | None = None,
    skip_bad: bool = False,
    runs: PathLike | None = None,
) -> PredictResult:
    """Predict again with all finished folds of a run, and average them.

    The result names the files: `out`, `submission` (None if `data` is not in the competition's
    layout) and `images` (None if there are none); `out/test.safetensors` has them by sample id.

    Args:
        run: a run, its id, or the beginning of its id.
        data: competition data, a folder of images, or one image; the run's data if None.
        out: a new or empty folder; `predictions/<run id>` if None.
        set: dotted keys such as `{"predict.adapt": "batchnorm"}`.
        skip_bad: leave out images that cannot be decoded.
        runs: the `out` of the run; the current folder if None.

    Raises:
        RunError: no such run, or none of its folds is finished.
        DataError: data that is missing or cannot be read, or an `out` that is not empty.
    """
    quiet_libraries()
    from comp.pipeline.predict_report import predict_and_report

    loaded = _find(run, runs)
    return predict_and_report(
        loaded.run_id,
        loaded.workspace,
        data=_path(data),
        out=_path(out),
        keys=config_keys(None, set),
        device=device,
        precision=precision,
        skip_bad=skip_bad,
    )


def _find(run: Run | str, runs: PathLike | None) -> Run:
    return run if isinstance(run, Run) else Run(_workspace(runs).find_run(run))


def _workspace(out: PathLike | None) -> Workspace:
    return Workspace.at(Path.cwd(), Path(out).expanduser().absolute() if out else None)


def _path(path: PathLike | None) -> Path | None:
    return None if path is None else Path(path).expanduser()

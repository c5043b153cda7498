"""CPU seconds and memory of the end of a run, by the number of samples and classes.

    python benchmarks/scores.py [--sizes 20000x100,50000x1000] [--json]

Predictions are drawn, without a network. Each size has a process of its own, which writes the
predictions of five folds, joins them, fits the decisions, scores them, makes the tables with their
95 % intervals, and compares the run with another one. Memory is the peak of the process above what
it held when the samples were there.
"""

from __future__ import annotations

import argparse
import io
import json
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from results import show

PARTS = ("files", "metric", "decisions", "intervals", "tables", "compare")
SIZES = "20000x100,50000x1000,300000x2"
FOLDS = 5
LARGEST = 20_000_000
"""Of more samples times classes, no other run is compared."""


def measure(count: int, classes: int) -> dict[str, Any]:
    """One size: seconds of each part, and the peak of memory."""
    from rich.console import Console

    from comp.contract.metrics import AUC
    from comp.contract.sample import Sample
    from comp.inference.oof import OofPairs
    from comp.inference.paired import paired_difference
    from comp.inference.predictions import join_predictions, save_predictions
    from comp.inference.weighted_score import weighted_score
    from comp.pipeline.score_records import score_records, write_class_tables
    from comp.report.scores import scores_table
    from comp.tasks.binary import binary
    from comp.tasks.multiclass import multiclass

    names = [f"class {k}" for k in range(classes)]
    task = binary(names) if classes == 2 else multiclass(names)
    rng = np.random.default_rng(0)
    targets = rng.integers(classes, size=count)
    samples = [
        Sample(id=f"image_{i:07}", image=Path("a.png"), target=int(t), group=f"p{i // 2}")
        for i, t in enumerate(targets)
    ]
    before = peak()
    seconds: dict[str, float] = {}

    def timed(name: str, work: Callable[[], Any]) -> Any:
        began = time.process_time()
        result = work()
        seconds[name] = time.process_time() - began
        return result

    with TemporaryDirectory() as folder:
        place = Path(folder)
        files = [place / f"{fold}.safetensors" for fold in range(FOLDS)]
        oof = place / "oof.safetensors"

        def write() -> None:
            for fold, file in enumerate(files):
                save_predictions(
                    file, ((s, chances(s, task.outputs)) for s in samples[fold::FOLDS])
                )
            save_predictions(oof, join_predictions(files, samples))

        timed("files", write)
        pairs = OofPairs(task, partial(join_predictions, [oof], samples), None)
        timed("metric", lambda: AUC.score(pairs))
        fit = task.decision.fit if task.decision else None
        params = timed("decisions", lambda: fit(pairs, AUC, 0) if fit else ())
        scores = timed("intervals", lambda: task.scores(pairs, params, 0))

        def tables() -> int:
            write_class_tables(place, scores)
            stream = io.StringIO()
            Console(file=stream, width=100).print(scores_table(score_records(scores)))
            return stream.getvalue().count("\n")

        lines = timed("tables", tables)

        def compare() -> None:
            score, _ = weighted_score(AUC, pairs)
            other, _ = weighted_score(AUC, pairs)
            groups = [str(sample.group) for sample in samples]
            paired_difference(score, other, groups, np.ones(count, bool))

        if count * classes <= LARGEST:
            timed("compare", compare)
    return {
        "samples x classes": f"{count:,} x {classes:,}",
        "draws": scores[-1].draws,
        **{f"{name} s": seconds.get(name) for name in PARTS},
        "run s": sum(value for name, value in seconds.items() if name != "compare"),
        "MB": peak() - before,
        "array MB": count * task.outputs * 4 / 2**20,
        "lines": lines,
    }


def chances(sample: Any, outputs: int) -> np.ndarray:
    """The drawn prediction of a sample; its class is often the most probable one."""
    rng = np.random.default_rng(int(sample.id[-7:]))
    values = rng.random(outputs, dtype=np.float32)
    if outputs == 1:
        return 0.7 * values + np.float32(0.3 * sample.target)
    values[sample.target] += 0.5
    return values / values.sum()


def peak() -> float:
    """The peak of this process in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    """Measure each size in a process of its own."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", default=SIZES, help="such as 20000x100,50000x1000")
    parser.add_argument("--json", action="store_true", help="one line of JSON")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        print(json.dumps(measure(*map(int, options.one.split("x")))))
        return
    rows = []
    for size in options.sizes.split(","):
        command = [sys.executable, __file__, "--one", size]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        rows.append(json.loads(done.stdout.splitlines()[-1]))
    show("end of a run", rows, ["CPU seconds; run: without compare"], options.json)


if __name__ == "__main__":
    main()

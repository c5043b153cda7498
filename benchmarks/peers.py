"""Score over minutes of comp, fastai, Lightning + timm, and AutoGluon-Multimodal.

    python benchmarks/peers.py --minutes 1 3 --data cats-dogs=cats-dogs.zip
        --weights tf_efficientnet_lite0.safetensors --weights tf_mobilenetv3_small_100.safetensors
        --python-autogluon .venv-autogluon/bin/python [--only comp fastai] [--competitions salt]
        [--out peers-results] [--resume] [--threads 1] [--json]

All programs have the same data, machine, backbone and weights; what differs is the loop, the recipe
and the defaults. A fifth of the training samples is held out (the first of comp's folds, grouped);
no program sees its labels, and one function scores all predictions. Each program is a process of
its own. The minutes include its start, and it is killed after 1.25 times as many. The recipes, and
the pages that they come from, are at the top of the files in `benchmarks/peers/`. Where no data is
given it is drawn, and the scores say nothing; where no weights are given they are random.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from peers.cells import (
    LIMIT,
    Cell,
    add_cell,
    environment_of,
    find,
    last_words,
    read_cells,
    run_within,
)
from peers.scores import score
from peers.split import LAYOUTS, Scene, make_scene
from peers.tables import markdown

HERE = Path(__file__).resolve().parent / "peers"
PROGRAMS = ("comp", "fastai", "lightning", "autogluon")
MINUTES = (1.0, 3.0, 6.0, 15.0, 30.0)
BACKBONES = {
    "denoising": "tf_efficientnet_lite0",
    "chest-xray": "tf_mobilenetv3_small_100",
    "cats-dogs": "tf_efficientnet_lite0",
    "salt": "tf_efficientnet_lite0",
}
NOT_RUN = {
    ("autogluon", "denoising"): "not run: it has no task from image to image",
    ("autogluon", "salt"): "not run: its segmentation needs the weights of SAM from the hub",
}


def command_of(program: str, name: str, scene: Scene, seconds: float, out: Path) -> list[str]:
    """The command of a cell, without the Python, the weights and the time of its start."""
    words = [str(HERE / f"{program}_peer.py"), "--competition", name, "--out", str(out)]
    words += ["--split", str(scene.split), "--data", str(scene.data)]
    return [*words, "--seconds", f"{seconds:g}", "--backbone", BACKBONES[name]]


def run_cell(
    program: str, name: str, scene: Scene, minutes: float, options: argparse.Namespace
) -> Cell:
    """Run one program on one competition, and score it."""
    cell: Cell = {"program": program, "competition": name, "minutes": minutes, "split": scene.key}
    cell["real"] = scene.real
    if why := NOT_RUN.get((program, name)):
        return cell | {"why": why}
    folder = options.out / name / f"{program}-{minutes:g}-{time.time_ns()}"
    out, log = folder / "predictions.csv", folder / "log.txt"
    folder.mkdir(parents=True)
    python = options.python_autogluon if program == "autogluon" else sys.executable
    command = [str(python), *command_of(program, name, scene, minutes * 60, out)]
    command += ["--size", str(options.size)]
    if weights := weights_of(options.weights, name):
        command += ["--weights", str(weights)]
    command += ["--started", f"{time.time():.2f}"]
    ended = run_within(command, minutes * 60 * options.limit, log, environment_of(options.threads))
    cell["seconds"] = ended.seconds
    if ended.code is None:
        return cell | {"why": f"not finished after {ended.seconds:.0f} s"}
    if ended.code:
        return cell | {"why": f"failed: {last_words(log)}"}
    notes = json.loads(out.with_suffix(".json").read_text())
    cell["seconds"] = notes.pop("seconds", ended.seconds)
    return cell | {"notes": notes, "figures": score(name, scene.truth, out)}


def weights_of(files: Sequence[Path], name: str) -> Path | None:
    """The file of the backbone of a competition, by its name."""
    return next((file.absolute() for file in files if file.stem == BACKBONES[name]), None)


def planned(options: argparse.Namespace) -> Iterator[tuple[float, str, str]]:
    """Minutes, competition and program of all cells, the short ones first."""
    for minutes in sorted(options.minutes):
        for name in options.competitions:
            for program in options.only:
                yield minutes, name, program


def options_of(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """The options of the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add = parser.add_argument
    add("--minutes", type=float, nargs="+", default=MINUTES, help="times for each program")
    add("--only", nargs="+", choices=PROGRAMS, default=PROGRAMS, help="programs")
    add("--competitions", nargs="+", choices=list(LAYOUTS), default=list(LAYOUTS))
    add("--data", action="append", default=[], metavar="NAME=PATH", help="folder or zip; repeat")
    add("--weights", type=Path, action="append", default=[], help="<timm name>.safetensors; repeat")
    add("--size", type=int, default=224, help="side of images of classes for all but comp")
    add("--python-autogluon", type=Path, default=Path(sys.executable), help="with AutoGluon")
    add("--out", type=Path, default=Path("peers-results"), help="folder of all that is written")
    add("--resume", action="store_true", help="keep the cells that are there")
    add("--limit", type=float, default=LIMIT, help="kill a program after its minutes x this")
    add("--threads", type=int, help="OMP_NUM_THREADS of all programs; their own choice without")
    add("--json", action="store_true", help="print JSON instead of Markdown")
    options = parser.parse_args(arguments)
    options.out, options.data = options.out.absolute(), dict(p.split("=", 1) for p in options.data)
    return options


def main() -> None:
    """Run all cells, and show the tables."""
    options = options_of()
    options.out.mkdir(parents=True, exist_ok=True)
    results, cells = options.out / "cells.jsonl", list(planned(options))
    if not options.resume:
        results.unlink(missing_ok=True)
    longest = sum(m for m, name, program in cells if (program, name) not in NOT_RUN)
    say(f"{len(cells)} cells, about {longest:g} minutes, at most {longest * options.limit:g}")
    scenes = {}
    for name in options.competitions:
        given = options.data.get(name)
        folder = options.out / name / ("real" if given else "drawn")
        folder.mkdir(parents=True, exist_ok=True)
        scenes[name] = make_scene(name, given and Path(given), folder)
    for minutes, name, program in cells:
        key = {"minutes": minutes, "competition": name, "program": program}
        done = find(read_cells(results), **key, split=scenes[name].key)
        if done and (done.get("figures") or (program, name) in NOT_RUN):
            continue
        cell = run_cell(program, name, scenes[name], minutes, options)
        add_cell(results, cell)
        say(f"{minutes:g} min, {name}, {program}: {cell.get('figures') or cell['why']}")
    show(read_cells(results), options)


def show(cells: Sequence[Cell], options: argparse.Namespace) -> None:
    """Print the tables, and write them beside the cells."""
    machine = f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores"
    text = markdown(cells, options.competitions, options.only)
    (options.out / "tables.md").write_text(text, encoding="utf-8")
    whole: dict[str, Any] = {"title": "Score over minutes", "machine": machine, "rows": cells}
    print(json.dumps(whole) if options.json else f"{machine}\n\n{text}")


def say(line: str) -> None:
    """Say how far it is."""
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()

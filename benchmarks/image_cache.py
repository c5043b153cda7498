"""The image cache: the start of a run whose cache is there, and one pass of reads from it.

    python benchmarks/image_cache.py [--images 100000] [--rounds 3] [--links] [--json]

Writes files of 300 bytes and fills a cache for them with grey squares of 32 pixels, without
decoding anything. Then, in new processes and in turn:

- start: list the files, check that none changed, find the cache, and open its index, as
  `prepare_images` and `make_reader` do.
- before: the same as earlier versions did it: hash every byte of every file, parse an index of JSON
  and compare the state of each file with it.
- pass: read every image once, in another order, with 0 and 2 workers; memory is what the workers
  do not share with others.

The time and memory of the samples alone are subtracted. With `--links` all files are links to a
thousand files, which is faster to set up for a million.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import psutil
from results import show

from comp.contract.competition import ImageSpec
from comp.contract.sample import Sample
from comp.data.images.cache import ImageReader, build_cache, image_reader, open_table
from comp.data.images.cache_build import Reading, write_cache
from comp.data.images.decode_many import file_digest, map_in_threads, shape_record
from comp.data.images.file_list import file_state
from comp.data.images.old_caches import old_names
from comp.data.images.prepared import PreparedImages

SPEC = ImageSpec(size=32, channels=1)
FOLDER_FILES, SOURCES = 1000, 1000


def samples_in(root: Path, count: int) -> list[Sample]:
    """The samples of a run, as a plugin lists them."""
    return [Sample(id=f"{i:07d}", image=path) for i, path in enumerate(paths_in(root, count))]


def paths_in(root: Path, count: int) -> Iterator[Path]:
    """The paths of the files."""
    for i in range(count):
        yield root / "train" / f"{i // FOLDER_FILES:04d}" / f"{i:07d}.png"


def write_files(root: Path, count: int, links: bool) -> None:
    """Write files of different bytes."""
    rng = np.random.default_rng(0)
    sources: list[Path] = []
    for i, path in enumerate(paths_in(root, count)):
        if i % FOLDER_FILES == 0:
            path.parent.mkdir(parents=True)
        if links and len(sources) == SOURCES:
            os.link(sources[i % SOURCES], path)
        else:
            path.write_bytes(rng.bytes(300))
            sources.append(path)


def fill(root: Path, caches: Path, samples: Sequence[Sample]) -> Path:
    """A cache of grey squares, with an index of JSON beside it as an earlier version wrote it."""
    time.sleep(2.5)  # files that just changed are hashed again at the next start
    table = open_table(samples, caches, root)
    grey = np.full((32, 32, 1), 128, np.uint8)
    reading = Reading(shape_record(SPEC, None), lambda _path: (grey, grey.shape))
    cache, table = write_cache(caches, table, reading, 10**12)
    table.save()
    images = {
        str(sample.image_file.relative_to(root)): [1024 * i, 32, 32, *state_of(sample)]
        for i, sample in enumerate(samples)
    }
    (caches.parent / "old.json").write_text(json.dumps({"images": images}))
    return cache


def state_of(sample: Sample) -> list[int]:
    """Size and time of change of a file."""
    return list(file_state(str(sample.image_file))[:2])


def start(root: Path, caches: Path, samples: Sequence[Sample]) -> ImageReader:
    """What a run does before its first step, and each fold before its own."""
    prepared = build_cache(samples, SPEC, caches, root=root)
    assert prepared.cache, prepared.no_cache_reason
    prepared.write_pointer(caches.parent / "run")
    return image_reader(samples, SPEC, caches.parent / "run", root)


def old_start(root: Path, caches: Path, samples: Sequence[Sample]) -> None:
    """What earlier versions did."""
    for _ in range(2):  # of the run, and of its first fold
        index = json.loads((caches.parent / "old.json").read_text())["images"]
        for sample in samples:
            status = Path(sample.image_file).stat()
            key = os.path.abspath(sample.image_file).removeprefix(f"{root}/")  # noqa: PTH100
            assert index[key][3:] == [status.st_size, status.st_mtime_ns]
    paths = sorted(os.path.abspath(sample.image_file) for sample in samples)  # noqa: PTH100
    digests = [digest.hex() for digest in map_in_threads(file_digest, paths, None)]
    old_names(paths, digests, shape_record(SPEC, None), root=root)


def read_pass(root: Path, caches: Path, samples: Sequence[Sample], workers: int) -> dict[str, Any]:
    """Read every image once through a loader."""
    from torch.utils.data import DataLoader, Dataset

    prepared = PreparedImages.read_pointer(caches.parent / "run", root)
    reader = ImageReader(SPEC, prepared.cache, None, root)

    class Images(Dataset):  # type: ignore[type-arg]
        def __len__(self) -> int:
            return len(samples)

        def __getitem__(self, i: int) -> Any:
            return reader(samples[i])["image"]

    order = np.random.default_rng(0).permutation(len(samples)).tolist()
    loader = DataLoader(Images(), 256, sampler=order, num_workers=workers)
    started, own = time.perf_counter(), 0.0
    for number, _ in enumerate(loader, 1):
        if workers and number == len(loader) - 4:
            own = max(map(private_mb, psutil.Process().children()))
    return {"seconds": time.perf_counter() - started, "worker MB": own}


def private_mb(process: psutil.Process) -> float:
    """Memory that no other process shares."""
    return float(process.memory_full_info().uss) / 1e6


def child(what: str, root: Path, caches: Path, count: int) -> None:
    """Measure one thing in this process, and print it."""
    if what.startswith("pass"):
        import torch.utils.data  # noqa: F401  before memory and time are measured
    samples = samples_in(root, count)
    before, cpu, started = peak_mb(), time.process_time(), time.perf_counter()
    found: dict[str, Any] = {}
    if what == "start":
        start(root, caches, samples)
    elif what == "before":
        old_start(root, caches, samples)
    elif what == "stat":
        for sample in samples:
            os.stat(sample.image_file)  # noqa: PTH116
    else:
        found = read_pass(root, caches, samples, int(what.removeprefix("pass ")))
    seconds = found.pop("seconds", time.perf_counter() - started)
    cpu_s, memory = time.process_time() - cpu, peak_mb() - before
    print(json.dumps({"seconds": seconds, "cpu": cpu_s, "MB": memory, **found}))


def peak_mb() -> float:
    """The largest memory of this process so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3


def measured(what: str, root: Path, caches: Path, count: int) -> dict[str, Any]:
    """The result of a new process."""
    command = [sys.executable, __file__, "--child", what, "--images", str(count)]
    done = subprocess.run(
        [*command, "--root", str(root), "--caches", str(caches)],
        check=True,
        capture_output=True,
        text=True,
    )
    return dict(json.loads(done.stdout))


def row_of(what: str, found: Sequence[Mapping[str, float]], count: int) -> dict[str, Any]:
    """Median and spread of the rounds."""
    seconds = [one["seconds"] for one in found]
    return {
        "what": what,
        "seconds": statistics.median(seconds),
        "spread": max(seconds) - min(seconds),
        "CPU s": statistics.median(one["cpu"] for one in found),
        "us/image": statistics.median(seconds) / count * 1e6,
        "MB": statistics.median(one["MB"] for one in found),
        "MB a worker": found[0].get("worker MB"),
    }


def main() -> None:
    """Set up the files once, then measure in turn."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--images", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--links", action="store_true")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--child")
    parser.add_argument("--root", type=Path)
    parser.add_argument("--caches", type=Path)
    given = parser.parse_args()
    if given.child:
        child(given.child, given.root, given.caches, given.images)
        return
    with TemporaryDirectory() as scratch:
        root, caches = Path(scratch) / "data", Path(scratch) / "images"
        write_files(root, given.images, given.links)
        fill(root, caches, samples_in(root, given.images))
        cases = ["stat", "before", "start", "pass 0", "pass 2"]
        found: dict[str, list[dict[str, Any]]] = {what: [] for what in cases}
        for _ in range(given.rounds):
            for what in cases:
                found[what].append(measured(what, root, caches, given.images))
    rows = [row_of(what, found[what], given.images) for what in cases]
    times = [
        old["seconds"] / new["seconds"]
        for old, new in zip(found["before"], found["start"], strict=True)
    ]
    notes = [f"start: {statistics.median(times):.1f} times as fast as before ({min(times):.1f} to "
             f"{max(times):.1f})"]  # fmt: skip
    show(f"{given.images:,} cached images", rows, notes, given.json)


if __name__ == "__main__":
    main()

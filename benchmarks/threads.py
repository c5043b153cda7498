"""How torch's threads should wait for each other: images a second alone and beside another program.

    python benchmarks/threads.py [--rounds 4] [--seconds 3] [--spins none,0,1000,10000,100000]
        [--threads N] [--json]

Each way of waiting is a process of its own, since OpenMP reads its variables once; all of them wait
for their turn, and train a small network for some seconds in turn: alone, and while another process
with torch's own defaults trains the same. "none" sets no variable. A ratio is that of the bursts of
one round to those of "none" in the same round, alone; the median over the rounds counts.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
from typing import Any

from results import show

VARIABLES = ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT", "KMP_BLOCKTIME")
CHILD = """
import sys, time, timm, torch
if int(sys.argv[1]):
    torch.set_num_threads(int(sys.argv[1]))
torch.manual_seed(0)
model = timm.create_model("tf_mobilenetv3_small_100", num_classes=2)
model = model.to(memory_format=torch.channels_last)
optimizer = torch.optim.AdamW(model.parameters())
image = torch.rand(32, 3, 64, 64).contiguous(memory_format=torch.channels_last)
target = torch.randint(0, 2, (32,))
print(torch.get_num_threads(), flush=True)
for line in sys.stdin:
    images, began, used = 0, time.perf_counter(), time.process_time()
    while time.perf_counter() - began < float(line):
        torch.nn.functional.cross_entropy(model(image), target).backward()
        optimizer.step()
        optimizer.zero_grad()
        images += len(image)
    seconds = time.perf_counter() - began
    print(images / seconds, (time.process_time() - used) / seconds, flush=True)
"""


class Trainer:
    """A process that trains for some seconds whenever it is told to."""

    def __init__(self, spins: str, threads: int) -> None:
        environment = {k: v for k, v in os.environ.items() if k not in VARIABLES}
        if spins != "none":
            environment |= {"GOMP_SPINCOUNT": spins, "KMP_BLOCKTIME": "0"}
        command = [sys.executable, "-c", CHILD, str(threads)]
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(
            command, env=environment, stdin=pipe, stdout=pipe, text=True
        )
        self.threads = self._line()[0]

    def _line(self) -> list[str]:
        assert self.process.stdout
        return self.process.stdout.readline().split()

    def begin(self, seconds: float) -> None:
        """Train from now on."""
        assert self.process.stdin
        self.process.stdin.write(f"{seconds}\n")
        self.process.stdin.flush()

    def rate(self) -> tuple[float, float]:
        """Images a second, and cores that were used, of what `begin` began."""
        images, used = self._line()
        return float(images), float(used)

    def close(self) -> None:
        """End the process."""
        assert self.process.stdin
        self.process.stdin.close()
        self.process.wait()


def burst(trainer: Trainer, beside: Trainer | None, seconds: float) -> tuple[float, float, float]:
    """(images a second, cores used, images a second of the process beside)."""
    if beside:
        beside.begin(seconds)
    trainer.begin(seconds)
    images, used = trainer.rate()
    return images, used, beside.rate()[0] if beside else 0.0


def rows(ways: dict[str, Trainer], beside: Trainer, rounds: int, seconds: float) -> list[Any]:
    """One row for each way of waiting."""
    names = list(ways)
    found: dict[str, list[tuple[Any, Any]]] = {name: [] for name in names}
    for trainer in (*ways.values(), beside):
        burst(trainer, None, 1.0)
    for turn in range(rounds):
        for name in names[turn % len(names) :] + names[: turn % len(names)]:
            alone = burst(ways[name], None, seconds)
            found[name].append((alone, burst(ways[name], beside, seconds)))
    return [_row(name, found[name], found[names[0]]) for name in names]


def _row(name: str, own: list[tuple[Any, Any]], first: list[tuple[Any, Any]]) -> dict[str, Any]:
    alone = [a[0] / base[0] for (a, _), (base, _) in zip(own, first, strict=True)]
    beside = [b[0] / base[0] for (_, b), (base, _) in zip(own, first, strict=True)]
    other = [b[2] / base[0] for (_, b), (base, _) in zip(own, first, strict=True)]
    return {
        "spins": name,
        "images/s alone": statistics.median(a[0] for a, _ in own),
        "alone": statistics.median(alone),
        "alone, range": f"{min(alone):.2f} to {max(alone):.2f}",
        "cores alone": statistics.median(a[1] for a, _ in own),
        "images/s beside": statistics.median(b[0] for _, b in own),
        "beside": statistics.median(beside),
        "beside, range": f"{min(beside):.2f} to {max(beside):.2f}",
        "the other": statistics.median(other),
    }


def main() -> None:
    """Measure every way of waiting and show one table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--seconds", type=float, default=3.0, help="of each burst")
    parser.add_argument("--spins", default="none,0,1000,10000,100000", help="values to compare")
    parser.add_argument("--threads", type=int, default=0, help="threads of torch; 0: its default")
    parser.add_argument("--json", action="store_true", help="print one line of JSON")
    options = parser.parse_args()
    ways = {name: Trainer(name, options.threads) for name in options.spins.split(",")}
    beside = Trainer("none", options.threads)
    try:
        table = rows(ways, beside, options.rounds, options.seconds)
    finally:
        for trainer in (*ways.values(), beside):
            trainer.close()
    notes = [
        f"{beside.threads} threads each, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}",
        f"median of {options.rounds} rounds of {options.seconds:g} s",
    ]
    show("How threads wait", table, notes, options.json)


if __name__ == "__main__":
    main()

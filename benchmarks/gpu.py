"""All that a GPU must show, in one command of less than 8 minutes.

    python benchmarks/gpu.py [--device cuda] [--out gpu] [--minutes 8] [--only tests training ...]
    python benchmarks/gpu.py --device cpu --quick      # a rehearsal on any machine

Each section is a process of its own with a limit of time, so that one that fails or hangs costs no
other. After each section the results so far are in gpu.json and gpu.md. The exit code is 1 if a
section failed.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from gpu_sections import SECTIONS, machine, run_alone

SHARES = {"tests": 0.3, "training": 0.45, "prediction": 0.3, "denoising": 0.3}
"""The largest share of the time that a section may take; what one leaves, the others may use."""
ROOT = Path(__file__).resolve().parent.parent


def run_section(name: str, options: argparse.Namespace, limit_s: float) -> dict[str, Any]:
    """The result of a section: `rows`, `notes`, `seconds`, and `failed` with the reason, or ""."""
    with TemporaryDirectory() as scratch:
        result = Path(scratch) / "result.json"
        words = [sys.executable, __file__, "--section", name, "--device", options.device]
        words += ["--out", str(result), "--minutes", str(limit_s / 60)]
        began = time.perf_counter()
        try:
            done = subprocess.run(
                [*words, *(["--quick"] if options.quick else [])],
                cwd=ROOT,
                timeout=limit_s,
                capture_output=True,
                text=True,
                check=False,
            )
            failed = done.stderr.strip()[-2_000:] or f"exit {done.returncode}"
            failed = failed if done.returncode else ""
        except subprocess.TimeoutExpired:
            failed = f"not finished after {limit_s:.0f} s"
        found = json.loads(result.read_text()) if result.is_file() else {"rows": [], "notes": []}
    return {**found, "seconds": time.perf_counter() - began, "failed": failed}


def markdown(facts: Mapping[str, Any], sections: Mapping[str, Mapping[str, Any]]) -> str:
    """The results as Markdown, a table for each section."""
    lines = [f"# {facts['device']}", "", ", ".join(f"{k} {v}" for k, v in facts.items()), ""]
    for name, found in sections.items():
        lines += [f"## {name} ({found['seconds']:.0f} s)", ""]
        if found["failed"]:
            lines += [f"**Failed**: `{found['failed'].splitlines()[-1]}`", ""]
        if found["rows"]:
            lines += [*table(found["rows"]), ""]
        lines += [f"- {note}" for note in found["notes"]] + [""] * bool(found["notes"])
    return "\n".join(lines)


def table(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """Rows of equal keys as the lines of a Markdown table."""
    names = list(rows[0])
    lines = ["| " + " | ".join(names) + " |", "|---" + "|---:" * (len(names) - 1) + "|"]
    return lines + ["| " + " | ".join(map(cell, row.values())) + " |" for row in rows]


def cell(value: object) -> str:
    """A value with three digits; nothing for None."""
    if isinstance(value, float):
        return f"{value:.0f}" if abs(value) >= 100 else f"{value:.3g}"
    return "" if value is None else str(value)


def main() -> int:
    """Run the sections one after another."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--device", default="cuda", help="cuda, cpu")
    parser.add_argument("--quick", action="store_true", help="few and small steps: a rehearsal")
    parser.add_argument("--minutes", type=float, default=7.5, help="limit of all sections")
    parser.add_argument("--only", nargs="+", choices=SECTIONS, default=list(SECTIONS))
    parser.add_argument("--section", choices=SECTIONS, help="this one alone, in this process")
    parser.add_argument("--out", type=Path, default=Path("gpu"), help="start of the file names")
    options = parser.parse_args()
    if options.section:
        limit_s = 60 * options.minutes
        run_alone(options.section, options.device, options.quick, limit_s, options.out)
        return 0
    options.out.parent.mkdir(parents=True, exist_ok=True)
    until = time.perf_counter() + 60 * options.minutes
    facts, sections = machine(options.device), {}
    for name in options.only:
        left = until - time.perf_counter()
        if left < 5:
            sections[name] = {"rows": [], "notes": [], "seconds": 0.0, "failed": "no time left"}
        else:
            share = 1.0 if len(options.only) == 1 else SHARES[name]
            limit_s = min(left, share * 60 * options.minutes)
            sections[name] = run_section(name, options, limit_s)
        content = {"machine": facts, "quick": options.quick, "sections": sections}
        options.out.with_suffix(".json").write_text(json.dumps(content, indent=1))
        options.out.with_suffix(".md").write_text(markdown(facts, sections))
        found = sections[name]
        print(f"{name}: {found['seconds']:.0f} s {found['failed'] or 'done'}", flush=True)
    print(markdown(facts, sections))
    return int(any(found["failed"] for found in sections.values()))


if __name__ == "__main__":
    raise SystemExit(main())

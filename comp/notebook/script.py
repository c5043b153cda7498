"""Predicts with the bundle of run RUN and leaves submission.csv.

`comp submit --code` made this. The bundle is in the data set or the model of this notebook.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

MANIFEST = "the id of the bundle's manifest"
TAG = "the mark of this attempt"
INPUT, OUTPUT = Path("/kaggle/input"), Path("/kaggle/working")
DEPTH = 8  # folders below the input in which a bundle may be


def find_bundle() -> Path:
    """The folder below the input with the manifest of the bundle, whatever it is called."""
    folders, others = [INPUT], []
    for _ in range(DEPTH):
        for folder in folders:
            if (folder / "manifest.json").is_file():
                found = json.loads((folder / "manifest.json").read_text()).get("id")
                if found == MANIFEST:
                    return folder
                others.append(f"{folder} holds {found}")
        entries = [entry for folder in folders for entry in os.scandir(folder) if entry.is_dir()]
        folders = [Path(entry.path) for entry in entries]
    sys.exit(f"no bundle {MANIFEST} below {INPUT}: {'; '.join(others) or 'no other one either'}")


def check_files(bundle: Path) -> None:
    """End if a file of the bundle is missing or has other bytes."""
    for name, entry in json.loads((bundle / "manifest.json").read_text())["files"].items():
        path = bundle / name
        if not path.is_file():
            sys.exit(f"{name} of the bundle is missing in {bundle}")
        if hashlib.sha256(path.read_bytes()).hexdigest() != entry["sha256"]:
            sys.exit(f"{name} of the bundle has other bytes than its manifest says")


def main() -> None:
    """Find and check the bundle, and run its predict.py; only submission.csv is kept."""
    bundle = find_bundle()
    print(f"found bundle {MANIFEST[:12]} in {bundle}", flush=True)
    check_files(bundle)
    with tempfile.TemporaryDirectory() as scratch:
        command = [sys.executable, str(bundle / "predict.py"), "--input", str(INPUT)]
        with subprocess.Popen(
            [*command, "--output", scratch],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        ) as process:
            for line in process.stdout or ():
                print(line, end="", flush=True)
        if process.returncode:
            sys.exit(f"predict.py ended with exit code {process.returncode}")
        shutil.copyfile(Path(scratch) / "submission.csv", OUTPUT / "submission.csv")


if __name__ == "__main__":
    main()

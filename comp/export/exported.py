"""What an export returns, and how it is said on a terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from comp.export.card import int8_lines


@dataclass(frozen=True, kw_only=True)
class Exported:
    """An export that was written and checked."""

    run_id: str
    competition: str
    to: str
    folder: Path
    files: Sequence[Path]
    """The files with networks; those of int8 last."""
    networks: int
    described: Mapping[str, Any]
    """The contents of model.json."""
    notes: Sequence[str] = ()

    def record(self) -> dict[str, Any]:
        """The values for `--json`."""
        return {
            "run": self.run_id,
            "competition": self.competition,
            "to": self.to,
            "folder": str(self.folder),
            "files": [path.name for path in self.files],
            "bytes": {path.name: path.stat().st_size for path in self.files},
            "networks": self.networks,
            "check": self.described["check"],
            "int8": self.described["int8"],
            "notes": list(self.notes),
        }

    def lines(self) -> list[tuple[str, str]]:
        """A label and words for each line of the terminal."""
        check = self.described["check"]
        several = f"{self.networks} models" if self.networks > 1 else "1 model"
        found = [
            (
                path.name,
                f"{path.stat().st_size / 1e6:.1f} MB" + (f", {several}" if not index else ""),
            )
            for index, path in enumerate(self.files)
        ]
        found.append(
            (
                "check",
                f"equal to the run: largest difference {check['largest_difference']:.1g} (limit "
                f"{check['limit']:.1g}) on "
                f"{check['samples']} {check['split']} samples, batches of "
                f"{' and '.join(map(str, check['batches']))}",
            )
        )
        blend = check.get("blend")
        if blend:
            found.append(
                (
                    "mean of files",
                    f"equal to the run: largest difference {blend['largest_difference']:.1g} "
                    f"(limit {blend['limit']:.1g}) on {blend['samples']} {blend['split']} samples",
                )
            )
        if self.described["int8"]:
            found += [
                ("int8", line.replace("**", "")) for line in int8_lines(self.described["int8"])
            ]
        found += [("note", note) for note in self.notes]
        found.append(("folder", str(self.folder)))
        return found

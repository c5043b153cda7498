"""The rows of run lengths in the order of the sample submission."""

from __future__ import annotations

from pathlib import Path

import pytest

from comp.errors import SubmissionError
from comp.submission.spec import SubmissionSpec
from comp.submission.write import make_submission

PARTS = [
    {"id": [image, image], "kind": ["1", "2"], "runs": [f"1 {number}", ""]}
    for number, image in enumerate("ab", 1)
]
ROWS = {"a,1": "1 1", "a,2": "", "b,1": "1 2", "b,2": ""}


def written(folder: Path, keys: list[str]) -> list[str]:
    lines = [f"{key.split(',')[0]},1 1,{key.split(',')[1]}" for key in keys]
    (folder / "sample.csv").write_text("\n".join(["id,runs,kind", *lines, ""]))
    spec = SubmissionSpec(template=folder / "sample.csv", rle=("runs",), labels=("1", "2"))
    make_submission(folder / "out.csv", PARTS, spec)
    return (folder / "out.csv").read_text().replace('"', "").splitlines()


@pytest.mark.parametrize(
    "keys",
    [
        ["a,1", "a,2", "b,1", "b,2"],
        ["b,2", "b,1", "a,2", "a,1"],
        ["a,1", "b,1", "a,2", "b,2"],  # one class after the other: the order of ids differed
    ],
)
def test_rows_follow_the_sample(tmp_path: Path, keys: list[str]) -> None:
    """With the classes of each image in another order, each had the mask of the other."""
    header, *lines = written(tmp_path, keys)
    assert header == "id,runs,kind"
    assert lines == [f"{k[0]},{ROWS[k]},{k[2]}" for k in keys]


@pytest.mark.parametrize("keys", [["a,1", "a,2", "b,1"], ["a,1", "a,2", "b,1", "c,2"]])
def test_other_rows_are_left_to_the_validation(tmp_path: Path, keys: list[str]) -> None:
    with pytest.raises(SubmissionError, match="would be refused"):
        written(tmp_path, keys)

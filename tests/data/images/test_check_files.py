"""The files of a competition with its own reader, of any format."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from comp.contract.sample import Item, Reader, Sample
from comp.data.images.check_files import check_files
from comp.errors import DataError


def sounds(folder: Path, count: int = 3) -> list[Sample]:
    """Files that are not images; they begin like a WebP image."""
    found = []
    for i in range(count):
        path = folder / f"{i}.wav"
        path.write_bytes(b"RIFF" + bytes(4) + b"WAVEfmt " + bytes([i]) * 40)
        found.append(Sample(id=str(i), image=path, target=1.0))
    return found


def read_sound(sample: Sample) -> Item:
    data = sample.image.read_bytes()
    if not data.startswith(b"RIFF"):
        raise ValueError("no sound")
    return {"image": np.frombuffer(data[:48], np.uint8).reshape(6, 8, 1)}


def reader_of(_samples: Sequence[Sample]) -> Reader:
    return read_sound


def test_other_files_are_read_by_the_reader_alone(tmp_path: Path) -> None:
    calls: list[tuple[int, int]] = []

    skipped = check_files(sounds(tmp_path), reader_of, on_image=lambda *n: calls.append(n))

    assert skipped == {}
    assert calls == [(1, 3), (2, 3), (3, 3)]


def test_a_file_that_the_reader_cannot_read_is_named(tmp_path: Path) -> None:
    samples = sounds(tmp_path)
    samples[1].image.write_bytes(b"???")

    with pytest.raises(DataError) as caught:
        check_files(samples, reader_of)

    assert str(caught.value) == (
        "1 of 3 samples cannot be read, the first: the competition's reader cannot read sample 1 "
        f"({samples[1].image}): ValueError: no sound; or leave them out with --skip-bad"
    )
    assert list(check_files(samples, reader_of, skip_bad=True)) == [str(samples[1].image)]


def test_missing_files_are_found_before_the_reader_is_made(tmp_path: Path) -> None:
    samples = sounds(tmp_path)
    samples[2].image.unlink()

    def refuse(_samples: Sequence[Sample]) -> Reader:
        raise AssertionError("made")

    with pytest.raises(
        DataError, match=r"1 of 3 samples .* cannot read the file .*2\.wav: No such"
    ):
        check_files(samples, refuse)
    given: list[Sequence[Sample]] = []
    skipped = check_files(samples, lambda s: given.append(s) or read_sound, skip_bad=True)
    assert list(skipped) == [str(samples[2].image)]
    assert given == [samples[:2]]


def test_pictures_are_decoded_and_the_reader_is_not_made(tmp_path: Path) -> None:
    samples = []
    for name in ("a", "b"):
        Image.new("L", (20, 30), 100).save(tmp_path / f"{name}.png")
        samples.append(Sample(id=name, image=tmp_path / f"{name}.png"))

    def refuse(_samples: Sequence[Sample]) -> Reader:
        raise AssertionError("made")

    assert check_files(samples, refuse) == {}
    samples[1].image.write_bytes(b"no image")
    with pytest.raises(DataError) as caught:
        check_files(samples, refuse)
    assert str(caught.value).startswith(
        f"1 of 2 images cannot be decoded, the first: {tmp_path}/b.png is not a readable image"
    )
    assert list(check_files(samples, refuse, skip_bad=True)) == [str(samples[1].image)]


def test_a_row_of_a_file_that_others_share_cannot_be_left_out(tmp_path: Path) -> None:
    table = tmp_path / "pixels.csv"
    table.write_text("id,pixel\n")
    samples = [Sample(id=str(i), image=table) for i in range(3)]

    def read(sample: Sample) -> Item:
        if sample.id == "1":
            raise KeyError(sample.id)
        return {"image": np.zeros((2, 2, 1), np.uint8)}

    with pytest.raises(DataError, match=r"sample 1 .*KeyError: '1'; other samples are in the same"):
        check_files(samples, lambda _samples: read, skip_bad=True)


def test_arrays_are_not_judged_here(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.zeros((7, 2, 40, 40)))
    samples = [Sample(id="a", image=tmp_path / "a.npy")]

    assert check_files(samples, lambda _samples: lambda s: {"image": np.load(s.image)}) == {}


def test_an_error_of_the_whole_reader_is_told(tmp_path: Path) -> None:
    def refuse(_samples: Sequence[Sample]) -> Reader:
        raise DataError("data.h5 has no row 7")

    with pytest.raises(DataError, match=r"data\.h5 has no row 7"):
        check_files(sounds(tmp_path), refuse)

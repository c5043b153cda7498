"""Check the files of a competition with its own reader, which can have any format."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

from comp.contract.sample import Reader, Sample
from comp.data.images.check import check_images, skipped_images
from comp.data.images.decode_many import OnImage, absolute_image_path, absolute_sample_paths
from comp.data.images.formats import is_picture
from comp.errors import CompError, DataError


def check_files(
    samples: Sequence[Sample],
    make_reader: Callable[[Sequence[Sample]], Reader],
    *,
    skip_bad: bool = False,
    on_image: OnImage | None = None,
) -> dict[str, str]:
    """Check that a competition's own reader can read all samples.

    Pictures (PNG, JPEG, WebP, BMP, GIF) are decoded here. For all other files, such as sounds and
    arrays, only the reader knows what is valid: it reads each of their samples once.

    Args:
        make_reader: makes the competition's reader of the given samples.

    Returns:
        The error messages of samples that cannot be read, by the absolute path of the image.

    Raises:
        DataError: samples cannot be read, unless `skip_bad`; or one sample of a file that several
            samples share.
    """
    pictures, others, missing = _sort_files(samples)
    total = len(samples)
    words = "samples cannot be read" if others or missing else "images cannot be decoded"
    if missing and not skip_bad:
        skipped_images(samples, missing, skip_bad, words)
    skipped = skipped_images(samples, missing, skip_bad, words)
    skipped |= check_images(pictures, skip_bad=skip_bad, on_image=on_image)
    if others:
        reader = make_reader(
            [s for s in samples if s.image is None or absolute_image_path(s) not in skipped]
        )
        shared = Counter(absolute_image_path(sample) for sample in samples if sample.image)
        unreadable: dict[str, str] = {}
        for done, sample in enumerate(others, start=total - len(others) + 1):
            path, reason = absolute_image_path(sample), _reason(reader, sample)
            if reason and shared[path] > 1:
                raise DataError(f"{reason}; other samples are in the same file: correct it")
            if reason:
                unreadable[path] = reason
            if on_image:
                on_image(done, total)
        skipped |= skipped_images(samples, unreadable, skip_bad, words)
    return skipped


def _sort_files(
    samples: Sequence[Sample],
) -> tuple[list[Sample], list[Sample], dict[str, str]]:
    """Samples that are pictures, other samples, and the reasons of files that cannot be opened."""
    kinds: dict[str, bool] = {}
    missing: dict[str, str] = {}
    for path in sorted({path for sample in samples for path in absolute_sample_paths(sample)}):
        try:
            kinds[path] = is_picture(Path(path))
            if not kinds[path]:
                Path(path).open("rb").close()
        except DataError as error:
            missing[path] = str(error).replace("cannot read the image", "cannot read the file")
        except OSError as error:
            missing[path] = f"cannot read the file {path}: {error.strerror}"
    found = [s for s in samples if not any(p in missing for p in absolute_sample_paths(s))]
    pictures = [s for s in found if all(kinds[path] for path in absolute_sample_paths(s))]
    others = [s for s in found if not all(kinds[path] for path in absolute_sample_paths(s))]
    return pictures, others, missing


def _reason(reader: Reader, sample: Sample) -> str:
    """Why the reader cannot read a sample; "" if it can."""
    try:
        reader(sample)
    except MemoryError:
        raise
    except CompError as error:
        return str(error)
    except Exception as error:  # the reader is code of the competition
        words = " ".join(str(error).split())[:120]
        return (
            f"the competition's reader cannot read sample {sample.id} ({sample.image}): "
            f"{type(error).__name__}: {words}"
        )
    return ""

"""What a domain is: images that look alike, file names of one form, or a value of a column."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from comp.config.shifted import COLUMN
from comp.contract.sample import Cell, Sample
from comp.data.drift.appearance import Appearance, appearance_values
from comp.data.drift.images import own_images
from comp.data.drift.series import OTHER, RARE, name_form
from comp.errors import FoldError

MANY_IMAGES = 20_000
"""Images above which clusters are found in small batches."""
GAP = "(gap)"
"""The domain of rows whose cell is a gap."""
SHOWN = 8
"""Columns that a message names."""
CLIPPED = (1.0, 99.0)
"""Percentiles outside which a statistic is an outlier."""
FAMILIES = ("light in cell", "detail")
"""Beginnings of names of statistics that together count as one."""


class AppearanceNeededError(FoldError):
    """The domains are clusters of images, whose appearance is not known here."""


@dataclass(frozen=True, kw_only=True)
class DomainSource:
    """Where the domains of N samples come from.

    `names` returns the domain of each sample, for a number of domains if it is not `fixed`.
    `name_of` returns that of another sample, None if it is not known. `values` (N, F) are numbers
    of the samples with their `features`, which describe a domain.
    """

    by: str
    names: Callable[[int], Sequence[str]]
    name_of: Callable[[Sample], str | None] = lambda _sample: None
    fixed: bool = True
    values: np.ndarray | None = None
    features: Sequence[str] = ()


def source_of(
    domain: str,
    samples: Sequence[Sample],
    classes: Sequence[str],
    looks: Sequence[Appearance] | None,
    seed: int,
) -> DomainSource:
    """The domains that the key `domain` names.

    Args:
        classes: the class of each sample, if each has one.
        looks: what the image of each sample looks like; None: it is not known.

    Raises:
        FoldError: the samples do not have what is needed, or are all of one domain.
    """
    if domain == "appearance":
        _check_images(samples, domain)
        if looks is None:
            raise AppearanceNeededError("domains by appearance need the decoded images")
        return appearance_source(looks, classes, seed)
    if domain == "series":
        _check_images(samples, domain)
        names = _series(samples)
        by_form = dict(zip(map(_form, samples), names, strict=True))
        return _listed("file series", names, lambda sample: by_form.get(_form(sample)))
    column = domain.removeprefix(COLUMN)
    names = _column(column, samples)
    return _listed(f"column {column}", names, lambda sample: _text(sample.features.get(column)))


def _listed(by: str, names: Sequence[str], name_of: Callable[[Sample], str | None]) -> DomainSource:
    if len(set(names)) < 2:
        raise FoldError(
            f"scheme = domain: all samples are of one domain by {by}, {names[0]}: set domain to "
            "something in which they differ, or use scheme = auto"
        )
    return DomainSource(by=by, names=lambda _count: names, name_of=name_of)


def _check_images(samples: Sequence[Sample], domain: str) -> None:
    if len(own_images(samples)) == len(samples):
        return
    columns = _columns(samples)
    if not columns:
        raise FoldError(
            f"domain = {domain} needs an image file of each sample, and these have neither files "
            "nor columns: use scheme = auto"
        )
    raise FoldError(
        f"domain = {domain} needs an image file of each sample, but these are rows: set "
        f"domain={COLUMN}NAME with a column, one of {', '.join(columns[:SHOWN])}"
    )


def _columns(samples: Sequence[Sample]) -> list[str]:
    return list(dict.fromkeys(name for sample in samples for name in sample.features))


def _form(sample: Sample) -> str:
    return name_form(sample.image.name) if sample.image else ""


def _series(samples: Sequence[Sample]) -> list[str]:
    forms = [_form(sample) for sample in samples]
    counts = Counter(forms)
    return [form if counts[form] >= RARE * len(forms) else OTHER for form in forms]


def _column(name: str, samples: Sequence[Sample]) -> list[str]:
    columns = _columns(samples)
    if name not in columns:
        have = f"the columns are {', '.join(columns[:SHOWN])}" if columns else "there are none"
        raise FoldError(
            f"domain = {COLUMN}{name}: the samples have no column '{name}' ({have}): name one that "
            "says where a sample comes from"
        )
    names = [_text(sample.features.get(name)) for sample in samples]
    distinct = len(set(names))
    if distinct > len(names) / 2 and distinct > 2:
        raise FoldError(
            f"domain = {COLUMN}{name}: {len(names):,} samples have {distinct:,} values, so it does "
            "not say where samples come from: name a column whose values repeat"
        )
    return names


def _text(cell: Cell) -> str:
    if cell is None or cell != cell or cell == "":
        return GAP
    return str(cell).removesuffix(".0") if isinstance(cell, float | int) else cell


def appearance_source(
    looks: Sequence[Appearance], classes: Sequence[str], seed: int
) -> DomainSource:
    """Clusters of images by k-means on their standardized statistics. The mean of each class is
    subtracted, because a domain is not a class. The statistics of `FAMILIES` count as one each.

    Raises:
        FoldError: all images have the same statistics.
    """
    values, features = appearance_values(looks)
    if not features:
        raise FoldError("scheme = domain: all images look the same: use scheme = auto")
    scaled = _without_classes(standardized(values), classes) * _weights(features)

    def names(count: int) -> Sequence[str]:
        from sklearn.cluster import KMeans, MiniBatchKMeans

        kind = MiniBatchKMeans if len(scaled) > MANY_IMAGES else KMeans
        found = kind(count, n_init=4, random_state=seed).fit_predict(scaled)
        sizes = Counter(found.tolist())
        order = sorted(sizes, key=lambda cluster: (-sizes[cluster], cluster))
        number = {cluster: position + 1 for position, cluster in enumerate(order)}
        return [f"cluster {number[cluster]}" for cluster in found.tolist()]

    return DomainSource(by="appearance", names=names, fixed=False, values=values, features=features)


def standardized(values: np.ndarray) -> np.ndarray:
    """Columns of numbers (N, F) with mean 0 and standard deviation 1; numbers outside the
    percentiles 1 and 99 count as these, and gaps as the mean."""
    low, high = np.nanpercentile(values, CLIPPED, axis=0)
    clipped = np.clip(values, low, high)
    deviation = np.nanstd(clipped, axis=0)
    scaled = (clipped - np.nanmean(clipped, axis=0)) / np.where(deviation > 0, deviation, 1)
    return np.asarray(np.nan_to_num(scaled))


def ranks(values: np.ndarray) -> np.ndarray:
    """The ranks of each column of numbers (N, F), scaled to -1..1; equal numbers have equal ranks,
    and a gap has 0."""
    from scipy.stats import rankdata

    scaled = np.zeros(values.shape)
    for index, column in enumerate(values.T):
        present = ~np.isnan(column)
        count = int(present.sum())
        if count > 1:
            scaled[present, index] = 2 * (rankdata(column[present]) - 1) / (count - 1) - 1
    return scaled


def _without_classes(scaled: np.ndarray, classes: Sequence[str]) -> np.ndarray:
    """The numbers (N, F) less the mean of the class of their row."""
    index = np.unique(np.array(classes, dtype=np.str_), return_inverse=True)[1]
    sums = np.zeros((index.max() + 1, scaled.shape[1]))
    np.add.at(sums, index, scaled)
    centred: np.ndarray = scaled - (sums / np.bincount(index)[:, None])[index]
    return centred


def _weights(features: Sequence[str]) -> np.ndarray:
    families = [next((f for f in FAMILIES if n.startswith(f)), n) for n in features]
    counts = Counter(families)
    return np.array([counts[family] ** -0.5 for family in families])

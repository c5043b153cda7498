"""Compare train and test by the embeddings of their images, if the user asks for it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from comp.config.schema import RunConfig
from comp.contract import registry
from comp.data.audit.audit import Audit
from comp.data.audit.drift_checks import drift_findings
from comp.data.audit.findings import findings_of, worst_first
from comp.data.drift.drift import Drift, Sides, measure_drift
from comp.data.drift.separation import fit_components
from comp.data.images.prepare import data_range, make_reader
from comp.data.images.prepared import PreparedImages
from comp.data.location import DataSource
from comp.errors import CompError, ConfigError
from comp.features.embeddings import check_pretrained, embed_samples
from comp.models.hub import find_weights
from comp.runs.progress import Reporter

MOST = 1000
"""Images of train and of test that are embedded."""


def check_at_hand(config: RunConfig) -> None:
    """Check that the weights of the backbone are on this machine: nothing is downloaded.

    Raises:
        ConfigError: they are not, or the configuration has no pretrained weights.
    """
    check_pretrained(config)
    if config.weights is None and find_weights(config.backbone).cached is None:
        raise ConfigError(
            f"the pretrained weights of {config.backbone} are not on this machine, and a check "
            f"downloads nothing: name a file with --set weights=FILE, or fetch them with 'comp "
            f"weights {config.backbone}'"
        )


def embedding_drift(config: RunConfig, source: DataSource, reporter: Reporter) -> Drift:
    """Compare the embeddings of images of train and test, from the backbone of the configuration.

    Raises:
        CompError: there are too few images, or they cannot be read or embedded.
    """
    check_at_hand(config)
    competition = registry.get(config.competition)
    if competition.image_spec is None and competition.reader is None:
        raise ConfigError(
            f"the images of {competition.name} keep their sizes: embeddings need a competition "
            "whose images are resized to one size"
        )
    train, test = (competition.samples(source.root, split) for split in ("train", "test"))
    sides = Sides.of(train, test, MOST, config.seed)
    with TemporaryDirectory() as scratch:
        value_range = data_range(competition, config, sides.samples)
        PreparedImages(value_range=value_range).write_pointer(Path(scratch))
        reader = make_reader(competition, [*train, *test], config, Path(scratch))
        values = embed_samples(competition, config, sides.samples, reader, reporter=reporter)
    return measure_drift("embeddings", sides, values, (), fit_components)


def with_embedding_drift(
    result: Audit, config: RunConfig, source: DataSource, reporter: Reporter
) -> Audit:
    """The result of an audit and the comparison of embeddings, or a warning why there is none."""
    try:
        drift = embedding_drift(config, source, reporter)
    except CompError as error:
        words = "train and test were not compared by embeddings"
        more = findings_of("embeddings", "warning", [str(error)], words)
        return replace(result, findings=worst_first([*result.findings, *more]))
    more = drift_findings([drift], config)
    findings = worst_first([*result.findings, *more])
    return replace(result, drifts=[*result.drifts, drift], findings=findings)

"""What run.json contains about the inputs of a run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from comp.data.images.prepared import relative_keys
from comp.pipeline.dropped import RECORD
from comp.pipeline.plugin_check import plugin_record
from comp.pipeline.prediction import TABLE_COLUMNS
from comp.pipeline.pseudo_open import RECORD as PSEUDO
from comp.pipeline.run_inputs import RunInputs
from comp.training.ranks import current_ranks


def record_fields(inputs: RunInputs) -> Mapping[str, Any]:
    """What run.json contains about the images and the weights."""
    cache = inputs.images.cache or inputs.images.pages
    return {
        "weights": asdict(inputs.weights_origin) if inputs.weights_origin else None,
        "image_cache": str(cache) if cache else None,
        "feature_cache": str(inputs.features.cache) if inputs.features.cache else None,
        "embeddings": inputs.features.embedding_record(),
        "skipped": relative_keys(inputs.images.skipped, inputs.images.root),
        "value_range": inputs.images.value_range.record() if inputs.images.value_range else None,
        "external": [str(path) for path in inputs.external],
        "plugin": plugin_record(inputs.competition),
        **({"columns": dict(inputs.columns)} if inputs.columns else {}),
        **_table_columns(inputs),
        **({RECORD: inputs.dropped.record()} if inputs.dropped else {}),
        **({"domains": dict(inputs.domains)} if inputs.domains else {}),
        **({PSEUDO: dict(inputs.pseudo.record)} if inputs.pseudo.folds else {}),
        **({"validation": inputs.validation.record()} if inputs.validation else {}),
        **({"processes": current_ranks().size} if not current_ranks().alone else {}),
        **({"found": dict(inputs.found)} if inputs.found else {}),
    }


def _table_columns(inputs: RunInputs) -> Mapping[str, Any]:
    """How the columns of the training table are read, for the rows of other tables."""
    find = inputs.competition.table_columns
    return {TABLE_COLUMNS: dict(find(inputs.source.root))} if find else {}

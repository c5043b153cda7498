"""Where the data of a new competition comes from, and what Kaggle says about it."""

from __future__ import annotations

from pathlib import Path

from comp.contract.kaggle_name import nearest_reference
from comp.data.manifest import Manifest
from comp.errors import AnswerError, ConfigError, NetworkError, RefusedError
from comp.kaggle.client.credentials import HOW_TO_GET_CREDENTIALS, find_credentials
from comp.kaggle.client.deadline import Deadline
from comp.kaggle.client.reference import Reference
from comp.kaggle.download_request import DownloadRequest, download_request
from comp.kaggle.facts import CompetitionFacts, competition_facts, why_unknown
from comp.workspace import Workspace

FACTS_TIMEOUT_S = 30.0
"""Seconds to wait for what Kaggle says about a competition."""


def reference_of(kaggle: str) -> Reference:
    """The reference of a slug, an address of kaggle.com, or OWNER/DATASET.

    Raises:
        ConfigError: it is none of them.
    """
    nearest = nearest_reference(kaggle)
    if not nearest:
        raise ConfigError(
            f"--kaggle {kaggle}: give the end of its address on kaggle.com, such as titanic, or "
            "OWNER/NAME of a data set"
        )
    return Reference.parse(nearest)


def downloaded_from(data: Path) -> Reference | None:
    """What 'comp download' fetched a folder from; None for other data."""
    manifest = Manifest.read(data) if data.is_dir() else None
    nearest = nearest_reference(manifest.reference) if manifest else ""
    return Reference.parse(nearest) if nearest else None


def ask_kaggle(reference: Reference) -> tuple[CompetitionFacts, str]:
    """What Kaggle says, and why it says nothing; "" if it does."""
    try:
        return competition_facts(reference, Deadline(FACTS_TIMEOUT_S)), ""
    except (RefusedError, NetworkError, AnswerError) as error:
        return CompetitionFacts(reference=str(reference)), why_unknown(error)


def data_or_download(
    name: str, workspace: Workspace, data: Path | None, reference: Reference | None
) -> Path | DownloadRequest:
    """The path of the data: what is given, else data/NAME, else what must be downloaded.

    Raises:
        ConfigError: there is neither.
        RefusedError: there are no credentials for a download.
    """
    if data is not None:
        return data
    if workspace.has_data(name):
        return workspace.data(name)
    if reference is None:
        raise ConfigError(
            f"no data of {name}: give --data with a folder or the zip from Kaggle, or --kaggle SLUG"
        )
    if not find_credentials():
        raise RefusedError(
            f"the data of {reference} cannot be downloaded, because there are no Kaggle "
            f"credentials: download it in a browser and give --data, or {HOW_TO_GET_CREDENTIALS}"
        )
    return download_request(str(reference), workspace, out=workspace.data(name))

"""Models of the user on Kaggle: make one, add a version, ask whether it is ready."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from comp.errors import RefusedError, UnknownOutcomeError
from comp.kaggle.client.dataset_versions import MISSING, DatasetStatus, check_slug
from comp.kaggle.client.new_files import set_files
from comp.kaggle.client.pages import list_pages
from comp.kaggle.client.session import Kaggle

MODELS = "models.ModelApiService"
SEARCHED_VERSIONS = 20
"""The newest versions that are searched for a tag."""


@dataclass(frozen=True, kw_only=True)
class ModelSpec:
    """A model with one instance (variation) for PyTorch.

    Raises:
        RefusedError: Kaggle would not accept the title, the slugs or the licence.
    """

    owner: str
    slug: str
    title: str
    instance: str = "default"
    licence: str = "Other"
    private: bool = True
    description: str = ""

    def __post_init__(self) -> None:
        check_slug(self.slug, "model")
        check_slug(self.instance, "model instance")
        if not self.title.strip() or not self.licence.strip():
            raise RefusedError("a model needs a title and a licence: give both")

    def source(self, version: int) -> str:
        """How a kernel names a version: `<owner>/<model>/pyTorch/<instance>/<version>`."""
        return f"{self.owner}/{self.slug}/pyTorch/{self.instance}/{version}"

    def name_in(self, request: Any) -> Any:
        """Name the instance in a request of the SDK, and return the request."""
        from kagglesdk.models.types.model_enums import ModelFramework

        request.owner_slug, request.model_slug = self.owner, self.slug
        request.framework = ModelFramework.MODEL_FRAMEWORK_PY_TORCH
        request.instance_slug = self.instance
        return request


def create_model_version(
    kaggle: Kaggle, spec: ModelSpec, notes: str, files: Mapping[str, str]
) -> int | None:
    """Add a version with these files. The first time, this makes the model and its instance as
    well. Each request that makes something is sent once. Returns the version, None if Kaggle does
    not tell it.

    Args:
        files: path inside the version -> token of `upload_blob(..., "model")`. Kaggle does not
            tell the notes of versions, so one of the names should contain the tag that
            `find_model_version` looks for.

    Raises:
        RefusedError: Kaggle refused; there is no such version.
        NetworkError: there was no connection; nothing was sent.
        UnknownOutcomeError: it is unknown whether there is one.
    """
    if not _exists(kaggle, spec):
        _create_model(kaggle, spec)
    elif model_status(kaggle, spec).state != "absent":
        return _add_version(kaggle, spec, notes, files)
    _create_instance(kaggle, spec, files)
    return 1


def _exists(kaggle: Kaggle, spec: ModelSpec) -> bool:
    from kagglesdk.models.types.model_api_service import ApiGetModelRequest

    request = ApiGetModelRequest()
    request.owner_slug, request.model_slug = spec.owner, spec.slug
    return _get(kaggle, spec, "GetModel", request) is not None


def _create_model(kaggle: Kaggle, spec: ModelSpec) -> None:
    from kagglesdk.models.types.model_api_service import ApiCreateModelRequest

    request = ApiCreateModelRequest()
    request.owner_slug, request.slug, request.title = spec.owner, spec.slug, spec.title
    request.is_private = spec.private
    request.description = spec.description
    _create(kaggle, f"making the model {spec.owner}/{spec.slug}", "CreateModel", request)


def _create_instance(kaggle: Kaggle, spec: ModelSpec, files: Mapping[str, str]) -> None:
    from kagglesdk.models.types.model_api_service import (
        ApiCreateModelInstanceRequest,
        ApiCreateModelInstanceRequestBody,
    )
    from kagglesdk.models.types.model_enums import ModelFramework, ModelInstanceType

    body = ApiCreateModelInstanceRequestBody()
    body.instance_slug = spec.instance
    body.framework = ModelFramework.MODEL_FRAMEWORK_PY_TORCH
    body.license_name = spec.licence
    body.fine_tunable = False
    body.model_instance_type = ModelInstanceType.MODEL_INSTANCE_TYPE_UNSPECIFIED
    set_files(body, files)
    request = ApiCreateModelInstanceRequest()
    request.owner_slug, request.model_slug, request.body = spec.owner, spec.slug, body
    action = f"making the instance {spec.instance} of the model {spec.owner}/{spec.slug}"
    _create(kaggle, action, "CreateModelInstance", request)


def _add_version(
    kaggle: Kaggle, spec: ModelSpec, notes: str, files: Mapping[str, str]
) -> int | None:
    from kagglesdk.models.types.model_api_service import (
        ApiCreateModelInstanceVersionRequest,
        ApiCreateModelInstanceVersionRequestBody,
    )

    body = ApiCreateModelInstanceVersionRequestBody()
    body.version_notes = notes
    set_files(body, files)
    request = spec.name_in(ApiCreateModelInstanceVersionRequest())
    request.body = body
    action = f"adding a version to the model {spec.owner}/{spec.slug}"
    _create(kaggle, action, "CreateModelInstanceVersion", request)
    return None


def _create(kaggle: Kaggle, action: str, method: str, request: Any) -> None:
    """Send a request that makes something. A refusal may come in an answer of 200."""
    page = "https://www.kaggle.com/work/models"
    remedies = dict.fromkeys((403, 404), f"it is no model of yours; yours are at {page}")
    answer = kaggle.call_json(action, MODELS, method, request, repeatable=False, remedies=remedies)
    if problem := kaggle.credentials.redact(str(answer.get("error") or "")):
        raise RefusedError(f"{action}: Kaggle refused, '{problem}': correct that and try again")
    if not any(answer.get(name) for name in ("id", "ref", "url")):
        raise UnknownOutcomeError(
            f"{action}: Kaggle's answer names no model; it is unknown whether Kaggle did it"
        )


def model_status(kaggle: Kaggle, spec: ModelSpec) -> DatasetStatus:
    """Whether the instance has a version that kernels see, and which is the newest. A version that
    is still processed is not counted, since Kaggle does not tell its state.

    Raises:
        NetworkError, AnswerError: see `Kaggle.call`.
        RefusedError: Kaggle refused the credentials.
    """
    from kagglesdk.models.types.model_api_service import ApiGetModelInstanceRequest

    found = _get(kaggle, spec, "GetModelInstance", spec.name_in(ApiGetModelInstanceRequest()))
    if found is None:
        return DatasetStatus("absent")
    number = found.get("versionNumber")
    if isinstance(number, int) and number > 0:
        return DatasetStatus("ready", number)
    return DatasetStatus("pending")


def find_model_version(kaggle: Kaggle, spec: ModelSpec, tag: str) -> int | None:
    """The newest version that has a file whose name contains `tag`; None if there is none.

    Raises:
        NetworkError, AnswerError: see `Kaggle.call`.
        RefusedError: Kaggle refused the credentials.
    """
    from kagglesdk.models.types.model_api_service import (
        ApiListModelInstanceVersionFilesRequest,
        ApiListModelInstanceVersionsRequest,
    )

    request = spec.name_in(ApiListModelInstanceVersionsRequest())
    request.page_size = SEARCHED_VERSIONS
    listed = _get(kaggle, spec, "ListModelInstanceVersions", request) or {}
    versions = (listed.get("versionList") or {}).get("versions") or []
    for number in sorted((int(one["versionNumber"]) for one in versions), reverse=True):
        files = spec.name_in(ApiListModelInstanceVersionFilesRequest())
        files.version_number = number
        found = list_pages(
            kaggle, _asking(spec), MODELS, "ListModelInstanceVersionFiles", files, "files"
        )
        if any(tag in str(file.get("name")) for file in found):
            return number
    return None


def _get(kaggle: Kaggle, spec: ModelSpec, method: str, request: Any) -> dict[str, Any] | None:
    """An answer about the model; None if it is not there."""
    try:
        return kaggle.call_json(_asking(spec), MODELS, method, request)
    except RefusedError as error:
        if error.status in MISSING:
            return None
        raise


def _asking(spec: ModelSpec) -> str:
    return f"asking for the model {spec.owner}/{spec.slug}"

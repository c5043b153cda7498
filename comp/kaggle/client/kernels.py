"""Kernels (notebooks and scripts) on Kaggle: save a version, find one, the quota of GPU hours."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from comp.errors import AnswerError, RefusedError, UnknownOutcomeError
from comp.kaggle.client.session import Kaggle

KERNELS = "kernels.KernelsApiService"
MISSING = frozenset({403, 404})
"""What Kaggle answers for a kernel that is not there: 403, as for one that it hides."""
SEARCHED_VERSIONS = 20
"""The newest versions that are searched for a tag."""
_SOURCES = {
    "datasets": ("data set", r"[\w-]+/[\w-]+"),
    "kernels": ("kernel", r"[\w-]+/[\w-]+"),
    "competitions": ("competition", r"[\w-]+"),
    "models": ("model", r"[\w-]+/[\w-]+/\w+/[\w-]+/\d+"),
}
"""The kinds of sources: what they are called, and how Kaggle wants them written."""
_INVALID = {
    "invalidDatasetSources": "data set",
    "invalidKernelSources": "kernel",
    "invalidCompetitionSources": "competition",
    "invalidModelSources": "model",
}
_REMEDIES = (
    ("phone", "verify your phone number at https://www.kaggle.com/settings/phone"),
    ("verif", "verify your phone number at https://www.kaggle.com/settings/phone"),
    (
        "session count",
        "wait until a session ends, or stop one at https://www.kaggle.com/code?activeSessions=open",
    ),
    ("quota", "wait until your quota is filled again, or run without an accelerator"),
    ("title", "choose another title and slug"),
    (
        "not found",
        "the owner must be the user of these credentials, and the kernel must not be deleted",
    ),
)
"""What to do about a refusal, by words in it."""


@dataclass(frozen=True, kw_only=True)
class KernelSpec:
    """A version of a kernel. Every field is sent, so that none gets Kaggle's default.

    `accelerator` is what the quota counts, and `machine_shape` its kind in Kaggle's words:
    "NvidiaTeslaT4" is two T4; "" leaves the kind to Kaggle. `datasets` and `kernels` are
    `<owner>/<slug>`, `competitions` are slugs, `models` as `ModelSpec.source` writes them.

    Raises:
        RefusedError: the title has fewer than five characters, or its slug is not `slug`; a source
            is not written as Kaggle wants it.
    """

    owner: str
    slug: str
    title: str
    text: str
    kind: Literal["script", "notebook"] = "script"
    language: str = "python"
    private: bool = True
    internet: bool = False
    accelerator: Literal["none", "gpu", "tpu"] = "gpu"
    machine_shape: str = "NvidiaTeslaT4"
    datasets: tuple[str, ...] = ()
    competitions: tuple[str, ...] = ()
    kernels: tuple[str, ...] = ()
    models: tuple[str, ...] = ()
    keywords: tuple[str, ...] = ()
    timeout_s: int = 9 * 3600
    image: Literal["latest", "original"] = "latest"

    def __post_init__(self) -> None:
        if len(self.title) < 5:
            raise RefusedError(
                f"the title of a kernel must have at least 5 characters, '{self.title}' has "
                f"{len(self.title)}: choose a longer one"
            )
        if slug_of(self.title) != self.slug:
            raise RefusedError(
                f"Kaggle names a kernel after its title: '{self.title}' becomes "
                f"'{slug_of(self.title)}', not '{self.slug}': make them equal"
            )
        for field, (what, pattern) in _SOURCES.items():
            for name in getattr(self, field):
                if not re.fullmatch(pattern, name):
                    raise RefusedError(
                        f"'{name}' is not the name of a {what} for a kernel: leave out prefixes "
                        "such as datasets/"
                    )


@dataclass(frozen=True)
class PushedKernel:
    """A saved version of a kernel; `ref` is `<owner>/<slug>`."""

    ref: str
    url: str
    version: int
    kernel_id: int


class InvalidSourcesError(RefusedError):
    """Kaggle saved (and perhaps runs) a version, but without some of its sources, or under another
    name. `pushed` is that version: stop it."""

    def __init__(self, message: str, pushed: PushedKernel) -> None:
        super().__init__(message)
        self.pushed = pushed

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (str(self), self.pushed)


@dataclass(frozen=True)
class GpuQuota:
    """The GPU hours of this week; `used_h` includes hours that running sessions reserve. `refresh`
    is the end of the week, in UTC."""

    used_h: float
    total_h: float
    refresh: datetime | None = None

    @property
    def left_h(self) -> float:
        """Hours that are left."""
        return max(0.0, self.total_h - self.used_h)


def slug_of(title: str) -> str:
    """The slug that Kaggle makes of a title in ASCII."""
    return re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")


def push_kernel(kaggle: Kaggle, spec: KernelSpec, *, run: bool = True) -> PushedKernel:
    """Save a version of a kernel and run it (or only save it); the request is sent once.

    Raises:
        RefusedError: Kaggle refused; no version was saved. The message says what to do about the
            quota, the phone number, the title.
        InvalidSourcesError: a version was saved without some sources, or under another name.
        NetworkError: there was no connection; nothing was sent.
        UnknownOutcomeError: it is unknown whether a version was saved.
    """
    action = f"pushing the kernel {spec.owner}/{spec.slug}"
    remedies = dict.fromkeys(
        (403, 404), "the owner must be the user of these credentials, with a verified phone number"
    )
    answer = kaggle.call_json(
        action, KERNELS, "SaveKernel", _request(spec, run), repeatable=False, remedies=remedies
    )
    if problem := kaggle.credentials.redact(str(answer.get("error") or "")):
        advice = next((do for word, do in _REMEDIES if word in problem.lower()), "correct that")
        raise RefusedError(f"{action}: Kaggle refused, '{problem}': {advice}")
    version = answer.get("versionNumber")
    if not isinstance(version, int) or version < 1:
        raise UnknownOutcomeError(
            f"{action}: Kaggle's answer has no version; it is unknown whether Kaggle did it"
        )
    url = str(answer.get("url") or f"https://www.kaggle.com/code/{spec.owner}/{spec.slug}")
    named = re.search(r"[\w-]+/[\w-]+$", str(answer.get("ref") or url).partition("?")[0])
    ref = named[0] if named else f"{spec.owner}/{spec.slug}"
    pushed = PushedKernel(ref, url, version, int(answer.get("kernelId") or 0))
    _check_answer(action, spec, pushed, answer)
    return pushed


def _request(spec: KernelSpec, run: bool) -> Any:
    """The request of a push, with every field."""
    from kagglesdk.kernels.types.kernels_api_service import ApiSaveKernelRequest
    from kagglesdk.kernels.types.kernels_enums import KernelExecutionType

    request = ApiSaveKernelRequest()
    request.slug = f"{spec.owner}/{spec.slug}"
    request.new_title = spec.title
    request.text = spec.text
    request.language = spec.language
    request.kernel_type = spec.kind
    request.dataset_data_sources = list(spec.datasets)
    request.kernel_data_sources = list(spec.kernels)
    request.competition_data_sources = list(spec.competitions)
    request.model_data_sources = list(spec.models)
    request.category_ids = list(spec.keywords)
    request.is_private = spec.private
    request.enable_gpu = spec.accelerator == "gpu"
    request.enable_tpu = spec.accelerator == "tpu"
    request.enable_internet = spec.internet
    request.docker_image_pinning_type = spec.image
    request.session_timeout_seconds = spec.timeout_s
    if spec.machine_shape and spec.accelerator != "none":
        request.machine_shape = spec.machine_shape
    types = KernelExecutionType
    request.kernel_execution_type = types.SAVE_AND_RUN_ALL if run else types.QUICK_SAVE
    return request


def _check_answer(
    action: str, spec: KernelSpec, pushed: PushedKernel, answer: dict[str, Any]
) -> None:
    """Check that the saved version is the one that was asked for."""
    saved = f"version {pushed.version} was saved all the same: stop it at {pushed.url}"
    invalid = [
        f"{what} {name}" for field, what in _INVALID.items() for name in answer.get(field) or ()
    ]
    if invalid:
        raise InvalidSourcesError(
            f"{action}: Kaggle does not know or show the {', the '.join(invalid)}: check the "
            f"spelling, whether it is ready, and whether you joined the competition; {saved}",
            pushed,
        )
    wanted = f"{spec.owner}/{spec.slug}"
    if pushed.ref.lower() != wanted.lower():
        raise InvalidSourcesError(
            f"{action}: Kaggle saved it as {pushed.ref} instead of {wanted}: choose a title whose "
            f"slug is free; {saved}",
            pushed,
        )


def find_kernel_version(kaggle: Kaggle, owner: str, slug: str, tag: str) -> int | None:
    """The newest version whose source contains `tag`, of the newest `SEARCHED_VERSIONS`. None if
    there is none, or no such kernel.

    Raises:
        NetworkError: see `Kaggle.call`.
        AnswerError: the answer cannot be read, or does not tell the version.
        RefusedError: Kaggle refused the credentials.
    """
    newest = _get_kernel(kaggle, owner, slug, None)
    if newest is None:
        return None
    last = (newest.get("metadata") or {}).get("currentVersionNumber")
    if not isinstance(last, int) or last < 1:
        raise AnswerError(
            f"Kaggle does not tell the version of the kernel {owner}/{slug}: look at "
            f"https://www.kaggle.com/code/{owner}/{slug}"
        )
    for number in range(last, max(0, last - SEARCHED_VERSIONS), -1):
        kernel = newest if number == last else _get_kernel(kaggle, owner, slug, number)
        if tag in str(((kernel or {}).get("blob") or {}).get("source") or ""):
            return number
    return None


def _get_kernel(
    kaggle: Kaggle, owner: str, slug: str, version: int | None
) -> dict[str, Any] | None:
    """A version with its source; None if there is none."""
    from kagglesdk.kernels.types.kernels_api_service import ApiGetKernelRequest

    request = ApiGetKernelRequest()
    request.user_name, request.kernel_slug = owner, slug
    if version:
        request.version_label = f"v{version}"
    try:
        return kaggle.call_json(
            f"asking for the kernel {owner}/{slug}", KERNELS, "GetKernel", request
        )
    except RefusedError as error:
        if error.status in MISSING:
            return None
        raise


def gpu_quota(kaggle: Kaggle) -> GpuQuota:
    """Fetch the quota of GPU hours.

    Raises:
        RefusedError, NetworkError, AnswerError: see `Kaggle.call`.
    """
    from kagglesdk.kernels.types.kernels_api_service import (
        ApiGetAcceleratorQuotaStatisticsRequest,
    )

    action = "asking for the GPU quota"
    answer = kaggle.call_json(
        action, KERNELS, "GetAcceleratorQuotaStatistics", ApiGetAcceleratorQuotaStatisticsRequest()
    )
    try:
        gpu = answer["gpuQuota"]
        used = _hours(gpu.get("timeUsed")) + _hours(gpu.get("timeReserved"))
        refresh = str(answer.get("quotaRefreshTime") or "")
        return GpuQuota(
            used,
            _hours(gpu["totalTimeAllowed"]),
            datetime.fromisoformat(refresh) if refresh else None,
        )
    except (KeyError, ValueError, AttributeError, TypeError):
        raise AnswerError(f"{action}: Kaggle's answer cannot be read: try again later") from None


def _hours(text: str | None) -> float:
    """Hours of a duration as Kaggle writes it: "5400.5s"; missing is 0."""
    return float(text.removesuffix("s")) / 3600 if text else 0.0

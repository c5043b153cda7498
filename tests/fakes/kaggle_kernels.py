"""The kernels of the fake Kaggle: versions with the data that they saw, and what runs cost."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from kaggle_answers import Answer, error, now, slug_of

if TYPE_CHECKING:
    from kaggle_server import KaggleServer

DENIED = "Permission 'kernels.get' was denied"
DEFAULTS: dict[str, Any] = {
    "isPrivate": True,
    "enableGpu": False,
    "enableTpu": False,
    "enableInternet": True,  # a kernel has internet unless it is set to false
    "kernelExecutionType": "SAVE_AND_RUN_ALL",
    "machineShape": "NvidiaTeslaP100",
    "sessionTimeoutSeconds": 12 * 3600,
}
"""What a field is that a push does not set."""


@dataclass
class KernelRun:
    """What a kernel runs on: its text, the files below each mounted source by slug, its fields."""

    text: str
    datasets: dict[str, dict[str, bytes]]
    competitions: dict[str, dict[str, bytes]]
    fields: dict[str, Any]

    def mount(self, folder: Path) -> Path:
        """Write all sources below a folder, as they are below /kaggle/input."""
        for slug, files in {**self.datasets, **self.competitions}.items():
            for name, data in files.items():
                path = folder / slug / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(data)
        return folder


@dataclass
class KernelResult:
    """How a run ends; `state` "running" is a session without end. `log` has (stream, text)."""

    state: Literal["complete", "error", "cancelled", "running"] = "complete"
    log: list[tuple[str, str]] = field(default_factory=list)
    outputs: dict[str, bytes] = field(default_factory=dict)
    message: str = ""
    """Why it failed; Kaggle often gives no reason."""


def canned(_run: KernelRun) -> KernelResult:
    """A run that does nothing and ends well."""
    log = [("stderr", "0.00s - a debugger says something\n"), ("stdout", "wrote submission.csv\n")]
    return KernelResult("complete", log, {"submission.csv": b"id,value\na,1\n"})


@dataclass
class KernelVersion:
    """A saved version: what the push said (`body`), all fields with their defaults, and the data
    that it saw at that moment: slug -> (version, files)."""

    number: int
    body: dict[str, Any]
    fields: dict[str, Any]
    datasets: dict[str, tuple[int, dict[str, bytes]]]
    session: int | None
    """Number of its session, None for a version that was only saved."""


@dataclass
class Kernel:
    """A kernel with all of its versions."""

    id: int
    owner: str
    slug: str
    title: str
    versions: list[KernelVersion] = field(default_factory=list)


class Kernels:
    """The kernels of the user, by "owner/slug", and what their runs may cost."""

    def __init__(self, server: KaggleServer) -> None:
        self.server = server
        self.made: dict[str, Kernel] = {}
        self.run: Callable[[KernelRun], KernelResult] = canned
        """What runs a pushed kernel."""
        self.phone_verified = True
        self.gpu_used_s, self.gpu_total_s, self.gpu_cost_s = 0.0, 30 * 3600.0, 3600.0
        self.gpu_sessions = 2
        """How many sessions with a GPU may be active at once."""

    def pushes(self) -> list[KernelVersion]:
        """All versions of all kernels."""
        return [version for kernel in self.made.values() for version in kernel.versions]

    def version(self, body: Mapping[str, Any]) -> KernelVersion | Answer:
        """The version that a request names by `versionLabel` "v3", else the newest."""
        owner = body.get("userName") or body.get("ownerSlug")
        kernel = self.made.get(f"{owner}/{body.get('kernelSlug')}")
        if kernel is None:
            return 403, error(403, DENIED)  # as for a kernel that others hide
        number, label = body.get("versionNumber"), body.get("versionLabel")
        if label:
            number = int(label[1:]) if label[:1] == "v" and label[1:].isdigit() else -1
        for version in reversed(kernel.versions):
            if number in (None, version.number):
                return version
        return 404, error(404, "Not Found")

    def do_SaveKernel(self, body: Mapping[str, Any]) -> Answer:
        fields = DEFAULTS | dict(body)
        runs = fields["kernelExecutionType"] != "QUICK_SAVE"
        if problem := self._problem(fields, runs):
            return 200, {"ref": None, "url": None, "versionNumber": None, "error": problem}
        datasets, models, invalid = self._sources(body)
        ref = f"{self.server.caller}/{slug_of(fields['newTitle'])}"  # whatever `slug` says
        if ref not in self.made:
            self.made[ref] = Kernel(900 + len(self.made), *ref.split("/"), fields["newTitle"])
        kernel = self.made[ref]
        saved = KernelVersion(
            len(kernel.versions) + 1, dict(body), fields, datasets | models, session=None
        )
        kernel.versions.append(saved)
        if runs:
            self.gpu_used_s += self.gpu_cost_s if fields["enableGpu"] else 0.0
            saved.session = self.server.sessions.start(saved)
        return 200, {
            "ref": f"/code/{ref}",
            "url": f"https://www.kaggle.com/code/{ref}",
            "versionNumber": saved.number,
            "error": "",
            "kernelId": kernel.id,
            **invalid,
        }

    def _problem(self, fields: Mapping[str, Any], runs: bool) -> str:
        """Why a push is refused; the answer to it is 200 all the same."""
        title, owner = fields.get("newTitle") or "", (fields.get("slug") or "").split("/")[0]
        if len(title) < 5:
            return "Title must be at least five characters"
        if owner != self.server.caller:
            return "Notebook not found"
        if not self.phone_verified and (fields["enableInternet"] or fields["enableGpu"]):
            return "Your account must be phone verified to use internet or accelerators"
        if runs and fields["enableGpu"]:
            if self.gpu_used_s >= self.gpu_total_s:
                return "Maximum weekly GPU quota of 30.00 hours reached."
            if self.server.sessions.active_gpus() >= self.gpu_sessions:
                return f"Maximum batch GPU session count of {self.gpu_sessions} reached."
        return ""

    def _sources(self, body: Mapping[str, Any]) -> tuple[Any, Any, dict[str, list[str]]]:
        """The data sets and models as they are now, and the sources that are not there."""
        server, found, datasets, models = self.server, set[str](), {}, {}
        for name in body.get("datasetDataSources") or []:
            made = server.data_sets.made.get(name)
            if made and made.current and (made.owner == server.caller or not made.private):
                datasets[made.slug] = (made.current.number, made.current.files)
                found.add(name)
        for name in body.get("modelDataSources") or []:
            if version := server.models.source(name):
                models[name.split("/")[1]] = (version.number, version.files)
                found.add(name)
        there = {*found, *server.contests, *self.made}
        invalid = {
            f"invalid{kind}Sources": [
                name for name in body.get(f"{kind.lower()}DataSources") or [] if name not in there
            ]
            for kind in ("Dataset", "Model", "Competition", "Kernel")
        }
        return datasets, models, invalid

    def do_GetKernel(self, body: Mapping[str, Any]) -> Answer:
        found = self.version(body)
        if not isinstance(found, KernelVersion):
            return found
        kernel = self.made[f"{body['userName']}/{body['kernelSlug']}"]
        fields = ("isPrivate", "enableGpu", "enableTpu", "enableInternet", "machineShape")
        return 200, {
            "metadata": {
                "id": kernel.id,
                "ref": f"{kernel.owner}/{kernel.slug}",
                "title": kernel.title,
                "slug": kernel.slug,
                "currentVersionNumber": kernel.versions[-1].number,
                "lastRunTime": now(),
                **{name: found.fields[name] for name in fields},
            },
            "blob": {"source": found.fields.get("text", ""), "slug": kernel.slug},
        }

    def do_GetAcceleratorQuotaStatistics(self, _body: Mapping[str, Any]) -> Answer:
        quota = {
            "timeUsed": f"{self.gpu_used_s:g}s",
            "timeReserved": "0s",
            "totalTimeAllowed": f"{self.gpu_total_s:g}s",
        }
        refresh = "2026-12-05T00:00:00Z"
        return 200, {"quotaRefreshTime": refresh, "gpuQuota": quota, "tpuQuota": quota}

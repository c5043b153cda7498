"""The data sets of the fake Kaggle: uploads, versions that need time, and the rules of names."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from kaggle_answers import Answer, error, now, page

if TYPE_CHECKING:
    from kaggle_server import KaggleServer

LICENCES = {"CC0-1.0", "CC-BY-SA-4.0", "GPL-2.0", "unknown", "other", "apache-2.0"}
DENIED = "Permission 'datasets.get' was denied"


class Blobs:
    """Uploads for data sets and models; the bytes arrive by PUT."""

    def __init__(self, server: KaggleServer) -> None:
        self.server = server
        self.started: dict[str, dict[str, Any]] = {}
        """By token: the request, with its `type`, `name` and `contentLength`."""

    def do_StartBlobUpload(self, body: Mapping[str, Any]) -> Answer:
        if body.get("type") not in ("DATASET", "MODEL"):
            return 400, error(400, "The type of the blob is missing")
        token = f"blob-{len(self.started)}"
        self.started[token] = dict(body)
        url = f"http://localhost/upload/{token}?signature=verysecret"
        return 200, {"token": token, "createUrl": url}

    def files_of(self, body: Mapping[str, Any], kind: str) -> dict[str, bytes] | str:
        """The files of a new version by path, or what is wrong with them."""
        found: dict[str, bytes] = {}
        for folder, token in _tokens(body, ""):
            started, data = self.started.get(token), self.server.uploads.get(token)
            if started is None or data is None or started["type"] != kind:
                return "Failed to resolve the necessary information from the request."
            if len(data) != int(started.get("contentLength") or 0):
                return f"The upload of {started['name']} is not complete"
            path = folder + started["name"].rsplit("/", 1)[-1]  # Kaggle drops folders in names
            if path in found:
                return "Path must be unique"
            found[path] = data
        return found or "At least one file is needed"


def _tokens(body: Mapping[str, Any], folder: str) -> Iterator[tuple[str, str]]:
    for file in body.get("files") or []:
        yield folder, file.get("token", "")
    for inner in body.get("directories") or []:
        yield from _tokens(inner, f"{folder}{inner['name']}/")


@dataclass
class Version:
    """A version of a data set or a model; it is ready after `pending` questions."""

    number: int
    notes: str
    files: dict[str, bytes]
    pending: int = 0
    failed: bool = False
    body: dict[str, Any] = field(default_factory=dict)

    @property
    def ready(self) -> bool:
        """Whether kernels see it."""
        return not self.pending and not self.failed


@dataclass
class DataSet:
    """A data set with all of its versions."""

    owner: str
    slug: str
    body: dict[str, Any]
    versions: list[Version] = field(default_factory=list)

    @property
    def private(self) -> bool:
        """Public is Kaggle's default."""
        return bool(self.body.get("isPrivate", False))

    @property
    def current(self) -> Version | None:
        """The version that kernels see."""
        return next((version for version in reversed(self.versions) if version.ready), None)


class DataSets:
    """The data sets that the user made, by "owner/slug"."""

    def __init__(self, server: KaggleServer) -> None:
        self.server = server
        self.made: dict[str, DataSet] = {}
        self.polls = 1
        """A new version is pending for so many questions about its status."""
        self.fails = False
        """Whether new versions end as FAILED."""
        self.absent_status = 403
        """What Kaggle answers for a data set that is not there, as for one that is hidden."""

    def named(self, body: Mapping[str, Any]) -> DataSet | None:
        """The data set that a request names, if the user may see it."""
        found = self.made.get(f"{body.get('ownerSlug')}/{body.get('datasetSlug')}")
        return found if found and (found.owner == self.server.caller or not found.private) else None

    def archive(self, ref: str) -> bytes | None:
        """A zip of the version that kernels see."""
        from kaggle_server import zipped

        found = self.made.get(ref)
        return zipped(found.current.files) if found and found.current else None

    def do_CreateDataset(self, body: Mapping[str, Any]) -> Answer:
        owner, slug = body.get("ownerSlug", ""), body.get("slug", "")
        if problem := self._problem(body):
            return 200, {"status": "error", "error": problem}
        files = self.server.blobs.files_of(body, "DATASET")
        if isinstance(files, str):
            return 200, {"status": "error", "error": files}
        made = DataSet(owner, slug, dict(body))
        made.versions.append(Version(1, "Initial release", files, self.polls, self.fails))
        self.made[f"{owner}/{slug}"] = made
        return 200, self._ok(made)

    def _problem(self, body: Mapping[str, Any]) -> str:
        title, slug = body.get("title", ""), body.get("slug", "")
        if body.get("ownerSlug") != self.server.caller:
            return "You are not allowed to create a dataset as this owner."
        if not 6 <= len(title) <= 50:
            return "The dataset title must be between 6 and 50 characters"
        if not 6 <= len(slug) <= 50:
            return "The dataset slug must be between 6 and 50 characters"
        if body.get("licenseName") not in LICENCES:
            return "Please specify exactly one license"
        if any(made.body["title"] == title or made.slug == slug for made in self.made.values()):
            return f'The requested title "{title}" is already in use by a dataset.'
        return ""

    def _ok(self, made: DataSet) -> dict[str, Any]:
        url = f"https://www.kaggle.com/datasets/{made.owner}/{made.slug}"
        return {"ref": f"/{made.owner}/{made.slug}", "url": url, "status": "ok", "error": ""}

    def do_CreateDatasetVersion(self, body: Mapping[str, Any]) -> Answer:
        made, inner = self.named(body), body.get("body") or {}
        denied = 403, error(403, "Permission 'datasets.update' was denied")
        if made is None or made.owner != self.server.caller:
            return denied
        if made.versions[-1].pending:  # the last one is still processed
            return denied
        files = self.server.blobs.files_of(inner, "DATASET")
        if isinstance(files, str):
            return 200, {"status": "error", "error": files}
        number, notes = len(made.versions) + 1, inner.get("versionNotes", "")
        made.versions.append(Version(number, notes, files, self.polls, self.fails, dict(inner)))
        return 200, self._ok(made)

    def do_GetDatasetStatus(self, body: Mapping[str, Any]) -> Answer:
        made = self.named(body)
        if made is None:
            return self.absent_status, error(self.absent_status, DENIED)
        last = made.versions[-1]
        if last.pending > 0:
            last.pending -= 1
            return 200, {"status": "BLOBS_DECOMPRESSED"}
        return 200, {"status": "FAILED" if last.failed else "READY"}

    def do_GetDataset(self, body: Mapping[str, Any]) -> Answer:
        made = self.named(body)
        if made is None:
            return self.absent_status, error(self.absent_status, DENIED)
        versions = [
            {
                "versionNumber": version.number,
                "versionNotes": version.notes,
                "creationDate": now(),
                "status": "Ready" if version.ready else "Pending",
            }
            for version in reversed(made.versions)
        ]
        return 200, {
            "ref": f"{made.owner}/{made.slug}",
            "title": made.body["title"],
            "description": made.body.get("description", ""),
            "isPrivate": made.private,
            "currentVersionNumber": made.current.number if made.current else 0,
            "versions": versions,
        }

    def do_ListDatasetFiles(self, body: Mapping[str, Any]) -> Answer:
        given = self.server.datasets.get(f"{body.get('ownerSlug')}/{body.get('datasetSlug')}")
        if given is not None:
            with zipfile.ZipFile(io.BytesIO(given)) as archive:
                members = [m for m in archive.infolist() if not m.is_dir()]
            known = [{"name": m.filename, "totalBytes": m.file_size} for m in members]
            return 200, page("datasetFiles", known, body)
        made, number = self.named(body), int(body.get("datasetVersionNumber") or 0)
        if made is None:
            return self.absent_status, error(self.absent_status, DENIED)
        version = made.current if not number else None
        for one in made.versions:
            version = one if one.number == number and one.ready else version
        if version is None:
            return 404, error(404, "Not Found")
        files = [
            {"name": name, "totalBytes": len(data), "creationDate": now()}
            for name, data in version.files.items()
        ]
        return 200, page("datasetFiles", files, body)

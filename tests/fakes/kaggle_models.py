"""The models of the fake Kaggle, with one instance each for a framework, and their versions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from kaggle_answers import Answer, error, page
from kaggle_datasets import Version

if TYPE_CHECKING:
    from kaggle_server import KaggleServer

FRAMEWORK = "MODEL_FRAMEWORK_PY_TORCH"
DENIED = "Permission 'models.get' was denied"


@dataclass
class Model:
    """A model; `instances` are the versions by the name of the instance."""

    body: dict[str, Any]
    instances: dict[str, list[Version]] = field(default_factory=dict)
    instance_bodies: dict[str, dict[str, Any]] = field(default_factory=dict)


class Models:
    """The models that the user made, by "owner/slug"."""

    def __init__(self, server: KaggleServer) -> None:
        self.server = server
        self.made: dict[str, Model] = {}
        self.polls = 1
        """A new version is pending for so many questions about its instance."""

    def named(self, body: Mapping[str, Any]) -> Model | None:
        """The model that a request names."""
        return self.made.get(f"{body.get('ownerSlug')}/{body.get('modelSlug')}")

    def versions_of(self, body: Mapping[str, Any]) -> list[Version]:
        """The versions of the instance that a request names."""
        model = self.named(body)
        if model is None or body.get("framework") != FRAMEWORK:
            return []
        return model.instances.get(body.get("instanceSlug", ""), [])

    def source(self, text: str) -> Version | None:
        """The ready version that `owner/model/pyTorch/instance/number` names."""
        parts = text.split("/")
        if len(parts) != 5 or parts[2].lower() != "pytorch":
            return None
        model = self.made.get("/".join(parts[:2]))
        known = model.instances.get(parts[3], []) if model else []
        return next((one for one in known if str(one.number) == parts[4] and one.ready), None)

    def do_CreateModel(self, body: Mapping[str, Any]) -> Answer:
        ref = f"{body.get('ownerSlug')}/{body.get('slug')}"
        if body.get("ownerSlug") != self.server.caller:
            return 403, error(403, "Permission 'models.create' was denied")
        if ref in self.made or not body.get("title"):
            return 200, {"error": "A model with this slug already exists", "errorCode": 409}
        self.made[ref] = Model(dict(body))
        return 200, {"id": len(self.made), "ref": ref, "url": f"/models/{ref}", "error": ""}

    def do_GetModel(self, body: Mapping[str, Any]) -> Answer:
        model = self.named(body)
        if model is None:
            return 403, error(403, DENIED)
        return 200, {"ref": f"{body['ownerSlug']}/{body['modelSlug']}", **model.body}

    def do_CreateModelInstance(self, body: Mapping[str, Any]) -> Answer:
        model, inner = self.named(body), body.get("body") or {}
        if model is None:
            return 403, error(403, DENIED)
        slug = inner.get("instanceSlug", "")
        files = self.server.blobs.files_of(inner, "MODEL")
        if isinstance(files, str) or slug in model.instances or not inner.get("licenseName"):
            problem = files if isinstance(files, str) else "The instance exists, or has no license"
            return 200, {"error": problem}
        if inner.get("framework") != FRAMEWORK:
            return 200, {"error": "unknown framework"}
        model.instances[slug] = [Version(1, "", files, self.polls)]
        model.instance_bodies[slug] = dict(inner)
        return 200, {"id": 1, "ref": slug, "url": "/models", "error": ""}

    def do_CreateModelInstanceVersion(self, body: Mapping[str, Any]) -> Answer:
        versions, inner = self.versions_of(body), body.get("body") or {}
        if not versions:
            return 403, error(403, DENIED)
        files = self.server.blobs.files_of(inner, "MODEL")
        if isinstance(files, str):
            return 200, {"error": files}
        number = len(versions) + 1
        versions.append(Version(number, inner.get("versionNotes", ""), files, self.polls))
        return 200, {"id": number, "ref": str(number), "url": "/models", "error": ""}

    def do_GetModelInstance(self, body: Mapping[str, Any]) -> Answer:
        versions = self.versions_of(body)
        if not versions:
            return 404, error(404, "Not Found")
        number = max((version.number for version in versions if version.ready), default=0)
        versions[-1].pending = max(0, versions[-1].pending - 1)
        return 200, {"slug": body["instanceSlug"], "framework": FRAMEWORK, "versionNumber": number}

    def do_ListModelInstanceVersions(self, body: Mapping[str, Any]) -> Answer:
        versions = self.versions_of(body)
        if not versions:
            return 404, error(404, "Not Found")
        shown = [
            {"versionNumber": version.number, "framework": FRAMEWORK}
            for version in reversed(versions)
        ]
        found = page("versions", shown, body)
        more = found.pop("nextPageToken")
        return 200, {"versionList": found, "nextPageToken": more}

    def do_ListModelInstanceVersionFiles(self, body: Mapping[str, Any]) -> Answer:
        number = int(body.get("versionNumber") or 0)
        for version in self.versions_of(body):
            if version.number == number:
                files = [{"name": name, "size": len(d)} for name, d in version.files.items()]
                return 200, page("files", files, body)
        return 404, error(404, "Not Found")

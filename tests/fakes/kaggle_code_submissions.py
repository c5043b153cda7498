"""Submissions of kernels at the fake Kaggle: run again on the hidden test, then scored."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from kaggle_answers import Answer, error
from kaggle_kernel_sessions import Session

if TYPE_CHECKING:
    from kaggle_server import KaggleServer


class CodeSubmissions:
    """Takes an output file of a complete kernel version."""

    def __init__(self, server: KaggleServer) -> None:
        self.server = server

    def do_CreateCodeSubmission(self, body: Mapping[str, Any]) -> Answer:
        contest = self.server.contest(body)
        if contest is None:
            return 404, error(404, "Not Found")
        asked = {
            "userName": body.get("kernelOwner"),
            "kernelSlug": body.get("kernelSlug"),
            "versionNumber": body.get("kernelVersion"),
        }
        session = self.server.sessions.of(asked)
        if not isinstance(session, Session):
            return session
        name = body.get("fileName", "")
        if session.status != "COMPLETE" or session.result is None:
            return 400, error(400, "The notebook version must have completed successfully")
        if name not in session.result.outputs:
            return 400, error(400, f"Submission file not found: {name}")
        if session.version.fields["enableInternet"]:
            return 400, error(400, "Your notebook cannot use internet access in this competition")
        if not contest.hidden_files:
            return self.server.submit(contest, body, name, session.result.outputs[name])
        status, answer = self.server.submit(contest, body, name, None)
        if status == 200:
            made = contest.submissions[-1]
            threading.Thread(target=self._rerun, args=(session, name, made), daemon=True).start()
        return status, answer

    def _rerun(self, session: Session, name: str, made: dict[str, Any]) -> None:
        """Run the kernel on the hidden test; if that fails, nobody says why."""
        ended = self.server.sessions.rerun(session.version)
        with self.server.lock:
            made["data"] = ended.outputs.get(name)
            made["failed"] = ended.state != "complete" or made["data"] is None

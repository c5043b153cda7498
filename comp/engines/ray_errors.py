"""What Ray raises, in words for the user."""

from __future__ import annotations

import signal
from typing import Any

from comp.engines.engine import TaskDiedError, TaskTraceback
from comp.engines.ray_task import SAME_VERSIONS
from comp.errors import RunError
from comp.signals import Stopped


def death(ray: Any, error: BaseException) -> TaskDiedError:
    """How the node or the process of a task died."""
    if isinstance(error, ray.exceptions.OutOfMemoryError):
        return TaskDiedError("its node ran out of memory, and Ray ended it: use fewer --jobs")
    return TaskDiedError(f"its node or its process died ({type(error).__name__})")


def final_error(ray: Any, error: BaseException) -> BaseException | None:
    """The exception of a task that does not start again; None if the task died."""
    if isinstance(error, ray.exceptions.TaskCancelledError):
        return Stopped(signal.SIGTERM)
    if isinstance(error, ray.exceptions.RuntimeEnvSetupError):
        return RunError(f"the plugins cannot travel to a node ({last_line(error)})")
    if isinstance(error, ray.exceptions.RayTaskError):
        return RunError(f"a node cannot load comp ({last_line(error)}): {SAME_VERSIONS}")
    return None


def lost(ray: Any, error: BaseException) -> BaseException:
    """The exception of all tasks when nothing comes from the cluster any more."""
    if isinstance(error, ray.exceptions.RayError | ConnectionError):
        words = last_line(error)
        return RunError(f"lost the Ray cluster ({words}): finished folds and checkpoints are kept")
    return error


def caused(error: BaseException, text: str) -> BaseException:
    """An exception of a task, with the traceback that it had there."""
    error.__cause__ = TaskTraceback(text) if text else None
    return error


def last_line(error: BaseException) -> str:
    """The last line of a message, which in a traceback has the reason."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return (lines[-1] if lines else type(error).__name__)[:160]

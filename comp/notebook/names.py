"""The names of a data set, a model and a notebook on Kaggle."""

from __future__ import annotations

from dataclasses import dataclass

from comp.kaggle.client.kernels import slug_of

LONGEST_TITLE = 50
"""Characters that Kaggle allows in the title of a data set."""


@dataclass(frozen=True)
class Names:
    """A title, and the name in addresses, which is the title as Kaggle writes it there. Data set,
    model and notebook of a run have the same names."""

    title: str

    @property
    def slug(self) -> str:
        """The name in addresses."""
        return slug_of(self.title)


def names_of(competition: str, run_id: str) -> Names:
    """The names for a run: `comp <competition> <run id>`. A long name of a competition is cut, so
    that the id, which is unique, stays whole."""
    room = LONGEST_TITLE - len("comp  ") - len(run_id)
    return Names(" ".join(part for part in ("comp", competition[: max(0, room)], run_id) if part))

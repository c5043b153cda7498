from __future__ import annotations

import pytest

from comp.bundle.refusal import refuse
from comp.errors import RunError


def test_a_refusal_says_what_to_do() -> None:
    with pytest.raises(RunError, match=r"^trees need comp: use --wheels, which takes comp along$"):
        refuse("trees need comp")

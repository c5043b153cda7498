"""The variables that say how threads wait are set for torch, and never over those of a user."""

from __future__ import annotations

import subprocess
import sys

import pytest

from comp.data.openmp import SPINS, chosen_by_user, wait_gently


def test_the_defaults_are_set_once() -> None:
    environment = {"HOME": "/home/ada"}
    wait_gently(environment)
    assert environment == {"HOME": "/home/ada", **SPINS}
    assert chosen_by_user(environment) == {}
    wait_gently(environment)
    assert environment == {"HOME": "/home/ada", **SPINS}


@pytest.mark.parametrize(
    "given", [{"OMP_WAIT_POLICY": "ACTIVE"}, {"GOMP_SPINCOUNT": "7"}, {"KMP_BLOCKTIME": "200"}]
)
def test_what_a_user_has_chosen_stays(given: dict[str, str]) -> None:
    environment = dict(given)
    wait_gently(environment)
    assert environment == given == chosen_by_user(environment)


def test_the_command_line_sets_them_before_torch_is_imported() -> None:
    program = (
        "import os, sys; sys.argv = ['comp', '--version']; import comp.cli\n"
        "try: comp.cli.main()\n"
        "except SystemExit: pass\n"
        "print('torch' in sys.modules, os.environ['GOMP_SPINCOUNT'])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stdout.splitlines()[-1] == f"False {SPINS['GOMP_SPINCOUNT']}", done.stderr

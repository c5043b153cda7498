"""Sessions for developers: `nox -s lint typecheck tests`.

With `--no-venv`, the sessions use the packages of the current environment.
"""

import os
import subprocess
import sys
import sysconfig
from functools import cache

import nox
from nox.virtualenv import PassthroughEnv

nox.options.sessions = ["lint", "typecheck", "tests"]
nox.options.reuse_existing_virtualenvs = True

LINTERS = ["codespell", "import-linter", "ruff"]

PARALLEL = ("-n", "auto", "--maxprocesses", "8", "--dist", "worksteal")
"""Arguments of pytest-xdist, for the whole suite only: a few tests are faster in one process."""
ONE_THREAD = {"OMP_NUM_THREADS": "1"}
"""With one process per core, more threads only wait for each other."""


def install(session: nox.Session, *packages: str) -> None:
    """Install packages, unless the session uses the current environment."""
    if not isinstance(session.virtualenv, PassthroughEnv):
        session.install(*packages)


@cache
def compile_libraries() -> subprocess.Popen[bytes]:
    """Start to compile the libraries of this environment, one core in the background.

    pip compiles them on one core while all others wait, unless PIP_NO_COMPILE is set. Then the
    core that linters leave idle does it. Modules that no test imports are left out.
    """
    of_ray = "ray/(data|llm|rllib|serve|train|tune)"
    left_out = rf"/(tests|testing/_internal|pip|mypy|setuptools|{of_ray})/"
    libraries = sysconfig.get_path("purelib")
    return subprocess.Popen([sys.executable, "-m", "compileall", "-qq", "-x", left_out, libraries])


def needs_compiling(session: nox.Session) -> bool:
    """Whether pip left the libraries of the current environment uncompiled."""
    return isinstance(session.virtualenv, PassthroughEnv) and "PIP_NO_COMPILE" in os.environ


@nox.session
def lint(session: nox.Session) -> None:
    """Check style, spelling and the layers of imports."""
    install(session, *LINTERS)
    if needs_compiling(session):
        compile_libraries()
    session.run("ruff", "check", *session.posargs)
    session.run("ruff", "format", "--check")
    session.run("lint-imports", "--no-cache")
    session.run("codespell")


@nox.session
def typecheck(session: nox.Session) -> None:
    """Check types with mypy, strict."""
    install(session, "-e", ".[dev]")
    session.run("mypy", *session.posargs)


@nox.session
def tests(session: nox.Session) -> None:
    """Run the fast tests, one process per core; pass `-m slow` or a path for others."""
    install(session, "-e", ".[dev]")
    if session.posargs:
        session.run("pytest", *session.posargs)
    else:
        # Hundreds of tests start a Python; with PYTHONDONTWRITEBYTECODE each would compile comp.
        session.run("python", "-m", "compileall", "-q", "comp", "competitions")
        if needs_compiling(session):
            compile_libraries().wait()
        session.run("pytest", *PARALLEL, env=ONE_THREAD)


@nox.session(default=False)
def gpu(session: nox.Session) -> None:
    """Run the tests that need an NVIDIA GPU."""
    install(session, "-e", ".[dev]")
    session.run("pytest", "-m", "gpu", *session.posargs)


@nox.session(default=False)
def soak(session: nox.Session) -> None:
    """Run the long tests: killed runs, thousands of damaged images, memory over many folds."""
    install(session, "-e", ".[dev]")
    files = [f"tests/test_{name}.py" for name in ("soak", "soak_jobs", "fuzz")]
    session.run("pytest", "-m", "slow", *files, *session.posargs)


@nox.session(default=False)
def bundle(session: nox.Session) -> None:
    """Run bundles in a fresh environment without comp; needs comp in the environment of nox."""
    if isinstance(session.virtualenv, PassthroughEnv):
        session.error("it needs an environment of its own: leave out --no-venv")
    session.install("torch", "timm", "numpy", "pillow", "pandas")
    python = f"{session.bin}/python"
    files = ["tests/test_fresh_bundles.py", *session.posargs]
    command = [sys.executable, "-m", "pytest", "-m", "slow", "-s", *files]
    session.run(*command, external=True, env={"COMP_FRESH_PYTHON": python})


@nox.session(default=False)
def docs(session: nox.Session) -> None:
    """Check the pages against the program, then build the site in site/."""
    install(session, "-e", ".[dev]")
    session.run("pytest", "tests/test_docs.py", *session.posargs)
    session.run("mkdocs", "build", "--strict", "--clean")


@nox.session(default=False)
def benchmarks(session: nox.Session) -> None:
    """Run every benchmark."""
    install(session, "-e", ".[dev,bench]")
    for script in (
        "training_loop",
        "transfer",
        "carry_over",
        "submission_writer",
        "report",
        "jobs",
        "clusters",
        "bundle",
        "prediction",
        "scale",
        "image_cache",
        "decoding",
        "augmentation",
        "checkpoints",
        "threads",
        "scores",
        "memory",
        "budgets",
    ):
        session.run("python", f"benchmarks/{script}.py", *session.posargs)


@nox.session(default=False)
def gpu_benchmark(session: nox.Session) -> None:
    """Run all that a GPU must show; `-- --device cpu --quick` rehearses it without one."""
    install(session, "-e", ".[dev]")
    session.run("python", "benchmarks/gpu.py", *session.posargs)


@nox.session(default=False)
def peers(session: nox.Session) -> None:
    """Compare comp with fastai and Lightning; AutoGluon needs an environment of its own."""
    install(session, "-e", ".[dev,peers]")
    session.run("python", "benchmarks/peers.py", *session.posargs)

"""Sessions for developers: `nox -s lint typecheck tests`.

With `--no-venv`, the sessions use the packages of the current environment.
"""

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


@nox.session
def lint(session: nox.Session) -> None:
    """Check style, spelling and the layers of imports."""
    install(session, *LINTERS)
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
    session.run(
        "pytest", "-m", "slow", "tests/test_soak.py", "tests/test_fuzz.py", *session.posargs
    )


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
    for script in ("training_loop", "transfer", "submission_writer"):
        session.run("python", f"benchmarks/{script}.py", *session.posargs)

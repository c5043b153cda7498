"""From modules of a small package to one program that does the same."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from textwrap import dedent

import pytest

from comp.bundle.assemble import assemble
from comp.errors import CompetitionError

Write = Callable[[Mapping[str, str]], None]
NAMES = iter(f"toyprogram{number}" for number in range(1000))


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The name of a new empty package that can be imported."""
    name = next(NAMES)
    (tmp_path / name).mkdir()
    (tmp_path / name / "__init__.py").write_text("")
    monkeypatch.syspath_prepend(str(tmp_path))
    return name


def write(package: str, files: Mapping[str, str]) -> None:
    """Write modules of the package; P in their source is its name."""
    for name, source in files.items():
        path = Path(sys.path[0]) / package / f"{name}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(re.sub(r"\bP\b", package, dedent(source)))


def program(package: str, **files: str) -> str:
    """The program whose first function is `main` of the module `main`."""
    write(package, files)
    return assemble(start=f"{package}.main:main")


def result(source: str) -> int:
    """What `main()` of a program returns. The package cannot be imported meanwhile."""
    assert "toyprogram" not in re.sub(r"^#.*$", "", source, flags=re.MULTILINE)
    namespace: dict[str, object] = {"__name__": "a_program"}
    sys.modules["a_program"] = type(sys)("a_program")
    sys.modules["a_program"].__dict__.update(namespace)
    exec(compile(source, "predict.py", "exec"), sys.modules["a_program"].__dict__)
    main = sys.modules.pop("a_program").__dict__["main"]
    return int(main())


def test_functions_constants_and_classes_of_other_modules(package: str) -> None:
    source = program(
        package,
        main="""
            from dataclasses import dataclass, field
            from P.numbers import TEN as ten, Base, add

            @dataclass(frozen=True)
            class Point(Base):
                x: int = ten
                more: list = field(default_factory=list)

            def main(start: int = ten) -> int:
                return add(Point().double(), start)

            def unused():
                return missing
        """,
        numbers="""
            # Ten of them.
            TEN = sum([FIVE := 5, FIVE])
            \"\"\"What it is for.\"\"\"

            class Base:
                \"\"\"Doubles.\"\"\"

                def double(self):
                    return 2 * self.x

            def add(a, b):
                # a comment that stays
                return a + b

            def never(): import cv2
        """,
    )
    assert result(source) == 30
    assert source.count("class Base") == 1
    for kept in ('"""Doubles."""', "# a comment that stays", "# Ten of them.", "What it is for"):
        assert kept in source
    assert "unused" not in source
    assert "cv2" not in source


def test_imports_in_functions_modules_and_relative_imports(package: str) -> None:
    source = program(
        package,
        main="""
            import P.sub.deep
            from P import sub
            from .sub import near

            def main():
                from P.sub.deep import value as other

                def inner():
                    import json
                    return json.loads("1") + near.value()

                if True:
                    from P.sub import LIMIT
                return other() + inner() + P.sub.deep.value() + sub.LIMIT + LIMIT
        """,
        **{
            "sub/__init__": "from P.sub.deep import LIMIT\n",
            "sub/deep": "LIMIT = 1000\ndef value():\n    return 10\n",
            "sub/near": "from . import deep\ndef value():\n    return 100 * deep.value()\n",
        },
    )
    assert result(source) == 10 + 1 + 1000 + 10 + 1000 + 1000


def test_names_that_mean_two_things(package: str) -> None:
    source = program(
        package,
        main="""
            from pathlib import Path
            from P.one import first
            from P.two import first as second
            from P.three import Path as Own, size as length

            def _helper():
                return 1

            def main():
                size = 5
                return _helper() + first() + second() + len(Path("a").name) + Own().x + length(size)
        """,
        one='def _helper():\n    return 10\ndef first():\n    return int(f"{_helper()}")\n',
        two="def _helper():\n    return 100\ndef first():\n    return _helper()\n",
        three="""
            class Path:
                x = 1000

                def again(self):
                    return Path()

            def size(n):
                return n * 10_000
        """,
    )
    assert result(source) == 1 + 10 + 100 + 1 + 1000 + 50_000
    names = [
        n.name for n in ast.parse(source).body if isinstance(n, ast.FunctionDef | ast.ClassDef)
    ]
    assert len(names) == len(set(names))


def test_annotations_name_what_is_in_the_program(package: str) -> None:
    source = program(
        package,
        main="""
            from __future__ import annotations
            from pathlib import Path
            from P.own import Path as Own, Never

            def main(a: Path = Path("x"), b: Own | None = None, c: list[Never] = ()) -> Own:
                d: dict[str, Own] = {}
                return Own()
        """,
        own="class Path:\n    def more(self: Path) -> Never: ...\nclass Never: ...\n",
    )
    (name,) = [n.name for n in ast.parse(source).body if isinstance(n, ast.ClassDef)]
    assert name != "Path"
    assert f"b: {name} | None = None, c: list[Never] = ()) -> {name}:" in source
    assert f"d: dict[str, {name}]" in source
    assert f"self: {name}) -> Never" in source
    assert 'a: Path = Path("x")' in source


def test_annotations_do_not_count_but_those_of_dataclasses_do(package: str) -> None:
    source = program(
        package,
        main="""
            from __future__ import annotations
            from collections.abc import Sequence
            from dataclasses import InitVar, dataclass
            from typing import TYPE_CHECKING, ClassVar
            import cv2
            from P.heavy import Heavy
            if TYPE_CHECKING:
                import polars

            @dataclass
            class Box:
                kept: ClassVar[int] = 7
                given: InitVar[int]
                x: int = 0

                def __post_init__(self, given):
                    self.x = given

            def main(image: cv2.Mat | None = None, heavy: Heavy | None = None) -> int:
                rows: Sequence[polars.DataFrame] = []
                return Box(3).x + Box.kept + len(rows)
        """,
        heavy="import cv2\nclass Heavy(cv2.Mat): pass\n",
    )
    assert result(source) == 10
    assert "import cv2" not in source
    assert "class Heavy" not in source


def test_a_library_that_is_not_allowed_is_named_with_the_chain(package: str) -> None:
    with pytest.raises(CompetitionError, match="cv2") as caught:
        program(
            package,
            main="from P.a import read\ndef main(): return read()\n",
            a="from P.b import decode\ndef read(): return decode()\n",
            b="import cv2\ndef decode(): return cv2.imread('x')\n",
        )
    chain = f".main.main > {package}.a.read > {package}.b.decode"
    assert chain in str(caught.value)


def test_a_library_that_a_function_can_do_without(package: str) -> None:
    source = program(
        package,
        main="""
            def main():
                try:
                    import a_library_that_nobody_has as found
                except ImportError:
                    return 4
                return found.value
        """,
    )
    assert result(source) == 4
    with pytest.raises(CompetitionError, match="a_library_that_nobody_has"):
        program(package, main="def main():\n    import a_library_that_nobody_has\n")


def test_values_that_change_when_the_module_is_read(package: str) -> None:
    source = program(
        package,
        main="from P.table import TABLE\ndef main(): return sum(TABLE.values())\n",
        table="""
            from typing import overload
            TABLE = {}
            TABLE["a"] = 1
            TABLE.update(b=10)
            for name in ("c", "d"):
                TABLE[name] = 100
        """,
    )
    assert result(source) == 211
    with pytest.raises(CompetitionError, match="line 2"):
        program(package, main="import warnings\nwarnings.simplefilter('error')\ndef main(): pass\n")


def test_functions_of_a_plugin_become_the_value_of_a_constant(package: str) -> None:
    write(package, {"plugin": "def build():\n    return helper()\ndef helper():\n    return 1\n"})
    own = {"network": f"{package}.plugin:build"}
    source = assemble(own, start="comp.bundle.parts.own:OWN")
    namespace: dict[str, dict[str, Callable[[], int]]] = {"__name__": "p"}  # type: ignore[dict-item]
    exec(source, namespace)
    assert namespace["OWN"]["network"]() == 1


REGISTRIES = """
from P.tools import cut, join, open_it

TOOLS = {
    "cut": cut,  # (a comment)
    # what joins
    "join": lambda: join(
        2,
    ),
    "open": open_it,
}
ONE_LINE = {"a": cut, "b": join}

def main():
    return TOOLS["join"]() + len(TOOLS)
"""
TOOLS = """
def cut(): return helper()
def join(n): return n
def open_it(): import cv2
def helper(): return 0
"""


def test_entries_of_registries_are_left_out_with_what_only_they_need(package: str) -> None:
    write(package, {"main": REGISTRIES, "tools": TOOLS})
    start, registry = f"{package}.main:main", f"{package}.main.TOOLS"
    with pytest.raises(CompetitionError, match="cv2"):
        assemble(start=start)
    source = assemble(start=start, kinds={registry: {"join"}})
    assert result(source) == 3
    assert not {"cut", "open_it", "helper", "cv2"} & set(re.findall(r"\w+", source))
    source = assemble(start=start, kinds={registry: {"cut", "join"}})
    assert result(source) == 4
    assert "helper" in source
    assert "TOOLS = {}" in assemble(start=start, kinds={registry: set()})


@pytest.mark.parametrize(
    ("name", "kinds", "message"),
    [
        ("TOOLS", {"saw"}, "TOOLS does not have saw"),
        ("main", {"a"}, "is not a dict"),
        ("MISSING", {"a"}, "is not a dict"),
        ("ONE_LINE", {"a"}, "line 11: write each entry on lines of its own"),
    ],
)
def test_registries_that_cannot_be_shortened(
    package: str, name: str, kinds: set[str], message: str
) -> None:
    write(package, {"main": REGISTRIES.lstrip(), "tools": TOOLS})
    with pytest.raises(CompetitionError, match=message):
        assemble(start=f"{package}.main:main", kinds={f"{package}.main.{name}": kinds})


def test_the_contents_say_the_line_of_each_chapter() -> None:
    source = assemble(title="What it is.")
    lines = source.splitlines()
    listed = re.findall(r"^    line ([ \d,]{5})  ([^:\n]+)", source.split('"""')[1], re.MULTILINE)
    assert len(listed) > 5
    for line, title in listed:
        assert lines[int(line.replace(",", "")) - 1] == f"# {title}"
    assert [title for _, title in listed][-1] == "The program"
    assert source.index("\ndef list_images") < source.index("\ndef make_reader")
    assert source.index("\ndef make_reader") < source.index("\ndef build_network")
    assert source.index("\nclass Predictor") < source.index("\ndef decide(")
    assert source.index("\ndef decide(") < source.index("\ndef write_submission")
    assert source.index("\ndef write_submission") < source.index("\ndef main(")


def test_other_sources_that_cannot_be_joined(package: str) -> None:
    for source, words in {
        "from P.other import *\ndef main(): pass\n": "name what is imported",
        "from P import other\ndef main(): return vars(other)\n": "used as a value",
        "def main(): return missing_name\n": "missing_name cannot be found",
        "def main(): return __file__\n": "__file__ means another file",
        "def main(): return globals()\n": "globals means another file or other names",
        "def main(:\n": "line 1",
        "x = 1\n": "does not define main",
    }.items():
        with pytest.raises(CompetitionError, match=words):
            program(package, main=source, other="x = 1\n")


def test_the_program_of_a_bundle_is_the_same_every_time_and_formatted(tmp_path: Path) -> None:
    source = assemble(title="What it is.\n\nHow it is used.")
    assert source == assemble(title="What it is.\n\nHow it is used.")
    assert source.startswith('"""What it is.\n')
    assert "type: ignore" not in source
    assert not re.search(r"^\s*(from|import) (comp|competitions)\b", source, re.MULTILINE)
    path = tmp_path / "predict.py"
    path.write_text(source)
    command = [
        sys.executable,
        "-m",
        "ruff",
        "check",
        "--isolated",
        "--select",
        "E9,F63,F7,F811",
        str(path),
    ]
    found = subprocess.run(command, capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stdout

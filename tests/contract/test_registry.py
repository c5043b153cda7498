"""Competitions by name: those that come with comp, the user's own, and installed ones."""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import sys
from contextlib import redirect_stdout
from importlib.util import find_spec
from pathlib import Path

import pytest

from comp.contract import registry, renames
from comp.contract.competition import Competition
from comp.errors import CompetitionError
from competitions.denoising import COMPETITION as DENOISING

OURS = ["cats-dogs", "chest-xray", "denoising", "digits", "housing", "salt"]

PLUGIN = '''\
"""A competition in one file."""

from comp.contract.competition import Competition
from comp.contract.metrics import RMSE
from comp.contract.sample import Sample
from comp.tasks.image_to_image import image_to_image


def samples(root, split):
    return [Sample(id=p.stem, image=p) for p in sorted((root / split).glob("*.png"))]


def model(config):
    import torch

    return torch.nn.Flatten()


COMPETITION = Competition(
    name="NAME",
    title="Title of NAME",
    kaggle="competitions/mine",
    task=image_to_image(),
    metric=RMSE,
    samples=samples,
    pipeline=lambda config, train: None,
    model=model,
    loss=lambda prediction, target: prediction.mean(),
    draw_synthetic=lambda root, rng: None,
)
'''
LIST = (
    "from comp.errors import CompError\n"
    "from comp.contract.registry import broken_plugins, competitions\n"
    "try:\n"
    "    names, broken = list(competitions()), broken_plugins()\n"
    "    print(*broken and [p.message for p in broken] or names)\n"
    "except CompError as error:\n"
    "    print(type(error).__name__, error)\n"
)


def plugin(path: Path, name: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(PLUGIN.replace("NAME", name))
    return path


def install(site: Path, entries: dict[str, str]) -> None:
    """Lay out what an installer leaves of a distribution with these entry points."""
    info = site / "outsider-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: outsider\nVersion: 1.0\n")
    lines = [f"{name} = {value}" for name, value in entries.items()]
    (info / "entry_points.txt").write_text("\n".join(["[comp.competitions]", *lines, ""]))


def listed(folder: Path, *flags: str, site: Path | None = None, code: str = LIST) -> str:
    """What a new interpreter in `folder` prints."""
    env = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    env |= {"PYTHONDONTWRITEBYTECODE": "1"} | ({"PYTHONPATH": str(site)} if site else {})
    done = subprocess.run(
        [sys.executable, *flags, "-c", code],
        cwd=folder,
        env=env,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def listed_here(folder: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """What `LIST` prints in `folder`, in the process of the tests: nothing that a test says of it
    depends on the start of Python."""
    monkeypatch.chdir(folder)
    with redirect_stdout(io.StringIO()) as out:
        exec(LIST, {})
    return out.getvalue().strip()


def test_known_names():
    found = registry.competitions()

    assert found["denoising"] is DENOISING
    assert list(found) == sorted(found)
    assert all(isinstance(c, Competition) and c.name == name for name, c in found.items())


def test_get_by_name():
    assert registry.get("denoising") is DENOISING


@pytest.mark.parametrize("name", ["denoisng", "Denoising", "noise"])
def test_unknown_name_comes_with_the_nearest(name: str):
    with pytest.raises(CompetitionError) as caught:
        registry.get(name)

    message = str(caught.value)
    assert f"unknown competition '{name}': did you mean 'denoising'?" in message
    assert "(known: " in message


def test_a_loaded_plugin_keeps_its_hash_when_its_file_changes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    before = registry.loaded_hash("denoising")
    monkeypatch.setattr(registry, "source_hash", lambda _: "changed")
    assert registry.loaded_hash("denoising") == before
    assert len(before) == 64


def test_unknown_name_says_where_plugins_come_from():
    with pytest.raises(CompetitionError) as caught:
        registry.get("leaves")

    message = str(caught.value)
    assert "plugins come from ./competitions" in message
    assert "entry points comp.competitions" in message


@pytest.mark.parametrize(
    "name", ["Leaves", "_leaves", "", ".", "..", "a/b", "a b", "-a", "bl\u00e4tter", "a" * 65]
)
def test_name_that_cannot_be_a_folder_name_is_refused(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
):
    plugin(tmp_path / "competitions" / "mine.py", name)

    message = listed_here(tmp_path, monkeypatch)

    assert message.startswith(f"competitions/mine.py: has the competition name '{name}'")
    assert message.endswith(
        "use lower case letters, digits, dashes and underscores, at most 64 characters, "
        "and start with a letter or a digit"
    )


def test_name_that_is_not_text_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = plugin(tmp_path / "competitions" / "mine.py", "NAME")
    path.write_text(path.read_text().replace('name="NAME"', "name=3"))

    assert listed_here(tmp_path, monkeypatch).startswith(
        "competitions/mine.py: has the competition name 3: use lower case"
    )


def test_name_of_64_lower_case_letters_digits_dashes_and_underscores_is_valid(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    name = "2-leav_s" * 8
    plugin(tmp_path / "competitions" / "mine.py", name)

    assert name in listed_here(tmp_path, monkeypatch).split()


def test_unknown_name_near_nothing_points_to_the_list():
    with pytest.raises(CompetitionError, match=r"'qqq': see 'comp list' \(known: .*denoising"):
        registry.get("qqq")


@pytest.mark.parametrize("flags", [(), ("-P",)], ids=["module", "script"])
def test_file_in_the_working_folder_is_a_plugin(tmp_path: Path, flags: tuple[str, ...]):
    plugin(tmp_path / "competitions" / "mine.py", "my-own")

    assert listed(tmp_path, *flags).split() == sorted([*OURS, "my-own"])


def test_package_in_the_working_folder_is_a_plugin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    plugin(tmp_path / "competitions" / "mine" / "__init__.py", "my-own")
    (tmp_path / "competitions" / "mine" / "helper.py").write_text("raise SystemExit('imported')")

    assert listed_here(tmp_path, monkeypatch).split() == sorted([*OURS, "my-own"])


def test_file_of_a_plugin_can_be_short():
    assert len(PLUGIN.splitlines()) <= 30


def test_folder_without_competitions_adds_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    assert listed_here(tmp_path, monkeypatch).split() == OURS


def test_names_with_a_leading_underscore_are_no_plugins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    folder = tmp_path / "competitions"
    folder.mkdir()
    (folder / "_shared.py").write_text("raise SystemExit('imported')")

    assert listed_here(tmp_path, monkeypatch).split() == OURS


def test_working_folder_is_searched_again_after_a_change(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    code = (
        "import os\nfrom comp.contract.registry import competitions\n"
        "print(len(competitions()), end=' ')\nos.chdir('there')\nprint(*competitions())"
    )
    plugin(tmp_path / "there" / "competitions" / "mine.py", "my-own")

    expected = " ".join([str(len(OURS)), *sorted([*OURS, "my-own"])])
    assert listed(tmp_path, "-P", code=code) == expected


def test_two_plugins_of_one_name_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    plugin(tmp_path / "competitions" / "again.py", "denoising")

    message = listed_here(tmp_path, monkeypatch)

    assert message.endswith("rename one")
    assert "also has the name 'denoising'" in message
    assert "competitions/again.py" in message
    assert "competitions/denoising" in message


@pytest.mark.parametrize("flags", [(), ("-P",)], ids=["module", "script"])
def test_file_that_is_named_like_a_plugin_of_comp_is_refused(
    tmp_path: Path, flags: tuple[str, ...]
):
    plugin(tmp_path / "competitions" / "denoising.py", "my-own")

    assert "competitions/denoising exists in " in listed(tmp_path, *flags)


def test_init_file_in_the_folder_of_the_user_does_not_hide_the_others(tmp_path: Path):
    plugin(tmp_path / "competitions" / "mine.py", "my-own")
    (tmp_path / "competitions" / "__init__.py").write_text("")

    output = listed(tmp_path)

    assert output == " ".join(sorted([*OURS, "my-own"])) or "__init__.py" in output


@pytest.mark.parametrize(
    ("content", "found"),
    [("", "NoneType"), ("COMPETITION = {'name': 'x'}", "dict"), ("COMPETITION = 3", "int")],
)
def test_module_without_a_competition_is_refused(
    tmp_path: Path, content: str, found: str, monkeypatch: pytest.MonkeyPatch
):
    (tmp_path / "competitions").mkdir()
    (tmp_path / "competitions" / "broken.py").write_text(content)

    message = listed_here(tmp_path, monkeypatch)

    assert message.startswith("competitions/broken.py: is not a plugin")
    assert f"found {found}" in message
    assert "COMPETITION" in message


@pytest.mark.parametrize("content", ["import no_such_library", "def (:"], ids=["import", "syntax"])
def test_module_that_cannot_be_imported_is_named(
    tmp_path: Path, content: str, monkeypatch: pytest.MonkeyPatch
):
    (tmp_path / "competitions").mkdir()
    (tmp_path / "competitions" / "broken.py").write_text(content)

    assert listed_here(tmp_path, monkeypatch).startswith(
        "competitions/broken.py, line 1: cannot be imported ("
    )


@pytest.mark.parametrize(
    ("content", "path"),
    [
        ("from comp.classification import classifier", "comp.tasks.classification"),
        ("from comp.competition import Competition", "comp.contract.competition"),
        ("from comp import competition", "comp.contract.competition"),
        ("from comp.metrics import AUC", "comp.contract.metrics"),
        ("from comp.config import RunConfig", "comp.config.schema"),
        ("from comp.sections import Section", "comp.config.sections"),
        ("import comp.registry", "comp.contract.registry"),
        ("from comp.data.table import Table", "comp.tasks.table"),
        ("from comp.data import table", "comp.tasks.table"),
        ("from comp.data.images import read_gray", "comp.data.images.decode"),
    ],
)
def test_old_path_of_a_module_suggests_the_new_one(
    tmp_path: Path, content: str, path: str, monkeypatch: pytest.MonkeyPatch
):
    (tmp_path / "competitions").mkdir()
    (tmp_path / "competitions" / "old.py").write_text(content)

    message = listed_here(tmp_path, monkeypatch)

    assert message.startswith("competitions/old.py, line 1: cannot be imported (")
    assert message.endswith(f": import it from {path}")
    assert len(message.splitlines()) == 1


def test_new_paths_of_modules_exist():
    assert all(find_spec(path) for path in renames.MODULES.values())


@pytest.mark.parametrize(
    ("old", "suggested"), [("draw_synthetic=", "draw_synthetic"), ("loss=", "loss")]
)
def test_unknown_field_of_the_contract_suggests_the_right_one(
    tmp_path: Path, old: str, suggested: str, monkeypatch: pytest.MonkeyPatch
):
    path = plugin(tmp_path / "competitions" / "mine.py", "my-own")
    wrong = {"draw_synthetic=": "make_sample=", "loss=": "losss="}[old]
    path.write_text(path.read_text().replace(old, wrong))

    message = listed_here(tmp_path, monkeypatch)

    assert message.startswith("competitions/mine.py, line 19: cannot be imported (TypeError")
    assert message.endswith(f": did you mean '{suggested}'?")


def test_mistake_in_image_classification_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    (tmp_path / "competitions").mkdir()
    (tmp_path / "competitions" / "leaves.py").write_text(
        "from comp.tasks.classification import image_classification\n"
        "COMPETITION = image_classification(name='leaves', title='L', kaggle='competitions/l', "
        "classes=('a', 'b'), submit='prob')\n"
    )

    message = listed_here(tmp_path, monkeypatch)

    assert message.startswith(
        "competitions/leaves.py, line 2: cannot be imported (ValueError: submit = 'prob'"
    )
    assert "probability, probabilities, label, index" in message
    assert len(message.splitlines()) == 1


def test_entry_point_of_an_installed_distribution_is_a_plugin(tmp_path: Path):
    site = tmp_path / "site"
    plugin(site / "outsider.py", "outside")
    install(site, {"outside": "outsider:COMPETITION"})

    assert listed(tmp_path, "-P", site=site).split() == sorted([*OURS, "outside"])


def test_package_is_found_as_soon_as_it_is_installed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.syspath_prepend(tmp_path)
    assert "outside" not in registry.competitions()
    plugin(tmp_path / "outsider.py", "outside")
    install(tmp_path, {"outside": "outsider:COMPETITION"})

    assert "outside" in registry.competitions()

    shutil.rmtree(tmp_path / "outsider-1.0.dist-info")
    del sys.modules["outsider"]

    assert "outside" not in registry.competitions()


def test_entry_point_that_is_no_competition_is_refused(tmp_path: Path):
    site = tmp_path / "site"
    plugin(site / "outsider.py", "outside")
    install(site, {"outside": "outsider:samples"})

    message = listed(tmp_path, "-P", site=site)

    assert message.startswith("entry point outsider:samples: is not a plugin")
    assert "found function" in message


def test_entry_point_with_a_name_that_is_taken_is_refused(tmp_path: Path):
    site = tmp_path / "site"
    plugin(site / "outsider.py", "denoising")
    install(site, {"outside": "outsider:COMPETITION"})

    message = listed(tmp_path, "-P", site=site)

    assert "also has the name 'denoising'" in message
    assert "entry point outsider:COMPETITION" in message


def test_one_plugin_through_both_doors_is_one_plugin(tmp_path: Path):
    site = tmp_path / "site"
    install(site, {"denoising": "competitions.denoising:COMPETITION"})

    assert listed(tmp_path, "-P", site=site).split() == OURS

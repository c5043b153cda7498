"""`comp explain-config` as a user starts it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from comp.cli import main

HEAVY = {"albumentations", "cv2", "matplotlib", "numpy", "pandas", "sklearn", "timm", "torch"}


def explain(monkeypatch: pytest.MonkeyPatch, *args: str) -> int:
    monkeypatch.setattr(sys, "argv", ["comp", "explain-config", *args])
    with pytest.raises(SystemExit) as stop:
        main()
    return int(stop.value.code or 0)


def test_keys_have_values_and_their_sources(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "mine.toml").write_text("epochs = 3\n[optim]\nlr = 0.5\n")
    args = ("--config", str(tmp_path / "mine.toml"), "--set", "optim.lr=0.25")
    assert explain(monkeypatch, "denoising", *args) == 0
    lines = {line.split()[0]: line.split(maxsplit=3) for line in _filled(capsys)}
    assert lines["epochs"][1:3] == ["3", "mine.toml"]
    assert lines["optim.lr"][1:3] == ["0.25", "--set"]
    assert lines["optim.lr"][3].startswith("peak learning rate")
    assert lines["optim.name"][1:3] == ["muon", "plugin"]
    assert lines["options.crop"][1:3] == ["64", "default"]
    assert lines["device"][2] == "(auto)"
    assert "(does nothing: this competition does not read it)" in " ".join(lines["augment.*"])
    assert "augment.flip" not in lines
    assert "command line" in " ".join(lines["competition"])


def _filled(capsys: pytest.CaptureFixture[str]) -> list[str]:
    return [line.rstrip() for line in capsys.readouterr().out.splitlines() if line.strip()]


def test_json_has_every_key(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert explain(monkeypatch, "denoising", "--set", "options.crop=48", "--json") == 0
    shown = json.loads(capsys.readouterr().out)
    assert shown["competition"] == "denoising"
    crop = shown["keys"]["options.crop"]
    assert (crop["value"], crop["source"], crop["section"]) == (48, "--set", "options")
    assert (crop["effective"], crop["unused"]) == (48, "")
    precision, flip = shown["keys"]["precision"], shown["keys"]["augment.flip"]
    assert precision["value"] == "auto"
    assert precision["effective"] in ("fp32", "bf16", "fp16")
    assert flip["unused"] == "this competition does not read it"


def test_mistakes_are_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert explain(monkeypatch, "denoising", "--set", "optim.lrr=1") == 2
    out = capsys.readouterr()
    assert out.out == ""
    assert out.err.count("\n") == 1
    assert "unknown key 'optim.lrr' (did you mean 'optim.lr'?)" in out.err


def test_a_mistake_is_found_without_a_heavy_library(tmp_path: Path) -> None:
    code = (
        "import sys\nfrom comp.cli import main\n"
        "try:\n    main()\nexcept SystemExit as stop:\n    assert stop.code == 2\n"
        "print(sorted(m for m in sys.modules if '.' not in m), file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, "explain-config", "denoising", "--set", "epochs=some"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=600,
        check=True,
    )
    modules = done.stderr.strip().splitlines()[-1]
    assert "'pydantic'" in modules
    assert {name for name in HEAVY if f"'{name}'" in modules} == set()
    assert list(tmp_path.iterdir()) == []

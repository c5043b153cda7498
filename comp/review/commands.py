"""Commands that a remedy names: they exist, and their keys do something for the run."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from comp.config.nesting import merge
from comp.config.parsing import parse_sets
from comp.config.schema import resolve, value_at
from comp.page.words import Say
from comp.pipeline.augment_checks import check_augmentation
from comp.pipeline.effective import unused_keys
from comp.review.facts import RunFacts
from comp.runs.lineage import blend_record

READ = ("blend", "explain", "predict", "resume", "submit", "suspects", "trust")
"""Commands that read runs, whose folder is the option --runs."""

Try = tuple[Say, Sequence[str]]
"""What to try, and the assignments that do it: `optim.lr=0.001`."""


def repeat(facts: RunFacts, *arguments: str) -> str:
    """`comp run` with the configuration, data and folds of the run and some arguments; "" of a
    blend, which trained nothing."""
    if blend_record(facts.record):
        return ""
    words = ["comp", "run", facts.competition.name, "--repeat", facts.run_id, *arguments]
    return shlex.join([*words, *_out(facts)])


def change(facts: RunFacts, *assignments: str) -> str:
    """`comp run` like the run, with other values of some keys."""
    return repeat(facts, *[word for one in assignments for word in ("--set", one)])


def longer(facts: RunFacts, factor: int = 2) -> str:
    """`comp run` like the run, with a longer training; "" if it trains no network."""
    config = facts.config
    if config.get("budget"):
        minutes = max(1, round(factor * float(config["budget"]) / 60))
        return repeat(facts, "--budget", f"{minutes}m")
    if config.get("max_steps"):
        return repeat(facts, "--max-steps", str(factor * int(config["max_steps"])))
    epochs = f"epochs={factor * int(config.get('epochs') or 10)}"
    return change(facts, epochs) if works(facts, [epochs]) else ""


def command(facts: RunFacts, *words: str, writes: bool = False) -> str:
    """Another command of comp.

    Args:
        writes: it has the option --out.
    """
    place = _out(facts, "--runs") if words[0] in READ else _out(facts) if writes else ()
    return shlex.join(["comp", *words, *place])


def first_that_works(facts: RunFacts, tries: Sequence[Try]) -> tuple[Say, str] | None:
    """The first of some tries that changes the run, with its command; None if none does."""
    for what, assignments in tries:
        if works(facts, assignments):
            found = change(facts, *assignments)
            return (what, found) if found else None
    return None


def works(facts: RunFacts, assignments: Sequence[str]) -> bool:
    """Whether keys with these values are valid for the run, have other values there, and do
    something."""
    layer, competition = parse_sets(assignments), facts.competition
    names = [one.partition("=")[0] for one in assignments]
    try:
        before = resolve(competition.name, [facts.config], competition.options)
        after = resolve(competition.name, [merge(facts.config, layer)], competition.options)
        check_augmentation(competition, after)
        unused = unused_keys(competition, after, names)
    except Exception:  # a plugin may raise anything, and the try is only advice
        return False
    old, new = before.model_dump(mode="json"), after.model_dump(mode="json")
    changed = any(value_at(old, name) != value_at(new, name) for name in names)
    return changed and not unused


def can_start_pretrained(facts: RunFacts) -> bool:
    """Whether the run trains a backbone with random weights for which timm has pretrained ones."""
    import timm

    config = facts.config
    backbone, models = str(config.get("backbone") or ""), list(config.get("model") or ())
    if config.get("pretrained") or config.get("weights") or models != ["network"]:
        return False
    return bool(timm.models.is_model_pretrained(backbone))


def _out(facts: RunFacts, option: str = "--out") -> list[str]:
    """The option that names the workspace, if it is not the folder of the data."""
    workspace = facts.workspace
    return [] if workspace.out == workspace.root else [option, str(workspace.out)]

"""How to reproduce a run: the commands, the versions, and the hashes of data and folds."""

from __future__ import annotations

from comp.page.blocks import Code, Panel, Table
from comp.page.words import say
from comp.review.commands import command, repeat
from comp.review.facts import RunFacts
from comp.runs.lineage import blend_record, member_ids


def panel(facts: RunFacts) -> Panel:
    """The panel."""
    environment = facts.record.get("environment") or {}
    packages = environment.get("packages") or {}
    weights = facts.record.get("weights") or {}
    rows = [
        ["comp", str(environment.get("comp", ""))],
        *([["git", str(commit)]] if (commit := environment.get("git_commit")) else []),
        ["Python", str(environment.get("python", ""))],
        *[[name, str(version)] for name, version in packages.items() if version],
        [say("seed"), str(facts.config.get("seed", ""))],
        [say("folds, SHA-256"), str(facts.record.get("fold_hash", ""))],
        [say("data, SHA-256"), str(facts.record.get("data_fingerprint", ""))],
        [say("weights"), f"{weights.get('name') or '-'} {weights.get('sha256') or ''}".strip()],
    ]
    return Panel(
        id="reproduce",
        title=say("Reproduce"),
        blocks=[Code(commands(facts)), Table(columns=[say("what"), say("value")], rows=rows)],
        how_to_read=say(
            "The first command trains the same folds with the same configuration and plan; on the "
            "CPU with the same versions the weights are the same bytes. The second one predicts "
            "with the trained models."
        ),
    )


def commands(facts: RunFacts) -> str:
    """The commands that make the run again, predict with it, and send it."""
    run, members = facts.run_id, member_ids(facts.record)
    if members:
        method = blend_record(facts.record).get("method")
        how = ["--method", str(method)] if method else []
        lines = [command(facts, "blend", *members, *how), command(facts, "submit", run)]
    else:
        lines = [repeat(facts), *(command(facts, word, run) for word in ("predict", "submit"))]
    return "\n".join(lines)

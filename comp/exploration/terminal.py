"""The result of a first look, in the terminal."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from comp.exploration.exploration import Exploration
from comp.exploration.neighbours import Neighbours
from comp.exploration.panels.comparisons import purity_words, same_class_words
from comp.report.escaping import escape_unprintable
from comp.report.findings import show_findings


def show_exploration(found: Exploration, path: Path, console: Console) -> None:
    """Print errors and warnings of the check, what was found, and where the page is."""
    serious = [finding for finding in found.findings if finding.severity != "note"]
    if serious:
        show_findings(serious, console)
    if found.audit.synthetic:
        console.print("synthetic data: this says nothing about the competition", style="yellow")
    for line in lines(found):
        console.print(escape_unprintable(line), soft_wrap=True)
    for one in found.neighbours if len(found.neighbours) == 1 else ():
        console.print(neighbours_table(one))
    size = path.stat().st_size / 1e6
    console.print(escape_unprintable(f"page  {path} ({size:.1f} MB)"), soft_wrap=True)


def lines(found: Exploration) -> Iterator[str]:
    """What was found, a line for each subject."""
    yield f"{found.train:,} training and {found.test:,} test samples of {found.competition}"
    if found.copies:
        copies = found.copies
        yield (
            f"copies: {copies.identical:,} pairs of identical images, {copies.near:,} that look "
            f"alike; {copies.leaks:,} of train and test, {copies.other_label:,} with different "
            "targets"
        )
    if found.looks and found.looks.telling:
        told = ", ".join(f"{m.name} {m.explained:.0%}" for m in found.looks.telling[:4])
        yield f"classes differ in how images look; they explain of the variance of {told}"
    compared, clusters = found.compared, found.clusters
    if compared:
        by = f"{compared.by} of {compared.backbone}" if compared.backbone else compared.by
        part = "" if compared.train == found.train else f" of {found.train:,}"
        yield f"compared by {by}: {compared.train:,}{part} training samples"
    if compared and compared.why:
        yield f"no embeddings: {compared.why}"
    for clustering in clusters.shown if clusters else ():
        words = f" {purity_words(clustering.agreement)}" if clustering.agreement else ""
        if clustering.explained is not None:
            words = f" They explain {clustering.explained:.1%} of the variance of the target."
        yield f"{clustering.k} clusters: silhouette {clustering.silhouette:.3f}.{words}"
    if clusters:
        best = clusters.silhouettes[clusters.best]
        yield f"the best silhouette is that of {clusters.best} clusters: {best:.3f}"
    if found.same_class:
        yield str(same_class_words(found.same_class))
    for left in found.left:
        yield f"left out, {left.part}: {left.why}"


def neighbours_table(one: Neighbours) -> Table:
    """The samples that are most like one."""
    name = f"{escape_unprintable(one.sample.id)} ({one.sample.split})"
    table = Table(title=Text(f"most like {name}"))
    for heading in ("id", "split", "class"):
        table.add_column(heading)
    table.add_column("similarity", justify="right")
    for near in one.nearest:
        name, label = (escape_unprintable(t) for t in (near.sample.id, near.sample.label))
        table.add_row(Text(name), near.sample.split, Text(label), f"{near.similarity:.3f}")
    return table

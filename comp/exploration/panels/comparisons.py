"""Panels of what is alike: clusters, the map, and nearest neighbours."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from comp.exploration.clusters import Agreement, Clustering, Clusters
from comp.exploration.exploration import Compared, Exploration
from comp.exploration.neighbours import SameClass
from comp.exploration.panels.cards import Cards
from comp.exploration.panels.names import named
from comp.exploration.plane import Map, Plane
from comp.page.blocks import Block, Cell, Figure, Gallery, Panel, Paragraph, Part, Table, not_here
from comp.page.charts import LineChart, Series
from comp.page.words import Text, say

MOST_COLOURS = 7
"""Classes that have a colour of their own on the map; the eighth is test."""
POINTS = 1500
"""Points of a map."""
FEW, ONE_LINE = 4, 7
"""Of more clusters than `FEW`, `ONE_LINE` samples are shown of each."""
TOP = 3
"""Classes of a cluster that are named."""


def compared_by(compared: Compared) -> list[Block]:
    """By what samples were compared, and why not by embeddings."""
    if compared.by == "embeddings":
        words = say(
            "Compared by embeddings of {backbone}: {train} training and {test} test samples.",
            backbone=compared.backbone,
            train=f"{compared.train:,}",
            test=f"{compared.test:,}",
        )
        return [Paragraph(words)]
    words = say(
        "Compared by {by}: {train} training and {test} test samples.",
        by=named(compared.by),
        train=f"{compared.train:,}",
        test=f"{compared.test:,}",
    )
    why = say("No embeddings: {why}", why=compared.why)
    return [Paragraph(words), *([Paragraph(why)] if compared.why else [])]


def part_of(compared: Compared, found: Exploration) -> list[Block]:
    """A word if only some of the samples were compared."""
    if compared.train == found.train and compared.test == found.test:
        return []
    return [
        Paragraph(
            say(
                "These are a random part, chosen with seed {seed}, of {train} training and {test} "
                "test samples.",
                seed=compared.seed,
                train=f"{found.train:,}",
                test=f"{found.test:,}",
            )
        )
    ]


def clusters(found: Exploration, clusters: Clusters, cards: Cards) -> Panel:
    """K-means: silhouettes, purity, and typical samples of each cluster."""
    assert found.compared
    blocks = [*compared_by(found.compared), *part_of(found.compared, found)]
    ks = sorted(clusters.silhouettes)
    line = Series(name=say("silhouette"), x=ks, y=[clusters.silhouettes[k] for k in ks])
    chart = LineChart(
        title=say("Silhouette by the number of clusters"),
        series=[line],
        x_label=say("clusters"),
        y_label=say("silhouette"),
        marks=[(clusters.best, say("best"))],
    )
    words = say(
        "Of {first} to {last} clusters, {best} have the best silhouette, {value}.",
        first=ks[0],
        last=ks[-1],
        best=clusters.best,
        value=f"{clusters.silhouettes[clusters.best]:.3f}",
    )
    blocks += [Paragraph(words), Figure(chart)]
    for clustering in clusters.shown:
        blocks += _clustering(clustering, cards)
    return Panel(
        id="clusters",
        title=say("Clusters"),
        blocks=blocks,
        how_to_read=say(
            "K-means puts samples that are alike into one cluster; it does not see the classes. A "
            "silhouette near 1 means that clusters lie well apart, near 0 that they touch. Purity "
            "is the share of samples whose class is the most frequent one of their cluster. It "
            "grows with the number of clusters, so compare it with shuffled classes. Clusters that "
            "are not classes often show where pictures come from."
        ),
    )


def _clustering(clustering: Clustering, cards: Cards) -> list[Block]:
    title = say("{k} clusters", k=clustering.k)
    blocks: list[Block] = [Part(title=title)]
    words = say("Silhouette {value}.", value=f"{clustering.silhouette:.3f}")
    blocks.append(Paragraph(words))
    if clustering.agreement:
        blocks.append(Paragraph(purity_words(clustering.agreement)))
    if clustering.explained is not None:
        share = f"{clustering.explained:.1%}"
        words = say("The clusters explain {share} of the variance of the target.", share=share)
        blocks.append(Paragraph(words))
    columns: list[Text] = [say("cluster"), say("samples"), say("classes"), say("purity")]
    tables = any(cluster.differs for cluster in clustering.clusters)
    if tables:
        columns.append(say("differs in (standard deviations)"))
    rows: list[list[Cell]] = []
    for cluster in clustering.clusters:
        row: list[Cell] = [cluster.number, cluster.samples, _classes(cluster.classes)]
        row.append(cluster.purity)
        if tables:
            row.append(", ".join(f"{name} {value:+.2f}" for name, value in cluster.differs.items()))
        rows.append(row)
    known = any(cluster.classes for cluster in clustering.clusters)
    keep = [i for i in range(len(columns)) if known or i not in (2, 3)]
    blocks.append(
        Table(
            columns=[columns[i] for i in keep],
            rows=[[row[i] for i in keep] for row in rows],
            decimals=3,
            bars=1,
        )
    )
    for cluster in clustering.clusters[:12] if cards.any else ():
        title = say("Cluster {n}: nearest to its centre", n=cluster.number)
        most = len(cluster.typical) if clustering.k <= FEW else ONE_LINE
        sheet = [cards.card(sample) for sample in cluster.typical[:most]]
        blocks.append(Gallery(cards=sheet, title=title))
    return blocks


def purity_words(found: Agreement) -> Text:
    """The purity, and what chance reaches."""
    return say(
        "Purity {purity}. The largest class alone has {largest}, and the same clusters with "
        "shuffled classes {shuffled}. Adjusted Rand index {rand}: 0 is chance, 1 means that "
        "clusters are classes.",
        purity=f"{found.purity:.3f}",
        largest=f"{found.largest_class:.3f}",
        shuffled=f"{found.shuffled:.3f}",
        rand=f"{found.rand:.3f}",
    )


def _classes(counts: Mapping[str, int]) -> str:
    shown = [f"{name} {count:,}" for name, count in list(counts.items())[:TOP]]
    return ", ".join([*shown, *(["..."] if len(counts) > TOP else [])])


def plane_panel(found: Map) -> Panel:
    """The samples on planes, coloured by class and by cluster."""
    blocks: list[Block] = []
    for plane in found.planes:
        if plane.explained:
            total = f"{sum(plane.explained):.0%}"
            words = say(
                "Two principal components (PCA), which hold {share} of the variance.", share=total
            )
        else:
            words = say("UMAP keeps neighbours together; distances between groups mean little.")
        blocks += [Part(title=plane.method), Paragraph(words)]
        drawn, all_of = len(_drawn(len(found.ids))), len(found.ids)
        if drawn < all_of:
            words = say("{n} of {m} points.", n=f"{drawn:,}", m=f"{all_of:,}")
            blocks.append(Paragraph(words))
        blocks += [Figure(chart) for chart in _charts(found, plane)]
    if found.why:
        blocks.append(not_here(found.why))
    return Panel(
        id="map",
        title=say("Map"),
        blocks=blocks,
        how_to_read=say(
            "Samples that are alike stand near each other. If test samples stand where no training "
            "samples are, a score on train may not hold. Hold the mouse over a point to see its id."
        ),
    )


def _charts(found: Map, plane: Plane) -> list[LineChart]:
    labels = [
        "test" if split == "test" else label or "train"
        for split, label in zip(found.splits, found.labels, strict=True)
    ]
    clusters = [str(number) if number else "test" for number in found.clusters]
    charts = []
    if len(set(labels)) <= MOST_COLOURS + 1:
        charts.append(_scatter(found, plane, labels, say("By class")))
    if any(found.clusters) and len(set(clusters)) <= MOST_COLOURS + 2:
        charts.append(_scatter(found, plane, clusters, say("By cluster")))
    return charts or [_scatter(found, plane, list(found.splits), say("Train and test"))]


def _drawn(samples: int) -> range:
    """The rows of the samples that are drawn."""
    return range(0, samples, max(1, -(-samples // POINTS)))


def _scatter(found: Map, plane: Plane, names: Sequence[str], title: Text) -> LineChart:
    rows: dict[str, list[int]] = defaultdict(list)
    for row in _drawn(len(names)):
        rows[names[row]].append(row)
    ordered = sorted(rows, key=lambda name: (name == "test", name))
    return LineChart(
        title=title,
        series=[
            Series(
                name=named(name),
                x=[plane.x[row] for row in rows[name]],
                y=[plane.y[row] for row in rows[name]],
                dots=True,
                labels=[found.ids[row] for row in rows[name]],
            )
            for name in ordered
        ],
        x_label=say("first axis"),
        y_label=say("second axis"),
    )


def neighbours(found: Exploration, cards: Cards) -> Panel:
    """Samples with those that are most like them."""
    blocks: list[Block] = []
    if found.same_class:
        blocks.append(Paragraph(same_class_words(found.same_class)))
    for one in found.neighbours:
        title = say("Most like {id}", id=one.sample.id)
        if cards.any:
            sheet = [cards.card(one.sample, [say("this one")])]
            sheet += [
                cards.card(near.sample, [say("similarity {value}", value=f"{near.similarity:.3f}")])
                for near in one.nearest
            ]
            blocks.append(Gallery(cards=sheet, title=title))
            continue
        rows = [[near.sample.id, named(near.sample.split), near.similarity] for near in one.nearest]
        columns: list[Text] = [say("id"), say("split"), say("similarity")]
        blocks.append(Table(columns=columns, rows=rows, caption=title))
    return Panel(
        id="neighbours",
        title=say("Nearest neighbours"),
        blocks=blocks,
        how_to_read=say(
            "Similarity is the cosine of the angle between the numbers of two samples, without "
            "their mean: 1 for copies, 0 for two samples that have no more in common than any two."
        ),
    )


def same_class_words(found: SameClass) -> Text:
    """How often the nearest neighbour has the same class."""
    return say(
        "The nearest other training sample, not of the same group, has the same class in {share} "
        "of {n} samples; a random one in {chance}.",
        share=f"{found.share:.1%}",
        n=f"{found.samples:,}",
        chance=f"{found.chance:.1%}",
    )

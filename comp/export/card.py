"""The model card of an export, README.md in the form of Hugging Face, without invented facts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from comp.export.describe import left_out
from comp.export.snippet import loading
from comp.pipeline.run_oof import RunOof
from comp.review.alerts.all_alerts import alerts_of
from comp.review.facts import RunFacts
from comp.review.verdict import interval

NOT_LIMITS = ("synthetic-data", "loader-too-slow")
"""Alerts of the report that say nothing of the model, or are said elsewhere in the card."""
MOST_CLASSES = 30
"""Classes that are listed with their counts, at most."""


def card(run: RunOof, facts: RunFacts, described: Mapping[str, Any], notes: Sequence[str]) -> str:
    """The text of README.md.

    Args:
        described: the contents of model.json.
        notes: of the export.
    """
    title = run.competition.title
    parts = [
        _front_matter(run, described),
        f"# {title}: {run.run_id}",
        f"Exported by comp {described['comp']} as {described['to']}. The file model.json has the "
        "same facts for programs, and manifest.json the SHA-256 of each file.",
        "## Use",
        loading(described),
        "## Data",
        _listed(_data(run)),
        "## Scores",
        _listed(_scores(run, facts)),
        *(["## int8", _listed(int8_lines(described["int8"]))] if described["int8"] else []),
        "## From file to answer",
        _listed(_preprocessing(described)),
        "## Check",
        _listed(_check(described)),
        "## Limits",
        _listed([*_limits(facts), *left_out(run), *notes]),
        "## Licence",
        "None is given: whoever publishes this model chooses one. The rules of the competition and "
        "the licence of pretrained weights may limit the choice.",
    ]
    return "\n\n".join(parts) + "\n"


def _front_matter(run: RunOof, described: Mapping[str, Any]) -> str:
    library = {"onnx": "onnx", "torchscript": "pytorch", "safetensors": "pytorch"}
    tag = pipeline_tag(run)
    lines = [
        "---",
        f"library_name: {library[described['to']]}",
        *([f"pipeline_tag: {tag}"] if tag else []),
        "tags:",
        "- comp",
        "- kaggle",
        *([f"- {run.config.backbone}"] if run.config.backbone else []),
        "# license: choose one before you publish",
        "---",
    ]
    return "\n".join(lines)


def pipeline_tag(run: RunOof) -> str:
    """The name that Hugging Face has for such a task; "" if there is none."""
    task = run.competition.task
    if "image" not in run.competition.inputs:
        return "tabular-classification" if task.exclusive else "tabular-regression"
    if task.output == "image":
        return "image-to-image" if task.decision is None else "image-segmentation"
    return "image-classification" if task.decision is not None else ""


def _data(run: RunOof) -> list[str]:
    train, test = run.data.train, run.data.test
    grouped = {run.data.groups[s.id] for s in train if s.group is not None}
    lines = [
        f"Kaggle: {run.competition.kaggle} ({run.competition.title})",
        f"{len(train):,} training samples, {len(test):,} test samples",
    ]
    if run.synthetic:
        lines.insert(0, "**The data is synthetic: this model has seen no sample of Kaggle.**")
    if grouped:
        noun = run.competition.group or "group"
        lines.append(f"{len(grouped):,} groups ({noun}); folds never split one")
    counts = Counter(n for s in train for n in run.competition.task.label_names(s.target))
    if 0 < len(counts) <= MOST_CLASSES:
        listed = ", ".join(f"{name} {count:,}" for name, count in counts.items())
        lines.append(f"classes or labels in training: {listed}")
    elif counts:
        lines.append(f"{len(counts)} classes or labels")
    elif run.competition.task.labels:
        lines.append(f"predicted: {', '.join(run.competition.task.labels[:MOST_CLASSES])}")
    return lines


def _scores(run: RunOof, facts: RunFacts) -> list[str]:
    scores, metric = facts.scores, run.competition.metric
    lines = [f"{run.config.folds} folds, scheme {run.config.scheme}, seed {run.config.seed}"]
    if not scores:
        done = ", ".join(map(str, sorted(set(run.fold_of.values()))))
        return [*lines, f"the run is not finished: it has the folds {done} and no score"]
    found = interval(facts)
    words = f" (95 % interval {found[0]:.5f} to {found[1]:.5f})" if found else ", without interval"
    better = "higher" if metric.direction == "max" else "lower"
    lines.append(
        f"out of fold, {scores.get('metric', metric.name)} {scores['cv_score']:.5f}{words}; "
        f"{better} is better"
    )
    folds = scores.get("fold_scores") or {}
    if folds:
        listed = ", ".join(
            f"fold {fold} {value:.5f}" for fold, value in folds.items() if value is not None
        )
        lines.append(f"each fold: {listed}")
    lines.append(
        "the prediction is the mean of the folds, which no sample scores: the score is that of "
        "single folds on samples that they did not see"
    )
    return lines


def int8_lines(int8: Mapping[str, Any]) -> list[str]:
    """What int8 costs and saves, in sentences, the cost first."""
    measured, lines = int8["out_of_fold"], []
    if measured:
        lines.append(loss_sentence(measured))
    else:
        lines.append(f"**The loss of score is not known**: {int8['not_measured']}")
    share = int8["bytes"] / int8["float_bytes"]
    lines.append(
        f"{int8['bytes'] / 1e6:.1f} MB instead of {int8['float_bytes'] / 1e6:.1f} MB ({share:.0%})"
    )
    how = (
        "for each input anew"
        if int8["method"] == "dynamic"
        else (f"on {int8['calibrated_on']} training samples of other folds for each network")
    )
    lines.append(f"{int8['method']} quantisation by onnxruntime, per channel, ranges {how}")
    lines.append(
        f"largest difference on the samples of the check: {int8['largest_difference']:.2g}"
    )
    return [*lines, *int8["notes"]]


def loss_sentence(measured: Mapping[str, Any]) -> str:
    """The loss of score of int8, with its interval, and whether it is more than chance."""
    difference = measured["difference"]
    drawn = f"{measured['samples']:,} held-out samples"
    if measured["samples"] < measured["of"]:
        drawn = f"{measured['samples']:,} of {measured['of']:,} held-out samples"
    spread = ""
    if difference["low"] is not None:
        spread = f", 95 % interval {difference['low']:+.5f} to {difference['high']:+.5f}"
    verdict = "**int8 is worse by more than chance.** " if measured["worse"] else ""
    return (
        f"{verdict}Out of fold, {measured['metric']} of int8 is {measured['int8_score']:.5f}, of "
        f"float {measured['float_score']:.5f} (difference {difference['value']:+.5f}{spread}), on "
        f"{drawn}, both without test-time augmentation"
    )


def _preprocessing(described: Mapping[str, Any]) -> list[str]:
    before = described["preprocessing"]
    lines = [
        f"input `{name}`: {spec['type']}, shape ({', '.join(map(str, spec['shape']))})"
        for name, spec in described["inputs"].items()
    ]
    lines.append("before the file: " + ", ".join(f"{k} {v}" for k, v in before.items() if v))
    lines.append("in the file: " + ", ".join(described["inside"]))
    decision = described["decision"]
    named = zip(decision["names"], decision["params"], strict=True)
    params = ", ".join(f"{name} {value:g}" for name, value in named)
    lines.append(decision["rule"] + (f" The parameters of the run: {params}." if params else ""))
    return lines


def _check(described: Mapping[str, Any]) -> list[str]:
    check = described["check"]
    sizes = ", ".join(f"{height} x {width}" for height, width in check["sizes"])
    return [
        f"each file predicts what the run's own models predict: largest difference "
        f"{check['largest_difference']:.2g}, limit {check['limit']:.2g}, on {check['samples']} "
        f"{check['split']} samples in batches of {' and '.join(map(str, check['batches']))}"
        + (f", images of {sizes} pixels (height x width)" if sizes else ""),
        *_check_of_blend(check.get("blend")),
    ]


def _check_of_blend(blend: Mapping[str, Any] | None) -> list[str]:
    if not blend:
        return []
    return [
        f"the mean of the files is what the run predicts: largest difference "
        f"{blend['largest_difference']:.2g}, limit {blend['limit']:.2g}, on {blend['samples']} "
        f"{blend['split']} samples"
    ]


def _limits(facts: RunFacts) -> list[str]:
    lines = ["Samples unlike the training data can be predicted wrongly with high confidence."]
    lines += [f"{n.title}: {n.text}" for n in alerts_of(facts) if n.code not in NOT_LIMITS]
    return lines


def _listed(lines: Sequence[str]) -> str:
    return "\n".join(f"- {line}" for line in lines)

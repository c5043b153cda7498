"""A plugin before it is written: the conclusion from the data, what Kaggle says, and answers."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from importlib import import_module
from pathlib import Path
from typing import Any

from comp.config.parsing import parse_sets
from comp.contract.competition import Competition
from comp.discovery.conclusion import Conclusion, Finding, Missing
from comp.discovery.kaggle_metrics import our_metrics
from comp.discovery.look import ANSWERS, look
from comp.discovery.metric_hint import is_gini, kinds_of, metric_hint
from comp.discovery.plugin_file import competition_of
from comp.discovery.plugin_text import plugin_text
from comp.errors import CompError, ConfigError
from comp.kaggle.facts import CompetitionFacts
from comp.workspace import Workspace

_YOURS = "your answer"
_PLAIN = ("title", "kaggle", "metric")
"""Answers that are neither for `look` nor arguments of a factory."""


@dataclass(frozen=True, kw_only=True)
class Draft:
    """What a plugin will say.

    `facts` are findings that Kaggle's page gives; `kaggle` is "" if the address is not known.
    """

    name: str
    title: str
    kaggle: str
    conclusion: Conclusion
    facts: tuple[Finding, ...] = ()
    missing: tuple[Missing, ...] = ()
    """What the conclusion lacks, and what contradicts Kaggle."""
    answers: Mapping[str, Any] = field(default_factory=dict)

    @property
    def findings(self) -> tuple[Finding, ...]:
        """All findings, those of Kaggle's page first."""
        return (*self.facts, *self.conclusion.findings)

    def rows(self) -> list[tuple[str, str, str]]:
        """(what, why, how sure) of all findings, then of what is missing."""
        rows = [(found.what, found.why, str(found.certainty)) for found in self.findings]
        return rows + [(each.question, f"found {each.found}", "missing") for each in self.missing]

    @property
    def text(self) -> str:
        """The source of the plugin."""
        return plugin_text(
            self.conclusion,
            name=self.name,
            title=self.title,
            kaggle=self.kaggle,
            facts=self.facts,
        )

    @cached_property
    def competition(self) -> Competition:
        """The competition that the text defines.

        Raises:
            ConfigError: an answer or a conclusion does not fit.
        """
        try:
            return competition_of(self.text)
        except (CompError, TypeError, ValueError) as error:
            given = ", ".join(f"{key}={value}" for key, value in self.answers.items())
            what = f"the answers ({given}) do not fit" if given else "the conclusions do not fit"
            advice = "correct them" if given else "correct one with --answer KEY=VALUE"
            raise ConfigError(f"{what}: {error}; {advice}") from None


def parse_answers(assignments: Iterable[str]) -> dict[str, Any]:
    """Turn `["metric=auc", "submit=label"]` into values by key, read as those of `--set` are.

    Raises:
        ConfigError: naming every assignment without a key or an equals sign.
    """
    assignments = list(assignments)
    bad = [text for text in assignments if not text.partition("=")[0].strip().isidentifier()]
    bad += [text for text in assignments if "=" not in text and text not in bad]
    if bad:
        raise ConfigError(
            f"--answer needs key=value, found {', '.join(map(repr, bad))}: write --answer "
            "metric=auc"
        )
    return parse_sets(assignments)


def make_draft(
    name: str,
    data: Path,
    workspace: Workspace,
    facts: CompetitionFacts | None = None,
    answers: Mapping[str, Any] | None = None,
) -> Draft:
    """Look at the data and combine the conclusion with what Kaggle says and with answers.

    Args:
        data: a folder, or a zip.
        answers: values by key: "title", "kaggle", "metric", one of ANSWERS, or an argument of the
            plugin's factory.

    Raises:
        DataError: the data cannot be read.
        ConfigError: an answer does not fit.
    """
    answers = dict(answers or {})
    reference = str(answers.get("kaggle") or (facts.reference if facts else ""))
    metric_name = facts.metric if facts and "metric" not in answers else ""
    conclusion = look(
        data,
        reference.rpartition("/")[2] or None,
        metric_name=str(answers.get("metric") or metric_name) or None,
        answers={key: value for key, value in answers.items() if key not in _PLAIN},
        workspace=workspace,
    )
    others = {k: v for k, v in answers.items() if k not in (*_PLAIN, *ANSWERS)}
    if conclusion.factory:
        conclusion = _with_arguments(conclusion, others)
    draft = Draft(
        name=name,
        title=str(answers.get("title") or (facts.title if facts else "") or _title(name)),
        kaggle=reference,
        conclusion=conclusion,
        facts=(*(_kaggle_findings(facts) if facts else ()), *_answer_findings(answers)),
        missing=conclusion.missing,
        answers=answers,
    )
    if not conclusion.known:
        return draft
    if "metric" in answers:
        return _with_metric(draft, str(answers["metric"]))
    return _with_kaggle_metric(draft, metric_name) if metric_name else draft


def _kaggle_findings(facts: CompetitionFacts) -> Iterator[Finding]:
    """What Kaggle says, apart from the metric."""
    if facts.deadline:
        yield Finding(f"the deadline is {facts.deadline}", "Kaggle says so")
    if facts.code_only:
        yield Finding(
            "submissions are notebooks, not files", "Kaggle says so: 'comp submit' cannot send one"
        )
    if not facts.entered:
        page = f"https://www.kaggle.com/{facts.reference}/rules"
        yield Finding("the rules are not accepted yet", f"accept them at {page}")


def _answer_findings(answers: Mapping[str, Any]) -> Iterator[Finding]:
    """The answers of which `look` says nothing."""
    for key, value in answers.items():
        if key not in (*_PLAIN, *ANSWERS):
            yield Finding(f"{key} is {value}", _YOURS)


def _title(name: str) -> str:
    return name.replace("-", " ").replace("_", " ").capitalize()


def _with_arguments(conclusion: Conclusion, answers: Mapping[str, Any]) -> Conclusion:
    """The conclusion with other arguments of its factory; lists become tuples. None is a value of
    arguments that have it, and else removes the argument."""
    module, _, name = conclusion.factory.rpartition(".")
    known = inspect.signature(getattr(import_module(module), name)).parameters
    optional = {key for key, parameter in known.items() if "None" in str(parameter.annotation)}
    given = {key: tuple(v) if isinstance(v, list) else v for key, v in answers.items()}
    removed = {key for key, value in given.items() if value is None and key not in optional}
    merged = {**conclusion.arguments, **given}
    return replace(conclusion, arguments={k: v for k, v in merged.items() if k not in removed})


def _with_metric(draft: Draft, name: str) -> Draft:
    """The draft with the metric that a user gives, by its name here or by one of Kaggle's.

    Raises:
        ConfigError: no such metric, or it does not fit the task.
    """
    said = f"Kaggle calls it '{name}'"  # as `look` says of every name
    found = [replace(f, why=_YOURS) if f.why == said else f for f in draft.conclusion.findings]
    if all(finding.why != _YOURS for finding in found):
        found.append(Finding(f"the metric is {name}", _YOURS))
    draft = replace(draft, conclusion=replace(draft.conclusion, findings=tuple(found)))
    chosen = _fitting(draft, (name, *our_metrics(name)))
    if chosen is None:
        replace(draft, conclusion=replace(draft.conclusion, metric=name)).competition  # noqa: B018
        raise ConfigError(
            f"the metric {name!r} does not fit {draft.competition.task.kind}: give another, see "
            "comp.contract.metrics"
        )
    return chosen


def _with_kaggle_metric(draft: Draft, name: str) -> Draft:
    """The draft with Kaggle's metric, or with a finding that says why not."""
    told = any(name in finding.what + finding.why for finding in draft.conclusion.findings)
    hint = metric_hint(name)
    candidates = tuple(
        draft.conclusion.metric if metric == "map@" else metric for metric in hint.candidates
    )
    ranked = is_gini(name) and _kind(draft.conclusion) != "binary"
    if not candidates or not all(candidates) or ranked:
        unknown = Finding(
            f"the metric is {draft.conclusion.metric or 'the usual one'}, which may be wrong",
            f"Kaggle calls the metric '{name}', which comp does not know: see its page, and "
            "correct metric",
            "guess",
        )
        return draft if told else replace(draft, facts=(*draft.facts, unknown))
    chosen = _fitting(draft, candidates)
    if chosen is None:
        contradiction = Missing(
            question="What is to be predicted?",
            choices=(),
            found=f"Kaggle's metric '{name}' does not fit {draft.competition.task.kind}, which the "
            "data looks like",
            advice="give --answer metric=NAME or --answer task=KIND",
            argument="task",
        )
        return replace(draft, missing=(*draft.missing, contradiction))
    fact = Finding(f"the metric is {chosen.conclusion.metric}", hint.why)
    return chosen if told else replace(chosen, facts=(*draft.facts, fact))


def _fitting(draft: Draft, candidates: Iterable[str]) -> Draft | None:
    """The draft with the first metric that fits the task; None if none does."""
    kind = _kind(draft.conclusion)
    for metric in candidates:
        kinds = kinds_of(metric.lower())
        if kind and kinds and kind not in kinds:
            continue
        changed = replace(draft, conclusion=replace(draft.conclusion, metric=metric))
        try:
            competition_of(changed.text)
        except (CompError, TypeError, ValueError):
            continue
        return changed
    return None


def _kind(conclusion: Conclusion) -> str:
    """The kind of task, as `metric_hint` names it; "" if it is not clear."""
    by_factory = {"segmenter": "masks", "image_pairs": "images"}
    classes = conclusion.arguments.get("classes", ())
    by_classes = "binary" if len(classes) == 2 else "multiclass" if classes else ""
    factory = conclusion.factory.rpartition(".")[2]
    return by_factory.get(factory) or conclusion.task.partition("(")[0] or by_classes

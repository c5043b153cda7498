"""Explains samples of a run: the network that held a sample out says what spoke for its answer."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby

import numpy as np

from comp.contract.task import Task, decide
from comp.data.units import unit_of
from comp.errors import DeviceError, RunError
from comp.explanations.agreement import rank_correlation
from comp.explanations.explained import Explained, ExplainedSample
from comp.explanations.layer import MapLayer
from comp.explanations.networks import Entries, FoldNetwork, RunNetworks, why_not
from comp.explanations.picture import enlarged, heat_of, picture_of
from comp.explanations.question import (
    Question,
    kind_of,
    named_question,
    probability_of,
    question_of,
    words_of,
)
from comp.explanations.sanity import Sanity, check_sanity
from comp.explanations.subjects import Subject, Subjects
from comp.pipeline.run_oof import RunOof
from comp.signals import stop_if_requested

AT_ONCE = 16
"""Images in one batch."""
IN_SANITY = 8
"""Images of the sanity test."""
MOST_PIXELS = 4_000_000
"""Larger images are not explained: the features of the whole image would not fit into memory."""
UNLIKE = 0.2
"""A larger difference of the network's probability from the recorded one is noted."""

OnStage = Callable[[str], None]


def explain_samples(
    run: RunOof,
    ids: Sequence[str],
    *,
    target: str | None = None,
    test: bool = False,
    occlusion: bool = False,
    sanity: bool = False,
    device: str = "auto",
    on_stage: OnStage | None = None,
) -> Explained:
    """Explain samples of a run by Grad-CAM; a report uses it for its pictures.

    Args:
        ids: of training samples with an out-of-fold prediction, or of test samples.
        target: the class, label or mask to explain; None: what was decided.
        test: all ids are those of test samples, which may have the ids of training samples.
        occlusion: also cover each part of the images, which takes about 80 passes for each.
        sanity: also compare with networks of random weights.

    Returns:
        The samples in the order of `ids`, or the reason why the run cannot be explained.

    Raises:
        ConfigError: there is no such sample or target.
        DataError: an image cannot be read.
    """
    plain = Explained(run_id=run.run_id, competition=run.competition.name)
    if reason := why_not(run):
        return replace(plain, reason=reason)
    subjects, networks = Subjects(run), RunNetworks(run, device)
    chosen = subjects.of(ids, test)
    question = named_question(run.competition.task, target) if target else None
    work = _Work(run, question, occlusion, sanity, on_stage or (lambda _text: None))
    try:
        found = {sample.id: sample for sample in work.explain(chosen, networks)}
    except (RunError, DeviceError) as error:
        return replace(plain, reason=str(error))
    if chosen and not found:
        return replace(plain, reason=work.notes[0])
    samples = [found[subject.id] for subject in chosen if subject.id in found]
    notes = [*subjects.notes, *networks.notes, *work.notes, *_differences(run, samples)]
    return replace(
        plain,
        samples=samples,
        method="attention" if work.layer and work.layer.read else "Grad-CAM",
        layer=work.layer.name if work.layer else "",
        grid=work.layer.grid if work.layer else None,
        are_chances=kind_of(run.competition.task) in ("classes", "labels", "masks"),
        sanity=work.sane,
        notes=[*run.notes, *notes],
    )


@dataclass
class _Work:
    """What is computed for each sample, and what was learned on the way."""

    run: RunOof
    question: Question | None
    occlusion: bool
    sanity: bool
    stage: OnStage
    notes: list[str] = field(default_factory=list)
    layer: MapLayer | None = None
    sane: Sanity | None = None
    done: int = 0

    def explain(
        self, subjects: Sequence[Subject], networks: RunNetworks
    ) -> Iterator[ExplainedSample]:
        """Explain the samples fold by fold, in batches of one size."""
        by_fold = sorted(subjects, key=lambda subject: subject.fold)
        for fold, part in groupby(by_fold, key=lambda subject: subject.fold):
            network = networks.of(fold)
            read = [(subject, network.read(subject.sample)) for subject in part]
            for batch in _batches([pair for pair in read if self._is_small(*pair)]):
                stop_if_requested()
                self.stage(f"explaining {self.done + 1} to {self.done + len(batch)}")
                yield from self._batch(network, batch)
                self.done += len(batch)

    def _is_small(self, subject: Subject, entries: Entries) -> bool:
        height, width = entries["image"].shape[-2:]
        if height * width <= MOST_PIXELS:
            return True
        self.notes.append(
            f"{subject.id!r} is not explained: its {height} x {width} pixels are too many for one "
            "pass through the network"
        )
        return False

    def _batch(
        self, network: FoldNetwork, batch: Sequence[tuple[Subject, Entries]]
    ) -> Iterator[ExplainedSample]:
        task, explainer = self.run.competition.task, network.explainer
        inputs = network.inputs([entries for _, entries in batch])
        layer = explainer.layer(inputs)
        if layer is None:
            self.notes.append(
                f"no layer of {type(explainer.network).__name__} ({self.run.config.backbone}) "
                "returns features with a place in the image, so there is no map: use another "
                "backbone, such as resnet34"
            )
            return
        self.layer = self.layer or layer
        _, predictions = explainer.predict(inputs)
        subjects = [subject for subject, _ in batch]
        questions = [
            self._question(subject, values)
            for subject, values in zip(subjects, predictions, strict=True)
        ]
        maps = explainer.maps(layer, inputs, questions)
        covered = explainer.occlusion(inputs, questions) if self.occlusion else None
        if self.sanity and self.sane is None:
            self.stage("comparing with random weights")
            some = inputs.first(IN_SANITY)
            self.sane = check_sanity(explainer, layer, some, questions[:IN_SANITY])
        for row, (subject, entries) in enumerate(batch):
            image = picture_of(entries["image"].numpy())
            size, question = (image.shape[0], image.shape[1]), questions[row]
            occlusion = None if covered is None else covered[row]
            signed = enlarged(maps[row], size, explainer.multiple)
            yield ExplainedSample(
                id=subject.id,
                split="test" if subject.test else "train",
                fold=subject.fold,
                truth=words_of(task, subject.truth),
                decision=words_of(task, _decided(subject)),
                wrong=subject.wrong,
                target=question.name,
                probability=_probability(task, subject.prediction, question),
                network=probability_of(task, predictions[row], question),
                image=image,
                signed=maps[row],
                heat=heat_of(maps[row], size, explainer.multiple),
                occlusion=occlusion,
                agreement=None if occlusion is None else rank_correlation(signed, occlusion),
            )

    def _question(self, subject: Subject, values: np.ndarray) -> Question:
        """The question of the user, or that about what the run decided; of a test sample without a
        recorded prediction, about what the network decides."""
        if self.question:
            return self.question
        task = self.run.competition.task
        if subject.prediction is not None:
            return question_of(task, subject.prediction, subject.decision, subject.truth)
        decided = decide(task.decision, values, task.decision.default) if task.decision else None
        return question_of(task, values, decided, None)


def _batches(
    read: Sequence[tuple[Subject, Entries]],
) -> Iterator[Sequence[tuple[Subject, Entries]]]:
    """Samples of one size, at most `AT_ONCE`."""
    ordered = sorted(read, key=lambda pair: tuple(pair[1]["image"].shape))
    for _, group in groupby(ordered, key=lambda pair: tuple(pair[1]["image"].shape)):
        same = list(group)
        for start in range(0, len(same), AT_ONCE):
            yield same[start : start + AT_ONCE]


def _decided(subject: Subject) -> np.ndarray | None:
    return subject.prediction if subject.decision is None else subject.decision


def _probability(task: Task, prediction: np.ndarray | None, question: Question) -> float | None:
    return None if prediction is None else probability_of(task, prediction, question)


def _differences(run: RunOof, samples: Sequence[ExplainedSample]) -> list[str]:
    """Notes on samples that are several, and on networks that say something else than the run."""
    notes = []
    units = Counter(unit_of(sample) for sample in [*run.data.train, *run.data.test])
    if run.competition.pool and any(units[sample.id] > 1 for sample in samples):
        notes.append("several images share one prediction: the map is that of the first of them")
    if kind_of(run.competition.task) not in ("classes", "labels"):
        return notes
    unlike = [
        sample
        for sample in samples
        if sample.probability is not None
        and sample.network is not None
        and abs(sample.probability - sample.network) > UNLIKE
    ]
    if unlike:
        notes.append(
            f"for {len(unlike)} of {len(samples)} samples the network alone gives another "
            f"probability than the run recorded (more than {UNLIKE} apart), because of test-time "
            "augmentation, several networks or folds: their maps explain the network"
        )
    return notes

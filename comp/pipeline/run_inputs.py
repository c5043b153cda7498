"""What a run works on: configuration, samples, folds; all that can be wrong is found here."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from torch import nn

from comp.config.schema import RunConfig
from comp.contract import registry
from comp.contract.competition import Competition, Sample
from comp.data.audit import findings as findings
from comp.data.audit.sample_checks import quick_checks
from comp.data.folds import Folds, make_folds
from comp.data.images.cache import PreparedImages
from comp.data.images.prepare import prepare_images, readable
from comp.data.location import Source
from comp.errors import DataError, FoldError
from comp.runs.progress import Reporter
from comp.submission.template import check_ids
from comp.training.device import choose_device, choose_precision, describe
from comp.training.freezing import apply_freezing
from comp.training.losses import make_loss
from comp.training.mixing import make_mixer
from comp.training.optim import make_optimizer
from comp.workspace import Workspace


@dataclass(frozen=True, kw_only=True)
class RunInputs:
    """What a run works on: the configuration, and the samples dealt to folds.

    `origin` says where the weights of the network came from, None for a network that has none.
    """

    competition: Competition
    config: RunConfig
    source: Source
    train: Sequence[Sample]
    test: Sequence[Sample]
    folds: Folds
    chosen: Sequence[int]
    device: str
    precision: str
    images: PreparedImages
    origin: Any


def prepare_run(
    config: RunConfig,
    source: Source,
    workspace: Workspace,
    only: Sequence[int],
    reporter: Reporter,
    skip_bad: bool = False,
    there: int = 0,
) -> RunInputs:
    """Read the samples, decode them if they are to be cached, deal the folds, and find out all that
    may be wrong.

    Args:
        only: the folds to train; all if empty.
        skip_bad: leave out images that cannot be decoded.
        there: bytes of the run that are written already.

    Raises:
        CompError: for whatever is wrong with data or configuration.
    """
    competition = registry.get(config.competition)
    outside = [fold for fold in only if not 0 <= fold < config.folds]
    if outside:
        raise FoldError(
            f"no fold {outside[0]}: with folds = {config.folds} they are 0 to {config.folds - 1}"
        )
    device = choose_device(config.device)
    precision = choose_precision(config.precision, device)
    train = competition.samples(source.root, "train")
    test = competition.samples(source.root, "test")
    check_ids(competition, source.root, test)
    workspace.check_writable(config.competition)
    looked_at = bool((competition.image_spec and config.image.cache) or competition.reader)
    refuse_errors(competition, train, test, skip_bad or looked_at)
    model = check_training(competition, config, train)
    count = len(set(only)) or config.folds
    workspace.check_room(room_for(model, competition, count, train, test) - there)
    images = prepare_images(
        competition, config, [*train, *test], workspace.images, reporter.reading, skip_bad
    )
    train = readable(train, images.skipped)
    folds = make_folds(train, config.folds, config.scheme, config.seed, competition.group)
    return RunInputs(
        competition=competition,
        config=config,
        source=source,
        train=train,
        test=test,
        folds=folds,
        chosen=sorted(set(only)) or range(config.folds),
        device=describe(device),
        precision=precision,
        images=images,
        origin=getattr(model, "origin", None),
    )


def refuse_errors(
    competition: Competition, train: Sequence[Sample], test: Sequence[Sample], empty: bool
) -> None:
    """The cheap part of `comp check`; `empty` files are left to others.

    Raises:
        DataError: naming the first of the errors.
    """
    errors = [
        finding
        for finding in findings.errors(quick_checks(competition, train, test))
        if not (empty and finding.kind == "empty-file")
    ]
    if errors:
        first = errors[0]
        more = f" (and {len(errors) - 1} other kinds of errors)" if len(errors) > 1 else ""
        raise DataError(
            f"{first.words}: {first.count}, the first is {first.names[0]}{more}; {first.advice}; "
            f"'comp check {competition.name}' shows all"
        )


def room_for(
    model: nn.Module,
    competition: Competition,
    folds: int,
    train: Sequence[Sample],
    test: Sequence[Sample],
) -> int:
    """About how many bytes a run writes: the state of a fold (weights, the best ones, a moving
    average, two moments of the optimizer, and the older state beside it), the weights of each fold,
    the predictions, float32, of all samples and of the test samples once more a fold, and the
    submission with the older one beside it, some 20 bytes a value."""
    weights: int = sum(tensor.nbytes for tensor in model.state_dict().values())
    states = 2 * 5 * weights + folds * weights
    each = [math.prod(sample.size or (1, 1)) * competition.outputs * 4 for sample in test]
    return states + (folds + 2) * sum(each) + 2 * len(train) * max(each, default=0) + 10 * sum(each)


def check_training(
    competition: Competition, config: RunConfig, train: Sequence[Sample]
) -> nn.Module:
    """Build everything that training needs once, so that mistakes show now and not in an hour.

    Returns a network, of which `origin` may say where its weights came from.
    """
    model = competition.model(config)
    make_optimizer(model, config.optim)
    make_loss(competition, config, train)
    make_mixer(config, len(competition.classes))
    apply_freezing(model, config, 0.0)
    return model


def mixed_groups(samples: Sequence[Sample], group: str | None) -> str:
    """Say which groups hold samples of more than one class; "" where none does."""
    classes: dict[str, set[str]] = defaultdict(set)
    for sample in samples:
        if sample.group is not None and sample.stratum is not None:
            classes[sample.group].add(sample.stratum)
    mixed = {name: found for name, found in classes.items() if len(found) > 1}
    if not mixed:
        return ""
    first = min(mixed)
    word = group or "group"
    return (
        f"{len(mixed)} {word}{'s have' if len(mixed) > 1 else ' has'} samples of more than one "
        f"class, the first is {first} ({', '.join(sorted(mixed[first]))}): all of a {word} stay in "
        "one fold; look at their labels"
    )


def data_notes(inputs: RunInputs) -> list[str]:
    """What a person should know of the data before they wait for a run."""
    skipped = inputs.images.skipped
    said = [
        random_weights_note(inputs),
        mixed_groups(inputs.train, inputs.competition.group),
        inputs.images.remark,
    ]
    if skipped:
        first, reason = next(iter(skipped.items()))
        said.append(
            f"{len(skipped)} images left out that cannot be decoded, the first is {first} "
            f"({reason}); a test image among them gets the mean prediction"
        )
    return [words for words in said if words]


def random_weights_note(inputs: RunInputs) -> str:
    """Say that a network with stages to transfer starts from random weights; "" where it does
    not."""
    if inputs.origin is None or inputs.origin.kind != "none":
        return ""
    return (
        f"{inputs.config.backbone} starts from random weights, nothing pretrained is used: name "
        "weights with --weights FILE or a backbone with --set backbone=NAME --pretrained"
    )


def record_fields(inputs: RunInputs) -> Mapping[str, Any]:
    """What run.json says of the images and the weights."""
    return {
        "weights": asdict(inputs.origin) if inputs.origin else None,
        "image_cache": str(inputs.images.cache) if inputs.images.cache else None,
        "skipped": dict(inputs.images.skipped),
    }

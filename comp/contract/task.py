"""What kind of thing a competition predicts: one value, which all other code asks.

A task says how a target is checked and encoded, which losses fit, how raw outputs become
predictions and predictions become decisions, and which scores describe them. `comp.tasks` has the
usual ones; a new task is one function that returns a `Task`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal

from comp.contract.metric import Metric, Pair, Pairs
from comp.contract.pair_arrays import PairArrays, arrays_of
from comp.contract.sample import Sample, Target

if TYPE_CHECKING:
    import numpy as np
    import torch

    from comp.config.sections import LossConfig

Params = tuple[float, ...]
"""The parameters of a decision: a threshold, the cut points between grades, a least area."""

Loss = Callable[["torch.Tensor", "torch.Tensor"], "torch.Tensor"]
"""(raw outputs, targets as `soften` returns them) -> scalar, the mean over the batch."""


@dataclass(frozen=True, kw_only=True)
class Decision:
    """How a prediction becomes what is submitted: a class, a grade, a mask."""

    default: Params
    """The parameters when there are no out-of-fold predictions to fit them on."""
    apply: Callable[[np.ndarray, Params], np.ndarray]
    """(one prediction, parameters) -> decision, float32 in the shape of an encoded target."""
    fit: Callable[[Pairs, Metric, int], Params] | None = None
    """(targets and out-of-fold predictions, metric, seed) -> parameters. It may iterate the pairs
    several times. None if the decision has nothing to fit."""
    names: tuple[str, ...] = ()
    """What the parameters are called in tables: ("threshold",)."""
    apply_rows: Callable[[np.ndarray, Params], np.ndarray] | None = None
    """(predictions (N, K), parameters) -> decisions float32 (N, T), each as `apply` decides it.
    None: `apply` decides one after the other, which takes longer."""


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """How a model that is not a network, such as gradient boosting, learns a task.

    What it learns is `kind`: the index of a class (N,), one 0 or 1 per label (N, K), or numbers
    (N, K). What it returns is float (N, classes), shares of sum 1, or float (N, K), the probability
    of each label or the numbers.
    """

    kind: Literal["classes", "labels", "values"]
    learn: Callable[[np.ndarray], np.ndarray]
    """Encoded targets float32 (N, T) -> what the model learns, such as log(1 + value)."""
    predict: Callable[[np.ndarray], np.ndarray]
    """What the model returns -> predictions float32 (N, `Task.outputs`)."""


@dataclass(frozen=True, kw_only=True)
class ExclusiveClasses:
    """How a task whose classes exclude each other writes their probabilities."""

    probabilities: Callable[[np.ndarray], np.ndarray]
    """Predictions (N, `Task.outputs`) -> the probability of each class, float64 (N, K), sum 1."""
    predictions: Callable[[np.ndarray], np.ndarray]
    """Probabilities (N, K) -> predictions float32 (N, `Task.outputs`)."""


@dataclass(frozen=True, kw_only=True)
class PseudoTargets:
    """How a prediction of a network becomes a target that another training learns from.

    A target of a task of numbers is a value of `Sample.target`. That of a task of images is an
    array (H, W, C), which stands for what the reader returns.
    """

    hard: Callable[[np.ndarray], Any]
    """One prediction -> the target that it most probably means, valid for `Task.check`."""
    soft: Callable[[np.ndarray], Any] | None = None
    """One prediction -> a target that keeps how sure it is, such as shares of the classes. None:
    there is no other target than the hard one."""
    soft_losses: tuple[str, ...] | None = None
    """Names of the losses that learn soft targets; "own" is that of a competition. None: all."""
    encode: Callable[[np.ndarray], np.ndarray] | None = None
    """A target as the reader returns it, soft or not -> the encoded target, of one shape for both.
    None: `Task.encode` takes both."""
    soften: Callable[[torch.Tensor, float], torch.Tensor] | None = None
    """What `Task.soften` does, of the targets that `encode` returns; None: `Task.soften` itself."""
    confidence: Callable[[np.ndarray], float] | None = None
    """One prediction -> the probability of its hard target, of several labels the smallest; None:
    predictions do not say how sure they are."""


def accept_any(_target: Target) -> str:
    """The check of a task that accepts every target."""
    return ""


def no_names(_target: Target) -> tuple[str, ...]:
    """The label names of a task without labels."""
    return ()


def unchanged(value: Any) -> Any:
    """The encoding, activation or softening of a task that needs none."""
    return value


def accept_any_metric(_metric: Metric) -> str:
    """The check of a task that leaves the metric to the check before training."""
    return ""


def no_scores(_pairs: Pairs, _params: Params, _seed: int) -> Sequence[Any]:
    """The further scores of a task that has only its metric."""
    return ()


@dataclass(frozen=True, kw_only=True)
class Task:
    """What is predicted. All functions can be pickled."""

    kind: str
    """For messages: "two classes", "several labels", "grades"."""
    losses: tuple[str, ...]
    """Values of `loss.name` that fit; the first is the default."""
    make_loss: Callable[[str, LossConfig, Sequence[Sample]], Loss]
    """(a name of `losses`, settings, training samples of the fold) -> loss.

    Raises ConfigError if the loss does not support class weights or smoothing that are set."""
    output: Literal["numbers", "image"] = "numbers"
    """A prediction is float32 (K,), or an image (H, W, K) of the size of the input: flips are
    undone, and large images are predicted in tiles."""
    outputs: int = 1
    """K, the values of one prediction."""
    labels: tuple[str, ...] = ()
    """Names of the classes, labels or columns, in the order of their indices."""
    head_outputs: Callable[[str], int] | None = None
    """Name of a loss -> raw outputs of the network; None: `outputs`."""
    check: Callable[[Target], str] = accept_any
    """The problem of a sample's target, such as "is not one of the 3 classes"; "" if it is valid.
    It sees numbers, vectors and paths, and does not open a file."""
    check_image: Callable[[np.ndarray], str] | None = None
    """The problem of a decoded target image, "" if it is valid. None if every image is."""
    check_metric: Callable[[Metric], str] = accept_any_metric
    """The problem of a metric that would score something else than the submission, or cannot score
    the predictions, with the remedy; "" if it fits."""
    places: tuple[str, ...] = ()
    """Labels whose numbers seem to depend on the place in the image, such as coordinates:
    augmentation moves the image, but not these numbers, and the user is warned."""
    options: Mapping[str, Any] = field(default_factory=dict, hash=False)
    """What the author of the plugin chose and the meaning of the outputs depends on, such as the
    scale of a number, in values of JSON. run.json records it, and a run is not resumed or predicted
    with other values."""
    encode: Callable[[np.ndarray], np.ndarray] = unchanged
    """A target as the reader returns it -> the target that losses and metrics see. uint8 images
    that stay uint8 are scaled to 0..1 later; everything else is float32."""
    label_names: Callable[[Target], tuple[str, ...]] = no_names
    """Names of the labels that a valid target has: one class, several labels, a grade; () for
    numbers and images. Folds are stratified and classes are counted by them."""
    soften: Callable[[torch.Tensor, float], torch.Tensor] | None = None
    """(encoded targets (N, T), label smoothing) -> targets that can be mixed linearly, such as the
    shares of the classes (N, K). The loss gets them. None: the loss gets the encoded targets, and
    mixup, CutMix and smoothing are refused."""
    prepare: Callable[[torch.nn.Module, Sequence[Sample]], None] | None = None
    """(new network, training samples of the fold) -> None: sets what the network knows of the
    training targets, such as their mean and standard deviation."""
    activation: Callable[[torch.Tensor], torch.Tensor] | None = None
    """Raw outputs (N, ...) -> predictions, such as a sigmoid or a clip; None changes nothing."""
    decision: Decision | None = None
    """None if predictions are submitted as they are."""
    scores: Callable[[Pairs, Params, int], Sequence[Any]] = no_scores
    """(pairs, decision parameters, seed) -> tables of further scores, as
    `comp.inference.scores.Scores`."""
    estimate: Estimate | None = None
    """How a model that is not a network learns it; None: only networks can."""
    exclusive: ExclusiveClasses | None = None
    """The classes of `labels` exclude each other, a target is the index of one, and a decision is
    one; so the class shares of the test can be estimated. None: they do not, or are no classes."""
    pseudo: PseudoTargets | None = None
    """How predictions become targets for `comp pseudo`; None: they cannot."""
    suspects: Literal["classes", "labels", "errors"] = "errors"
    """How `comp suspects` ranks samples whose target may be wrong: "classes", by the probabilities
    of `exclusive`; "labels", by the probability of each label; "errors", by the distance between
    target and prediction, which is no probability of a wrong target."""
    restores: bool = False
    """The target is the image itself, restored, so that an image must not be changed alone."""
    reports: tuple[str, ...] = ()
    """Pictures that make sense: "example" draws input, prediction and target side by side."""


class DecidedPairs(Iterable[Pair]):
    """Pairs with decisions in place of predictions; each iteration makes them again.

    The decision of a prediction that is not finite is NaN, so that a metric does not score it.

    Args:
        params_of: the parameters of the decision of a pair.
    """

    def __init__(
        self,
        decision: Decision,
        pairs: Pairs,
        params_of: Callable[[Any], Params],
    ) -> None:
        self.decision, self.pairs, self.params_of = decision, pairs, params_of

    def __iter__(self) -> Iterator[Pair]:
        for pair in self.pairs:
            target, prediction = pair
            decided = decide(self.decision, prediction, self.params_of(pair))
            name, group = getattr(pair, "id", ""), getattr(pair, "group", None)
            yield Pair(target, decided, name, group)

    def arrays(self) -> PairArrays | None:
        """The decisions as arrays, if the pairs are arrays and `apply_rows` can decide them."""
        known, apply = arrays_of(self.pairs), self.decision.apply_rows
        if known is None or apply is None or not len(known):
            return None
        import numpy as np

        rows: dict[Params, list[int]] = {}
        for row, pair in enumerate(known):
            rows.setdefault(self.params_of(pair), []).append(row)
        decided = None
        for params, chosen in rows.items():
            found = apply(known.predictions[chosen], params)  # a copy, in which it may work
            if decided is None:
                decided = np.empty((len(known), found.shape[1]), dtype=np.float32)
            decided[chosen] = found
        assert decided is not None
        decided[~np.isfinite(known.predictions).all(axis=1)] = np.nan
        return replace(known, predictions=decided)


def decisions(task: Task, pairs: Pairs, params: Params) -> DecidedPairs:
    """The pairs with the decisions of a task, all with the same parameters."""
    assert task.decision is not None
    return DecidedPairs(task.decision, pairs, lambda _pair: params)


def decide(decision: Decision, prediction: np.ndarray, params: Params) -> np.ndarray:
    """The decision of one prediction, float32; NaN if the prediction is not finite."""
    import numpy as np

    decided = decision.apply(prediction.copy(), params)  # it may work in place
    if np.isfinite(prediction).all():
        return decided
    return np.full_like(decided, np.nan, dtype=np.float32)

"""Scores of decided masks with 95 % intervals."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from comp.contract.metric import Pair, Pairs
from comp.contract.task import DecidedPairs, Decision, Params
from comp.tasks.mask_decision import DEFAULT

if TYPE_CHECKING:
    import numpy as np

    from comp.inference.estimates import Estimate
    from comp.inference.scores import Scores


class Planes(Iterable[Pair]):
    """Pairs with some planes of target and prediction; each iteration selects them again."""

    def __init__(self, pairs: Pairs, indices: Sequence[int]) -> None:
        self.pairs, self.indices = pairs, list(indices)

    def __iter__(self) -> Iterator[Pair]:
        for pair in self.pairs:
            target, prediction = (array[..., self.indices] for array in pair)
            name, group = getattr(pair, "id", ""), getattr(pair, "group", None)
            yield Pair(target, prediction, name, group)


@dataclass(frozen=True)
class ScoreOfPlanes:
    """The score `of_planes`, of the planes `indices` alone."""

    of_planes: Callable[[Pairs], float]
    indices: tuple[int, ...]

    def __call__(self, pairs: Pairs) -> float:
        """The score of pairs with all planes."""
        return self.of_planes(Planes(pairs, self.indices))


def submitted_scores(
    decision: Decision,
    names: Sequence[str],
    indices: Sequence[int],
    pairs: Pairs,
    params: Params,
    seed: int,
) -> list[Scores]:
    """`mask_scores` of the submitted planes alone, whose labels are `names`."""
    decided = Planes(DecidedPairs(decision, pairs, lambda _pair: params), indices)
    return mask_scores(names, decided, lambda masks, _params: masks, [()], seed)


def mask_scores(
    names: Sequence[str],
    pairs: Pairs,
    decide: Callable[[np.ndarray, Params], np.ndarray],
    tried: Sequence[Params],
    seed: int,
) -> list[Scores]:
    """The scores of the decisions with each of `tried`; the pairs are read once.

    `estimates` contains dice and iou (means over all masks, 1 if truth and decision are empty), and
    the share of masks that are correctly empty or not; with several classes also the dice of each.
    `confusion` counts masks that are empty and not. The bootstrap draws whole groups.
    """
    import numpy as np

    from comp.contract.scoring.masks import PLANE_SCORES, Overlap, dice, iou
    from comp.inference.measures import confusion
    from comp.inference.scores import Scores

    counts, groups = _count(pairs, decide, tried)
    result = []
    for index, params in enumerate(tried):
        common, target, decided = counts[:, :, index].transpose(1, 0, 2)
        overlap = Overlap(common.ravel(), target.ravel(), decided.ravel())
        of_planes = {
            name: PLANE_SCORES[score](overlap).reshape(common.shape)
            for name, score in {"dice": dice, "iou": iou}.items()
        }
        truth, decision = (target > 0).astype(np.int64), (decided > 0).astype(np.int64)
        of_images = {name: values.mean(1) for name, values in of_planes.items()}
        of_images["empty_or_not"] = (truth == decision).mean(1)
        if len(names) > 1:
            columns = zip(names, of_planes["dice"].T, strict=True)
            of_images |= {f"dice of {name}": column for name, column in columns}
        matrix = confusion(truth.ravel(), decision.ravel(), np.ones(truth.size), 2)
        result.append(
            Scores(
                classes=("empty", "not empty"),
                threshold=params[0] if len(names) == 1 and params else None,
                n=len(counts),
                n_groups=len(set(groups)),
                positives=int(truth.sum()) if len(names) == 1 else None,
                estimates=_estimates(of_images, groups, seed),
                confusion=tuple(tuple(int(cell) for cell in row) for row in matrix),
                heading="at 0.5" if tuple(params) == DEFAULT * len(names) else "as submitted",
                draws=_draws(len(counts), len(of_images)),
            )
        )
    return result


def _count(
    pairs: Pairs, decide: Callable[[np.ndarray, Params], np.ndarray], tried: Sequence[Params]
) -> tuple[np.ndarray, list[str]]:
    """Pixels in both masks, in the target and in the decision, int64 (N, 3, len(tried), K), and the
    group of each pair."""
    import numpy as np

    rows: list[Any] = []
    groups: list[str] = []
    for pair in pairs:
        target, prediction = pair
        groups.append(str(getattr(pair, "group", None) or getattr(pair, "id", len(groups))))
        inside = np.asarray(target) > 0
        decided = [decide(prediction, params) > 0 for params in tried]
        parts = [(inside & mask, inside, mask) for mask in decided]
        rows.append([[planes.sum((0, 1)) for planes in part] for part in zip(*parts, strict=True)])
    return np.array(rows), groups


def _estimates(
    of_images: dict[str, np.ndarray], groups: Sequence[str], seed: int
) -> dict[str, Estimate]:
    import numpy as np

    from comp.inference.estimates import estimate_of
    from comp.inference.measures import group_draws

    values = np.array(list(of_images.values()))  # (scores, N)
    draws = group_draws(groups, _draws(len(groups), len(values)), seed)
    drawn = np.array([values @ weights / weights.sum() for weights in draws])
    count = len(set(groups))
    return {
        name: estimate_of(float(mean), column, count, share=name == "empty_or_not")
        for name, mean, column in zip(of_images, values.mean(1), drawn.T, strict=True)
    }


def _draws(images: int, scores: int) -> int:
    from comp.inference.draws import draws_for

    return draws_for(images, scores)

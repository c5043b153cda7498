"""Class shares of a test set without labels, and predictions that are re-weighted for them.

Assumption: the test samples of a class look like the training samples of this class, and only the
shares of the classes differ (label shift). It can be wrong, and nothing here can see that.

Notation: p are the predicted probabilities (N, K) of classes that exclude each other, s the shares
of the classes out of fold, t those of the test. Calibrated probabilities are

    q = softmax(a log p + b),

with one number a and a bias b for each class, fitted on the out-of-fold predictions by maximum
likelihood. Without calibration the estimates below follow the errors of an overconfident network
(Alexandari, Kundaje and Shrikumar, Maximum Likelihood with Bias-Corrected Calibration is
Hard-To-Beat at Label Shift Adaptation, ICML 2020: bias-corrected temperature scaling). The mean of
q out of fold is s, so without a shift both methods return s.

- em: t maximizes the likelihood of the test predictions, sum_i log sum_k t_k q_ik / s_k, by the
  iteration t_k <- mean_i of (t_k q_ik / s_k) / sum_j (t_j q_ij / s_j) (Saerens, Latinne and
  Decaestecker, Adjusting the Outputs of a Classifier to New a Priori Probabilities, Neural
  Computation 2002, section 2.2). Its standard deviation follows from the observed information.
- bbse: t = s * w with C w = m, where C_jk is the share of samples out of fold that are decided j
  and belong to k, and m_j the share of test samples that are decided j (Lipton, Wang and Smola,
  Detecting and Correcting for Label Shift with Black Box Predictors, ICML 2018, section 3).
  Negative values become 0.

Re-weighted predictions are p'_k ~ p_k (t_k / s_k)^(1/a), with sum 1. For a = 1 this is equation 2.4
of Saerens et al. The exponent makes the calibrated p' exactly q_k t_k / s_k with sum 1, because
a log p' + b = log q + log(t / s) up to a constant. So a decision that was fitted out of fold stays
right for the new shares: of two classes, p' >= threshold holds if and only if the calibrated and
re-weighted probability reaches the calibrated threshold, that is, if and only if the odds of p
reach those of the threshold divided by (t_1 s_0 / (t_0 s_1))^(1/a). The order of the predictions of
two classes does not change.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.optimize import minimize
from scipy.special import log_softmax, softmax

Method = Literal["em", "bbse"]

LEAST = 32
"""Fewest test samples whose class shares are estimated."""
CLIP = 1e-7
"""Probabilities below this are taken as this: a submission has 7 decimals."""
SHARPEST = 5.0
"""Largest a, and 1 / smallest a: classes that predictions separate completely have no best a."""
ROUNDS, CLOSE = 2000, 1e-7
"""Most iterations of EM, and the largest change of a share at which it ends."""
SINGULAR = 1e-3
"""Least singular value of the decisions by class, of which each column has the sum 1."""


class NoEstimateError(Exception):
    """The shares cannot be estimated; the message says why."""


@dataclass(frozen=True, kw_only=True)
class Calibration:
    """q = softmax(`sharpness` * log p + `bias`), with one bias for each class."""

    sharpness: float
    bias: tuple[float, ...]

    def apply(self, probabilities: np.ndarray) -> np.ndarray:
        """Calibrated probabilities (..., K) float64 of probabilities (..., K)."""
        logits = np.log(np.clip(probabilities, CLIP, 1.0))
        q: np.ndarray = softmax(self.sharpness * logits + np.array(self.bias), axis=-1)
        return q


@dataclass(frozen=True, kw_only=True)
class ShareEstimate:
    """Class shares out of fold and of the test, the standard deviations of those of the test, which
    count the samples as independent, and the a of the calibration."""

    method: Method
    out_of_fold: tuple[float, ...]
    test: tuple[float, ...]
    deviation: tuple[float, ...]
    sharpness: float


@dataclass(frozen=True, kw_only=True)
class SharesInput:
    """What shares are estimated from.

    `targets` int (N,), `probabilities` (N, K) and `decided` int (N,) are out of fold, of networks
    that each predicted a part. `test` (F, M, K) and `test_decided` (F, M) are the predictions of
    these F networks for the M test samples: those of one network, and not of their mean, are what
    the out-of-fold predictions describe.
    """

    targets: np.ndarray
    probabilities: np.ndarray
    decided: np.ndarray
    test: np.ndarray
    test_decided: np.ndarray


def calibrate(targets: np.ndarray, probabilities: np.ndarray) -> Calibration:
    """Fit a calibration on targets int (N,) and probabilities (N, K)."""
    logits = np.log(np.clip(np.asarray(probabilities, dtype=np.float64), CLIP, 1.0))
    count, classes = logits.shape
    truth = np.eye(classes)[targets]

    def loss(values: np.ndarray) -> tuple[float, np.ndarray]:
        log_q = log_softmax(values[0] * logits + values[1:], axis=1)
        error = (np.exp(log_q) - truth) / count
        gradient = np.array([(error * logits).sum(), *error.sum(0)])
        return -float((truth * log_q).sum()) / count, gradient

    bounds = [(1 / SHARPEST, SHARPEST), *[(-20.0, 20.0)] * classes]
    start = np.array([1.0, *[0.0] * classes])
    options = {"maxiter": 500, "ftol": 1e-13, "gtol": 1e-9}
    found = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds, options=options)
    a, *bias = found.x.tolist()
    return Calibration(sharpness=a, bias=tuple(bias))


def estimate_shares(method: Method, data: SharesInput) -> ShareEstimate:
    """Estimate the class shares of the test.

    Raises:
        NoEstimateError: a class has no sample out of fold, there are too few test samples, or the
            decisions do not tell the classes apart.
    """
    classes, images = data.probabilities.shape[1], data.test.shape[1]
    counts = np.bincount(data.targets, minlength=classes)
    if not counts.all():
        raise NoEstimateError(f"class {int(counts.argmin())} has no sample out of fold")
    if images < LEAST:
        raise NoEstimateError(f"{images} test samples are too few, {LEAST} are needed")
    source = counts / counts.sum()
    calibration = calibrate(data.targets, data.probabilities)
    if method == "em":
        rows = calibration.apply(data.test).reshape(-1, classes)
        shares = em_shares(rows, source)
        deviation = em_deviation(rows, source, shares) * np.sqrt(len(data.test))
    else:
        shares, deviation = bbse_shares(data, source)
    return ShareEstimate(
        method=method,
        out_of_fold=tuple(source.tolist()),
        test=tuple(shares.tolist()),
        deviation=tuple(deviation.tolist()),
        sharpness=calibration.sharpness,
    )


def em_shares(probabilities: np.ndarray, source: np.ndarray) -> np.ndarray:
    """Shares (K,) by EM, from calibrated probabilities (N, K) and the shares (K,) out of fold."""
    ratios, shares = probabilities / source, source
    for _ in range(ROUNDS):
        posterior = ratios * shares
        new = (posterior / posterior.sum(1, keepdims=True)).mean(0)
        change, shares = np.abs(new - shares).max(), new
        if change < CLOSE:
            break
    return shares


def em_deviation(probabilities: np.ndarray, source: np.ndarray, shares: np.ndarray) -> np.ndarray:
    """Standard deviations (K,) of the shares by EM, from the observed information of the first
    K - 1 shares; the last one is 1 minus the others."""
    ratios = probabilities / source
    scores = (ratios[:, :-1] - ratios[:, -1:]) / (ratios @ shares)[:, None]
    covariance = np.linalg.pinv(scores.T @ scores, hermitian=True)
    first = np.diag(covariance)
    deviation: np.ndarray = np.sqrt(np.clip([*first, covariance.sum()], 0.0, None))
    return deviation


def bbse_shares(data: SharesInput, source: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Shares (K,) by black-box shift estimation and their standard deviations (K,), which count the
    test samples alone as random.

    Raises:
        NoEstimateError: the decisions do not tell the classes apart.
    """
    classes = len(source)
    cells = np.bincount(classes * data.decided + data.targets, minlength=classes**2)
    by_class = cells.reshape(classes, classes) / (source * len(data.targets))
    if np.linalg.svd(by_class, compute_uv=False).min() < SINGULAR:
        raise NoEstimateError("the decisions do not tell all classes apart")
    decided = np.bincount(data.test_decided.ravel(), minlength=classes) / data.test_decided.size
    inverse = np.linalg.inv(by_class)  # (C diag(s)^-1)^-1: t = s * w directly
    shares = np.clip(inverse @ decided, 0.0, None)
    spread = (np.diag(decided) - np.outer(decided, decided)) / data.test_decided.shape[1]
    deviation = np.sqrt(np.clip(np.diag(inverse @ spread @ inverse.T), 0.0, None))
    return shares / shares.sum(), deviation


def reweigh(probabilities: np.ndarray, estimate: ShareEstimate, images: int) -> np.ndarray:
    """Probabilities (N, K) float64 for the estimated shares, with sum 1.

    Args:
        images: test samples; a class counts as at least half of one.
    """
    source = np.array(estimate.out_of_fold)
    shares = np.maximum(estimate.test, 0.5 / images)
    shares /= shares.sum()
    logits = np.log(np.maximum(np.asarray(probabilities, dtype=np.float64), 1e-300))
    weighted: np.ndarray = softmax(logits + np.log(shares / source) / estimate.sharpness, axis=1)
    return weighted


def keep_order(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    """`after` float32 (N,) >= 0, with no more ties than `before` float32 (N,): values that rounding
    has made equal move down by single steps of float32, so that the order is that of `before`.

    Args:
        after: a rising function of `before`, rounded to float32.
    """
    levels, index = np.unique(before, return_inverse=True)
    values = np.zeros(len(levels), dtype=np.float32)
    values[index] = after
    steps = values.view(np.int32).astype(np.int64)  # positive floats sort as their bits do
    number = np.arange(len(levels))
    steps = np.minimum.accumulate((steps - number)[::-1])[::-1] + number
    return np.maximum(steps, 0).astype(np.int32).view(np.float32)[index]

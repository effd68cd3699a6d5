"""Scores of labels and of rankings, by scikit-learn, imported where it is used since that takes a second."""

from collections.abc import Sequence

import numpy as np


def average_precision(truth: np.ndarray, scores: np.ndarray) -> float:
    """Mean precision over all thresholds, weighted by the recall each adds; ``truth`` bool (N,), ``scores`` (N,)."""
    from sklearn.metrics import average_precision_score

    return float(average_precision_score(truth, scores))


def roc_auc(truth: np.ndarray, scores: np.ndarray) -> float:
    """The probability that a positive has a higher score than a negative."""
    from sklearn.metrics import roc_auc_score

    return float(roc_auc_score(truth, scores))


def precision_recall(truth: np.ndarray, scores: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Precision and recall at every threshold."""
    from sklearn.metrics import precision_recall_curve

    precision, recall, _ = precision_recall_curve(truth, scores)
    return precision, recall


def f1_of_labels(truth: Sequence[str], found: Sequence[str], labels: Sequence[str]) -> dict[str, float]:
    """The F1 score of each label; 0 for one that is neither there nor found."""
    from sklearn.metrics import f1_score

    scores = f1_score(truth, found, labels=list(labels), average=None, zero_division=0)
    return dict(zip(labels, scores.tolist(), strict=True))


def confusion_matrix(truth: Sequence[str], found: Sequence[str], labels: Sequence[str]) -> np.ndarray:
    """Counts (V, V) of (true, found) labels, in the order of ``labels``."""
    from sklearn import metrics

    return metrics.confusion_matrix(truth, found, labels=list(labels))

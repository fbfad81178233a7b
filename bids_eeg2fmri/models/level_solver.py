"""Regularised logistic regression for ordered or unordered classes, on few rows and many features."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize
from scipy.special import expit
from sklearn.linear_model import LogisticRegression

from bids_eeg2fmri.models.class_probabilities import balancing_weights, class_probabilities
from bids_eeg2fmri.records import Floats, Labels

#: Cuts that no row lies beyond would run away.
_FURTHEST_CUT = 20.0
#: No probability counts as lower than this in the choice of the penalty.
_LOWEST = 1e-6


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LinearLogits:
    """A linear classifier of every target.

    Attributes
    ----------
    weights : array, shape (n_features, n_targets, n_slopes)
        One slope where classes are ordered, else one per class.
    offsets : array, shape (n_targets, n_logits)
    """

    weights: Floats
    offsets: Floats

    def logits(self, features: Floats) -> Floats:
        """Return (n_rows, n_targets, n_logits) of features (n_rows, n_features)."""
        return np.asarray(np.tensordot(features, self.weights, axes=1) + self.offsets)


@dataclass(frozen=True, slots=True, kw_only=True)
class LogisticProblem:
    """What is the same in all fits: number of classes, whether they are ordered, whether they count alike."""

    n_classes: int
    ordinal: bool
    balance: bool

    def solve(self, features: Floats, labels: Labels, *, penalties: Floats) -> LinearLogits:
        """Fit every target with its own penalty.

        Ordered classes share one slope (all-threshold logistic regression, Rennie and Srebro 2005): convex,
        and with as many parameters as a regression. Unordered ones are scikit-learn's multinomial.

        Parameters
        ----------
        features : array, shape (n_rows, n_features)
        labels : array of int64, shape (n_rows, n_targets)
            -1: the row is not learned from.
        penalties : array, shape (n_targets,)
            In units of the mean square of the rows.
        """
        # As good as all features, and no more of them than rows.
        left, sizes, axes = np.linalg.svd(features, full_matrices=False)
        kept = sizes > max(sizes[0], 1e-12) * 1e-7
        reduced, axes = left[:, kept] * sizes[kept], axes[kept]
        unit = max(float(np.square(features).sum()) / len(features), 1e-12)
        solve = self._solve_ordinal if self.ordinal else self._solve_multinomial
        found = solve(reduced, labels, penalties * unit)
        return LinearLogits(weights=np.tensordot(axes.T, found.weights, axes=1), offsets=found.offsets)

    def choose_penalties(
        self,
        folds: Sequence[tuple[tuple[Floats, Labels], tuple[Floats, Labels]]],
        penalties: Sequence[float],
    ) -> Floats:
        """Return the penalty of each target, (n_targets,), that gives held-out labels the highest likelihood.

        Parameters
        ----------
        folds : sequence of ((features, labels) to learn from, (features, labels) held out)
        penalties : sequence of float
        """
        n_targets = folds[0][0][1].shape[1]
        losses = np.zeros((len(penalties), n_targets))
        for (features, labels), (held_features, held_labels) in folds:
            weights = balancing_weights(held_labels, self.n_classes, balance=self.balance)
            for k, penalty in enumerate(penalties):
                found = self.solve(features, labels, penalties=np.full(n_targets, penalty))
                probabilities = class_probabilities(found.logits(held_features), ordinal=self.ordinal)
                right = np.take_along_axis(probabilities, np.maximum(held_labels, 0)[:, :, None], axis=2)
                losses[k] -= (weights * np.log(np.maximum(right[:, :, 0], _LOWEST))).sum(axis=0)
        chosen: Floats = np.asarray(penalties, dtype=np.float64)[np.argmin(losses, axis=0)]
        return chosen

    def _solve_ordinal(self, features: Floats, labels: Labels, penalties: Floats) -> LinearLogits:
        """Minimise the loss of all targets at once; they share nothing but the minimiser's steps."""
        n_features, n_targets, n_cuts = features.shape[1], labels.shape[1], self.n_classes - 1
        weights = balancing_weights(labels, self.n_classes, balance=self.balance)[:, :, None]
        above = labels[:, :, None] > np.arange(n_cuts)
        n_slopes = n_features * n_targets

        def loss(parameters: Floats) -> tuple[float, Floats]:
            slopes = parameters[:n_slopes].reshape(n_features, n_targets)
            logits = (features @ slopes)[:, :, None] + parameters[n_slopes:].reshape(n_targets, n_cuts)
            value = (weights * (np.logaddexp(0.0, logits) - above * logits)).sum()
            error = weights * (expit(logits) - above)
            gradient = features.T @ error.sum(axis=2) + penalties * slopes
            return (
                float(value + 0.5 * (penalties * np.square(slopes)).sum()),
                np.concatenate([gradient.ravel(), error.sum(axis=0).ravel()]),
            )

        share = (weights * above).sum(axis=0) / np.maximum(weights.sum(axis=0), 1e-12)
        share = np.clip(share, 1e-6, 1 - 1e-6)
        start = np.concatenate([np.zeros(n_slopes), np.log(share / (1 - share)).ravel()])
        bounds = [(None, None)] * n_slopes + [(-_FURTHEST_CUT, _FURTHEST_CUT)] * (n_targets * n_cuts)
        found = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds, options={"maxiter": 300})
        return LinearLogits(
            weights=found.x[:n_slopes].reshape(n_features, n_targets, 1),
            offsets=found.x[n_slopes:].reshape(n_targets, n_cuts),
        )

    def _solve_multinomial(self, features: Floats, labels: Labels, penalties: Floats) -> LinearLogits:
        """Fit one target after the other; a class without rows is left with next to no probability."""
        n_targets = labels.shape[1]
        weights = balancing_weights(labels, self.n_classes, balance=self.balance)
        slopes = np.zeros((features.shape[1], n_targets, self.n_classes))
        offsets = np.full((n_targets, self.n_classes), -_FURTHEST_CUT)
        for target in range(n_targets):
            rows = labels[:, target] >= 0
            present = np.unique(labels[rows, target])
            if len(present) == 1:
                offsets[target, present] = 0.0
                continue
            model = LogisticRegression(C=1.0 / penalties[target], max_iter=1000)
            model.fit(features[rows], labels[rows, target], sample_weight=weights[rows, target])
            both = len(present) == 2  # scikit-learn then has the logit of the second alone
            slopes[:, target, present] = (
                np.vstack([-model.coef_, model.coef_]) / 2 if both else model.coef_
            ).T
            intercept = model.intercept_
            offsets[target, present] = np.concatenate([-intercept, intercept]) / 2 if both else intercept
        return LinearLogits(weights=slopes, offsets=offsets)

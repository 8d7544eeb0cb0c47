"""Soft cross-entropy over bins, Wasserstein-1 and the gate: what each tells of a prediction, and what it does not."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from trainvitals.diagnostics.landscape.picture import Curve, Landscape, Plot, Scale
from trainvitals.parsers.model import Floats

PEAK = 20.0
"""Logit at the predicted centre, against 0 for each word that is no coordinate."""
FARTHEST = 60
"""Bins between truth and prediction, at most."""


@dataclass(frozen=True, slots=True)
class Options:
    """The target (sigma and truncation in bins), the temperature, and how many bins and other words there are."""

    sigma: float = 2.0
    truncate: float | None = 8.0
    temperature: float = 1.0
    bins: int = 1000
    vocabulary: int = 150_000

    @property
    def true(self) -> int:
        """The bin of the truth: the middle one."""
        return self.bins // 2

    def checked(self) -> Options:
        """Itself.

        Raises:
            ValueError: a number with which nothing can be computed.
        """
        positive = (self.sigma, self.temperature, 1.0 if self.truncate is None else self.truncate)
        if not all(0 < number < math.inf for number in positive):
            raise ValueError("sigma, truncation and temperature must be positive")
        if not 4 * FARTHEST <= self.bins <= 10_000 or self.vocabulary <= self.bins:
            raise ValueError(f"bins must be {4 * FARTHEST} to 10000, within a larger vocabulary")
        return self


def target(bins: int, true: float, sigma: float, truncate: float | None) -> Floats:
    """A Gaussian around the true bin, 0 beyond `truncate` bins, 1 in sum, `(bins,)`."""
    distance = np.arange(bins) - true
    weights = np.exp(-0.5 * (distance / sigma) ** 2)
    if truncate is not None:
        weights = np.where(np.abs(distance) <= truncate, weights, 0.0)
    return np.asarray(weights / weights.sum())


def logits(bins: int, centre: float, width: float, peak: float = PEAK) -> Floats:
    """Logits `(bins,)` whose softmax is a Gaussian of this centre and width, with this logit at its centre."""
    return np.asarray(peak - 0.5 * ((np.arange(bins) - centre) / width) ** 2)


def softmax(values: Floats) -> Floats:
    """Probabilities of logits `(k,)`."""
    found = np.exp(values - values.max())
    return np.asarray(found / found.sum())


def soft_ce(values: Floats, goal: Floats, temperature: float = 1.0) -> float:
    """Cross-entropy of logits `(k,)` to a distribution `(k,)`, in nats."""
    scaled = values / temperature
    log_softmax = scaled - scaled.max() - math.log(np.exp(scaled - scaled.max()).sum())
    return float(-(goal * log_softmax).sum())


def w1(probabilities: Floats, goal: Floats) -> float:
    """How far probability must move, as a fraction of the axis; both `(k,)`."""
    return float(np.abs(np.cumsum(probabilities - goal)).sum() / (goal.size - 1))


def gate(values: Floats, others: int) -> float:
    """Minus the logarithm of the mass on coordinates, for logits `(k,)` beside `others` words of logit 0."""
    top = max(float(values.max()), 0.0)
    inside = float(np.exp(values - top).sum())
    return math.log1p(others * math.exp(-top) / inside)


def soft_ce_gradient(values: Floats, goal: Floats, temperature: float = 1.0) -> Floats:
    """Derivative of the soft cross-entropy by each logit, `(k,)`."""
    return np.asarray((softmax(values / temperature) - goal) / temperature)


def w1_gradient(values: Floats, goal: Floats, temperature: float = 1.0) -> Floats:
    """Derivative of W1 by each logit, `(k,)`."""
    found = softmax(values / temperature)
    side = np.sign(np.round(np.cumsum(found - goal), 15))
    # A probability is in all cumulative sums from its own bin on.
    by_probability = np.cumsum(side[::-1])[::-1] / (goal.size - 1)
    return np.asarray(found * (by_probability - found @ by_probability) / temperature)


def lacking(added: Floats, present: Floats) -> float:
    """Size of the part of one gradient that is at right angles to another, both `(k,)`: what that one lacks."""
    along = float(added @ present) / max(float(present @ present), 1e-300)
    return float(np.linalg.norm(added - along * present))


def entropy(goal: Floats) -> float:
    """Entropy in nats: the least value of a soft cross-entropy."""
    some = goal[goal > 0]
    return float(-(some * np.log(some)).sum())


@dataclass(frozen=True, slots=True, eq=False)
class Swept:
    """Soft CE, W1 and gate, sizes of the first two's gradients, and what W1's adds, at each prediction `(n,)`."""

    at: Floats
    soft_ce: Floats
    w1: Floats
    gate: Floats
    soft_ce_gradient: Floats
    w1_gradient: Floats
    added: Floats


def swept(options: Options, at: Floats, predictions: list[Floats]) -> Swept:
    """All six for predictions given as logits `(bins,)`."""
    goal, t = target(options.bins, options.true, options.sigma, options.truncate), options.temperature
    rows = []
    for values in predictions:
        ce, way = soft_ce_gradient(values, goal, t), w1_gradient(values, goal, t)
        losses = (
            soft_ce(values, goal, t),
            w1(softmax(values / t), goal),
            gate(values, options.vocabulary - options.bins),
        )
        rows.append((*losses, float(np.linalg.norm(ce)), float(np.linalg.norm(way)), lacking(way, ce)))
    return Swept(at, *np.array(rows).T)


def by_centre(options: Options) -> Swept:
    """Predictions as wide as the target, ever further from it."""
    away = np.arange(FARTHEST + 1, dtype=np.float64)
    return swept(options, away, [logits(options.bins, options.true + a, options.sigma) for a in away])


def by_width(options: Options) -> Swept:
    """Predictions around the truth, from half a bin to 50 bins wide."""
    widths = np.geomspace(0.5, 50.0, 80)
    return swept(options, widths, [logits(options.bins, options.true, float(w)) for w in widths])


def by_second_mode(options: Options) -> Swept:
    """Half of the prediction on the truth, the other half ever further away."""
    away = np.arange(FARTHEST + 1, dtype=np.float64)
    one = logits(options.bins, options.true, options.sigma)
    pairs = [np.logaddexp(one, logits(options.bins, options.true + a, options.sigma)) for a in away]
    return swept(options, away, pairs)


def landscape(options: Options) -> Landscape:
    """The target, the three losses over centre and width of the prediction, and where W1 adds a gradient.

    Raises:
        ValueError: an option with which nothing can be computed.
    """
    options = options.checked()
    centre, width, second = by_centre(options), by_width(options), by_second_mode(options)
    away = Scale("bins between truth and predicted centre")
    cut = "not truncated" if options.truncate is None else f"truncated at {options.truncate:g}"
    return Landscape(
        "softce",
        f"soft cross-entropy: sigma {options.sigma:g}, {cut}, temperature {options.temperature:g}",
        _told(options, centre, width, second),
        (
            _targets(options),
            Plot("losses over the predicted centre", away, Scale("loss", log=True, low=1e-6), _losses(centre)),
            Plot(
                "losses over the predicted width",
                Scale("width in bins", log=True),
                Scale("loss", log=True, low=1e-6),
                _losses(width),
            ),
            Plot(
                "half of the mass on the truth, half further away",
                Scale("bins between both modes"),
                Scale("loss", log=True, low=1e-6),
                _losses(second),
            ),
            Plot(
                "size of the gradient on the logits over the predicted centre",
                away,
                Scale("gradient", log=True, low=1e-6),
                (
                    Curve("soft CE", centre.at, centre.soft_ce_gradient),
                    Curve("W1", centre.at, centre.w1_gradient, 1),
                    Curve("part of W1's that soft CE lacks", centre.at, centre.added, 1, "dashed"),
                ),
            ),
        ),
    )


def _losses(found: Swept) -> tuple[Curve, ...]:
    parts = (("soft CE", found.soft_ce), ("W1", found.w1), ("gate", found.gate))
    return tuple(Curve(name, found.at, _positive(values), i) for i, (name, values) in enumerate(parts))


def _positive(values: Floats) -> Floats:
    """What a logarithmic axis can show."""
    return np.where(values > 1e-12, values, math.nan)


def _targets(options: Options) -> Plot:
    reach = math.ceil(max(8.0, 5 * options.sigma))
    offset = np.arange(-reach, reach + 1, dtype=np.float64)
    shown = slice(options.true - reach, options.true + reach + 1)
    sigmas = dict.fromkeys((options.sigma, 1.5, 3.0))
    curves = [
        Curve(f"sigma {s:g}", offset, target(options.bins, options.true, s, options.truncate)[shown], i)
        for i, s in enumerate(sigmas)
    ]
    # A model whose tempered softmax is the target has target**T, normalised, as its softmax without temperature.
    temperature = 0.9 if options.temperature == 1 else options.temperature
    raw = target(options.bins, options.true, options.sigma, options.truncate) ** temperature
    name = f"softmax at the optimum, temperature {temperature:g}"
    return Plot(
        "target distribution",
        Scale("bins from the truth"),
        Scale("probability", low=0.0),
        (*curves, Curve(name, offset, (raw / raw.sum())[shown], 0, "dashed")),
    )


def _told(options: Options, centre: Swept, width: Swept, second: Swept) -> tuple[str, ...]:
    goal = target(options.bins, options.true, options.sigma, options.truncate)
    lost = 1 - float(target(options.bins, options.true, options.sigma, None)[goal > 0].sum())
    best = float(width.at[np.argmin(width.soft_ce)])
    far = min(20, FARTHEST)
    at_20 = (centre.w1_gradient[far] / centre.soft_ce_gradient[far], centre.added[far] / centre.w1_gradient[far])
    first = 5 + int(np.argmax(np.abs(np.diff(second.soft_ce[5:])) < 1e-3))
    return (
        f"the target has {int((goal > 0).sum())} bins, {float(goal.max()):.3f} on the true one; truncation cuts "
        f"{lost:.2g} of its mass. The least soft CE is its entropy, {entropy(goal):.4f}, not 0",
        f"soft CE is least for a prediction {best:.2g} bins wide: a narrower peak, though surer of the "
        "true bin, costs more",
        f"W1 is the distance in bins over {options.bins - 1}: {centre.w1[10]:.4f} at 10 bins, where soft CE is "
        f"{centre.soft_ce[10]:.3g}",
        f"at {far} bins the gradient of W1 on the logits is {at_20[0]:.1g} times that of soft CE, and "
        f"{100 * at_20[1]:.0f} % of it is in a direction that soft CE lacks: soft CE takes mass from where it is and "
        "gives it to the target, W1 also moves it to the next bin on the way",
        f"with half of the mass on the truth, soft CE no longer tells from {first} bins on how far the other half is "
        f"({second.soft_ce[30]:.4f} at 30 bins, {second.soft_ce[60]:.4f} at 60); W1 does ({second.w1[30]:.4f}, "
        f"{second.w1[60]:.4f})",
        f"the gate does not depend on the centre; with a logit of {PEAK:g} at the peak, against 0 for "
        f"{options.vocabulary - options.bins} other words, it falls from {width.gate[0]:.2g} at width {width.at[0]:g} "
        f"to {width.gate[-1]:.2g} at {width.at[-1]:g}",
    )

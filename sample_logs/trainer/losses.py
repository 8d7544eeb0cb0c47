"""The losses of the five loss types, as pure functions of tensors: nothing here knows a model, a file or a clock.

Sizes in the docstrings: B sequences, T tokens, N positions, V words of the vocabulary, K coordinate bins. Losses are in
nats unless another unit stands there. Where a widespread description of a loss and its mathematics disagree, the
mathematics is what is written here, and the docstring says where they part.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional

IGNORE = -100
"""The label of a position that counts for nothing, as in PyTorch and in Hugging Face models."""

# --- eos: class-weighted token cross-entropy beside coordinate regression ---------------------------------------------


def token_ce(
    logits: Tensor, labels: Tensor, class_weights: Tensor, reduction: Literal["weighted_mean", "sum"] = "weighted_mean"
) -> Tensor:
    """Cross-entropy over token types; `logits` (B, T, C), `labels` (B, T), `class_weights` (C,).

    The weighted mean divides by the sum of the weights, as PyTorch's does: a higher weight for one class then takes
    gradient away from the others. "The gradient of the others is unchanged" holds for the sum alone.
    """
    how = "mean" if reduction == "weighted_mean" else "sum"
    return functional.cross_entropy(
        logits.flatten(0, 1), labels.flatten(), class_weights, ignore_index=IGNORE, reduction=how
    )


def coordinate_l1(predicted: Tensor, true: Tensor, mask: Tensor) -> Tensor:
    """Mean of |dx| + |dy| over the masked tokens; `predicted` and `true` (B, T, 2) in [0, 1], `mask` (B, T)."""
    distance = (predicted - true).abs().sum(dim=-1)
    return (distance * mask).sum() / mask.sum().clamp(min=1)


def with_auxiliary(
    main: tuple[Tensor, Tensor], auxiliary: Sequence[tuple[Tensor, Tensor]], *, ce: float = 1.0, coords: float = 5.0
) -> Tensor:
    """Weighted sum of the (token, coordinate) losses of the last decoder layer and of all layers before it."""
    layers = [ce * token + coords * coordinate for token, coordinate in (main, *auxiliary)]
    return torch.stack(layers).sum()


def weighted_shares(counts: Mapping[str, int], weights: Mapping[str, float]) -> dict[str, float]:
    """Share of each class in the sum of weights, and so in a weighted mean whose tokens all cost the same.

    With 17 COORD at weight 1 and one EOS at 20, the EOS has 54.1 % and the coordinates 45.9 %.
    """
    total = sum(count * weights.get(name, 1.0) for name, count in counts.items())
    return {name: count * weights.get(name, 1.0) / total for name, count in counts.items()}


# --- article: token-weighted cross-entropy ----------------------------------------------------------------------------


@dataclass(frozen=True)
class ArticleLoss:
    """The weighted loss and its parts, each a scalar tensor; `loss` alone carries a gradient."""

    loss: Tensor
    a_loss: Tensor
    """Mean cross-entropy of the articles; NaN without any."""
    o_loss: Tensor
    """Mean cross-entropy of all other tokens."""
    ratio: Tensor
    perplexity: Tensor
    """exp of the unweighted mean, the only one that is a perplexity."""
    weighted_perplexity: Tensor
    """exp of the weighted loss, which is often logged under the other's name."""
    share: Tensor
    """Fraction of the tokens that are articles."""


def article_loss(logits: Tensor, labels: Tensor, article_ids: Sequence[int], weight: float) -> ArticleLoss:
    """Cross-entropy with `weight` on the articles, over the sum of weights; `logits` (N, V), `labels` (N,).

    The articles are the union of all ids: a mask that is left over from a loop over them covers the last one only.
    """
    kept = labels != IGNORE
    ce = functional.cross_entropy(logits[kept], labels[kept], reduction="none")
    article = torch.isin(labels[kept], torch.tensor(list(article_ids), device=labels.device))
    weights = torch.where(article, weight, 1.0).to(ce.dtype)
    loss = (weights * ce).sum() / weights.sum()
    values = ce.detach()
    a_loss, o_loss = values[article].mean(), values[~article].mean()
    return ArticleLoss(
        loss=loss,
        a_loss=a_loss,
        o_loss=o_loss,
        ratio=a_loss / o_loss,
        perplexity=values.mean().exp(),
        weighted_perplexity=loss.detach().exp(),
        share=article.to(ce.dtype).mean(),
    )


def weighted_influence(share: float, weight: float) -> float:
    """Part of the sum of weights that a class with this share of the tokens gets: 6 % at weight 5 get 24.2 %."""
    return share * weight / (1.0 + share * (weight - 1.0))


# --- causal_lm: the next token ----------------------------------------------------------------------------------------


def next_token_ce(logits: Tensor, labels: Tensor, items: Tensor | None = None) -> Tensor:
    """Mean over labels that are not -100, each predicted from the token before; `logits` (B, T, V), `labels` (B, T).

    `items` divides the sum instead of the number of labels here: the labels of all micro-batches of one optimizer
    step, with which the sum over these micro-batches is the mean over the whole step.
    """
    reduction = "mean" if items is None else "sum"
    loss = functional.cross_entropy(
        logits[:, :-1].flatten(0, 1), labels[:, 1:].flatten(), ignore_index=IGNORE, reduction=reduction
    )
    return loss if items is None else loss / items


# --- softce: distributions over coordinate bins -----------------------------------------------------------------------


def gaussian_targets(bins: Tensor, count: int, *, sigma: float, truncate: float | None) -> Tensor:
    """Gaussian around each true bin, 0 beyond `truncate` bins, 1 in sum; `bins` (N,), result (N, K), sigma in bins."""
    distance = torch.arange(count, device=bins.device) - bins.unsqueeze(-1)
    weights = torch.exp(-0.5 * (distance / sigma) ** 2)
    if truncate is not None:
        weights = weights * (distance.abs() <= truncate)
    return weights / weights.sum(dim=-1, keepdim=True)


def soft_ce(logits: Tensor, targets: Tensor, *, temperature: float = 1.0) -> Tensor:
    """Cross-entropy to a distribution, mean over positions; both (N, K). Its least value is the targets' entropy."""
    return -(targets * functional.log_softmax(logits / temperature, dim=-1)).sum(dim=-1).mean()


def wasserstein_1(probabilities: Tensor, targets: Tensor) -> Tensor:
    """Mean distance that probability must move, as a fraction of the axis (0 to 1); both (N, K).

    On a line it is the area between the cumulative distributions: one bin is 1 / (K - 1).
    """
    between = (probabilities - targets).cumsum(dim=-1).abs()
    return (between.sum(dim=-1) / (probabilities.shape[-1] - 1)).mean()


def gate(logits: Tensor, coordinates: Tensor) -> Tensor:
    """Minus log of the mass inside the coordinate slice, mean over positions; (N, V) and its part (N, K)."""
    return (logits.logsumexp(dim=-1) - coordinates.logsumexp(dim=-1)).mean()


@dataclass(frozen=True)
class Distribution:
    """What is logged of predicted distributions over bins; each a mean over positions without a gradient."""

    p_gt_mean: Tensor
    """Probability of the true bin."""
    margin: Tensor
    """Highest logit minus that of the true bin: 0 where the argmax is right."""
    coord_vocab_mass: Tensor
    """Probability inside the coordinate slice, of all V words."""
    acc_top5: Tensor
    accuracy: Tensor
    """Share of positions whose word of highest probability, among all V, is the true bin."""


@torch.no_grad()
def describe(logits: Tensor, coordinates: Tensor, bins: Tensor, *, temperature: float = 1.0) -> Distribution:
    """The metrics of one batch; `logits` (N, V), `coordinates` its slice (N, K), `bins` (N,)."""
    scaled = coordinates / temperature
    true = bins.unsqueeze(-1)
    top = coordinates.topk(5, dim=-1)
    inside = top.values[:, 0] >= logits.max(dim=-1).values
    return Distribution(
        p_gt_mean=scaled.softmax(dim=-1).gather(-1, true).mean(),
        margin=(scaled.max(dim=-1).values - scaled.gather(-1, true).squeeze(-1)).mean(),
        coord_vocab_mass=(coordinates.logsumexp(dim=-1) - logits.logsumexp(dim=-1)).exp().mean(),
        acc_top5=(top.indices == true).any(dim=-1).to(logits.dtype).mean(),
        accuracy=(inside & (top.indices[:, 0] == bins)).to(logits.dtype).mean(),
    )


def decode(probabilities: Tensor) -> dict[str, Tensor]:
    """Bins (N,) by argmax, mean and median of distributions (N, K).

    The mean suits one symmetric peak, the median bears tails; with two peaks the mean falls between them.
    """
    places = torch.arange(probabilities.shape[-1], device=probabilities.device, dtype=probabilities.dtype)
    half = (probabilities.cumsum(dim=-1) < 0.5).sum(dim=-1)
    return {
        "argmax": probabilities.argmax(dim=-1).to(probabilities.dtype),
        "mean": probabilities @ places,
        "median": half.clamp(max=probabilities.shape[-1] - 1).to(probabilities.dtype),
    }


# --- spatial: the three-stage distance loss ---------------------------------------------------------------------------

CLOSE, MEDIUM = 0.05, 0.1
"""Where the stages end, in normalised L1 distance."""
PIXELS_PER_UNIT = 192.0
"""Half of a 384x384 image whose coordinates reach from -1 to 1."""


def l1_distance(predicted: Tensor, true: Tensor) -> Tensor:
    """The distance |dx| + |dy| (N,) of points (N, 2) in [-1, 1]; never less than the Euclidean one."""
    return (predicted - true).abs().sum(dim=-1)


def three_stage(distance: Tensor, *, multiplier: float = 10.0) -> Tensor:
    """The loss of each normalised distance; `multiplier` belongs to the close stage. Any shape.

    It is neither continuous nor monotone: at 0.05 (9.6 px) it falls from 0.0250 to 0.0025, the cost of 3.04 px.
    An error of 10 px costs as much as one of 3.16 px, and every error between them up to 9.6 px costs more.
    """
    squared = distance.square()
    far = 0.2 * distance + 0.01
    return torch.where(distance < CLOSE, multiplier * squared, torch.where(distance < MEDIUM, squared, far))

"""Runs of the five loss types, healthy and sick, with the names under which their trainers log."""

from __future__ import annotations

import numpy as np
from curves import Floats, Rng, across, between, exponential, gradient_norm, noisy, power_law, progress, schedule
from kinds import Fault, Shape
from logs import Log, merged
from world import evaluated

# --- article: class-weighted tokens of a small language model


def _article(rng: Rng, n: int, article: Floats, other: Floats, weight: float = 5.0, share: float = 0.07) -> Log:
    """The log of an article run with these two losses, the total weighted as it should be."""
    t = progress(n)
    a, o = noisy(rng, article, 0.02), noisy(rng, other, 0.01)
    loss = (weight * share * a + (1 - share) * o) / (weight * share + 1 - share)
    columns = {
        "step": 10.0 * np.arange(1, n + 1),
        "epoch": 10 * t,
        "loss": loss,
        "a_loss": a,
        "o_loss": o,
        "ratio": a / o,
        "lr": schedule(rng, t, 3e-4, "cosine", 0.03),
        "grad_norm": gradient_norm(rng, t),
    }
    return Log(merged(columns), {"article_weight": weight}, writer="jsonl")


def article(rng: Rng, n: int) -> Log:
    """Both losses fall; the ratio climbs from 0.5 towards 0.9."""
    t = progress(n)
    other = power_law(t, 10, between(rng, 2.1, 2.4), 0.05, 0.9)
    return _article(rng, n, other * (0.5 + 0.38 * t**0.7), other)


def article_overfit(rng: Rng, n: int) -> Log:
    """The article loss falls to a fifth of the other one, which is stuck."""
    t = progress(n)
    return _article(rng, n, power_law(t, 4.5, 1.5, 0.05), 10.1 - between(rng, 0.2, 0.5) * t, between(rng, 15, 40))


def article_struggling(rng: Rng, n: int) -> Log:
    """The articles stay far behind the other tokens to the end."""
    t = progress(n)
    other = power_law(t, 9.5, 1.9, 0.03)
    return _article(rng, n, np.maximum(other * between(rng, 3.2, 4), other + 1), other, 1.0)


def article_weight(rng: Rng, n: int) -> Log:
    """The configured weight is not applied: the total is the plain mean."""
    log = article(rng, n)
    rows = [{**row, "loss": 0.07 * row["a_loss"] + 0.93 * row["o_loss"]} for row in log.rows]
    return log.also(rows=rows, config={"article_weight": float(rng.choice([5, 10])), "article_share": 0.07})


def article_ratio(rng: Rng, n: int) -> Log:
    """The ratio that is logged is not that of the losses beside it."""
    log = article(rng, n)
    by = between(rng, 1.15, 1.6)
    return log.also(rows=[{**row, "ratio": row["ratio"] * by} for row in log.rows])


def article_target(rng: Rng, n: int) -> Log:
    """Both losses fall, and at epoch 10 the ratio stands at 1.3 to 1.5."""
    t = progress(n)
    other = power_law(t, 10, 2.2, 0.05, 0.9)
    return _article(rng, n, other * (0.55 + between(rng, 0.75, 0.9) * np.minimum(1, 1.5 * t)), other)


# --- eos: class-weighted token types beside coordinate regression


def _eos(rng: Rng, n: int, **changes: Floats) -> Log:
    """A detection transformer with its auxiliary layers, one row an epoch; `changes` replace columns."""
    t = progress(n)
    columns: dict[str, Floats] = {"epoch": np.arange(n, dtype=float)}
    ce = power_law(t, 0.95, between(rng, 0.15, 0.3), 0.15)
    coords = power_law(t, 1.4, between(rng, 0.25, 0.45), 0.15)
    for name, course in (("ce", ce), ("coords", coords)):
        columns[f"train_loss_{name}"] = changes.get(f"train_loss_{name}", noisy(rng, course, 0.01))
    for layer in range(5):
        for name in ("ce", "coords"):
            columns[f"train_loss_{name}_{layer}"] = columns[f"train_loss_{name}"] * (1.25 - 0.05 * layer)
    total = np.zeros(n)
    for layer in ("", *(f"_{i}" for i in range(5))):
        total = total + columns[f"train_loss_ce{layer}"] + 5 * columns[f"train_loss_coords{layer}"]
    columns["train_loss"] = total
    columns["train_lr"] = schedule(rng, t, 1e-4, "constant", 0.0)
    columns["test_pck"] = 0.25 + 0.6 * (1 - np.exp(-4 * t)) - 0.04 * np.exp(-(((t - 0.04) / 0.03) ** 2))
    columns["test_eos_recall"] = 1 - 0.95 * np.exp(-8 * t)
    columns["test_pred_length"] = 17 + 60 * np.exp(-10 * t)
    columns.update(changes)
    rows = [
        dict(zip(columns, values, strict=True)) for values in zip(*(c.tolist() for c in columns.values()), strict=True)
    ]
    return Log(rows, {"eos_weight": 20, "num_keypoints": 17}, writer="jsonl")


def eos(rng: Rng, n: int) -> Log:
    """Tokens and coordinates learn, the predictions get shorter, PCK dips once and rises."""
    return _eos(rng, n)


def eos_recall(rng: Rng, n: int) -> Log:
    """The end of the sequence is never predicted."""
    return _eos(rng, n, test_eos_recall=0.02 * rng.random(n), test_pred_length=np.full(n, 200.0))


def eos_length(rng: Rng, n: int) -> Log:
    """Sequences end after about 8 of 17 tokens."""
    return _eos(rng, n, test_pred_length=8 + between(rng, 0, 2) + 0.3 * rng.standard_normal(n))


def eos_crowded(rng: Rng, n: int) -> Log:
    """The token loss keeps falling while the coordinate loss turns and rises."""
    t = progress(n)
    late = np.clip((t - 0.3) / 0.7, 0, 1)
    coords = power_law(t, 1.4, 0.8, 0.1) * (1 + between(rng, 0.25, 0.6) * late)
    pck = 0.25 + 0.35 * (1 - np.exp(-12 * t)) - between(rng, 0.05, 0.2) * late
    return _eos(rng, n, train_loss_coords=noisy(rng, coords, 0.01), test_pck=pck)


def eos_quality(rng: Rng, n: int) -> Log:
    """PCK falls in the first epochs and does not come back."""
    t = progress(n)
    pck = between(rng, 0.26, 0.3) - between(rng, 0.05, 0.12) * (1 - np.exp(-t * n / 3)) + 0.003 * rng.standard_normal(n)
    return _eos(rng, n, test_pck=pck)


def eos_missing_part(rng: Rng, n: int) -> Log:
    """The total leaves out the auxiliary layers, or a part of them, although they are logged."""
    log = _eos(rng, n)
    left = range(5) if rng.random() < 0.5 else range(2)
    gone = [(f"train_loss_ce_{i}", 1) for i in left] + [(f"train_loss_coords_{i}", 5) for i in left]
    rows = [{**row, "train_loss": row["train_loss"] - sum(w * row[name] for name, w in gone)} for row in log.rows]
    return log.also(rows=rows)


def eos_dominance(rng: Rng, n: int) -> Log:
    """One task is more than nine tenths of the weighted sum, and the other one stands still."""
    t = progress(n)
    tokens = noisy(rng, np.full(n, between(rng, 0.75, 0.95)), 0.01)
    return _eos(rng, n, train_loss_ce=tokens, train_loss_coords=noisy(rng, power_law(t, 6, 2.5, 0.15), 0.01))


# --- softce: soft cross-entropy over coordinate bins


def _softce(rng: Rng, n: int, **changes: Floats) -> Log:
    """A run that trains on distributions over bins, train and eval rows; `changes` replace training columns."""
    t = progress(n)
    key = "coord_softce_w1/"
    soft = power_law(t, 6.5, between(rng, 2.2, 2.6), 0.08)
    base = power_law(t, 1.5, 0.3, 0.05)
    metrics = {
        f"{key}soft_ce": soft,
        f"{key}w1": power_law(t, 0.08, 0.004, 0.05),
        f"{key}gate": power_law(t, 0.5, 0.01, 0.05),
        f"{key}p_gt_mean": 0.01 + 0.15 * (1 - np.exp(-4 * t)),
        f"{key}margin": 0.2 + 1.5 * (1 - np.exp(-3 * t)),
        f"{key}coord_vocab_mass": 1 - 0.4 * np.exp(-12 * t),
        f"{key}acc_top5": 0.02 + 0.5 * (1 - np.exp(-4 * t)),
        "coord_token_acc": 0.01 + 0.2 * (1 - np.exp(-4 * t)),
    }
    metrics.update({name: value for name, value in changes.items() if name in metrics})
    step = 5.0 * np.arange(1, n + 1)
    parts = {"base_ce/loss": base, **metrics}
    train = {name: noisy(rng, course, 0.01) for name, course in parts.items()}
    train[f"{key}coord_vocab_mass"] = np.minimum(1, train[f"{key}coord_vocab_mass"])
    train["loss"] = train["base_ce/loss"] + train[f"{key}soft_ce"] + train[f"{key}w1"] + train[f"{key}gate"]
    at = evaluated(rng, n)
    held = {f"eval_{name}": noisy(rng, course[at], 0.004) for name, course in parts.items()}
    held[f"eval_{key}coord_vocab_mass"] = np.minimum(1, held[f"eval_{key}coord_vocab_mass"])
    held["eval_loss"] = sum(
        (held[f"eval_{p}"] for p in ("base_ce/loss", f"{key}soft_ce", f"{key}w1", f"{key}gate")), 0.0
    )
    extra = {
        "grad_norm": gradient_norm(rng, t),
        "learning_rate": schedule(rng, t, 1e-5, "cosine", 0.03),
        "epoch": 2 * t,
    }
    return Log(
        merged({"step": step, **train, **extra}, {"step": step[at], **held}), {"w1_weight": 1.0, "gate_weight": 1.0}
    )


def softce(rng: Rng, n: int) -> Log:
    """The soft cross-entropy falls and everything with it."""
    return _softce(rng, n).also(writer="jsonl")


def softce_leak(rng: Rng, n: int) -> Log:
    """Probability leaves the coordinate vocabulary: the gate rises, the mass falls."""
    t = progress(n)
    late = np.clip((t - 0.2) / 0.8, 0, 1)
    mass, gate = 0.98 - between(rng, 0.15, 0.4) * late, 0.02 + between(rng, 0.2, 0.5) * late
    columns = {"coord_softce_w1/coord_vocab_mass": mass, "coord_softce_w1/gate": gate}
    return _softce(rng, n, **columns).also(writer="jsonl")


def softce_diffusion(rng: Rng, n: int) -> Log:
    """The probability of the true bin collapses while the soft cross-entropy stands still."""
    t = progress(n)
    late = np.clip((t - 0.3) / 0.7, 0, 1)
    columns = {
        "coord_softce_w1/p_gt_mean": 0.12 * np.exp(-between(rng, 1.5, 3) * late),
        "coord_softce_w1/margin": 1.2 * np.exp(-between(rng, 1, 2) * late),
        "coord_softce_w1/soft_ce": exponential(t, 6.5, 4.6, 40) + 0.05 * late,
    }
    return _softce(rng, n, **columns).also(writer="jsonl")


def softce_redundant(rng: Rng, n: int) -> Log:
    """W1 is tiny and flat while the soft cross-entropy falls."""
    return _softce(rng, n, **{"coord_softce_w1/w1": np.full(n, 2e-4)}).also(writer="jsonl")


# --- spatial: a distance loss with three stages


def _spatial(rng: Rng, n: int, **changes: Floats) -> Log:
    """Localisation, one row an epoch; `changes` replace columns."""
    epochs = progress(n)
    spatial = power_law(epochs, 1.7, 0.012, 0.06, 2.0)
    mean = 2.5 + 40 * np.exp(-6 * epochs)
    columns: dict[str, Floats] = {
        "epoch": np.arange(n, dtype=float),
        "train_loss": noisy(rng, spatial * 0.9, 0.03),
        "val_loss": noisy(rng, spatial, 0.03),
        "val_loss_x": noisy(rng, spatial * 0.4, 0.04),
        "val_loss_y": noisy(rng, spatial * 0.42, 0.04),
        "val_loss_spatial": noisy(rng, spatial, 0.03),
        "grad_norm_x_head": between(rng, 60, 200) * np.exp(0.2 * rng.standard_normal(n)),
        "grad_norm_y_head": between(rng, 60, 200) * np.exp(0.2 * rng.standard_normal(n)),
        "px_error_mean": noisy(rng, mean, 0.02),
        "px_error_median": noisy(rng, mean * 0.85, 0.02),
        "px_error_p95": noisy(rng, mean * 2.2, 0.02),
        "within_2px": np.clip(0.45 * (1 - np.exp(-5 * epochs)), 0, 1),
        "within_5px": np.clip(0.96 * (1 - np.exp(-6 * epochs)), 0, 1),
        "within_8px": np.clip(0.985 * (1 - np.exp(-7 * epochs)), 0, 1),
        "within_10px": np.clip(0.99 * (1 - np.exp(-8 * epochs)), 0, 1),
    }
    columns.update(changes)
    rows = [
        dict(zip(columns, values, strict=True)) for values in zip(*(c.tolist() for c in columns.values()), strict=True)
    ]
    return Log(rows, writer="jsonl")


def spatial(rng: Rng, n: int) -> Log:
    """The errors fall to some 3 px on both axes."""
    return _spatial(rng, n)


def spatial_axis(rng: Rng, n: int) -> Log:
    """The x axis stays four times worse than the y axis."""
    course = power_law(progress(n), 0.7, 0.006, 0.06, 2.0)
    worse = noisy(rng, course * between(rng, 3, 6), 0.04)
    return _spatial(rng, n, val_loss_x=worse, val_loss_y=noisy(rng, course, 0.04))


def spatial_resolution(rng: Rng, n: int) -> Log:
    """Validation stands at 0.09 with errors clustered at 8 to 10 px."""
    t = progress(n)
    floor = exponential(t, 1.7, between(rng, 0.08, 0.1), 15)
    mean = 9 + 30 * np.exp(-12 * t)
    return _spatial(
        rng,
        n,
        val_loss=noisy(rng, floor, 0.02),
        val_loss_spatial=noisy(rng, floor, 0.02),
        train_loss=noisy(rng, 0.9 * floor, 0.02),
        px_error_mean=noisy(rng, mean, 0.02),
        px_error_median=noisy(rng, mean, 0.02),
        px_error_p95=noisy(rng, mean + 2, 0.02),
        within_2px=np.full(n, 0.01),
        within_5px=0.05 * (1 - np.exp(-6 * t)),
        within_8px=0.25 * (1 - np.exp(-6 * t)),
        within_10px=0.9 * (1 - np.exp(-6 * t)),
    )


def spatial_heads(rng: Rng, n: int) -> Log:
    """The gradient of a head passes 1000: the multiplier of the close stage is too strong."""
    t = progress(n)
    norm = 120 * np.exp(t * np.log(between(rng, 15, 60))) * np.exp(0.15 * rng.standard_normal(n))
    return _spatial(rng, n, grad_norm_x_head=norm, grad_norm_y_head=norm * 0.9)


def spatial_tier(rng: Rng, n: int) -> Log:
    """Training ends with no tier of accuracy reached."""
    t = progress(n)
    return _spatial(
        rng,
        n,
        px_error_mean=noisy(rng, 14 + 30 * np.exp(-8 * t), 0.02),
        px_error_median=noisy(rng, 11 + 30 * np.exp(-8 * t), 0.02),
        px_error_p95=noisy(rng, 30 + 60 * np.exp(-8 * t), 0.02),
        within_2px=0.05 * t,
        within_5px=0.2 * t,
        within_8px=0.45 * t,
        within_10px=0.6 * t,
    )


def spatial_selection(rng: Rng, n: int) -> Log:
    """The loss prefers an epoch with larger errors: at 10 px it costs less than at 5 px."""
    t = progress(n)
    late = np.clip((t - 0.6) / 0.3, 0, 1)
    mean = 5.5 + 40 * np.exp(-12 * t) + 5 * late
    loss = exponential(t, 1.7, 0.009, 14) - 0.005 * late
    return _spatial(
        rng,
        n,
        px_error_mean=noisy(rng, mean, 0.01),
        val_loss=noisy(rng, loss, 0.01),
        val_loss_spatial=noisy(rng, loss, 0.01),
    )


# --- causal_lm: fine-tuning with a wrong level


def _tuned(rng: Rng, n: int, first: float, last: float) -> Log:
    t = progress(n)
    course = power_law(t, first, last, across(rng, 0.03, 0.2))
    at = evaluated(rng, n)
    step = 10.0 * np.arange(1, n + 1)
    train = {
        "step": step,
        "epoch": 3 * t,
        "loss": noisy(rng, course, across(rng, 0.01, 0.06)),
        "grad_norm": gradient_norm(rng, t),
        "learning_rate": schedule(rng, t, 5e-6, "linear", 0.03),
    }
    held_out = {"step": step[at], "eval_loss": noisy(rng, course[at] * between(rng, 1, 1.1), 0.004)}
    config = {"gradient_accumulation_steps": 16, "num_train_epochs": 3, "model_name_or_path": "Qwen/Qwen2-0.5B"}
    return Log(merged(train, held_out), config, writer="trainer_state")


def tuning(rng: Rng, n: int) -> Log:
    """A fine-tuning of a pretrained model from about 2.5 to about 1."""
    return _tuned(rng, n, between(rng, 2.2, 3), between(rng, 0.8, 1.3))


def high_level(rng: Rng, n: int) -> Log:
    """A fine-tuning of a pretrained model whose loss ends above 5: the wrong tokenizer, template or labels."""
    return _tuned(rng, n, between(rng, 8, 9), between(rng, 5.6, 6.5))


SHAPES: tuple[Shape, ...] = (
    Shape("article: ratio climbs to balance", article, 50),
    Shape("eos: both tasks learn", eos, 20),
    Shape("softce: everything falls", softce, 50),
    Shape("spatial: errors fall to 3 px", spatial, 20),
    Shape("causal_lm: fine-tuning", tuning, 20),
)

FAULTS: tuple[Fault, ...] = (
    Fault("article: weighted class crowds out the rest", ("R102",), article_overfit, 50, ("ratio",)),
    Fault("article: weighted class struggles", ("R101", "R103"), article_struggling, 50, ("ratio",)),
    Fault("article: target of the epoch missed", ("R103", "R101"), article_target, 50, ("ratio",)),
    Fault("article: weight not in effect", ("S107",), article_weight, 20, ("weight",)),
    Fault("article: logged ratio is not the quotient", ("S106",), article_ratio, 20, ("ratio",)),
    Fault("eos: end never predicted", ("E101",), eos_recall, 20, ("eos",)),
    Fault("eos: length far off", ("E102",), eos_length, 20, ("length",)),
    Fault("eos: regression crowded out", ("E104",), eos_crowded, 40, ("crowd",)),
    Fault("eos: quality does not come back", ("E103",), eos_quality, 20, ("quality",)),
    Fault("eos: a part is missing in the total", ("S105",), eos_missing_part, 20, ("sum",)),
    Fault("eos: one task dominates, the other stalls", ("M101",), eos_dominance, 40, ("domin",)),
    Fault("softce: leaves the vocabulary", ("D101",), softce_leak, 50, ("leak",)),
    Fault("softce: diffusion", ("D102",), softce_diffusion, 50, ("diffus",)),
    Fault("softce: W1 redundant", ("D103",), softce_redundant, 50, ("redundant",), info=True),
    Fault("spatial: one axis worse", ("P103",), spatial_axis, 20, ("axis",)),
    Fault("spatial: resolution limit", ("P102",), spatial_resolution, 40, ("resolution",)),
    Fault("spatial: head gradients explode", ("G101",), spatial_heads, 20, ("grad",)),
    Fault("spatial: no tier reached", ("P101",), spatial_tier, 20, ("tier",)),
    Fault("spatial: selection by loss picks a worse epoch", ("P104",), spatial_selection, 40, ("select",)),
    Fault("causal_lm: level of no pretrained model", ("L106",), high_level, 50, ("level",)),
)

"""Healthy runs with unusual schedules, data or logging: what changes is what was planned, or what is written down."""

from __future__ import annotations

import numpy as np
from curves import Rng, across, autocorrelated, between, exponential, noisy, power_law, progress, schedule
from kinds import Shape
from logs import Log, merged
from world import draw


def cyclic_rate(rng: Rng, n: int) -> Log:
    """A triangular rate, and a loss that breathes with it."""
    world = draw(rng, n)
    wave = 1 - np.abs(2 * ((int(rng.integers(3, 12)) * world.t) % 1) - 1)
    course = world.course * (1 + between(rng, 0.02, 0.15) * wave)
    return world.with_loss(rng, course).with_train(learning_rate=1e-4 + 1e-3 * wave).log()


def rate_range_test(rng: Rng, n: int) -> Log:
    """A range test: the rate grows from 1e-7 to where the loss stops falling, and the test is stopped there."""
    world = draw(rng, n, size=across(rng, 0.01, 0.05)).without("eval_loss", "epoch")
    fall = 1 / (1 + np.exp(-(world.t - between(rng, 0.4, 0.6)) / 0.08))
    course = world.course[0] * (1 - between(rng, 0.3, 0.6) * fall)
    return world.with_loss(rng, course).with_train(learning_rate=1e-7 * 1e6**world.t).log()


def larger_batches(rng: Rng, n: int) -> Log:
    """A batch that doubles at milestones: the noise shrinks, the loss falls a little."""
    world = draw(rng, n, size=between(rng, 0.05, 0.15), phi=0.0)
    level = np.floor(3.999 * world.t)
    course = world.course * (1 - 0.02 * level)
    loss = course * np.exp(world.size * 2 ** (-level / 2) * rng.standard_normal(n))
    return world.with_train(loss=loss, batch_size=32 * 2**level).log()


def deep_restarts(rng: Rng, n: int) -> Log:
    """Warm restarts whose period doubles; each throws the loss back by up to a third."""
    world = draw(rng, n, size=across(rng, 0.005, 0.03))
    inside = np.log2(1 + 7 * world.t) % 1
    rate = 0.5 * (1 + np.cos(np.pi * (2**inside - 1)))
    course = world.course * (1 + between(rng, 0.1, 0.33) * rate * (world.t > 0.1))
    return world.with_loss(rng, course).with_train(learning_rate=1e-3 * rate + 1e-6).log()


def new_mixture(rng: Rng, n: int) -> Log:
    """The data mixture is changed once, by plan: the level steps up or down by 5 to 20 % and falls on."""
    world = draw(rng, n, size=across(rng, 0.005, 0.04))
    at = between(rng, 0.3, 0.6)
    factor = 1 + between(rng, 0.05, 0.2) * float(rng.choice([-1, 1]))
    course = np.where(world.t > at, factor, 1.0) * power_law(world.t, 4, 1.5, 0.15, 1.0)
    held_out = noisy(rng, np.interp(world.t_eval, world.t, power_law(world.t, 4, 1.5, 0.15, 1.0)) * 1.05, 0.004)
    return world.with_loss(rng, course).with_eval(eval_loss=held_out).log()


def longer_sequences(rng: Rng, n: int) -> Log:
    """Context extension for the last fifth: more context, a loss that drops by some percent and slower steps."""
    world = draw(rng, n, size=across(rng, 0.005, 0.03))
    late = world.t > between(rng, 0.75, 0.85)
    course = world.course * np.where(late, 1 - between(rng, 0.02, 0.08), 1.0)
    return world.with_loss(rng, course).without("eval_loss").log()


def summed_tokens(rng: Rng, n: int) -> Log:
    """A loss summed over the tokens of batches of all lengths: the noise is that of the lengths."""
    world = draw(rng, n, size=0.02, phi=0.0)
    tokens = rng.gamma(between(rng, 4, 20), 1, n)
    tokens = 2000 * tokens / tokens.mean()
    return world.with_train(loss=world.train["loss"] * tokens).without("eval_loss").log()


def rarely_evaluated(rng: Rng, n: int) -> Log:
    """Three or four evaluations in a long run."""
    world = draw(rng, n)
    at = np.linspace(n // 4, n - 1, int(rng.integers(3, 5))).astype(int)
    held_out = noisy(rng, world.course[at] * 1.03, 0.01)
    return Log(merged(world.train, {"step": world.train["step"][at], "eval_loss": held_out}))


def ten_rows(rng: Rng, _: int) -> Log:
    """Ten rows: one an epoch, as beginners log."""
    rows = int(rng.integers(8, 13))
    t = progress(rows)
    course = exponential(t, between(rng, 0.7, 3), between(rng, 0.1, 0.6), between(rng, 2, 5))
    epoch = 1.0 + np.arange(rows)
    columns = {
        "step": epoch,
        "loss": noisy(rng, course, 0.03),
        "val_loss": noisy(rng, course * 1.1 + 0.05, 0.03),
        "accuracy": np.clip(1 - 0.3 * course, 0, 1),
    }
    return Log(merged(columns))


def middle_of_a_run(rng: Rng, n: int) -> Log:
    """A log that begins in the middle of a run, and shows little more than noise."""
    world = draw(rng, n)
    course = power_law(4 + world.t, world.course[0], world.course[0] * 0.3, 0.1)
    changed = world.with_loss(rng, course).with_eval(
        eval_loss=noisy(rng, np.interp(world.t_eval, world.t, course) * 1.02, 0.003)
    )
    shift = 4 * changed.train["step"][-1]
    rate = schedule(rng, (4 + world.t) / 5, 3e-4, "cosine", 0.0)
    changed = changed.with_train(step=changed.train["step"] + shift, learning_rate=rate, epoch=4 + world.t)
    return changed.with_eval(step=changed.evaluation["step"] + shift).log()


def averaged_weights(rng: Rng, n: int) -> Log:
    """Evaluations of averaged weights: they begin high, lag behind, and end below the training loss."""
    world = draw(rng, n)
    lagged = np.interp(np.maximum(0, world.t_eval - 0.1), world.t, world.course)
    factor = 1 - between(rng, 0.02, 0.12) * world.t_eval
    return world.with_eval(eval_loss=noisy(rng, lagged * factor, 0.004)).log()


def stopped_early(rng: Rng, n: int) -> Log:
    """Early stopping as it should be: validation has been at its best some evaluations ago and stands there."""
    world = draw(rng, n, size=across(rng, 0.01, 0.05))
    floor = float(world.course[int(0.7 * n)])
    held_out = np.maximum(np.interp(world.t_eval, world.t, world.course), floor) * 1.04
    rise = 1 + 0.008 * np.clip((world.t_eval - 0.7) / 0.3, 0, 1)
    return world.with_eval(eval_loss=noisy(rng, held_out * rise, 0.005)).log()


def converged_flat(rng: Rng, n: int) -> Log:
    """A small model that has learnt all there is within the first tenth, at a decaying rate."""
    world = draw(rng, n, size=across(rng, 0.01, 0.1))
    course = exponential(world.t, world.course[0], world.course[0] * between(rng, 0.1, 0.6), between(rng, 40, 150))
    held_out = noisy(rng, np.interp(world.t_eval, world.t, course) * 1.05, 0.006)
    rate = schedule(rng, world.t, 1e-3, str(rng.choice(["cosine", "linear"])), 0.02)
    return world.with_loss(rng, course).with_train(learning_rate=rate).with_eval(eval_loss=held_out).log()


def memorised(rng: Rng, n: int) -> Log:
    """A set that is meant to be learnt by heart: the loss falls to nothing, rounded by the log."""
    world = draw(rng, n, size=between(rng, 0.1, 0.4), phi=0.3)
    course = exponential(world.t, world.course[0], 1e-4, between(rng, 8, 15))
    norm = 3 * np.sqrt(course) * np.exp(0.3 * rng.standard_normal(n))
    changed = world.with_loss(rng, course).with_train(grad_norm=norm)
    return changed.without("eval_loss").log()


def unfrozen(rng: Rng, n: int) -> Log:
    """The backbone is unfrozen at a third of the run, with a second warm-up: the loss rises a little and falls on."""
    world = draw(rng, n, size=across(rng, 0.005, 0.03))
    at = between(rng, 0.25, 0.4)
    since = np.clip(world.t - at, 0, None)
    bump = 0.08 * np.exp(-since / 0.02) * (since > 0)
    course = (
        exponential(world.t, world.course[0], world.course[0] * 0.7, 15) * (1 - 0.4 * (1 - np.exp(-5 * since))) + bump
    )
    held_out = noisy(rng, np.interp(world.t_eval, world.t, course) * 1.03, 0.004)
    norm = world.train["grad_norm"] * np.where(since > 0, between(rng, 1.5, 4), 1)
    return world.with_loss(rng, course).with_train(grad_norm=norm).with_eval(eval_loss=held_out).log()


def one_epoch_rows(rng: Rng, n: int) -> Log:
    """One row an epoch with the metrics of a detector; losses fall, average precision climbs, the rate steps down."""
    rows = max(12, min(n, 300))
    t = progress(rows)
    course = power_law(t, between(rng, 3, 8), between(rng, 0.8, 2), 0.1)
    columns = {
        "step": np.arange(rows, dtype=float),
        "train_loss": noisy(rng, course, 0.01),
        "test_loss": noisy(rng, course * 1.08, 0.02),
        "test_mAP": np.clip(0.45 * (1 - np.exp(-4 * t)) + 0.005 * rng.standard_normal(rows), 0, 1),
        "lr": schedule(rng, t, 1e-4, "step_decay", 0.0),
    }
    return Log(merged(columns))


def hard_batches(rng: Rng, n: int) -> Log:
    """Noise with heavy tails: single batches stand out by half, none of them an event."""
    world = draw(rng, n, phi=0.0)
    return world.with_train(loss=world.course * np.exp(0.04 * np.clip(rng.standard_t(3, n), -8, 12))).log()


def slow_mixture(rng: Rng, n: int) -> Log:
    """Data that comes in long stretches of one source: the loss wanders by 10 % with a memory of a tenth of the run."""
    world = draw(rng, n, size=across(rng, 0.005, 0.03))
    wave = np.interp(world.t, np.linspace(0, 1, 12), autocorrelated(rng, 12, 0.3))
    return world.with_loss(rng, world.course * np.exp(0.05 * wave)).log()


SHAPES: tuple[Shape, ...] = (
    Shape("cyclic rate", cyclic_rate, 50),
    Shape("rate range test", rate_range_test, 50),
    Shape("batches that grow", larger_batches, 50),
    Shape("deep warm restarts", deep_restarts, 100),
    Shape("a new mixture of data", new_mixture, 100),
    Shape("context extension", longer_sequences, 50),
    Shape("sums over tokens of all lengths", summed_tokens),
    Shape("three evaluations", rarely_evaluated),
    Shape("ten rows", ten_rows),
    Shape("from the middle of a run", middle_of_a_run),
    Shape("evaluation of averaged weights", averaged_weights),
    Shape("stopped early", stopped_early),
    Shape("learnt within a tenth", converged_flat, 50),
    Shape("learnt by heart on purpose", memorised),
    Shape("unfrozen in the middle", unfrozen, 50),
    Shape("one row an epoch", one_epoch_rows),
    Shape("hard batches", hard_batches),
    Shape("sources in long stretches", slow_mixture, 100),
)

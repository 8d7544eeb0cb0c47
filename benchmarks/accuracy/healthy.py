"""Healthy runs of every shape that users meet: a finding of `warn` or `fail` on any of them is a false alarm."""

from __future__ import annotations

import numpy as np
from curves import Rng, across, autocorrelated, between, exponential, noisy, power_law, progress, schedule
from kinds import Shape
from logs import Log, merged
from world import draw, evaluated


def usual(rng: Rng, n: int) -> Log:
    """A language model with everything logged."""
    return draw(rng, n).log()


def loss_alone(rng: Rng, n: int) -> Log:
    """Nothing but a step and a loss."""
    return draw(rng, n).without("grad_norm", "learning_rate", "epoch", "eval_loss").log()


def small_batches(rng: Rng, n: int) -> Log:
    """Noise of 15 to 35 %, correlated or not."""
    return draw(rng, n, size=between(rng, 0.15, 0.35)).log()


def smooth(rng: Rng, n: int) -> Log:
    """A long average logged in place of the loss: strongly correlated noise."""
    return draw(rng, n, size=across(rng, 0.003, 0.03), phi=0.95).log()


def stable_decay(rng: Rng, n: int) -> Log:
    """Warmup-stable-decay: the loss drops when the rate does."""
    world = draw(rng, n)
    drop = 1 - between(rng, 0.03, 0.12) * np.clip((world.t - 0.8) / 0.2, 0, 1)
    rate = schedule(rng, world.t, across(rng, 1e-4, 1e-3), "stable_decay", 0.03)
    return world.with_loss(rng, world.course * drop).with_train(learning_rate=rate).log()


def restarts(rng: Rng, n: int) -> Log:
    """Cosine with warm restarts: the loss rises at each."""
    world = draw(rng, n)
    rate = 0.5 * (1 + np.cos(np.pi * ((int(rng.integers(3, 7)) * world.t) % 1)))
    course = world.course * (1 + between(rng, 0.02, 0.15) * rate * (world.t > 0.05))
    return world.with_loss(rng, course).with_train(learning_rate=across(rng, 1e-4, 1e-2) * rate).log()


def one_cycle(rng: Rng, n: int) -> Log:
    """A rate that climbs by 25 times over the first third and falls to nothing."""
    world = draw(rng, n)
    up = 0.04 + 0.96 * 0.5 * (1 - np.cos(np.pi * np.minimum(1, world.t / 0.3)))
    down = np.where(world.t > 0.3, 0.5 * (1 + np.cos(np.pi * (world.t - 0.3) / 0.7)) + 1e-5, 1)
    return world.with_train(learning_rate=1e-3 * up * down).log()


def steps_of_ten(rng: Rng, n: int) -> Log:
    """The rate falls tenfold at milestones, and the loss with it."""
    world = draw(rng, n)
    fall = 1 - 0.15 * (world.t > 0.5) - 0.05 * (world.t > 0.75)
    rate = schedule(rng, world.t, across(rng, 1e-3, 0.1), "step_decay", 0.0)
    return world.with_loss(rng, world.course * fall).with_train(learning_rate=rate).log()


def sums(rng: Rng, n: int) -> Log:
    """A loss summed over the batch: thousands."""
    world = draw(rng, n)
    by = across(rng, 300, 20_000)
    return world.with_train(loss=world.train["loss"] * by).with_eval(eval_loss=world.evaluation["eval_loss"] * by).log()


def likelihood(rng: Rng, n: int) -> Log:
    """A negative log-likelihood of a density: it falls through zero or starts below it."""
    t = progress(n)
    fall, start = across(rng, 3, 300), between(rng, -1, 0.5)
    course = fall * (start - 1 + np.exp(-between(rng, 3, 6) * t))
    loss = course + fall * between(rng, 0.005, 0.05) * autocorrelated(rng, n, 0.3)
    return Log(merged({"step": 10.0 * np.arange(1, n + 1), "loss": loss}))


def policy_gradient(rng: Rng, n: int) -> Log:
    """A policy loss that hovers around zero while the reward rises."""
    t = progress(n)
    loss = between(rng, 0.005, 0.05) * autocorrelated(rng, n, 0.2)
    reward = between(rng, 20, 300) * (1 - np.exp(-4 * t)) + between(rng, 1, 5) * autocorrelated(rng, n, 0.5)
    columns = {"step": 1.0 + np.arange(n), "loss": loss, "reward": reward, "entropy": 1.4 - 0.9 * t}
    return Log(merged(columns))


def preference(rng: Rng, n: int) -> Log:
    """Direct preference optimisation: from ln 2 down by a little, accuracies up."""
    t = progress(n)
    course = exponential(t, np.log(2), between(rng, 0.35, 0.6), between(rng, 2, 6))
    loss = noisy(rng, course, between(rng, 0.05, 0.2))
    right = np.clip(0.5 + 0.3 * (1 - np.exp(-4 * t)) + 0.08 * rng.standard_normal(n), 0, 1)
    step = 10.0 * np.arange(1, n + 1)
    rate = schedule(rng, t, 5e-7, "linear", 0.03)
    return Log(merged({"step": step, "loss": loss, "learning_rate": rate, "rewards/accuracies": right}))


def adversarial(rng: Rng, n: int) -> Log:
    """Generator and discriminator in balance: neither loss falls."""
    step = 100.0 * np.arange(1, n + 1)
    generator = noisy(rng, np.full(n, between(rng, 0.8, 2.5)), 0.2, 0.5)
    critic = noisy(rng, np.full(n, between(rng, 0.4, 0.7)), 0.15, 0.5)
    return Log(merged({"step": step, "loss_G": generator, "loss_D": critic}))


def dropout(rng: Rng, n: int) -> Log:
    """Validation below train by 5 to 40 %, as dropout and augmentation have it: the gap opens as the model learns."""
    world = draw(rng, n)
    factor = 1 - between(rng, 0.05, 0.4) * world.t_eval ** between(rng, 0.15, 0.5)
    return world.with_eval(eval_loss=world.evaluation["eval_loss"] * factor).log()


def constant_gap(rng: Rng, n: int) -> Log:
    """Validation above train by up to 35 % throughout, both falling."""
    world = draw(rng, n)
    return world.with_eval(eval_loss=world.evaluation["eval_loss"] * between(rng, 1.1, 1.35)).log()


def settled_validation(rng: Rng, n: int) -> Log:
    """Validation reaches its floor while train goes on falling: the gap grows, nothing gets worse."""
    world = draw(rng, n, size=between(rng, 0.005, 0.03))
    course = power_law(world.t, world.course[0], world.course[0] * 0.35, 0.1)
    floor = float(course[int(0.6 * n)])
    held_out = np.maximum(np.interp(world.t_eval, world.t, course), floor) * 1.02
    return world.with_loss(rng, course).with_eval(eval_loss=noisy(rng, held_out, 0.004)).log()


def recovered_spike(rng: Rng, n: int) -> Log:
    """One spike, made good within a hundredth of the run."""
    world = draw(rng, n, size=across(rng, 0.005, 0.03))
    at, wide = int(rng.integers(n // 5, 4 * n // 5)), max(1, n // 100)
    course = world.course.copy()
    course[at : at + wide] *= between(rng, 1.5, 4)
    norm = world.train["grad_norm"].copy()
    norm[at : at + wide] *= 10
    return world.with_loss(rng, course).with_train(grad_norm=norm).log()


def resumed(rng: Rng, n: int) -> Log:
    """A resume from a checkpoint: some steps are logged twice, as before or with other batches."""
    world = draw(rng, n)
    rows = list(world.log().rows)
    cut = int(len(rows) * between(rng, 0.3, 0.8))
    back = int(rng.integers(1, max(2, n // 20)))
    spread = world.size if rng.random() < 0.5 else 0.003
    again = [dict(row) for row in rows[cut - back : cut]]
    for row in again:
        if "loss" in row:
            row["loss"] *= float(np.exp(spread * rng.standard_normal()))
    return Log([*rows[:cut], *again, *rows[cut:]], writer="jsonl")


def stairs(rng: Rng, n: int) -> Log:
    """The loss falls at the start of each epoch, where the data is seen again."""
    world = draw(rng, n, size=between(rng, 0.01, 0.05), phi=0.0)
    count = int(rng.integers(3, 6))
    epoch = count * world.t
    course = between(rng, 1, 2.5) * between(rng, 0.75, 0.92) ** np.floor(np.minimum(epoch, count - 0.01))
    held_out = np.interp(world.t_eval, world.t, course) * between(rng, 1.0, 1.1)
    changed = world.with_loss(rng, course).with_train(epoch=epoch)
    # Validation does not climb by stairs: it follows the model, which learns within the epoch.
    return changed.with_eval(eval_loss=noisy(rng, np.sort(held_out)[::-1], 0.004)).log()


def short_fine_tuning(rng: Rng, n: int) -> Log:
    """Twenty-odd rows, as a small fine-tuning logs them."""
    return draw(rng, min(n, int(rng.integers(20, 30))), size=between(rng, 0.03, 0.1)).log()


def huge_first(rng: Rng, n: int) -> Log:
    """The first losses are ten times the next ones."""
    world = draw(rng, n)
    course = world.course.copy()
    course[0] *= between(rng, 3, 12)
    return world.with_loss(rng, course).log()


def early_rise(rng: Rng, n: int) -> Log:
    """The loss climbs during the warm-up and then falls."""
    world = draw(rng, n)
    share = between(rng, 0.02, 0.08)
    bump = np.where(world.t < share, 1 + between(rng, 0.05, 0.3) * np.sin(np.pi * world.t / share), 1)
    rate = schedule(rng, world.t, 3e-4, "cosine", share)
    return world.with_loss(rng, world.course * bump).with_train(learning_rate=rate).log()


def proper_accumulation(rng: Rng, n: int) -> Log:
    """Gradient accumulation whose loss is logged as a mean, with the setting beside it."""
    steps = int(rng.choice([2, 4, 8, 16, 32]))
    return draw(rng, n).configured(gradient_accumulation_steps=steps).log()


def fp16(rng: Rng, n: int) -> Log:
    """Mixed precision: the scale halves a few times at the start, doubles now and then, one overflow in a while."""
    world = draw(rng, n)
    scale = 65536.0 / 2 ** np.minimum(int(rng.integers(1, 4)), np.arange(n))
    scale = scale * 2.0 ** np.floor(world.t * int(rng.integers(1, 4)))
    if n > 60:
        scale[int(rng.integers(n // 2, n)) :] /= 2
    return world.with_train(loss_scale=scale).log()


def heavy_gradients(rng: Rng, n: int) -> Log:
    """Norms with a heavy tail, clipped at 1 in the training: single values stand far out."""
    world = draw(rng, n)
    norm = across(rng, 0.1, 0.6) * np.exp(0.5 * rng.standard_t(4, n))
    return world.with_train(grad_norm=np.minimum(norm, 200)).log()


def falling_gradients(rng: Rng, n: int) -> Log:
    """Norms that fall by 5 to 100 times as the training converges."""
    world = draw(rng, n)
    norm = between(rng, 2, 20) * np.exp(-between(rng, 1.6, 4.5) * world.t) * np.exp(0.2 * rng.standard_normal(n))
    return world.with_train(grad_norm=norm).log()


def label_smoothing(rng: Rng, n: int) -> Log:
    """An image classifier with smoothed labels: a floor well above zero, accuracy beside the loss."""
    t = progress(n)
    floor = between(rng, 0.7, 1.5)
    course = power_law(t, np.log(float(rng.choice([10, 100, 1000]))) + 0.1, floor, across(rng, 0.02, 0.1))
    at = evaluated(rng, n)
    right = np.clip(1 - 0.6 * (course[at] - floor * 0.9) / course[0], 0, 0.99)
    step = 20.0 * np.arange(1, n + 1)
    rate = schedule(rng, t, 0.1, "cosine", 0.03)
    return Log(
        merged(
            {"step": step, "epoch": 30 * t, "loss": noisy(rng, course, 0.04), "learning_rate": rate},
            {"step": step[at], "eval_loss": noisy(rng, 0.9 * course[at], 0.01), "eval_accuracy": right},
        )
    )


def perplexity(rng: Rng, n: int) -> Log:
    """Perplexity beside the loss, in train and in validation, as it should be."""
    world = draw(rng, n, size=between(rng, 0.005, 0.03))
    return (
        world.with_train(perplexity=np.exp(world.train["loss"]))
        .with_eval(eval_perplexity=np.exp(world.evaluation["eval_loss"]))
        .log()
    )


def throughput(rng: Rng, n: int) -> Log:
    """Step times with a slow start, evaluation pauses and sequences of all lengths."""
    world = draw(rng, n)
    time = across(rng, 0.1, 3) * np.exp(between(rng, 0.02, 0.15) * rng.standard_normal(n))
    time[: max(1, n // 100)] *= between(rng, 2, 8)
    time[rng.random(n) < 0.02] *= between(rng, 2, 10)
    return world.with_train(step_time=time).log()


def two_phases(rng: Rng, n: int) -> Log:
    """A plateau early in the run, and then the loss falls on, as deep networks and transformers with new skills do."""
    world = draw(rng, n, size=across(rng, 0.005, 0.02))
    at, width = between(rng, 0.1, 0.35), between(rng, 0.02, 0.06)
    high = world.course[0] * between(rng, 0.6, 0.8)
    fall = 1 / (1 + np.exp(-(world.t - at) / width))
    course = (
        high
        + (world.course[0] - high) * np.exp(-world.t / 0.02)
        - fall * (high - power_law(world.t, high, high * 0.4, 0.5))
    )
    return world.with_loss(rng, course).without("eval_loss").log()


def harder_data(rng: Rng, n: int) -> Log:
    """A curriculum: at one point the data gets a little harder; the loss steps up by some percent and falls on."""
    world = draw(rng, n, size=across(rng, 0.005, 0.03))
    at = between(rng, 0.3, 0.6)
    return (
        world.with_loss(rng, world.course * (1 + between(rng, 0.02, 0.05) * (world.t > at))).without("eval_loss").log()
    )


def summed_parts(rng: Rng, n: int) -> Log:
    """A detector: a total that is the sum of its parts."""
    t = progress(n)
    parts = {
        name: noisy(rng, power_law(t, between(rng, 0.5, 2), between(rng, 0.05, 0.3), 0.05), 0.05)
        for name in ("loss_cls", "loss_bbox", "loss_mask")
    }
    total = np.sum(list(parts.values()), axis=0)
    rate = schedule(rng, t, 0.02, "step_decay", 0.01)
    return Log(merged({"step": 20.0 * np.arange(1, n + 1), "loss": total, **parts, "lr": rate}))


def bf16_validation(rng: Rng, n: int) -> Log:
    """Validation that levels off with the noise of a small set: it wanders by a percent around its floor."""
    world = draw(rng, n, size=between(rng, 0.01, 0.05))
    course = exponential(world.t, world.course[0], world.course[0] * 0.4, between(rng, 8, 20))
    held_out = noisy(rng, np.interp(world.t_eval, world.t, course) * 1.05, between(rng, 0.005, 0.015))
    rate = schedule(rng, world.t, 3e-4, str(rng.choice(["linear", "cosine"])), 0.03)
    return world.with_loss(rng, course).with_train(learning_rate=rate).with_eval(eval_loss=held_out).log()


def converged(rng: Rng, n: int) -> Log:
    """Converged at 60 % of the run while the rate decays to zero."""
    world = draw(rng, n)
    course = exponential(world.t, world.course[0], world.course[0] * 0.45, between(rng, 7, 12))
    held_out = np.interp(world.t_eval, world.t, course) * 1.03
    rate = schedule(rng, world.t, 3e-4, str(rng.choice(["linear", "cosine"])), 0.03)
    changed = world.with_loss(rng, course).with_train(learning_rate=rate)
    return changed.with_eval(eval_loss=noisy(rng, held_out, 0.004)).log()


SHAPES: tuple[Shape, ...] = (
    Shape("a language model, everything logged", usual),
    Shape("nothing but step and loss", loss_alone),
    Shape("noisy small batches", small_batches),
    Shape("a smoothed loss", smooth),
    Shape("warmup-stable-decay", stable_decay),
    Shape("cosine restarts", restarts, 60),
    Shape("one cycle", one_cycle),
    Shape("rate falls at milestones", steps_of_ten),
    Shape("sums in the thousands", sums),
    Shape("negative log-likelihood", likelihood),
    Shape("policy gradient around zero", policy_gradient),
    Shape("preference optimisation", preference),
    Shape("adversarial balance", adversarial),
    Shape("validation below train (dropout)", dropout),
    Shape("constant validation gap", constant_gap),
    Shape("validation at its floor", settled_validation, 50),
    Shape("one recovered spike", recovered_spike, 100),
    Shape("resume with overlap", resumed, 50),
    Shape("epoch stairs", stairs, 60),
    Shape("fine-tuning of some 20 rows", short_fine_tuning),
    Shape("huge first loss", huge_first),
    Shape("rise during the warm-up", early_rise, 50),
    Shape("accumulation logged as a mean", proper_accumulation),
    Shape("fp16 with a living loss scale", fp16),
    Shape("heavy-tailed gradient norms", heavy_gradients),
    Shape("falling gradient norms", falling_gradients),
    Shape("label smoothing", label_smoothing),
    Shape("perplexity beside the loss", perplexity),
    Shape("step times with pauses", throughput, 50),
    Shape("plateau, then a second phase", two_phases, 100),
    Shape("curriculum with a small step up", harder_data, 100),
    Shape("total with its parts", summed_parts),
    Shape("noisy validation at its floor", bf16_validation, 60),
    Shape("converged while the rate decays", converged, 50),
)

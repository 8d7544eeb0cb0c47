"""Faults that show in the loss itself: not a number, frozen, rescaled, not learning, diverging, spiking."""

from __future__ import annotations

import numpy as np
from curves import Rng, across, between, exponential, noisy, power_law, schedule
from kinds import Fault
from logs import Log
from world import draw

NAN = float("nan")


def nan_from(rng: Rng, n: int) -> Log:
    """The loss is NaN from some step on, after the gradient norm rose, or out of nothing."""
    world = draw(rng, n)
    at = int(n * between(rng, 0.2, 0.9))
    loss, norm = world.train["loss"].copy(), world.train["grad_norm"].copy()
    if rng.random() < 0.5 and at > 6:
        norm[at - 5 : at] *= np.geomspace(2, 1e3, 5)
        loss[at - 3 : at] *= np.array([1.2, 1.6, 2.5])
    loss[at:] = norm[at:] = NAN
    held_out = np.where(world.evaluation["step"] > world.train["step"][at], NAN, world.evaluation["eval_loss"])
    return world.with_train(loss=loss, grad_norm=norm).with_eval(eval_loss=held_out).log()


def infinity(rng: Rng, n: int) -> Log:
    """The loss overflows to infinity."""
    world = draw(rng, n)
    loss = world.train["loss"].copy()
    loss[int(n * between(rng, 0.2, 0.9)) :] = float("inf")
    return world.with_train(loss=loss).log()


def hidden_nan(rng: Rng, n: int) -> Log:
    """The trainer filters NaN from the loss: it reads 0, while the gradient norm is NaN."""
    world = draw(rng, n)
    at = int(n * between(rng, 0.2, 0.9))
    loss, norm = world.train["loss"].copy(), world.train["grad_norm"].copy()
    loss[at:], norm[at:] = 0.0, NAN
    return world.with_train(loss=loss, grad_norm=norm).log()


def masked_labels(rng: Rng, n: int) -> Log:
    """Every label is masked from some step on: loss and gradient norm are exactly 0."""
    world = draw(rng, n)
    at = int(n * between(rng, 0.0, 0.8))
    loss, norm = world.train["loss"].copy(), world.train["grad_norm"].copy()
    loss[at:] = norm[at:] = 0.0
    return world.with_train(loss=loss, grad_norm=norm).without("eval_loss").log()


def scale_collapse(rng: Rng, n: int) -> Log:
    """The fp16 loss scale halves again and again within a few steps."""
    world = draw(rng, n)
    at = int(n * between(rng, 0.3, 0.9))
    scale = np.full(n, 65536.0)
    scale[at:] = 65536.0 / 2.0 ** np.minimum(np.arange(1, n - at + 1) * 2, 20)
    return world.with_train(loss_scale=scale).log()


def frozen(rng: Rng, n: int) -> Log:
    """The same digits again and again: the value that is logged is no longer computed."""
    world = draw(rng, n)
    at = int(n * between(rng, 0.3, 0.8))
    loss = world.train["loss"].copy()
    loss[at:] = loss[at]
    return world.with_train(loss=loss, learning_rate=schedule(rng, world.t, 3e-4, "cosine")).log()


def accumulation(rng: Rng, n: int) -> Log:
    """The training loss is logged times the accumulation steps; validation is not."""
    steps = int(rng.choice([4, 8, 16, 32]))
    world = draw(rng, n, phi=0.0).configured(gradient_accumulation_steps=steps)
    return world.with_train(loss=world.train["loss"] * steps, grad_norm=world.train["grad_norm"] * steps).log()


def divided_accumulation(rng: Rng, n: int) -> Log:
    """The training loss is logged divided by the accumulation steps."""
    steps = int(rng.choice([4, 8, 16, 32]))
    world = draw(rng, n, phi=0.0).configured(gradient_accumulation_steps=steps)
    return world.with_train(loss=world.train["loss"] / steps).log()


def rescaled(rng: Rng, n: int) -> Log:
    """The logging unit changes in the middle of the run: everything after it is 2, 4 or 8 times as large."""
    world = draw(rng, n, size=across(rng, 0.005, 0.05))
    by = float(rng.choice([2, 4, 8])) ** float(rng.choice([-1, 1]))
    return world.with_train(loss=world.train["loss"] * np.where(world.t > between(rng, 0.3, 0.7), by, 1)).log()


def partial_window(rng: Rng, n: int) -> Log:
    """The last accumulation window of each epoch is not full: a dip at each epoch's end."""
    world = draw(rng, n, size=across(rng, 0.005, 0.03), phi=0.0)
    stride = max(5, n // int(rng.integers(5, 15)))
    loss = world.train["loss"].copy()
    loss[stride - 1 :: stride] *= between(rng, 0.2, 0.7)
    return world.with_train(loss=loss, epoch=(np.arange(n) + 1) / stride).log()


def wrong_perplexity(rng: Rng, n: int) -> Log:
    """Perplexity is taken of another loss: two to the power of nats, or of a weighted mean."""
    world = draw(rng, n, size=across(rng, 0.005, 0.03))
    logged = (
        np.exp2(world.train["loss"]) if rng.random() < 0.5 else np.exp(world.train["loss"] * between(rng, 1.1, 1.4))
    )
    return world.with_train(perplexity=logged).log()


def running_mean(rng: Rng, n: int) -> Log:
    """The mean since the start of the epoch is logged: a saw-tooth."""
    world = draw(rng, n, size=across(rng, 0.02, 0.06), phi=0.0)
    count = int(rng.integers(3, 8))
    course = exponential(world.t, world.course[0], world.course[0] * 0.3, between(rng, 3, 6))
    loss = noisy(rng, course, world.size)
    start = np.floor(np.minimum(count * world.t, count - 1e-9))
    for one in range(count):
        inside = start == one
        loss[inside] = np.cumsum(loss[inside]) / np.arange(1, inside.sum() + 1)
    return world.with_train(loss=loss, epoch=count * world.t).log()


def flat(rng: Rng, n: int) -> Log:
    """The loss does not move from its start."""
    world = draw(rng, n, size=across(rng, 0.003, 0.05))
    return (
        world.with_loss(rng, np.full(n, world.course[0]))
        .with_eval(eval_loss=noisy(rng, np.full(world.t_eval.size, world.course[0]), 0.003))
        .log()
    )


def plateau(rng: Rng, n: int) -> Log:
    """The loss falls for the first third and then stands still at a constant rate."""
    world = draw(rng, n, size=across(rng, 0.003, 0.03))
    course = exponential(world.t, world.course[0], world.course[0] * 0.6, between(rng, 25, 50))
    held_out = noisy(rng, np.interp(world.t_eval, world.t, course) * 1.02, 0.003)
    rate = schedule(rng, world.t, 3e-4, "constant", 0.01)
    return world.with_loss(rng, course).with_train(learning_rate=rate).with_eval(eval_loss=held_out).log()


def divergence(rng: Rng, n: int) -> Log:
    """The loss turns and climbs back towards its start, at once or slowly."""
    world = draw(rng, n, size=across(rng, 0.005, 0.05))
    at = between(rng, 0.3, 0.6)
    top = world.course[0] * between(rng, 0.85, 1.3)
    rise = np.clip((world.t - at) / between(rng, 0.01, 0.25), 0, 1)
    course = world.course + (top - world.course) * rise
    norm = world.train["grad_norm"] * (1 + 3 * rise)
    held_out = noisy(rng, np.interp(world.t_eval, world.t, course), 0.01)
    return world.with_loss(rng, course).with_train(grad_norm=norm).with_eval(eval_loss=held_out).log()


def explosion(rng: Rng, n: int) -> Log:
    """The loss shoots far above its start in the last third, and stays finite."""
    world = draw(rng, n)
    at = between(rng, 0.5, 0.75)
    course = world.course * np.exp(np.clip((world.t - at) / 0.05, 0, 1) * np.log(between(rng, 5, 1e3)))
    changed = world.with_loss(rng, course).with_train(learning_rate=schedule(rng, world.t, 1e-2, "constant"))
    return changed.without("eval_loss").log()


def spikes(rng: Rng, n: int) -> Log:
    """Many short spikes, each recovered."""
    world = draw(rng, n, size=across(rng, 0.005, 0.04), phi=0.0)
    course = world.course.copy()
    count = int(rng.integers(4, 9))
    for place in np.linspace(0.15, 0.95, count) + rng.uniform(-0.03, 0.03, count):
        at = int(place * n)
        course[at : at + max(1, n // 300)] *= between(rng, 1.6, 4)
    return world.with_loss(rng, course).log()


def unrecovered_spike(rng: Rng, n: int) -> Log:
    """A spike after which the loss stays at a higher level."""
    world = draw(rng, n, size=across(rng, 0.005, 0.04), phi=0.0)
    at = int(n * between(rng, 0.5, 0.8))
    course = world.course.copy()
    course[at:] *= between(rng, 1.25, 1.5)
    course[at : at + max(2, n // 100)] *= between(rng, 1.5, 3)
    return world.with_loss(rng, course).without("eval_loss").log()


def oscillation(rng: Rng, n: int) -> Log:
    """The loss jumps up and down from row to row: the rate is far too high."""
    world = draw(rng, n, size=across(rng, 0.005, 0.03), phi=0.0)
    size = between(rng, 0.12, 0.4) * np.where(world.t > between(rng, 0, 0.3), 1, 0.2)
    return world.with_loss(rng, world.course * (1 + size * (-1.0) ** np.arange(n))).log()


def wrong_start(rng: Rng, n: int) -> Log:
    """From scratch with a known vocabulary, the first loss is far above ln V: a bad initialisation."""
    world = draw(rng, n, size=across(rng, 0.005, 0.02))
    vocabulary = int(rng.choice([10_000, 32_000, 50_257, 151_936]))
    first = np.log(vocabulary) * between(rng, 1.5, 4)
    course = power_law(world.t, first, between(rng, 3, 4.5), 0.03)
    changed = world.with_loss(rng, course).without("eval_loss")
    # The first step is logged, as it is where anybody looks at it.
    first = changed.train["step"] / changed.train["step"][0] * float(rng.choice([1, 5, 10]))
    return changed.with_train(step=first).configured(vocab_size=vocabulary, from_scratch=True).log()


def prior(rng: Rng, n: int) -> Log:
    """A classifier stands at ln(classes): it predicts the prior of the labels and nothing else."""
    world = draw(rng, n, size=across(rng, 0.003, 0.02))
    classes = int(rng.choice([2, 10, 100, 1000]))
    course = exponential(world.t, np.log(classes) * 1.3, float(np.log(classes)), 60)
    right = np.clip(1 / classes + 0.2 / classes * rng.standard_normal(world.t_eval.size), 0, 1)
    held_out = noisy(rng, np.full(world.t_eval.size, np.log(classes)), 0.002)
    changed = world.with_loss(rng, course).configured(num_classes=classes)
    return changed.with_eval(eval_loss=held_out, eval_accuracy=right).log()


FAULTS: tuple[Fault, ...] = (
    Fault("loss is NaN", ("N101",), nan_from, 20, ("nan",)),
    Fault("loss is infinite", ("N101",), infinity, 20, ("nan", "inf")),
    Fault("NaN hidden by the trainer", ("N102", "N101"), hidden_nan, 20, ("nan", "zero-loss")),
    Fault("all labels masked", ("N102",), masked_labels, 20, ("zero",)),
    Fault("loss scale collapses", ("N103",), scale_collapse, 50, ("scale",)),
    Fault("frozen loss", ("N104", "N102"), frozen, 50, ("flat", "frozen", "plateau", "stagnat")),
    Fault("loss times accumulation", ("S101",), accumulation, 50, ("accum", "scale")),
    Fault("loss divided by accumulation", ("S101",), divided_accumulation, 50, ("accum", "scale")),
    Fault("unit changes mid-run", ("S102",), rescaled, 50, ("scale", "unit")),
    Fault("partial accumulation window", ("S103",), partial_window, 100, ("partial", "window")),
    Fault("perplexity of another loss", ("S104",), wrong_perplexity, 20, ("perplexity", "unit")),
    Fault("running mean since epoch start", ("S108",), running_mean, 100, ("mean",), info=True),
    Fault("not learning", ("L101", "L108", "L102"), flat, 100, ("flat", "plateau", "stagnat", "learn")),
    Fault("plateau at a constant rate", ("L102",), plateau, 100, ("flat", "plateau", "stagnat")),
    Fault("divergence", ("L103",), divergence, 50, ("diverg",)),
    Fault("explosion", ("L103", "L104"), explosion, 50, ("diverg", "spike", "expl")),
    Fault("many spikes", ("L104",), spikes, 300, ("spike",)),
    Fault("unrecovered spike", ("L104", "L103"), unrecovered_spike, 200, ("spike", "diverg")),
    Fault("oscillation", ("L105",), oscillation, 50, ("oscill",)),
    Fault("wrong initial loss", ("L107",), wrong_start, 50, ("init",)),
    Fault("predicts the prior", ("L108", "L101", "L102"), prior, 100, ("flat", "plateau", "stagnat", "prior")),
)

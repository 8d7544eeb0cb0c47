"""The faults once more, as other people meet them: another course, another scale, fewer columns, other words."""

from __future__ import annotations

import numpy as np
from curves import Floats, Rng, across, between, exponential, gradient_norm, noisy, power_law, progress, schedule
from kinds import Fault
from logs import Log, merged
from world import World, draw

NAN = float("nan")
LAST_WORDS = (
    "RuntimeError: NCCL communicator was aborted on rank 3. Original reason for failure was: watchdog timeout",
    "slurmstepd: error: Detected 1 oom-kill event(s) in StepId=1234.0. Some of the step tasks have been OOM Killed.",
    "FloatingPointError: Loss has diverged",
    "RuntimeError: DataLoader worker (pid 4242) is killed by signal: Killed.",
)


def _alone(rng: Rng, n: int, **more: float) -> World:
    """Nothing but a step, a loss and at times a rate."""
    world = draw(rng, n, **more).without("grad_norm", "epoch", "eval_loss")
    return world if rng.random() < 0.5 else world.without("learning_rate")


def nan_in_validation(rng: Rng, n: int) -> Log:
    """Only the validation loss is NaN from some evaluation on."""
    world = draw(rng, n)
    held_out = world.evaluation["eval_loss"].copy()
    held_out[int(held_out.size * between(rng, 0.2, 0.8)) :] = NAN
    return world.with_eval(eval_loss=held_out).log()


def nan_that_passes(rng: Rng, n: int) -> Log:
    """A few rows are NaN, and the loss comes back."""
    world = draw(rng, n)
    loss, at = world.train["loss"].copy(), int(n * between(rng, 0.2, 0.8))
    loss[at : at + int(rng.integers(1, 4))] = NAN
    return world.with_train(loss=loss).log()


def nan_in_the_norm(rng: Rng, n: int) -> Log:
    """The gradient norm is NaN from some step on, the loss stands still and stays finite: the steps are skipped."""
    world = draw(rng, n, size=0.01)
    at = int(n * between(rng, 0.2, 0.8))
    norm, course = world.train["grad_norm"].copy(), world.course.copy()
    norm[at:], course[at:] = NAN, course[at]
    return world.with_loss(rng, course).with_train(grad_norm=norm).without("eval_loss").log()


def zero_alone(rng: Rng, n: int) -> Log:
    """The loss reads exactly 0 from some step on, and nothing else is logged."""
    world = _alone(rng, n)
    loss = world.train["loss"].copy()
    loss[int(n * between(rng, 0.2, 0.8)) :] = 0.0
    return world.with_train(loss=loss).log()


def frozen_validation(rng: Rng, n: int) -> Log:
    """The held-out loss repeats one value while training goes on: the evaluated copy is no longer updated."""
    world = draw(rng, n)
    at = np.unique(np.linspace(n // 30, n - 1, 30).astype(int))
    held_out = noisy(rng, world.course[at] * 1.03, 0.01)
    held_out[int(between(rng, 8, 16)) :] = held_out[8]
    return Log(merged(world.train, {"step": world.train["step"][at], "eval_loss": held_out}))


def frozen_from_the_start(rng: Rng, n: int) -> Log:
    """The same digits in every row: the loss does not depend on the model."""
    world = _alone(rng, n)
    return world.with_train(loss=np.full(n, round(world.course[0], 4) + 0.0001)).log()


def frozen_for_a_while(rng: Rng, n: int) -> Log:
    """A tenth to a third of the run repeats one value, then the loss moves on."""
    world = _alone(rng, n)
    at, loss = int(n * between(rng, 0.2, 0.5)), world.train["loss"].copy()
    loss[at : at + max(10, int(n * between(rng, 0.1, 0.33)))] = loss[at]
    return world.with_train(loss=loss).log()


def sum_to_mean(rng: Rng, n: int) -> Log:
    """The reduction is changed at a resume: the loss is a sum before and a mean after, or the other way round."""
    world = draw(rng, n, size=across(rng, 0.005, 0.08))
    by = float(rng.choice([16, 32, 64, 128, 256, 512])) ** float(rng.choice([-1, 1]))
    factor = np.where(world.t > between(rng, 0.3, 0.7), by, 1)
    held_out = world.evaluation["eval_loss"]
    return world.with_train(loss=world.train["loss"] * factor).with_eval(eval_loss=held_out).log()


def rescaled_alone(rng: Rng, n: int) -> Log:
    """The unit changes by 3, 5, 10 or 100 in a log of nothing but losses."""
    world = _alone(rng, n, size=across(rng, 0.005, 0.05))
    by = float(rng.choice([3, 5, 10, 16, 100])) ** float(rng.choice([-1, 1]))
    return world.with_train(loss=world.train["loss"] * np.where(world.t > between(rng, 0.25, 0.75), by, 1)).log()


def summed_window(rng: Rng, n: int) -> Log:
    """The training loss is the sum of the micro-batches of a window; validation, on the same steps, is a mean."""
    steps = int(rng.choice([2, 4, 6, 10, 64]))
    world = draw(rng, n, size=across(rng, 0.01, 0.08), phi=0.0)
    named = str(rng.choice(["gradient_accumulation_steps", "accumulate_grad_batches", "grad_accum"]))
    return world.configured(**{named: steps}).with_train(loss=world.train["loss"] * steps).log()


def partial_windows_unnumbered(rng: Rng, n: int) -> Log:
    """Dips at the ends of epochs that the log does not count."""
    world = _alone(rng, n, size=across(rng, 0.005, 0.03), phi=0.0)
    stride = max(6, n // int(rng.integers(6, 20)))
    loss = world.train["loss"].copy()
    loss[stride - 1 :: stride] *= between(rng, 0.25, 0.75)
    return world.with_train(loss=loss).log()


def bits_and_nats(rng: Rng, n: int) -> Log:
    """Validation is written in bits by one program and training in nats by another, of the same data."""
    world = draw(rng, n, size=0.004, phi=0.0)
    at = np.unique(np.linspace(n // 20, n - 1, 20).astype(int))
    course = power_law(world.t, 6, 2, 0.1)
    held_out = noisy(rng, course[at] / np.log(2), 0.001)
    train = {**world.with_loss(rng, course).train}
    return Log(merged(train, {"step": train["step"][at], "eval_loss": held_out}))


def perplexity_of_bits(rng: Rng, n: int) -> Log:
    """Validation perplexity is 2 to the power of a loss in nats."""
    world = draw(rng, n, size=across(rng, 0.005, 0.03))
    return world.with_eval(eval_perplexity=np.exp2(world.evaluation["eval_loss"])).log()


def percent_and_fraction(rng: Rng, n: int) -> Log:
    """Training accuracy in percent beside validation accuracy as a fraction."""
    world = draw(rng, n)
    top = between(rng, 0.6, 0.95)
    right = top * (1 - 0.8 * np.exp(-5 * world.t))
    held_out = np.interp(world.t_eval, world.t, right) * 0.97
    return world.with_train(accuracy=100 * right).with_eval(eval_accuracy=held_out).log()


def mean_of_the_epoch(rng: Rng, n: int) -> Log:
    """A progress bar's mean since the start of the epoch, of batches that differ by a tenth or more."""
    world = draw(rng, n, size=across(rng, 0.05, 0.2), phi=0.0)
    count = int(rng.integers(3, 12))
    course = power_law(world.t, 4, 1, 0.1, 1.0)
    loss = noisy(rng, course, world.size)
    epoch = np.floor(np.minimum(count * world.t, count - 1e-9))
    for one in range(count):
        inside = epoch == one
        loss[inside] = np.cumsum(loss[inside]) / np.arange(1, inside.sum() + 1)
    return world.with_train(loss=loss, epoch=count * world.t).without("eval_loss").log()


def flat_classifier(rng: Rng, n: int) -> Log:
    """Nothing is learnt among 2, 10, 100 or 1000 classes, with much noise, and the accuracy is that of guessing."""
    classes = int(rng.choice([2, 10, 100, 1000]))
    world = draw(rng, n, size=across(rng, 0.005, 0.1), phi=0.0)
    level = float(np.log(classes))
    right = np.clip(1 / classes * np.exp(0.1 * rng.standard_normal(n)), 0, 1)
    changed = world.with_loss(rng, np.full(n, level)).with_train(accuracy=right)
    return changed.without("eval_loss", "grad_norm").log()


def flat_language(rng: Rng, n: int) -> Log:
    """A language model from scratch stands at ln(vocabulary)."""
    world = _alone(rng, n, size=across(rng, 0.002, 0.05))
    level = float(np.log(rng.choice([10_000, 32_000, 50_257, 128_256])))
    return world.with_loss(rng, np.full(n, level)).log()


def stuck_after_the_start(rng: Rng, n: int) -> Log:
    """The first rows fall by a fifth, and from then on nothing moves at a constant rate for 80 % of the run."""
    world = draw(rng, n, size=across(rng, 0.003, 0.02), phi=0.0)
    course = exponential(world.t, world.course[0], world.course[0] * between(rng, 0.7, 0.85), between(rng, 40, 80))
    held_out = noisy(rng, np.interp(world.t_eval, world.t, course) * 1.02, 0.003)
    rate = schedule(rng, world.t, 1e-3, "constant", 0.0)
    return world.with_loss(rng, course).with_train(learning_rate=rate).with_eval(eval_loss=held_out).log()


def slow_divergence(rng: Rng, n: int) -> Log:
    """The loss turns in the middle and creeps up, row by row, to three quarters of what it had gained."""
    world = _alone(rng, n, size=across(rng, 0.005, 0.04))
    turn = between(rng, 0.4, 0.6)
    lowest = float(np.interp(turn, world.t, world.course))
    top = lowest + between(rng, 0.6, 0.9) * (world.course[0] - lowest)
    up = np.clip((world.t - turn) / (1 - turn), 0, 1)
    course = np.where(world.t < turn, world.course, lowest + (top - lowest) * up)
    return world.with_loss(rng, course).log()


def collapse_to_guessing(rng: Rng, n: int) -> Log:
    """From one row to the next the loss is back at ln(vocabulary), and stays there."""
    world = draw(rng, n, size=across(rng, 0.005, 0.03)).without("eval_loss")
    top = between(rng, 10, 11.5)
    course = np.where(world.t < between(rng, 0.3, 0.7), power_law(world.t, top, between(rng, 2, 4), 0.05), top)
    return world.with_loss(rng, course).log()


def divergence_at_once(rng: Rng, n: int) -> Log:
    """The loss climbs from its first rows on and never comes back."""
    world = draw(rng, n, size=across(rng, 0.01, 0.05)).without("eval_loss")
    course = world.course[0] * (1 + between(rng, 0.5, 3) * (1 - np.exp(-world.t / between(rng, 0.05, 0.3))))
    rate = schedule(rng, world.t, 1e-2, "constant", 0.0)
    return world.with_loss(rng, course).with_train(learning_rate=rate).log()


def spikes_of_the_norm(rng: Rng, n: int) -> Log:
    """Four to eight spikes of the loss, each with one of the gradient norm, of 3 to 6 rows."""
    world = draw(rng, n, size=across(rng, 0.01, 0.05), phi=0.0)
    course, norm = world.course.copy(), world.train["grad_norm"].copy()
    count = int(rng.integers(4, 9))
    for place in np.linspace(0.2, 0.95, count) + rng.uniform(-0.03, 0.03, count):
        at, wide = int(place * n), int(rng.integers(3, 7))
        course[at : at + wide] *= between(rng, 1.4, 3)
        norm[at : at + wide] *= between(rng, 5, 50)
    return world.with_loss(rng, course).with_train(grad_norm=norm).log()


def ringing(rng: Rng, n: int) -> Log:
    """The loss swings with a period of 4 to 12 rows by 15 to 40 %."""
    world = _alone(rng, n, size=across(rng, 0.005, 0.04), phi=0.0)
    period = int(rng.integers(4, 13))
    wave = np.sin(2 * np.pi * np.arange(n) / period)
    return world.with_loss(rng, world.course * (1 + between(rng, 0.15, 0.4) * wave)).log()


def start_below_chance(rng: Rng, n: int) -> Log:
    """A classifier from scratch begins far above ln(classes): wrong scale of its logits."""
    classes = int(rng.choice([10, 100, 1000]))
    world = draw(rng, n, size=0.03)
    first = float(np.log(classes)) * between(rng, 2, 6)
    course = exponential(world.t, first, float(np.log(classes)) * 0.4, 6)
    step = world.train["step"] / world.train["step"][0]
    right = 0.6 * (1 - np.exp(-6 * world.t)) + 1 / classes
    changed = world.with_loss(rng, course).with_train(step=step, accuracy=right).without("eval_loss")
    return changed.configured(num_classes=classes, from_scratch=True).log()


def jump_of_the_norm(rng: Rng, n: int) -> Log:
    """The gradient norm jumps by 15 to 300 times in the middle and stays there."""
    world = draw(rng, n)
    by = np.where(world.t > between(rng, 0.4, 0.8), across(rng, 20, 300), 1.0)
    norm = between(rng, 0.2, 3) * by * np.exp(0.25 * rng.standard_normal(n))
    return world.with_train(grad_norm=norm).log()


def dead_head(rng: Rng, n: int) -> Log:
    """One head's gradient is exactly 0 from the middle on, that of the others is not."""
    world = draw(rng, n)
    head = gradient_norm(rng, world.t)
    head[int(n * between(rng, 0.3, 0.7)) :] = 0.0
    columns: dict[str, Floats] = {"grad_norm/box_head": head, "grad_norm/class_head": gradient_norm(rng, world.t)}
    return world.with_train(**columns).log()


def clipped_norm(rng: Rng, n: int) -> Log:
    """Three quarters of the steps or more are clipped, at 0.1 to 5."""
    world = draw(rng, n)
    limit = float(rng.choice([0.1, 0.5, 1.0, 5.0]))
    norm = limit * between(rng, 2.5, 10) * np.exp(0.4 * rng.standard_normal(n))
    named = str(rng.choice(["max_grad_norm", "clip_grad", "gradient_clip_val", "grad_clip"]))
    return world.with_train(grad_norm=norm).configured(**{named: limit}).log()


def rate_forgotten(rng: Rng, n: int) -> Log:
    """The schedule ends early: the rate is exactly 0 for the last 30 to 60 % of the plan."""
    world = draw(rng, n)
    at = between(rng, 0.4, 0.7)
    rate = 3e-4 * np.clip(1 - world.t / at, 0, 1)
    planned = int(world.train["step"][-1])
    stuck = np.where(world.t < at, world.course, float(np.interp(at, world.t, world.course)))
    held_out = noisy(rng, np.interp(world.t_eval, world.t, stuck), 0.003)
    changed = world.with_loss(rng, stuck).with_train(learning_rate=rate).with_eval(eval_loss=held_out)
    return changed.configured(max_steps=planned).log()


def rate_back_at_its_peak(rng: Rng, n: int) -> Log:
    """Late in a decay the rate is back at its peak at once."""
    world = draw(rng, n)
    rate = schedule(rng, world.t, 3e-4, str(rng.choice(["linear", "cosine"])), 0.0)
    at = world.t > between(rng, 0.55, 0.85)
    return world.with_train(learning_rate=np.where(at, 3e-4, rate)).log()


def warm_up_again(rng: Rng, n: int) -> Log:
    """At a resume without any overlap the rate warms up for a second time."""
    world = draw(rng, n)
    at, warm = int(n * between(rng, 0.3, 0.7)), max(5, n // 15)
    rate = 3e-4 * np.ones(n)
    rate[:warm] *= np.linspace(0.02, 1, warm)
    rate[at : at + warm] *= np.linspace(0.02, 1, warm)
    return world.with_train(learning_rate=rate).log()


def _epochs(rng: Rng, rows: int, held_out: Floats, train: Floats, noise: float) -> Log:
    columns = {
        "step": 1.0 + np.arange(rows),
        "loss": noisy(rng, train, noise),
        "val_loss": noisy(rng, held_out, noise),
    }
    return Log(merged(columns))


def overfitting_by_epoch(rng: Rng, n: int) -> Log:
    """One row an epoch: validation is at its best after a third and 20 to 100 % higher at the end."""
    rows = max(20, min(n, 200))
    t = progress(rows)
    train = exponential(t, 2.3, 0.02, between(rng, 3, 6))
    turn = between(rng, 0.2, 0.4)
    best = exponential(np.minimum(t, turn), 2.3, 0.5, 5)
    held_out = best * (1 + between(rng, 0.2, 1.0) * np.clip((t - turn) / (1 - turn), 0, 1))
    return _epochs(rng, rows, held_out, train, 0.02)


def overfitting_of_few_epochs(rng: Rng, _: int) -> Log:
    """Eight to twelve epochs of a fine-tuning: validation is best at the third and climbs by a quarter or more."""
    rows = int(rng.integers(8, 13))
    t = np.arange(rows)
    train = 1.8 * 0.6**t + 0.05
    climb = 1 + between(rng, 0.25, 0.7) * np.clip((t - 2) / (rows - 3), 0, 1)
    return _epochs(rng, rows, np.where(t < 2, 1.8 - 0.3 * t, 1.2) * climb, train, 0.01)


def tests_among_the_training(rng: Rng, n: int) -> Log:
    """Validation falls to a fourth or a tenth of the training loss."""
    world = draw(rng, n, size=across(rng, 0.01, 0.05))
    factor = 1 - (1 - between(rng, 0.08, 0.25)) * np.minimum(1, 3 * world.t_eval)
    return world.with_eval(eval_loss=noisy(rng, world.evaluation["eval_loss"] * factor, 0.02)).log()


def slows_down(rng: Rng, n: int) -> Log:
    """Samples per second fall by half or more over the second half, as with a leak of memory."""
    world = draw(rng, n)
    speed = across(rng, 10, 5000) * np.exp(0.04 * rng.standard_normal(n))
    fall = 1 - between(rng, 0.5, 0.8) * np.clip((world.t - 0.4) / 0.4, 0, 1)
    return world.with_train(samples_per_second=speed * fall).log()


def appended_twice(rng: Rng, n: int) -> Log:
    """Two processes append with a lag of 2 to 10 rows, in bursts."""
    world = draw(rng, n, size=between(rng, 0.01, 0.1)).without("eval_loss")
    mine, theirs = list(world.log().rows), list(world.with_loss(rng, world.course).log().rows)
    burst, lag = int(rng.integers(1, 4)), int(rng.integers(2, 11))
    rows = mine[:lag]
    for at in range(0, n, burst):
        rows += mine[lag + at : lag + at + burst] + theirs[at : at + burst]
    return Log(rows, writer="jsonl")


def other_last_words(rng: Rng, n: int) -> Log:
    """A console log that ends with the words of a scheduler, a library or a guard."""
    world = draw(rng, n).without("eval_loss")
    columns = (world.train[k] for k in ("step", "loss", "learning_rate"))
    lines = [f"iter {int(s)}: loss {loss:.4f}, lr {rate:.2e}" for s, loss, rate in zip(*columns, strict=True)]
    return Log((), text="".join(f"{line}\n" for line in [*lines, str(rng.choice(LAST_WORDS))]))


FAULTS: tuple[Fault, ...] = (
    Fault("NaN in validation", ("N101",), nan_in_validation, 20, ("nan",)),
    Fault("NaN that passes", ("N101",), nan_that_passes, 20, ("nan",)),
    Fault("NaN in the gradient norm", ("N101", "N102"), nan_in_the_norm, 20, ("nan",)),
    Fault("loss of exactly 0", ("N102",), zero_alone, 20, ("zero",)),
    Fault("frozen validation", ("N104", "V104"), frozen_validation, 100, ("flat", "frozen", "stagnat")),
    Fault("frozen from the start", ("N104", "L101"), frozen_from_the_start, 20, ("flat", "frozen", "stagnat")),
    Fault("frozen for a while", ("N104",), frozen_for_a_while, 50, ("flat", "frozen", "stagnat")),
    Fault("sum becomes mean", ("S102",), sum_to_mean, 50, ("scale", "unit")),
    Fault("unit changes, losses alone", ("S102",), rescaled_alone, 50, ("scale", "unit")),
    Fault("sum of the micro-batches", ("S101",), summed_window, 50, ("accum", "scale")),
    Fault("partial window, epochs not counted", ("S103",), partial_windows_unnumbered, 100, ("partial", "window")),
    Fault("bits beside nats", ("S104",), bits_and_nats, 100, ("unit", "bits")),
    Fault("validation perplexity of bits", ("S104",), perplexity_of_bits, 30, ("perplexity", "unit")),
    Fault("percent beside fraction", ("S104",), percent_and_fraction, 20, ("unit", "percent")),
    Fault("mean of the epoch, noisy batches", ("S108",), mean_of_the_epoch, 200, ("mean",), info=True),
    Fault("classifier at chance", ("L101", "L108"), flat_classifier, 50, ("flat", "plateau", "stagnat", "learn")),
    Fault("language model at ln(vocabulary)", ("L101", "L108"), flat_language, 50, ("flat", "plateau", "stagnat")),
    Fault("stuck after the start", ("L102",), stuck_after_the_start, 100, ("flat", "plateau", "stagnat")),
    Fault("creeping divergence", ("L103",), slow_divergence, 50, ("diverg",)),
    Fault("collapse to guessing", ("L103", "L104"), collapse_to_guessing, 50, ("diverg", "spike", "expl")),
    Fault("divergence from the start", ("L103",), divergence_at_once, 50, ("diverg",)),
    Fault("spikes of loss and gradient", ("L104",), spikes_of_the_norm, 300, ("spike",)),
    Fault("ringing", ("L105",), ringing, 100, ("oscill",)),
    Fault("classifier begins above chance", ("L107",), start_below_chance, 50, ("init",)),
    Fault("gradient norm jumps", ("G101",), jump_of_the_norm, 50, ("grad",)),
    Fault("one head is dead", ("G102",), dead_head, 50, ("grad",)),
    Fault("most steps are clipped", ("G103",), clipped_norm, 50, ("clip",)),
    Fault("schedule ends early", ("O101",), rate_forgotten, 50, ("lr", "learning")),
    Fault("rate back at its peak", ("O102", "O103"), rate_back_at_its_peak, 50, ("lr", "learning")),
    Fault("second warm-up", ("O103",), warm_up_again, 100, ("lr", "learning")),
    Fault("overfitting by epoch", ("V101", "V102"), overfitting_by_epoch, 20, ("overfit",)),
    Fault("overfitting of few epochs", ("V101", "V102"), overfitting_of_few_epochs, 20, ("overfit",)),
    Fault("validation far below train", ("V103",), tests_among_the_training, 50, ("leak",)),
    Fault("samples per second fall", ("T101",), slows_down, 50, ("throughput", "step-time", "slow")),
    Fault("two writers in bursts", ("B102",), appended_twice, 50, ("backtrack", "writer", "duplicate")),
    Fault("crash in other words", ("B105",), other_last_words, 20, ("crash", "traceback", "oom", "error")),
)

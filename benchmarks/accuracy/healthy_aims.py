"""Healthy runs of objectives whose loss has a shape of its own: contrastive, generative, reinforced, distilled."""

from __future__ import annotations

import numpy as np
from curves import Floats, Rng, across, autocorrelated, between, exponential, noisy, power_law, progress, schedule
from kinds import Shape
from logs import Log, merged
from world import draw, evaluated


def _steps(rng: Rng, n: int) -> Floats:
    return float(rng.choice([1, 10, 50, 100])) * np.arange(1, n + 1)


def _rate(rng: Rng, t: Floats, name: str = "") -> Floats:
    return schedule(rng, t, across(rng, 1e-5, 1e-3), name, 0.03)


def returns(rng: Rng, n: int) -> Log:
    """Proximal policy optimisation as game players log it: the value loss grows with the return."""
    t = progress(n)
    reward = between(rng, 50, 500) * (1 - np.exp(-3 * t)) * np.exp(0.1 * autocorrelated(rng, n, 0.6))
    value = noisy(rng, 1 + reward**1.3, 0.3, 0.3)
    columns = {
        "step": 2048.0 * np.arange(1, n + 1),
        "rollout/ep_rew_mean": reward,
        "train/value_loss": value,
        "train/policy_gradient_loss": -0.01 + 0.006 * rng.standard_normal(n),
        "train/loss": 0.5 * value + 0.05 * rng.standard_normal(n),
        "train/entropy_loss": -1.4 + 0.9 * t + 0.02 * rng.standard_normal(n),
        "train/explained_variance": 1 - np.exp(-5 * t) + 0.03 * rng.standard_normal(n),
        "train/learning_rate": np.full(n, 3e-4),
    }
    return Log(merged(columns))


def q_learning(rng: Rng, n: int) -> Log:
    """Temporal differences: the loss grows with the returns, as it is an error of growing values."""
    t = progress(n)
    reward = between(rng, 20, 200) * (1 - np.exp(-4 * t)) + between(rng, 1, 6) * autocorrelated(rng, n, 0.6)
    loss = noisy(rng, 0.02 + between(rng, 0.5, 3) * (1 - np.exp(-3 * t)), 0.3, 0.5)
    columns = {"step": _steps(rng, n), "loss": loss, "episode_return": reward, "epsilon": np.maximum(0.05, 1 - 3 * t)}
    return Log(merged(columns))


def group_policy(rng: Rng, n: int) -> Log:
    """Group-relative policy optimisation: the loss begins at 0 and grows with the divergence from the reference."""
    t = progress(n)
    kl = 0.001 + between(rng, 0.05, 0.5) * t * np.exp(0.2 * autocorrelated(rng, n, 0.5))
    columns = {
        "step": 1.0 + np.arange(n),
        "loss": np.round(0.04 * kl, 4),
        "reward": 0.2 + 0.5 * (1 - np.exp(-3 * t)) + 0.06 * rng.standard_normal(n),
        "reward_std": 0.3 * np.exp(-t) * np.exp(0.1 * rng.standard_normal(n)),
        "completion_length": 300 + 200 * t + 20 * rng.standard_normal(n),
        "kl": kl,
        "grad_norm": 0.3 * np.exp(0.5 * rng.standard_normal(n)),
        "learning_rate": _rate(rng, t, "cosine"),
    }
    return Log(merged(columns))


def patch_critic(rng: Rng, n: int) -> Log:
    """An image translator with its critic: the generator's loss rises while the images get better."""
    t = progress(n)
    columns = {
        "step": _steps(rng, n),
        "D_real": noisy(rng, 0.5 - 0.25 * t, 0.35, 0.3),
        "D_fake": noisy(rng, 0.5 - 0.25 * t, 0.35, 0.3),
        "G_GAN": noisy(rng, 0.8 + between(rng, 0.3, 1.5) * t, 0.25, 0.3),
        "G_L1": noisy(rng, power_law(t, 30, 12, 0.1), 0.1),
    }
    return Log(merged(columns))


def wasserstein(rng: Rng, n: int) -> Log:
    """A Wasserstein critic: negative, towards zero, and a generator's loss that drifts anywhere."""
    t = progress(n)
    critic = -between(rng, 3, 30) * np.exp(-between(rng, 1, 3) * t) * np.exp(0.15 * autocorrelated(rng, n, 0.3))
    drift = np.cumsum(0.3 * rng.standard_normal(n)) / np.sqrt(n) * 10
    return Log(merged({"step": _steps(rng, n), "loss_critic": critic, "loss_generator": drift}))


def denoising(rng: Rng, n: int) -> Log:
    """A diffusion model: the loss falls at once and then only trembles, by the noise levels that were drawn."""
    world = draw(rng, n, size=between(rng, 0.1, 0.3), phi=0.0)
    course = exponential(world.t, 1.0, between(rng, 0.02, 0.12), across(rng, 100, 600))
    course = course * (1 - between(rng, 0.02, 0.15) * world.t)
    rate = schedule(rng, world.t, 1e-4, "constant", 0.01)
    return world.with_loss(rng, course).with_train(learning_rate=rate).without("eval_loss").log()


def tuned_denoising(rng: Rng, n: int) -> Log:
    """An adapter of a diffusion model: flat noise from the first row on, as the model knew it all before."""
    world = draw(rng, n, size=between(rng, 0.2, 0.5), phi=0.0)
    course = between(rng, 0.05, 0.2) * (1 - between(rng, 0.0, 0.05) * world.t)
    rate = schedule(rng, world.t, 1e-4, str(rng.choice(["constant", "cosine"])), 0.02)
    return world.with_loss(rng, course).with_train(learning_rate=rate).without("eval_loss").log()


def contrastive(rng: Rng, n: int) -> Log:
    """Pairs among a batch: the loss begins at ln(batch) and stays there for a while before it falls."""
    world = draw(rng, n, size=across(rng, 0.005, 0.04))
    first = float(np.log(rng.choice([32, 64, 128, 256, 1024, 4096, 32768])))
    late = between(rng, 0.01, 0.12)
    course = power_law(np.maximum(0, world.t - late), first, first * between(rng, 0.1, 0.5), between(rng, 0.1, 0.3))
    held_out = noisy(rng, np.interp(world.t_eval, world.t, course) * 1.05, 0.005)
    scale = np.minimum(100.0, 14.3 * np.exp(between(rng, 0.5, 2.5) * world.t))
    changed = world.with_loss(rng, course).with_train(logit_scale=scale)
    return changed.with_eval(eval_loss=held_out).log()


def distillation(rng: Rng, n: int) -> Log:
    """A student and its teacher: a divergence that falls by orders of magnitude."""
    world = draw(rng, n, size=across(rng, 0.02, 0.15))
    first = across(rng, 0.5, 20)
    course = power_law(world.t, first, first * across(rng, 0.001, 0.05), across(rng, 0.005, 0.05), 1.2)
    held_out = noisy(rng, np.interp(world.t_eval, world.t, course) * 1.03, 0.01)
    return world.with_loss(rng, course).with_eval(eval_loss=held_out).log()


def alignment(rng: Rng, n: int) -> Log:
    """Connectionist temporal classification: hundreds at first, a shelf of blanks near 3, then the words."""
    world = draw(rng, n, size=across(rng, 0.02, 0.1))
    until, shelf = between(rng, 0.05, 0.2), between(rng, 2.8, 3.2)
    fall = np.clip((world.t - until) / between(rng, 0.05, 0.15), 0, None)
    course = exponential(world.t, across(rng, 20, 800), shelf, 200) - (shelf - 0.2) * (1 - np.exp(-fall))
    held_out = noisy(rng, np.interp(world.t_eval, world.t, course) * 1.1, 0.02)
    wer = np.clip(np.interp(world.t_eval, world.t, course) / 3.2, 0.08, 1.0)
    return world.with_loss(rng, course).with_eval(eval_loss=held_out, eval_wer=wer).log()


def experts(rng: Rng, n: int) -> Log:
    """A mixture of experts: an auxiliary loss at its floor of 1, and router losses beside the language loss."""
    world = draw(rng, n)
    aux = noisy(rng, 1 + 0.3 * np.exp(-20 * world.t), 0.003)
    return world.with_train(aux_loss=aux, z_loss=noisy(rng, 20 * np.exp(-world.t), 0.05)).log()


def annealed(rng: Rng, n: int) -> Log:
    """A variational autoencoder whose divergence is faded in: the sum rises as its weight does, then falls."""
    t = progress(n)
    weight = np.minimum(1.0, t / between(rng, 0.1, 0.4))
    kl = noisy(rng, 12 + 30 * np.exp(-4 * t) * (1 - np.exp(-20 * t)), 0.03)
    reconstruction = noisy(rng, power_law(t, between(rng, 150, 550), between(rng, 70, 100), 0.03), 0.02)
    columns = {
        "step": _steps(rng, n),
        "loss": reconstruction + weight * kl,
        "recon_loss": reconstruction,
        "kl_loss": kl,
        "kl_weight": weight,
    }
    return Log(merged(columns))


def annealed_alone(rng: Rng, n: int) -> Log:
    """The same with nothing but the total logged: it rises a little over the fading in."""
    log = annealed(rng, n)
    return log.also(rows=[{name: row[name] for name in ("step", "loss")} for row in log.rows])


def bound(rng: Rng, n: int) -> Log:
    """A density in continuous space: the loss passes zero on its way down."""
    t = progress(n)
    course = exponential(t, between(rng, 1, 6), -between(rng, 0.5, 4), between(rng, 4, 12))
    loss = course + between(rng, 0.02, 0.15) * autocorrelated(rng, n, 0.2)
    at = evaluated(rng, n)
    step = _steps(rng, n)
    held_out = course[at] + 0.05 + 0.02 * rng.standard_normal(at.size)
    train = {"step": step, "loss": loss, "lr": _rate(rng, t)}
    return Log(merged(train, {"step": step[at], "eval_loss": held_out}))


def grokking(rng: Rng, n: int) -> Log:
    """A small algebraic task: train is learnt at once, validation stands above chance for long and then collapses."""
    world = draw(rng, n, size=between(rng, 0.03, 0.1))
    first = float(np.log(97))
    course = exponential(world.t, first, 0.002, between(rng, 25, 60))
    late = between(rng, 0.5, 0.75)
    fall = 1 / (1 + np.exp(-(world.t_eval - late) / 0.03))
    held_out = first * between(rng, 1.0, 1.3) * (1 - fall) + 0.01
    rate = schedule(rng, world.t, 1e-3, "constant", 0.01)
    changed = world.with_loss(rng, course).with_train(learning_rate=rate)
    return changed.with_eval(eval_loss=noisy(rng, held_out, 0.02), eval_accuracy=np.clip(fall, 0.02, 0.99)).log()


def opposite_tasks(rng: Rng, n: int) -> Log:
    """Two tasks at once: one falls, the other rises a little from its easy start; the total falls."""
    t = progress(n)
    one = noisy(rng, power_law(t, between(rng, 2, 5), 0.8, 0.1), 0.03)
    other = noisy(rng, between(rng, 0.2, 0.5) * (1 + between(rng, 0.1, 0.4) * (1 - np.exp(-6 * t))), 0.03)
    columns = {"step": _steps(rng, n), "loss": one + other, "loss_a": one, "loss_b": other, "lr": _rate(rng, t)}
    return Log(merged(columns))


def perplexity_alone(rng: Rng, n: int) -> Log:
    """Nothing but perplexities, from thousands down to tens."""
    world = draw(rng, n, size=across(rng, 0.005, 0.02)).without("grad_norm", "learning_rate", "epoch")
    columns = {"step": world.train["step"], "ppl": np.exp(world.train["loss"])}
    held_out = {"step": world.evaluation["step"], "val_ppl": np.exp(world.evaluation["eval_loss"])}
    return Log(merged(columns, held_out))


def accuracy_alone(rng: Rng, n: int) -> Log:
    """Nothing but accuracies by epoch."""
    t = progress(n)
    top = between(rng, 0.7, 0.99)
    train = np.clip(top * (1 - 0.8 * np.exp(-6 * t)) + 0.01 * rng.standard_normal(n), 0, 1)
    held_out = np.clip(0.95 * top * (1 - 0.8 * np.exp(-6 * t)) + 0.01 * rng.standard_normal(n), 0, 1)
    return Log(merged({"step": np.arange(n, dtype=float), "train_acc": train, "val_acc": held_out}))


def smoothed_floor(rng: Rng, n: int) -> Log:
    """A vision model near the floor of its smoothed and mixed labels for most of the run, accuracy still rising."""
    world = draw(rng, n, size=across(rng, 0.01, 0.05))
    first = float(np.log(1000))
    course = first * (1 - between(rng, 0.45, 0.65) * (1 - np.exp(-between(rng, 3, 8) * world.t)))
    held_out = noisy(rng, np.interp(world.t_eval, world.t, course) * between(rng, 0.4, 0.8), 0.01)
    right = np.clip(0.8 * (1 - np.exp(-6 * world.t_eval)), 0.001, 0.95)
    rate = schedule(rng, world.t, 1e-3, "cosine", 0.05)
    changed = world.with_loss(rng, course).with_train(learning_rate=rate).configured(mixup=0.8, label_smoothing=0.1)
    return changed.with_eval(eval_loss=held_out, eval_accuracy=right).log()


def adapted_good_model(rng: Rng, n: int) -> Log:
    """A named model that is trained further on what it knows: 1.2 to 2.2, and at most one or two percent better."""
    world = draw(rng, n, size=across(rng, 0.01, 0.05)).configured(model_name_or_path="meta-llama/Llama-3.1-8B")
    course = between(rng, 1.2, 2.2) * (1 - between(rng, 0.0, 0.02) * (1 - np.exp(-5 * world.t)))
    held_out = noisy(rng, np.interp(world.t_eval, world.t, course), 0.001)
    rate = schedule(rng, world.t, 1e-5, str(rng.choice(["constant", "cosine", "linear"])), 0.03)
    return world.with_loss(rng, course).with_train(learning_rate=rate).with_eval(eval_loss=held_out).log()


def regression(rng: Rng, n: int) -> Log:
    """Squared errors from thousands to hundredths, with heavy-tailed batches."""
    world = draw(rng, n)
    course = power_law(world.t, across(rng, 10, 5e4), across(rng, 1e-3, 1e-1), across(rng, 0.003, 0.03), 1.5)
    loss = course * np.exp(0.1 * rng.standard_t(5, n))
    held_out = noisy(rng, np.interp(world.t_eval, world.t, course) * 1.1, 0.05)
    return world.with_train(loss=loss).with_eval(eval_loss=held_out).log()


SHAPES: tuple[Shape, ...] = (
    Shape("returns of a game", returns),
    Shape("temporal differences", q_learning),
    Shape("group-relative policy", group_policy),
    Shape("image translation with a critic", patch_critic),
    Shape("Wasserstein critic", wasserstein),
    Shape("denoising", denoising, 50),
    Shape("adapter of a denoiser", tuned_denoising, 50),
    Shape("contrastive pairs", contrastive, 50),
    Shape("distillation", distillation),
    Shape("speech alignment with a shelf", alignment, 50),
    Shape("mixture of experts", experts),
    Shape("divergence faded in", annealed),
    Shape("divergence faded in, total alone", annealed_alone),
    Shape("density that passes zero", bound),
    Shape("late generalisation", grokking, 100),
    Shape("two tasks with opposite trends", opposite_tasks),
    Shape("perplexity alone", perplexity_alone),
    Shape("accuracy alone", accuracy_alone),
    Shape("floor of smoothed labels", smoothed_floor),
    Shape("further training of a good model", adapted_good_model),
    Shape("squared errors with heavy tails", regression),
)

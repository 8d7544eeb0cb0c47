"""Faults beside the loss: gradients, the learning rate, validation, throughput, and the log as a file."""

from __future__ import annotations

import numpy as np
from curves import Floats, Rng, across, between, exponential, noisy, power_law, schedule
from kinds import Fault
from logs import Log
from world import World, draw

LAST_WORDS = (
    "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has a total capacity of 79.15 GiB",
    "RuntimeError: CUDA error: an illegal memory access was encountered",
    "KeyError: 'labels'",
)


def growing_gradients(rng: Rng, n: int) -> Log:
    """The gradient norm grows by 20 to 500 times over the run."""
    world = draw(rng, n)
    norm = world.train["grad_norm"][0] * np.exp(world.t * np.log(between(rng, 20, 500)))
    return world.with_train(grad_norm=norm * np.exp(0.2 * rng.standard_normal(n))).log()


def vanishing_gradients(rng: Rng, n: int) -> Log:
    """The gradient norm falls by ten thousand times and the loss stands still."""
    world = draw(rng, n, size=across(rng, 0.003, 0.02))
    norm = np.exp(-np.minimum(1, world.t / 0.5) * np.log(across(rng, 5e3, 1e6))) * np.exp(0.2 * rng.standard_normal(n))
    course = exponential(world.t, world.course[0], world.course[0] * 0.8, 20)
    rate = schedule(rng, world.t, 3e-4, "constant", 0.01)
    return world.with_loss(rng, course).with_train(grad_norm=norm, learning_rate=rate).without("eval_loss").log()


def saturated_clip(rng: Rng, n: int) -> Log:
    """Nearly every step is clipped: the norm before clipping lies far above the limit."""
    world = draw(rng, n)
    norm = between(rng, 4, 30) * np.exp(0.25 * rng.standard_normal(n))
    return world.with_train(grad_norm=norm).configured(max_grad_norm=1.0).log()


def conflict(rng: Rng, n: int) -> Log:
    """Two tasks pull the shared parameters in opposite directions."""
    world = draw(rng, n)
    cosine = np.clip(between(rng, -0.7, -0.3) + 0.15 * rng.standard_normal(n), -1, 1)
    columns: dict[str, Floats] = {"grad_cos/ce_coords": cosine}
    return world.with_train(**columns).log()


def zero_rate(rng: Rng, n: int) -> Log:
    """The learning rate is 0 from the start, or from the middle of the run."""
    world = draw(rng, n)
    at = 0.0 if rng.random() < 0.5 else between(rng, 0.2, 0.6)
    rate = np.where(world.t >= at, 0.0, schedule(rng, world.t, 3e-4, "constant"))
    stuck = world.course[np.minimum(np.arange(n), int(at * (n - 1)))]
    held_out = noisy(rng, np.interp(world.t_eval, world.t, stuck), 0.003)
    return world.with_loss(rng, stuck).with_train(learning_rate=rate).with_eval(eval_loss=held_out).log()


def rate_jump(rng: Rng, n: int) -> Log:
    """The rate jumps up by 5 to 50 times once, in the middle of a schedule."""
    world = draw(rng, n)
    rate = schedule(rng, world.t, 1e-4, str(rng.choice(["constant", "cosine"])), 0.02)
    return world.with_train(
        learning_rate=rate * np.where(world.t > between(rng, 0.3, 0.7), between(rng, 5, 50), 1)
    ).log()


def not_restored(rng: Rng, n: int) -> Log:
    """After a resume the schedule begins again with its warm-up."""
    world = draw(rng, n)
    at = int(n * between(rng, 0.4, 0.7))
    rate = schedule(rng, world.t, 3e-4, "cosine", 0.05)
    rate[at:] = rate[: n - at]
    rows = list(world.with_train(learning_rate=rate).without("eval_loss").log().rows)
    back = max(2, n // 50)
    again = [{**row, "learning_rate": rows[at + i]["learning_rate"]} for i, row in enumerate(rows[at - back : at])]
    shifted = [{**row, "learning_rate": float(rate[min(back + i, n - 1)])} for i, row in enumerate(rows[at:])]
    return Log([*rows[:at], *again, *shifted], writer="jsonl")


def unfinished(rng: Rng, n: int) -> Log:
    """The run ended while the rate was near its peak."""
    world = draw(rng, n)
    rate = schedule(rng, 0.3 * world.t, 3e-4, "cosine", 0.02)
    planned = int(world.train["step"][-1] / 0.3)
    return world.with_train(learning_rate=rate).configured(max_steps=planned).log()


def _evaluated(rng: Rng, n: int) -> World:
    """A run with at least 20 evaluations, low noise and a course that goes on falling."""
    world = draw(rng, n, size=across(rng, 0.005, 0.03))
    at = np.unique(np.linspace(n // 40, n - 1, min(n // 2, int(rng.integers(20, 60)))).astype(int))
    step = world.train["step"][at]
    course = power_law(world.t, world.course[0], world.course[0] * 0.3, 0.1, 1.0)
    changed = World(world.t, world.train, {"step": step, "eval_loss": course[at]}, course, world.size, world.phi)
    return changed.with_loss(rng, course)


def overfitting(rng: Rng, n: int) -> Log:
    """Validation turns and climbs by 15 to 60 % while the training loss goes on falling."""
    world = _evaluated(rng, n)
    turn = between(rng, 0.25, 0.55)
    held_out = np.interp(np.minimum(world.t_eval, turn), world.t, world.course)
    held_out = held_out * (1 + between(rng, 0.15, 0.6) * np.clip((world.t_eval - turn) / (1 - turn), 0, 1))
    return world.with_eval(eval_loss=noisy(rng, held_out, 0.006)).log()


def growing_gap(rng: Rng, n: int) -> Log:
    """Validation stops at a third of the run and creeps up a little; the gap to train only grows."""
    world = _evaluated(rng, n)
    turn = between(rng, 0.2, 0.35)
    held_out = np.interp(np.minimum(world.t_eval, turn), world.t, world.course)
    held_out = held_out * (1 + between(rng, 0.06, 0.1) * np.clip((world.t_eval - turn) / (1 - turn), 0, 1))
    return world.with_eval(eval_loss=noisy(rng, held_out, 0.004)).log()


def leak(rng: Rng, n: int) -> Log:
    """Validation lies far below train: its examples, or their answers, are known to the model."""
    world = _evaluated(rng, n)
    factor = between(rng, 0.02, 0.2)
    return world.with_eval(eval_loss=noisy(rng, world.evaluation["eval_loss"] * factor, 0.03)).log()


def no_validation(rng: Rng, n: int) -> Log:
    """Nothing was ever evaluated."""
    return draw(rng, n).without("eval_loss").log()


def slower(rng: Rng, n: int) -> Log:
    """The last part of the run takes 1.5 to 4 times as long a step."""
    world = draw(rng, n)
    time = across(rng, 0.1, 3) * np.exp(0.05 * rng.standard_normal(n))
    return world.with_train(step_time=time * np.where(world.t > between(rng, 0.6, 0.8), between(rng, 1.5, 4), 1)).log()


def two_writers(rng: Rng, n: int) -> Log:
    """Two processes write one file: each step is there twice, with other values, in any order."""
    world = draw(rng, n, size=between(rng, 0.01, 0.05)).without("eval_loss")
    other = world.with_loss(rng, world.course)
    mine, theirs = list(world.log().rows), list(other.log().rows)
    late = int(rng.integers(1, 4))
    rows = []
    for i in range(n + late):
        rows += [mine[i]] if i < n else []
        rows += [theirs[i - late]] if i >= late else []
    return Log(rows, writer="jsonl")


def other_state(rng: Rng, n: int) -> Log:
    """A resume that restored the weights and not the optimiser: the steps that are written twice lie higher."""
    world = draw(rng, n, size=across(rng, 0.005, 0.03), phi=0.0).without("eval_loss")
    rows = [dict(row) for row in world.log().rows]
    cut, back = int(n * between(rng, 0.4, 0.8)), max(5, n // 15)
    again = [{**row, "loss": row["loss"] * between(rng, 1.12, 1.3)} for row in rows[cut - back : cut]]
    return Log([*rows[:cut], *again, *rows[cut:]], writer="jsonl")


def truncated(rng: Rng, n: int) -> Log:
    """The file ends in the middle of a line."""
    return draw(rng, n).log().also(writer="jsonl", tail='{"step": 99')


def crash(rng: Rng, n: int) -> Log:
    """A console log that ends in a traceback."""
    world = draw(rng, n).without("eval_loss")
    lines = [
        f"step {int(s)} | loss {loss:.4f} | grad_norm {norm:.3f} | lr {rate:.3e}"
        for s, loss, norm, rate in zip(
            *(world.train[k] for k in ("step", "loss", "grad_norm", "learning_rate")), strict=True
        )
    ]
    why = str(rng.choice(LAST_WORDS))
    end = ["Traceback (most recent call last):", '  File "train.py", line 210, in <module>', "    main()", why]
    return Log((), text="".join(f"{line}\n" for line in [*lines, *end]))


def stairs(rng: Rng, n: int) -> Log:
    """The loss falls in steps at the epochs' starts: the data is being memorised."""
    world = draw(rng, n, size=across(rng, 0.01, 0.03), phi=0.0)
    count = int(rng.integers(4, 8))
    course = 2.0 * between(rng, 0.6, 0.85) ** np.floor(np.minimum(count * world.t, count - 0.01))
    return world.with_loss(rng, course).with_train(epoch=count * world.t).without("eval_loss").log()


def wasted(rng: Rng, n: int) -> Log:
    """The last half of the run, with the rate long decayed, improves nothing."""
    world = _evaluated(rng, n)
    course = exponential(world.t, world.course[0], world.course[0] * 0.4, 25)
    held_out = noisy(rng, np.interp(world.t_eval, world.t, course) * 1.02, 0.004)
    rate = 3e-4 * np.maximum(np.exp(-8 * world.t), 1e-3)
    return world.with_loss(rng, course).with_train(learning_rate=rate).with_eval(eval_loss=held_out).log()


FAULTS: tuple[Fault, ...] = (
    Fault("gradient norm grows", ("G101",), growing_gradients, 100, ("grad",)),
    Fault("gradient norm vanishes", ("G102",), vanishing_gradients, 100, ("grad",)),
    Fault("every step is clipped", ("G103",), saturated_clip, 50, ("clip",)),
    Fault("gradients in conflict", ("G104",), conflict, 50, ("conflict",)),
    Fault("learning rate 0", ("O101",), zero_rate, 50, ("lr", "learning")),
    Fault("learning rate jumps", ("O102",), rate_jump, 50, ("lr", "learning")),
    Fault("schedule begins again after a resume", ("O103",), not_restored, 100, ("lr", "learning")),
    Fault("schedule unfinished", ("O104",), unfinished, 50, ("schedule",), info=True),
    Fault("overfitting", ("V101",), overfitting, 100, ("overfit",)),
    Fault("gap grows", ("V102", "V101"), growing_gap, 100, ("overfit", "gap")),
    Fault("validation leaked", ("V103",), leak, 100, ("leak",)),
    Fault("validation missing", ("V104",), no_validation, 50, ("no eval", "no val"), info=True),
    Fault("throughput drops", ("T101",), slower, 50, ("throughput", "step-time", "step-cliff", "step_time", "slow")),
    Fault("resume with another state", ("B101",), other_state, 50, ("backtrack", "resum")),
    Fault("two writers", ("B102",), two_writers, 50, ("backtrack", "writer", "duplicate")),
    Fault("torn last line", ("B104",), truncated, 20, ("trunc", "parse", "malformed"), info=True),
    Fault("crash", ("B105",), crash, 20, ("crash", "traceback", "oom", "error")),
    Fault("epoch stairs", ("B106",), stairs, 100, ("stair", "memor"), info=True),
    Fault("wasted compute", ("W101", "L102"), wasted, 100, ("wast", "plateau", "stagnat"), info=True),
)

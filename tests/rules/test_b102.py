"""B102: two processes that write into one log."""

import json
from dataclasses import replace

import numpy as np
import pytest
from curves import noisy, power_law
from make import case

from trainvitals.diagnostics.diagnosis import diagnose
from trainvitals.diagnostics.report import Finding, NotRun, Pass
from trainvitals.diagnostics.rules.b102_two_writers import check
from trainvitals.parsers import read
from trainvitals.parsers.model import ConfigValue

RNG = np.random.default_rng(0)


def rows(n=100, seed=0, every=1):
    return every * np.arange(1.0, n + 1), noisy(power_law(n), 0.05, np.random.default_rng(seed))


def woven(a, b, order):
    """Two sequences of (steps, values) in the order given by 0 and 1."""
    at, steps, values = [0, 0], [], []
    for which in order:
        source = (a, b)[which]
        if at[which] < len(source[0]):
            steps.append(source[0][at[which]])
            values.append(source[1][at[which]])
            at[which] += 1
    return np.array(steps), np.array(values)


@pytest.mark.parametrize("lag", [5, 40])
@pytest.mark.parametrize("burst", [1, 4])
def test_interleaved_steps_are_two_writers(lag, burst):
    order = [0] * lag + ([0] * burst + [1] * burst) * 100
    finding = check(case({"loss": woven(rows(), rows(seed=1), order)}))
    assert isinstance(finding, Finding)
    assert finding.severity == "warn"
    assert "2 processes" in finding.message


def test_writers_at_the_same_steps_are_told_from_micro_batches():
    steps, loss = rows()
    pairs = np.repeat(steps, 2), noisy(np.repeat(loss, 2), 0.05, RNG)
    assert isinstance(check(case({"loss": pairs})), NotRun)
    apart = pairs[1] * np.tile([1.0, 1.2], 100)
    assert isinstance(check(case({"loss": (pairs[0], apart)})), Finding)


def test_resumes_restarts_and_copies_are_one_writer():
    steps, loss = rows()
    resumed = np.concatenate([steps[:60], steps[40:]]), np.concatenate([loss[:60], loss[40:] * 1.01])
    epochs = np.tile(np.arange(1.0, 11), 10), loss
    copied = np.repeat(steps, 2), np.repeat(loss, 2)
    crashes = np.concatenate([steps[10 * i : 10 * i + 14] for i in range(9)])
    for made in (resumed, epochs, copied, (crashes, np.interp(crashes, steps, loss))):
        assert isinstance(check(case({"loss": made})), Pass)


def test_too_few_rows_are_left_open():
    assert "inconclusive" in check(case({"loss": ([1.0, 2, 1, 2], [3.0, 2, 3, 2])})).reason


def test_in_a_file_it_explains_the_steps_that_go_back(tmp_path):
    steps, loss = woven(rows(), rows(seed=1), [0] * 7 + [0, 1] * 100)
    lines = [json.dumps({"step": int(s), "loss": float(v)}) for s, v in zip(steps, loss, strict=True)]
    (tmp_path / "log.jsonl").write_text("\n".join(lines) + "\n")
    report = diagnose(read(str(tmp_path / "log.jsonl")))
    story = next(f for f in report.findings if f.code == "B102")
    assert "B101" in [c.code for c in story.consequences]


def at_once(n=40, **columns):
    """Each step twice at once with two losses; `columns` are values of each row, `(2 n,)`."""
    steps = np.repeat(np.arange(1.0, n + 1), 2)
    loss = noisy(np.repeat(power_law(n), 2), 0.05, np.random.default_rng(0))
    made = case({"loss": np.ones(2 * n), **dict.fromkeys(columns, np.ones(2 * n))})
    by_name = {"loss": loss, **columns}
    raw = tuple(replace(s, step=steps, value=np.asarray(by_name[s.metric], float)) for s in made.run.series)
    return replace(made, raw=replace(made.run, series=raw))


def accumulating(made, steps):
    config = {"gradient_accumulation_steps": ConfigValue(steps, "args.json", 1)}
    return replace(made, run=replace(made.run, config=config))


@pytest.mark.parametrize(("steps", "answer"), [(1, Finding), (2, NotRun), (8, NotRun)])
def test_repeated_steps_are_micro_batches_only_if_there_are_so_many(steps, answer):
    assert isinstance(check(accumulating(at_once(), steps)), answer)


def test_a_step_has_one_gradient_norm():
    rng = np.random.default_rng(1)
    assert isinstance(check(at_once(grad_norm=1 + 0.1 * rng.standard_normal(80))), Finding)
    # Over the micro-batches of a step the gradient grows.
    assert isinstance(check(at_once(grad_norm=np.tile([0.6, 1.1], 40) + 0.01 * rng.standard_normal(80))), NotRun)
    assert isinstance(check(at_once(grad_norm=np.repeat(rng.standard_normal(40) + 5, 2))), NotRun)


def test_no_micro_batch_is_evaluated():
    made = at_once()
    evaluated = case({"eval/loss": np.linspace(3, 2, 10)}).run.series[0]
    twice = replace(evaluated, step=np.repeat(np.arange(8.0, 41, 8), 2))
    assert isinstance(check(replace(made, raw=replace(made.raw, series=(*made.raw.series, twice)))), Finding)

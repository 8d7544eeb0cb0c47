"""The softce training: its data, its total, its log, and what its faults do to them."""

import dataclasses
import json
import math

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the reference trainer needs the extra 'trainer'")

from trainvitals.diagnostics import diagnose, normalise  # noqa: E402 (needs torch)
from trainvitals.parsers import read  # noqa: E402
from trainvitals.sample_logs.trainer import faults, losses, seeds, softce  # noqa: E402
from trainvitals.sample_logs.trainer.writers import Output, Row  # noqa: E402

SMALL = {"max_steps": 6, "train_rows": 64, "eval_rows": 8, "width": 16, "layers": 1, "heads": 2, "eval_steps": 3}
TIMES = ("elapsed_time", "remaining_time", "train_speed(s/it)", "eval_runtime", "eval_samples_per_second")


def settings(**changes):
    return softce.Settings(**{**SMALL, **changes})


def trained(folder, forms=("jsonl",), **changes):
    chosen = settings(**changes)
    seeds.seed_all(chosen.seed)
    softce.train(chosen, Output(folder, forms))
    return folder


def rows_of(folder):
    return [json.loads(line) for line in (folder / "logging.jsonl").read_text("utf-8").splitlines()]


def batch(count=4):
    made = softce.make_rows(count, seeds.generator(0, "test"))
    return softce.pick(made, range(count))


def test_an_image_is_told_as_names_colours_and_boxes():
    features, words = batch()
    assert features.shape == (4, softce.OBJECTS, softce.FEATURES)
    first = words[0].reshape(softce.OBJECTS, -1)
    names, colours, boxes, ends = first[:, 0], first[:, 1], first[:, 2:6], first[:, 6]
    assert ((names >= softce.FIRST_NAME) & (names < softce.FIRST_COLOUR)).all()
    assert ((colours >= softce.FIRST_COLOUR) & (colours < softce.NEXT)).all()
    assert ((boxes >= 0) & (boxes < softce.BINS)).all()
    assert (boxes[:, 2:] > boxes[:, :2]).all(), "the second corner lies right of and below the first"
    assert boxes[:, 0].tolist() == sorted(boxes[:, 0].tolist()), "from left to right"
    assert ends.tolist() == [softce.NEXT, softce.END]


def test_bins_reach_from_edge_to_edge():
    assert softce.bins(np.array([0.0, 0.5, 1.0])).tolist() == [0, 500, 999]


@pytest.mark.parametrize(
    ("changes", "w1", "gate"),
    [({}, 10.0, 1.0), ({"w1_weight": 50.0, "gate_weight": 0.0}, 50.0, 0.0), ({"w1_in_total": False}, 0.0, 1.0)],
    ids=["as it is", "other weights", "W1 forgotten"],
)
def test_the_total_is_the_weighted_sum_of_its_parts(changes, w1, gate):
    chosen = settings(**changes)
    total, parts = softce.loss_of(softce.Reader(chosen), batch(), chosen)
    base, soft = parts["base_ce/loss"], parts["coord_softce_w1/soft_ce"]
    expected = base + soft + w1 * parts["coord_softce_w1/w1"] + gate * parts["coord_softce_w1/gate"]
    assert total.item() == pytest.approx(expected.item())


def test_an_untrained_model_knows_nothing():
    chosen = settings()
    torch.manual_seed(0)
    _, parts = softce.loss_of(softce.Reader(chosen), batch(32), chosen)
    assert parts["coord_softce_w1/soft_ce"].item() == pytest.approx(math.log(softce.BINS), abs=0.1)
    assert parts["base_ce/loss"].item() == pytest.approx(math.log(softce.VOCABULARY), abs=0.1)
    assert parts["coord_softce_w1/coord_vocab_mass"].item() == pytest.approx(softce.BINS / softce.VOCABULARY, abs=0.05)


def test_targets_widen_over_the_run_where_they_should():
    chosen, true = settings(sigma_grows=4.0), torch.tensor([500])
    narrow, wide = (softce.targets_of(true, chosen, step)[0] for step in (0, chosen.max_steps))
    assert narrow[500].item() / wide[500].item() == pytest.approx(4.0, rel=0.01)


def test_the_gate_by_its_formula_overflows_in_half_precision():
    small, large = torch.tensor([[1.0, 2.0, 3.0]]), torch.tensor([[1.0, 2.0, 12.0]])
    expected = losses.gate(small, small[:, :2]).item()
    assert softce.careless_gate(small, small[:, :2]).item() == pytest.approx(expected, abs=0.01)
    assert math.isfinite(losses.gate(large, large[:, 2:]).item())
    assert math.isnan(softce.careless_gate(large, large[:, 2:]).item())


def test_a_row_has_the_keys_of_ms_swift():
    values = {"loss": 2.0, "base_ce/loss": 1.0, "grad_norm": 0.5, "lr": 1e-3, "time": 0.25}
    row = softce.swift_row(Row(values, 120, 0.5, "train"), 3000, 30.0)
    assert list(row)[:4] == ["loss", "grad_norm", "learning_rate", "base_ce/loss"]
    assert row["global_step/max_steps"] == "120/3000"
    assert (row["elapsed_time"], row["remaining_time"]) == ("30s", "12m 0s")
    evaluated = softce.swift_row(Row({"loss": 2.0, "base_ce/loss": 1.0}, 120, 0.5, "eval"), 3000, 30.0)
    assert list(evaluated)[:2] == ["eval_loss", "eval_base_ce/loss"]


def test_a_run_leaves_a_log_that_is_read_as_its_type(tmp_path):
    run = normalise(read(trained(tmp_path))).run
    assert diagnose(run).loss_type == "softce"
    assert {series.metric for series in run.series} >= {"loss", "soft_ce", "w1", "gate", "p_gt_mean", "learning_rate"}
    assert run.get("loss", "eval").step.tolist() == [3.0, 6.0]


def test_what_is_printed_says_the_same_as_the_file(tmp_path):
    trained(tmp_path, ("jsonl", "text"))
    printed, written = (normalise(read(tmp_path / name)).run for name in ("train.log", "logging.jsonl"))
    for split in ("train", "eval"):
        for metric in ("loss", "soft_ce", "p_gt_mean"):
            one, other = printed.get(metric, split), written.get(metric, split)
            assert (one.step.tolist(), one.value.tolist()) == (other.step.tolist(), other.value.tolist())


def test_the_same_seed_gives_the_same_log(tmp_path):
    logs = [rows_of(trained(tmp_path / name)) for name in ("one", "two")]
    for rows in logs:
        for row in rows:
            for key in TIMES:
                row.pop(key, None)
    assert logs[0] == logs[1]


def test_a_run_that_was_killed_repeats_the_steps_since_its_checkpoint(tmp_path):
    rows = rows_of(trained(tmp_path, logging_steps=1, save_steps=2, killed_at=5, eval_steps=100))
    steps = [row["global_step/max_steps"] for row in rows if "loss" in row]
    assert steps == [f"{step}/6" for step in (1, 2, 3, 4, 5, 5, 6)]
    again = [row["loss"] for row in rows if row["global_step/max_steps"] == "5/6"]
    assert again[0] == again[1], "the state was restored exactly"


@pytest.mark.parametrize("fault", faults.SOFTCE, ids=lambda fault: fault.name)
def test_a_fault_changes_settings_that_exist(fault):
    healthy = softce.Settings()
    assert dataclasses.replace(healthy, **fault.changes) != healthy

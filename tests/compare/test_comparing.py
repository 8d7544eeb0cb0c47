"""Runs side by side: how they are matched, which of them are one method, and what may be said of a difference."""

import math
from dataclasses import replace

import numpy as np
import pytest
from article_runs import kind
from compared_runs import STEPS, flat, level, made

from trainvitals.diagnostics.compare.comparing import compare
from trainvitals.diagnostics.compare.plan import steps_per_second
from trainvitals.diagnostics.compare.verdict import percent


def only(comparison, metric="loss", split="train"):
    return next(r for r in comparison.pairs[0].rows if (r.metric, r.split) == (metric, split))


def test_a_lower_run_is_called_lower_with_its_interval_and_its_evidence():
    row = only(compare([level("a.jsonl", 2.0), level("b.jsonl", 1.9, seed=1)]))
    assert row.word == "lower"
    assert row.low < -0.05 < row.high < 0
    assert row.says.startswith("loss: b.jsonl lower than a.jsonl by 4.8 % ± 0.33 %")
    assert row.says.endswith(
        "over the last 30 % of common steps (one seed: difference of these two runs, not of the methods)"
    )


def test_an_interval_within_half_a_percent_is_no_practical_difference():
    row = only(compare([made("a", {"loss": flat(2.0, noise=0.005)}), made("b", {"loss": flat(2.001, 1, noise=0.005)})]))
    assert row.word == "same"
    assert "no practical difference" in row.says


def test_noise_hides_what_is_smaller_than_it():
    noisy = [made(name, {"loss": flat(value, seed, noise=0.5)}) for name, value, seed in (("a", 2, 0), ("b", 2.05, 1))]
    assert only(compare(noisy)).word == "undecided"


def test_a_shared_data_order_is_found_and_reported():
    runs = [made(name, {"loss": flat(value, seed, order=7)}) for name, value, seed in (("a", 2, 0), ("b", 2.01, 1))]
    comparison = compare(runs)
    assert comparison.pairs[0].tier == "paired runs"
    assert only(comparison).correlation > 0.9
    assert "same data order" in only(comparison).says
    apart = only(compare([level("a", 2.0), level("b", 2.01, seed=1)]))
    assert only(comparison).high - only(comparison).low < (apart.high - apart.low) / 3


def test_tokens_go_before_steps_and_steps_before_time():
    """b sees twice the tokens per step: at equal steps it is ahead, at equal tokens it is not."""
    curve = 2 + 20 / np.sqrt(STEPS)
    ahead = 2 + 20 / np.sqrt(2 * STEPS)
    curve, ahead = (
        c + 1e-3 * np.random.default_rng(i).standard_normal(STEPS.size) for i, c in enumerate((curve, ahead))
    )
    a = made("a", {"loss": (STEPS, curve), "num_tokens": (STEPS, 100 * STEPS)})
    b = made("b", {"loss": (STEPS, ahead), "num_tokens": (STEPS, 200 * STEPS)})
    assert compare([a, b]).axis == "tokens"
    assert only(compare([a, b])).word == "same"
    assert compare([a, b], by="steps").axis == "steps"
    assert only(compare([a, b], by="steps")).word == "lower"


def test_only_the_common_range_is_compared():
    long = made("long", {"loss": (np.arange(1.0, 4001), np.linspace(4, 1, 4000))})
    short = made("short", {"loss": (np.arange(1.0, 2001), np.linspace(4, 2.5, 2000))})
    row = only(compare([long, short]))
    assert (row.end, row.start) == (2000, pytest.approx(1400, abs=1))
    assert abs(row.relative) < 0.001


def test_a_run_that_has_not_decayed_is_not_held_against_one_that_has():
    def scheduled(name, total):
        return made(name, {"loss": flat(2.0), "learning_rate": (STEPS, 1e-3 * np.maximum(0, 1 - STEPS / total))})

    warned = compare([scheduled("a", 10_000), scheduled("b", 40_000)]).pairs[0].warnings
    assert ["not the same phase of the schedule" in w for w in warned] == [True]
    assert "b is at 75 % of its peak, that of a at 0 %" in warned[0]
    assert compare([scheduled("a", 10_000), scheduled("b", 10_000)]).pairs[0].warnings == ()


def test_steps_of_other_size_are_pointed_out():
    sizes = [level(n, 2.0, config={"per_device_train_batch_size": b}) for n, b in (("a", 8), ("b", 16))]
    assert "samples per step: a 8, b 16" in compare(sizes).pairs[0].warnings[0]


def test_totals_of_other_weights_are_pointed_out():
    weighted = [level(name, 2.0, config={"w1_weight": w}) for name, w in (("a", 1.0), ("b", 0))]
    assert "w1_weight is not the same: total losses" in compare(weighted).pairs[0].warnings[0]


def test_seeds_are_one_group_and_eight_of_them_may_speak_of_methods():
    runs = [level(f"runs/{n}/seed{s}/log", v + 0.01 * s, 10 * s + i) for i, (n, v) in enumerate((("a", 2), ("b", 1.8)))
            for s in range(8)]  # fmt: skip
    comparison = compare(runs)
    assert [(len(g.runs), g.seeds[:3]) for g in comparison.groups] == [(8, ("0", "1", "2"))] * 2
    row = only(comparison)
    assert (comparison.pairs[0].tier, row.pairs, row.word) == ("paired seeds", 8, "lower")
    assert row.p == 2 / 2**8
    assert row.first_low < row.first < row.first_high
    assert "8 paired seeds: difference of the methods" in row.says


def test_three_seeds_never_declare_a_difference():
    runs = [
        level(f"{n}-s{s}.csv", v, 10 * s + i) for i, (n, v) in enumerate((("a", 2.0), ("b", 1.0))) for s in range(3)
    ]
    row = only(compare(runs))
    assert (row.word, row.p) == ("undecided", 0.25)
    assert "3 seeds never declare one" in row.says


def test_three_equal_seeds_do_not_show_that_there_is_no_difference():
    runs = [level(f"{n}-s{s}.csv", 2.0, 10 * s + i) for i, n in enumerate("ab") for s in range(3)]
    assert only(compare(runs)).word == "undecided"


def test_runs_named_by_a_pattern_are_a_group():
    runs = [level(name, value, i) for i, (name, value) in enumerate([("h0", 2), ("h1", 2.02), ("h2", 1.98), ("x", 3)])]
    comparison = compare(runs, ["h*"])
    assert [group.name for group in comparison.groups] == ["h*", "x"]
    assert comparison.pairs[0].tier == "run against seeds"
    assert only(comparison).word == "higher"
    assert only(comparison).low < 0.5 < only(comparison).high


def test_two_seeds_tell_nothing_about_methods():
    runs = [level(f"{n}-s{s}", v, s) for n, v in (("a", 2), ("b", 1)) for s in range(2)]
    assert only(compare(runs)).word == "inconclusive"
    assert math.isnan(only(compare(runs)).p_holm)


def test_runs_without_a_seed_in_their_path_stay_apart():
    assert [len(g.runs) for g in compare([level("x/log", 2.0), level("x/log", 2.0)]).groups] == [1, 1]


def test_holm_counts_the_metrics_of_the_table():
    series = {"loss": flat(2.0), "eval/loss": flat(2.0, 3)}
    other = {"loss": flat(2.004, 1), "eval/loss": flat(2.5, 4)}
    rows = compare([made("a", series), made("b", other)]).pairs[0].rows
    assert [(r.metric, r.split) for r in rows] == [("loss", "train"), ("loss", "eval")]
    assert rows[0].p_holm == rows[0].p
    assert rows[1].p_holm == pytest.approx(2 * rows[1].p)


def test_few_evaluations_are_inconclusive():
    few = np.arange(1000.0, 10_001, 1000)
    runs = [
        made(n, {"loss": flat(2.0, i), "eval/loss": (few, v - few / 1e4)})
        for i, (n, v) in enumerate((("a", 3), ("b", 4)))
    ]
    row = only(compare(runs), split="eval")
    assert (row.word, row.points) == ("inconclusive", 5)
    assert row.relative > 0.3, "the levels are told all the same"


def test_settings_that_differ_come_by_name_and_without_secrets_or_folders():
    a = level(
        "a", 2.0, config={"lr": 1e-3, "learning_rate": 1e-3, "seed": 1, "output_dir": "x", "api_key": "AAA", "n": 1}
    )
    b = level(
        "b", 2.0, config={"lr": 3e-4, "learning_rate": 3e-4, "seed": 1, "output_dir": "y", "api_key": "BBB", "m": 2}
    )
    found = {d.name: d.values for d in compare([a, b]).differences}
    assert list(found.items()) == [("learning_rate", ("0.001", "0.0003")), ("m", ("-", "2")), ("n", ("1", "-"))]


def test_settings_that_all_runs_tell_come_first():
    a, b = level("a", 2.0, config={"zeta": 1, "alpha": 1}), level("b", 2.0, config={"zeta": 2})
    assert [d.name for d in compare([a, b]).differences] == ["zeta", "alpha"]


def test_steps_saved_are_read_where_both_runs_reached_the_same_level():
    """b falls twice as fast: it needs half the steps to any level."""
    rng = np.random.default_rng(0)
    curves = [3 + 3 * np.exp(-STEPS / scale) + 0.005 * rng.standard_normal(STEPS.size) for scale in (4000, 2000)]
    comparison = compare([made(n, {"loss": (STEPS, c)}) for n, c in zip("ab", curves, strict=True)])
    (saved,) = comparison.pairs[0].savings
    assert saved.low <= saved.ratio <= saved.high
    assert saved.ratio == pytest.approx(0.5, abs=0.03)


def test_a_run_that_got_worse_again_saved_nothing():
    down_and_up = np.where(STEPS < 3000, 4 - STEPS / 1500, 2 + (STEPS - 3000) / 3500)
    runs = [level("a", 2.0), made("b", {"loss": (STEPS, down_and_up)})]
    assert compare(runs).pairs[0].savings == ()


def test_what_only_one_side_logs_is_named():
    a, b = made("a", {"loss": flat(2.0), "eval/loss": flat(2.0)}), level("b", 2.0)
    assert compare([a, b]).pairs[0].absent == ("eval loss",)


SIGNALS = ("soft_ce", "p_gt_mean", "margin", "coord_vocab_mass", "gate")


def softce(path, soft_ce, rate):
    values = dict(zip(SIGNALS, (soft_ce, 0.1, 1.0, 0.99, 0.02), strict=True))
    series = {f"eval/{name}": (STEPS, np.full(STEPS.size, value)) for name, value in values.items()}
    series["steps_per_second"] = (STEPS, np.full(STEPS.size, rate))
    return made(path, series, loss_type=kind("softce"))


def test_the_plan_of_a_soft_cross_entropy_is_one_table():
    (table,) = compare([softce("base", 2.0, 4.0), softce("no-gate", 2.2, 5.0), softce("w1-0", 2.0, 4.0)]).tables
    assert table.columns == ("run", "steps per second", *SIGNALS)
    assert table.rows[0] == ("base", 4.0, 2.0, 0.1, 1.0, 0.99, 0.02)
    assert table.rows[1][:4] == ("no-gate", "5 (+25.0 %)", "2.2 (+10.0 %)", "0.1 (+0.0 %)")
    assert len(table.rows) == 3


@pytest.mark.parametrize(("rate", "shown"), [(7.3, 7.3), (0.7, 0.7), (40.0, 40.0)])
def test_stamps_of_whole_seconds_tell_the_pace_of_long_stretches(rate, shown):
    """At 7.3 steps a second most rows are 0 or 1 s apart, of which no median is a pace."""
    steps = np.arange(1.0, 2001)
    case = made("x", {"loss": (steps, np.ones(2000))})
    loss = case.run.series[0]
    loss = replace(loss, time=np.floor(steps / rate))
    found = steps_per_second(replace(case, run=replace(case.run, series=(loss,))))
    assert found == pytest.approx(shown, rel=0.05)


def test_other_losses_have_no_such_table():
    assert compare([softce("base", 2.0, 4.0), level("b", 2.0)]).tables == ()


def test_runs_without_a_common_range_are_not_compared():
    early = made("a", {"loss": (np.arange(100.0), np.ones(100))})
    late = made("b", {"loss": (np.arange(200.0, 300.0), np.ones(100))})
    assert compare([early, late]).rows == 0


def test_nan_in_a_log_is_no_part_of_its_level():
    steps, values = flat(2.0)
    values = np.where(np.arange(values.size) % 50 == 0, np.nan, values)
    row = only(compare([made("a", {"loss": (steps, values)}), level("b", 1.8, 1)]))
    assert (row.word, row.points) == ("lower", 294)


@pytest.mark.parametrize(
    ("share", "said"),
    [
        (0.0004, "0.04 %"),
        (0.013, "1.3 %"),
        (0.5, "50.0 %"),
        (5.81, "581 %"),
        (857.4, "85 700 %"),
        (3.871e30, "3.87e+32 %"),
        (math.inf, "inf"),
    ],
)
def test_shares_are_told_with_as_many_digits_as_mean_something(share, said):
    assert percent(share) == said

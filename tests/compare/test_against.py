"""`check --against`: what a single run cannot show, beside healthy runs of its kind."""

import json
import math
from dataclasses import replace

import numpy as np
import pytest
from article_runs import kind
from click.testing import CliRunner
from compared_runs import STEPS, flat, level, made

from trainvitals.diagnostics.cli import main
from trainvitals.diagnostics.report import Finding, NotRun, Pass
from trainvitals.diagnostics.rules import RULES
from trainvitals.diagnostics.rules.c101_worse_than_baseline import check as worse
from trainvitals.diagnostics.rules.c102_config_differs import check as differs
from trainvitals.diagnostics.rules.c103_outside_tolerance import check as outside
from trainvitals.diagnostics.settings import SettingsError, parse

THREE = tuple(level(f"h{i}", value, i) for i, value in enumerate((2.0, 2.01, 1.99)))


def against(case, *baselines, **more):
    return replace(case, baselines=baselines, **more)


def test_a_worse_optimum_is_found_beside_healthy_seeds():
    found = worse(against(level("x", 2.2, 9), *THREE))
    assert isinstance(found, Finding)
    assert (found.severity, found.metrics) == ("fail", ("loss",))
    assert "worse than the worst of 3 baselines (1.991 to 2.01)" in found.message
    assert [place.path for place in found.evidence] == ["x", "h1"]


@pytest.mark.parametrize("value", [2.0, 2.015, 1.5], ids=["like them", "within what seeds do", "better"])
def test_a_run_like_its_baselines_passes(value):
    found = worse(against(level("x", value, 9), *THREE))
    assert isinstance(found, Pass)
    assert found.summary.endswith("of 3 baselines")


@pytest.mark.parametrize(("value", "kind"), [(2.04, Pass), (2.2, Finding)])
def test_with_one_baseline_the_scatter_of_seeds_is_assumed(value, kind):
    found = worse(against(level("x", value, 9), THREE[0]))
    assert isinstance(found, kind)
    assert isinstance(found, Pass) or (found.severity == "warn" and "give 3 baselines" in found.how)


def test_seeds_alone_seldom_alarm():
    """Runs of one kind whose levels scatter by 1 %: one more of them is no fault."""
    alarms = 0
    for seed in range(60):
        rng = np.random.default_rng(seed)
        runs = [level(f"r{i}", 2 * (1 + 0.01 * rng.standard_normal()), 100 * seed + i) for i in range(4)]
        alarms += isinstance(worse(against(*runs)), Finding)
    assert alarms <= 3


def test_an_accuracy_is_worse_when_it_is_lower():
    def scored(path, value, seed=0):
        return made(path, {"loss": flat(2.0, seed), "eval/accuracy": flat(value, seed)})

    healthy = [scored(f"h{i}", 0.9 + 0.001 * i, i) for i in range(3)]
    found = worse(against(scored("x", 0.8, 9), *healthy))
    assert isinstance(found, Finding)
    assert found.metrics == ("accuracy",)
    assert isinstance(worse(against(scored("x", 0.99, 9), *healthy)), Pass)


def test_few_evaluations_that_stand_apart_are_enough():
    few = np.arange(1000.0, 10_001, 1000)
    runs = [made(n, {"eval/loss": (few, v - few / 1e5)}) for n, v in (("x", 3.0), ("h", 2.0))]
    assert isinstance(worse(against(*runs)), Finding)
    runs = [made(n, {"eval/loss": (few, v - few / 1e5)}) for n, v in (("x", 2.08), ("h", 2.0))]
    assert isinstance(worse(against(*runs)), NotRun)


def test_parts_scatter_more_between_seeds_than_the_whole():
    def apart(path, part):
        return made(path, {"loss": flat(2.0), "eval/loss_ce_0": flat(part)})

    assert isinstance(worse(against(apart("x", 0.083), apart("h", 0.075))), Pass)
    assert isinstance(worse(against(apart("x", 0.15), apart("h", 0.075))), Finding)


def test_a_total_with_another_weight_in_it_is_not_held_against_the_others():
    def weighted(path, total, weight):
        return made(path, {"loss": flat(total), "eval/accuracy": flat(0.5)}, config={"gate_weight": weight})

    assert isinstance(worse(against(weighted("x", 3.0, 2.0), weighted("h", 2.0, 1.0))), Pass)
    assert isinstance(worse(against(weighted("x", 3.0, 1), weighted("h", 2.0, 1.0))), Finding)


def test_in_another_phase_of_the_schedule_it_only_warns():
    def scheduled(path, total, value):
        rate = 1e-3 * np.maximum(0, 1 - STEPS / total)
        return made(path, {"loss": flat(value), "learning_rate": (STEPS, rate)})

    found = worse(against(scheduled("x", 40_000, 2.5), scheduled("h", 10_000, 2.0)))
    assert isinstance(found, Finding)
    assert found.severity == "warn"
    assert "not the same phase" in found.how


def test_runs_of_another_loss_are_no_baselines():
    other = replace(THREE[0], loss_type=kind("spatial"))
    mine = replace(level("x", 9.0), loss_type=kind("article"))
    found = worse(against(mine, other))
    assert isinstance(found, NotRun)
    assert found.reason == "the run and its baselines have losses of different types: article, spatial"
    assert isinstance(worse(against(level("x", 9.0), other)), Finding), "of which loss this run is, is not known"


@pytest.mark.parametrize("rule", [r for r in RULES if r.code.startswith("C")], ids=lambda rule: rule.code)
def test_without_baselines_nothing_is_said(rule):
    found = rule.check(level("x", 2.0))
    assert isinstance(found, NotRun)
    assert not found.applicable


def test_settings_that_no_baseline_has_are_listed_with_their_place():
    healthy = [level("h", 2.0, config={"lr": 1e-3, "n": 1, "seed": 1}), level("i", 2.0, config={"lr": 2e-3, "n": 1})]
    found = differs(against(level("x", 2.0, config={"lr": 2e-3, "n": 3, "seed": 7, "output_dir": "z"}), *healthy))
    assert isinstance(found, Finding)
    assert "1 setting differs from the baselines: n 3 (theirs 1)" in found.message
    assert [place.text for place in found.evidence] == ["n = 3"]


def test_equal_settings_pass():
    assert isinstance(differs(against(level("x", 2.0, config={"n": 3}), level("h", 2.0, config={"n": 3.0}))), Pass)


def tolerated(table, numerator, epochs=None):
    case, healthy = (
        made(path, {"article_loss": with_epochs(a), "other_loss": with_epochs(2.0), "eval/loss": with_epochs(a)})
        for path, a in (("x", numerator), ("h", 1.0))
    )
    return outside(against(case, healthy, tolerances=parse({"tolerances": table}, RULES, "t").tolerances))


def with_epochs(value):
    return STEPS, np.full(STEPS.size, value), STEPS / 1000


@pytest.mark.parametrize(
    ("table", "broken"),
    [
        ({"article_loss / other_loss": 0.05}, ["article_loss / other_loss at the end is 0.55, 10.0 % from 0.5"]),
        ({"article_loss / other_loss": 0.2}, []),
        ({"eval loss": {"end": 0.2, "3": 0.05}}, ["eval loss at epoch 3 is 1.1, 10.0 % from 1 "]),
        ({"eval loss": {"absolute": 0.05}}, ["eval loss at the end is 1.1, 0.1 from 1 of the baselines; 0.05 is"]),
        ({"eval loss": {"end": {"absolute": 0.2}, "3": {"absolute": 0.15}}}, []),
        ({"eval loss": [0.9, 1.05]}, ["eval loss at the end is 1.1, above 1.05; allowed is 0.9 to 1.05"]),
        ({"article_loss / other_loss": {"3": [0.6, 1], "end": 0.2}}, ["article_loss / other_loss at epoch 3 is 0.55"]),
        ({"article_loss / other_loss": {"3": [0.5, math.inf]}}, []),
    ],
)
def test_tolerances_are_relative_to_the_baselines(table, broken):
    found = tolerated(table, 1.1)
    messages = [one.message for one in found] if isinstance(found, tuple) else []
    assert [any(m.startswith(b) for m in messages) for b in broken] == [True] * len(broken)
    assert len(messages) == len(broken)


def test_a_tolerance_that_cannot_be_checked_is_not_silent():
    found = tolerated({"never_logged": 0.1, "eval loss": {"99": 0.1}}, 1.0)
    assert isinstance(found, NotRun)
    assert "never_logged at the end, eval loss at epoch 99" in found.reason
    alone = outside(replace(level("x", 2.0), tolerances=parse({"tolerances": {"loss": 0.1}}, RULES, "t").tolerances))
    assert isinstance(alone, NotRun)
    assert alone.applicable


def test_a_band_needs_no_baselines():
    def alone(table):
        return outside(replace(level("x", 2.0), tolerances=parse({"tolerances": table}, RULES, "t").tolerances))

    (found,) = alone({"loss": [-math.inf, 1.5], "other": 0.1})
    assert found.message.startswith("loss at the end is 1.993, above 1.5; allowed is at most 1.5")
    assert isinstance(alone({"loss": [1, 3]}), Pass)
    partly = alone({"loss": [1, 3], "other": 0.1})
    assert isinstance(partly, NotRun)
    assert partly.reason.startswith("1 tolerance kept; the others need baselines")


def test_a_tolerance_at_an_epoch_cites_the_row_there():
    (found,) = tolerated({"eval loss": {"3": 0.05}}, 1.1)
    assert found.evidence[0].text.startswith("step 3000: ")


def test_a_tolerance_that_the_log_cannot_show_is_said_beside_those_that_are_kept():
    found = tolerated({"eval loss": [1, 2], "article_loss / never": [1, 2]}, 1.1)
    assert found == NotRun(
        "C103", "1 tolerance kept; not logged by the run or a baseline: article_loss / never at the end"
    )


@pytest.mark.parametrize(
    "wrong",
    [{"loss": -1}, {"loss": "x"}, {"a / b / c": 0.1}, {"loss": {"soon": 0.1}}, {"loss": True}]
    + [{"loss": limits} for limits in ([1], [2, 1], [1, 1], ["a", 2], [True, 2], [math.nan, 1], {"absolute": 0})]
    + [{"loss": {"absolute": 1, "end": 0.1}}, {"loss": {"end": {"3": 0.1}}}, {"loss": {}}],
)
def test_tolerances_that_mean_nothing_are_refused(wrong):
    with pytest.raises(SettingsError, match=r"t: tolerances\."):
        parse({"tolerances": wrong}, RULES, "t")


@pytest.fixture
def logs(tmp_path, monkeypatch):
    for i, (name, value) in enumerate((("h0", 2.0), ("h1", 2.01), ("h2", 1.99), ("good", 2.0), ("bad", 2.4))):
        (tmp_path / name).mkdir()
        noise = np.random.default_rng(i).standard_normal(400)
        values = (value + 4 * np.exp(-np.arange(400) / 40)) * (1 + 0.01 * noise)
        rows = [json.dumps({"step": s + 1, "loss": v}) for s, v in enumerate(values.tolist())]
        (tmp_path / name / "log.jsonl").write_text("\n".join(rows) + "\n", encoding="utf-8")
    (tmp_path / ".git").mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path


def check(*arguments):
    return CliRunner().invoke(main, ["check", *arguments])


HEALTHY = ("--against", "h?")


@pytest.mark.parametrize(("run", "code"), [("good", 0), ("bad", 1)])
def test_the_command_judges_against_healthy_runs(logs, run, code):
    ran = check(run, *HEALTHY, "--format", "json")
    assert ran.exit_code == code
    (report,) = json.loads(ran.stdout)["runs"]
    assert ("C101" in [f["code"] for f in report["findings"]]) == bool(code)


def test_alone_the_same_run_is_healthy(logs):
    assert check("bad", "--fail-on", "warn").exit_code == 0


def test_the_rule_can_be_left_out_and_adjusted(logs):
    assert check("bad", *HEALTHY, "--ignore", "C101").exit_code == 0
    assert check("bad", *HEALTHY, "--config", "rules.C101.smallest=0.5").exit_code == 0


def test_tolerances_come_from_the_settings(logs):
    (logs / "trainvitals.toml").write_text("[tolerances]\nloss = 0.1\n", encoding="utf-8")
    ran = check("bad", *HEALTHY, "--select", "C103")
    assert ran.exit_code == 1
    assert "10.0 % is allowed" in " ".join(ran.stdout.split())


def test_a_baseline_that_is_not_there_is_an_error(logs):
    ran = check("good", "--against", "absent")
    assert ran.exit_code == 2
    assert "absent" in ran.output

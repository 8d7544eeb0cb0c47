import numpy as np
import pytest
from article_runs import kind
from make import case

from trainvitals.diagnostics.report import NotRun, Pass
from trainvitals.diagnostics.rules.d101_vocabulary_leak import check

N = 120
T = np.arange(N) / N


def noisy(values, scale, seed=0):
    return values + scale * np.random.default_rng(seed).standard_normal(values.size)


def judge(series):
    return check(case(series, loss_type=kind("softce")))


@pytest.mark.parametrize(
    "series",
    [
        {"eval/coord_vocab_mass": noisy(0.999 - 0.03 * T, 0.002)},
        {"coord_vocab_mass": noisy(0.999 - 0.03 * T, 0.002)},
        {"gate": noisy(0.02 + 0.03 * T, 0.002)},
        {"coord_vocab_mass": noisy(0.99 - 0.05 * np.maximum(T - 0.5, 0), 0.001)},
        {"gate": noisy(0.08 * np.exp(-20 * T) + 0.01 + 0.04 * np.maximum(T - 0.4, 0), 0.001)},
    ],
    ids=["mass on eval", "mass on train", "gate", "mass late", "gate after its first fall"],
)
def test_a_leak_is_found(series):
    (found,) = judge(series)
    assert found.severity == "warn"
    assert found.remedy == "raise gate_weight; never drop the gate"


@pytest.mark.parametrize(
    "series",
    [
        {"coord_vocab_mass": noisy(np.full(N, 0.998), 0.001), "gate": noisy(np.full(N, 0.02), 0.003)},
        {"coord_vocab_mass": noisy(0.9 + 0.09 * (1 - np.exp(-5 * T)), 0.002)},
        {"gate": noisy(0.1 * np.exp(-5 * T) + 0.01, 0.001)},
        {"coord_vocab_mass": noisy(0.9990 - 0.001 * T, 0.0001)},
        {"gate": noisy(1e-5 + 1e-5 * T, 1e-7)},
    ],
    ids=["flat", "mass rises", "gate falls", "tiny loss of mass", "tiny gate"],
)
def test_no_leak_passes(series):
    assert isinstance(judge(series), Pass)


def test_flat_noise_passes_for_many_seeds():
    results = [judge({"gate": noisy(np.full(N, 0.02), 0.004, seed)}) for seed in range(40)]
    assert sum(not isinstance(r, Pass) for r in results) <= 1


@pytest.mark.parametrize("series", [{}, {"gate": [0.1, 0.2]}, {"gate": [np.nan] * 50}, {"loss": [1.0]}])
def test_without_material_it_is_not_run(series):
    assert isinstance(judge(series), NotRun)


def test_a_leak_that_flattens_out_is_found_in_training_where_evaluations_are_few():
    late = np.clip((T - 0.2) / 0.8, 0, 1) ** 0.7
    few = np.arange(9, N, 10)
    mass = noisy(0.98 - 0.3 * late, 0.003)
    (found,) = judge({"coord_vocab_mass": mass, "eval/coord_vocab_mass": (few + 1.0, mass[few])})
    assert found.evidence[0].text.startswith("step 1: coord_vocab_mass")


def test_training_rows_tell_of_a_late_leak_that_few_evaluations_cannot():
    t = np.linspace(0, 1, 200)
    mass = 0.999 - 0.3 * np.exp(-12 * t) - 0.02 * np.maximum(t - 0.5, 0)
    few = {"eval/coord_vocab_mass": noisy(mass, 2e-4)[4::5]}
    assert isinstance(judge(few), Pass)
    (found,) = judge({"train/coord_vocab_mass": noisy(mass, 2e-4), **few})
    assert found.metrics == ("coord_vocab_mass",)

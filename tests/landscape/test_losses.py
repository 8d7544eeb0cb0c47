"""The shapes of the five loss types, against closed forms and against the trainer's own losses."""

import math

import numpy as np
import pytest

from trainvitals.diagnostics.landscape import article, causal_lm, eos, softce, spatial
from trainvitals.diagnostics.landscape.picture import Surface
from trainvitals.diagnostics.loss_type_toml import builtin

EXACT = 1e-6
KIND = {kind.name: kind for kind in builtin()}
STAGES = KIND["spatial"].stages
PX = 192.0


def near(value):
    return pytest.approx(value, abs=EXACT)


def plot(landscape, title):
    return next(panel for panel in landscape.panels if panel.title.startswith(title))


# spatial


@pytest.mark.parametrize(
    ("pixels", "loss", "gradient"),
    [
        (3.0, 0.00244140625, 0.3125),
        (5.0, 0.00678168, 0.5208333),
        (10.0, 0.0027126736, 0.1041667),
        (15.0, 0.0061035, 0.15625),
        (19.0, 0.0097927, 0.1979167),
        (38.4, 0.05, 0.2),
    ],
)
def test_the_staged_loss_and_its_gradient(pixels, loss, gradient):
    d = np.array([pixels / PX])
    assert (spatial.staged(STAGES, d)[0], spatial.slope(STAGES, d)[0]) == (near(loss), near(gradient))


def test_ten_pixels_cost_what_three_cost():
    assert [a * PX for a, _ in spatial.error_intervals(STAGES, 0.0025, 0.0025)] == [
        near(math.sqrt(0.00025) * PX),
        near(9.6),
    ]


@pytest.mark.parametrize(
    ("low", "high", "pixels"),
    [
        (0.045, 0.055, [(33.6, 43.2)]),
        (0.0025, 0.01, [(3.0357866, 6.0715732), (9.6, 19.2)]),
        (0.02, 0.035, [(8.5865010, 9.6), (19.2, 24.0)]),
        (0.0, 0.001, [(0.0, 1.92)]),
        (0.02505, 0.0299, []),
    ],
)
def test_which_errors_can_cost_so_much(low, high, pixels):
    found = [(a * PX, b * PX) for a, b in spatial.error_intervals(STAGES, low, high)]
    assert found == [(near(a), near(b)) for a, b in pixels]


def test_without_jumps_the_errors_are_one_interval():
    found = spatial.error_intervals(spatial.closed(STAGES), 0.02, 0.04)
    assert [(a * PX, b * PX) for a, b in found] == [(near(8.5865010), near(26.4))]


def test_a_mean_loss_bounds_the_mean_error():
    least, most = spatial.mean_error_range(STAGES, 0.05)
    # The least: some errors of 9.6 px, at 0.025 each, and some as far away as can be. The most: of 19.2 px, at 0.01.
    assert least * PX == pytest.approx(9.6 + (768 - 9.6) * 0.025 / (0.81 - 0.025), abs=1e-3)
    assert most * PX == pytest.approx(19.2 + (768 - 19.2) * 0.04 / 0.80, abs=1e-3)
    assert math.isnan(spatial.mean_error_range(STAGES, 0.9)[0])


def test_any_set_of_errors_lies_within_those_bounds():
    errors = np.random.default_rng(0).uniform(0, 0.4, (200, 5)) ** 2
    for d in errors:
        least, most = spatial.mean_error_range(STAGES, float(spatial.staged(STAGES, d).mean()))
        assert least - EXACT <= d.mean() <= most + EXACT


@pytest.mark.parametrize(
    ("text", "half"), [("0.05", 0.005), ("0.050", 0.0005), ("5e-2", 0.005), ("2", 0.5), ("1.5e1", 0.5)]
)
def test_a_printed_number_stands_for_an_interval(text, half):
    assert spatial.half_digit(text) == pytest.approx(half)


def test_the_repair_closes_every_jump_and_changes_no_gradient():
    repaired = spatial.closed(STAGES)
    assert [stage.constant for stage in repaired] == [0.0, near(0.0225), near(0.0125)]
    at = np.linspace(0, 0.3, 1001)
    assert np.diff(spatial.staged(repaired, at)).min() > 0
    assert np.array_equal(spatial.slope(repaired, at), spatial.slope(STAGES, at))


def test_what_is_said_of_the_staged_loss():
    told = spatial.landscape(spatial.Options(STAGES, PX, "0.05")).sentences
    assert [said.partition(" ")[0] for said in told] == ["a", "sets", "jump", "jump", "not", "repair:", "without"]
    for said in (
        "jump at 9.6 px: the loss falls from 0.0250 to 0.0025",
        "jump at 19.2 px: the loss rises from 0.0100 to 0.0300",
        "as little as one of 3.036 px",
        "constant error of 33.6 to 43.2 px; 0.05 itself by 38.4 px",
        "10 d^2 below 0.05 | d^2 + 0.0225 below 0.1 | 0.2 d + 0.0125",
    ):
        assert said in "\n".join(told)


def test_a_repaired_loss_needs_no_repair():
    told = spatial.landscape(spatial.Options(spatial.closed(STAGES), PX)).sentences
    assert [said.partition(":")[0] for said in told] == ["kink at 9.6 px"]


def test_other_constants_make_other_stages():
    one = spatial.changed(STAGES, (0.02, 0.2), (5.0, 2.0), 0.3, 0.0)
    assert [(s.below, s.square, s.linear, s.constant) for s in one] == [
        (0.02, 5, 0, 0),
        (0.2, 2, 0, 0),
        (math.inf, 0, 0.3, 0),
    ]
    assert spatial.changed(STAGES) == STAGES
    for thresholds in ((0.1,), (0.2, 0.1), (0.0, 0.1), (math.nan, 0.1), (0.1, math.inf)):
        with pytest.raises(ValueError, match="thresholds"):
            spatial.changed(STAGES, thresholds)


def test_the_surface_is_the_loss_of_both_axes():
    (surface,) = [p for p in spatial.landscape(spatial.Options(STAGES, PX)).panels if isinstance(p, Surface)]
    d = (abs(surface.across[7]) + abs(surface.up[40])) / PX
    assert surface.z[40, 7] == near(spatial.staged(STAGES, np.array([d]))[0])
    corner = np.abs(surface.curves[0].x) + np.abs(surface.curves[0].y)
    assert corner.tolist() == [near(9.6)] * 5


# eos

COUNTS = {"COORD": 17.0, "EOS": 1.0}


def test_shares_of_the_classes():
    found = eos.shares(COUNTS, "EOS", np.array([1.0, 20.0]))
    assert found["COORD"].tolist() == [near(17 / 18), near(17 / 37)]
    assert found["EOS"].tolist() == [near(1 / 18), near(20 / 37)]


def test_the_mean_takes_gradient_from_the_coordinates_and_the_sum_does_not():
    found = eos.gradient_factors(COUNTS, "EOS", np.array([20.0]))
    assert [factor[0] for factor in found["COORD"]] == [near(18 / 37), 1.0]
    assert [factor[0] for factor in found["EOS"]] == [near(20 * 18 / 37), 20.0]


def test_what_is_said_of_the_weight():
    told = eos.landscape(KIND["eos"].weight.counts, "EOS", 20.0).sentences[0]
    assert told.endswith("of COORD from 94.4 % to 45.9 %, of EOS from 5.6 % to 54.1 %")


@pytest.mark.parametrize(
    ("counts", "weight"),
    [
        ({"EOS": 1.0}, 20.0),
        ({"COORD": 17.0}, 20.0),
        (COUNTS, 0.0),
        (COUNTS, math.nan),
        ({"COORD": -1.0, "EOS": 1.0}, 2.0),
    ],
)
def test_counts_and_weights_without_shares_are_refused(counts, weight):
    with pytest.raises(ValueError, match=r"counts"):
        eos.landscape(counts, "EOS", weight)


# article


def test_the_effective_share_divides_by_the_sum_of_weights():
    assert article.effective_share(0.06, np.array([1.0, 5.0])).tolist() == [near(0.06), near(0.30 / 1.24)]


def test_the_field_note_implies_a_share_that_the_data_do_not_have():
    at = article.implied_share(article.NOTE.total, article.NOTE.part, article.NOTE.rest, np.array([5.0, 1.0]))
    assert at.tolist() == [near((1.9876 - 2.0543) / (5 * 2.0543 - 2.0543 - 5 * 4.2345 + 1.9876)), near(0.0667 / 2.2469)]
    assert [round(100 * share, 1) for share in at] == [0.6, 3.0]


def test_the_implied_share_is_the_one_with_which_the_loss_was_made():
    part, rest = np.array([3.0, 2.0]), np.array([5.0, 2.5])
    total = article.weighted_loss(part, rest, 0.07, 5.0)
    assert article.implied_share(total, part, rest, np.asarray(5.0)).tolist() == [near(0.07)] * 2


def test_the_surface_has_a_line_for_each_band_and_the_way_of_the_run():
    run = article.Trajectory("mine", *(np.array(v) for v in ([1.0, 2.0], [3.0, 2.0], [4.0, 2.0], [3.0, 2.0])))
    found = article.landscape(article.Options(5.0, 0.06, (0.05, 0.09), (0.5, 2.0)), run)
    surface = found.panels[-1]
    *rays, way = surface.curves
    assert [ray.y[1] / ray.x[1] for ray in rays] == [near(0.5), near(2.0)]
    assert (way.x.tolist(), way.y.tolist()) == ([3.0, 2.0], [4.0, 2.0])
    assert [mark.text for mark in surface.marks] == ["0.5", "2", "step 1", "step 2"]


# softce

ONE = softce.Options()


def test_a_target_is_a_truncated_gaussian():
    goal = softce.target(1000, 500, 2.0, 8.0)
    assert goal.sum() == near(1.0)
    assert np.flatnonzero(goal).tolist() == list(range(492, 509))
    assert goal[502] / goal[500] == near(math.exp(-0.5))


def test_w1_is_the_distance_and_soft_ce_grows_with_its_square():
    found = softce.by_centre(ONE)
    assert found.w1[40] == near(40 / 999)
    goal = softce.target(1000, 500, 2.0, 8.0)
    variance = float(goal @ (np.arange(1000) - 500.0) ** 2)
    # Cross-entropy of a Gaussian prediction: ln(sigma sqrt(2 pi)) + (variance + distance^2) / (2 sigma^2).
    assert found.soft_ce[40] == pytest.approx(math.log(2 * math.sqrt(2 * math.pi)) + (variance + 1600) / 8, abs=1e-5)


def test_soft_ce_does_not_see_where_a_second_mode_is_and_w1_does():
    found = softce.by_second_mode(ONE)
    assert found.soft_ce[60] == near(found.soft_ce[30])
    assert found.soft_ce[60] - found.soft_ce[0] == pytest.approx(math.log(2), abs=1e-3)
    assert found.w1[60] == pytest.approx(30 / 999, abs=1e-4)


def numeric(loss, values, i, step=1e-5):
    up, down = values.copy(), values.copy()
    up[i], down[i] = up[i] + step, down[i] - step
    return (loss(up) - loss(down)) / (2 * step)


@pytest.mark.parametrize("temperature", [1.0, 0.9])
def test_gradients_agree_with_differences(temperature):
    goal = softce.target(60, 30, 2.0, 8.0)
    values = softce.logits(60, 36, 3.0)
    ce = softce.soft_ce_gradient(values, goal, temperature)
    way = softce.w1_gradient(values, goal, temperature)
    for i in (28, 33, 36, 40):
        assert ce[i] == near(numeric(lambda v: softce.soft_ce(v, goal, temperature), values, i))
        assert way[i] == near(numeric(lambda v: softce.w1(softce.softmax(v / temperature), goal), values, i))


def test_the_gate_is_minus_the_logarithm_of_the_mass_on_coordinates():
    values = np.array([1.0, 2.0, -1.0])
    inside = np.exp(values).sum()
    assert softce.gate(values, 7) == near(-math.log(inside / (inside + 7)))


@pytest.mark.parametrize(
    "option", [{"sigma": 0.0}, {"temperature": math.nan}, {"truncate": -1.0}, {"bins": 3}, {"vocabulary": 5}]
)
def test_options_with_which_nothing_can_be_computed_are_refused(option):
    with pytest.raises(ValueError, match="must be"):
        softce.landscape(softce.Options(**option))


# causal_lm


def test_units_of_a_loss():
    found = causal_lm.landscape(150_000)
    curves = {curve.name: curve for panel in found.panels for curve in panel.curves}
    nats, bits, perplexity = (curves[name].y[0] for name in ("nats: -ln p", "bits: -log2 p", "perplexity"))
    assert (nats, bits, perplexity) == (near(math.log(150_000)), near(math.log2(150_000)), pytest.approx(150_000))
    assert "at least -ln 0.20 = 1.6094" in found.sentences[1]


@pytest.mark.parametrize(("smoothing", "words"), [(0.0, 10), (0.1, 2), (0.1, 150_000), (0.5, 7)])
def test_the_floor_under_smoothing_is_the_entropy_of_the_label(smoothing, words):
    label = np.full(words, smoothing / words)
    label[0] += 1 - smoothing
    entropy = -sum(p * math.log(p) for p in label if p)
    assert causal_lm.smoothed_floor(np.asarray(smoothing), words) == near(entropy)


# The trainer's losses, where its extra is installed


@pytest.fixture
def trainer():
    pytest.importorskip("torch")
    from trainvitals.sample_logs.trainer import losses

    return losses


def test_the_shapes_are_those_of_the_losses_that_are_trained(trainer):
    import torch

    d = np.linspace(0, 0.3, 500)
    assert spatial.staged(STAGES, d) == pytest.approx(trainer.three_stage(torch.tensor(d)).numpy(), abs=EXACT)
    assert eos.shares(COUNTS, "EOS", np.array([20.0]))["EOS"][0] == near(
        trainer.weighted_shares({"COORD": 17, "EOS": 1}, {"EOS": 20.0})["EOS"]
    )
    assert article.effective_share(0.06, np.array([5.0]))[0] == near(trainer.weighted_influence(0.06, 5.0))


def test_soft_losses_are_those_that_are_trained(trainer):
    import torch

    (goal,) = trainer.gaussian_targets(torch.tensor([500]), 1000, sigma=2.0, truncate=8.0).double()
    mine = softce.target(1000, 500, 2.0, 8.0)
    assert mine == pytest.approx(goal.numpy(), abs=EXACT)
    values = softce.logits(1000, 507, 3.0)
    theirs = torch.tensor(values, requires_grad=True)
    ce = trainer.soft_ce(theirs[None], torch.tensor(mine)[None], temperature=0.9)
    way = trainer.wasserstein_1((theirs / 0.9).softmax(-1)[None], torch.tensor(mine)[None])
    assert softce.soft_ce(values, mine, 0.9) == near(ce.item())
    assert softce.w1(softce.softmax(values / 0.9), mine) == near(way.item())
    assert softce.soft_ce_gradient(values, mine, 0.9) == pytest.approx(
        torch.autograd.grad(ce, theirs)[0].numpy(), abs=EXACT
    )
    assert softce.w1_gradient(values, mine, 0.9) == pytest.approx(
        torch.autograd.grad(way, theirs)[0].numpy(), abs=EXACT
    )
    whole = torch.cat([torch.tensor(values), torch.zeros(200, dtype=torch.float64)])[None]
    assert softce.gate(values, 200) == near(trainer.gate(whole, whole[:, :1000]).item())


def test_the_floor_under_smoothing_is_that_of_pytorch():
    torch = pytest.importorskip("torch")
    label = torch.full((1, 50), 0.1 / 50, dtype=torch.float64)
    label[0, 3] += 0.9
    best = torch.nn.functional.cross_entropy(label.log(), torch.tensor([3]), label_smoothing=0.1)
    assert causal_lm.smoothed_floor(np.asarray(0.1), 50) == near(best.item())

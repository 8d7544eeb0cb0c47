"""The trainer's losses against values worked out by hand, and their gradients against finite differences."""

import math

import pytest

torch = pytest.importorskip("torch", reason="the reference trainer needs the extra 'trainer'")

from trainvitals.sample_logs.trainer import losses  # noqa: E402 (needs torch)

DOUBLE = torch.float64


@pytest.fixture(autouse=True)
def seeded():
    torch.manual_seed(0)


def normal(*shape):
    return torch.randn(*shape, dtype=DOUBLE, requires_grad=True)


# eos


SEQUENCE = {"COORD": 17, "EOS": 1}


def test_an_eos_of_weight_20_takes_half_of_a_weighted_mean():
    even = losses.weighted_shares(SEQUENCE, {})
    assert (round(even["COORD"], 3), round(even["EOS"], 3)) == (0.944, 0.056)
    weighted = losses.weighted_shares(SEQUENCE, {"EOS": 20.0})
    assert (round(weighted["COORD"], 3), round(weighted["EOS"], 3)) == (0.459, 0.541)


def coordinate_gradient(weight, reduction):
    """Gradient norm at the 17 COORD tokens of a sequence of equal logits."""
    logits = torch.zeros(1, 18, 4, dtype=DOUBLE, requires_grad=True)
    labels = torch.tensor([[0] * 17 + [2]])
    weights = torch.tensor([1.0, 1.0, weight, 1.0], dtype=DOUBLE)
    losses.token_ce(logits, labels, weights, reduction).backward()
    return logits.grad[0, :17].norm().item()


def test_the_weight_leaves_the_gradient_of_the_others_alone_in_a_sum_only():
    assert coordinate_gradient(20.0, "sum") == pytest.approx(coordinate_gradient(1.0, "sum"))
    change = coordinate_gradient(20.0, "weighted_mean") / coordinate_gradient(1.0, "weighted_mean")
    assert change == pytest.approx(18 / 37)


def test_padding_costs_nothing():
    logits, weights = normal(2, 3, 4), torch.ones(4, dtype=DOUBLE)
    padded = torch.tensor([[0, 1, losses.IGNORE], [2, losses.IGNORE, losses.IGNORE]])
    short = torch.cat([logits[0, :2], logits[1, :1]]).unsqueeze(0)
    assert losses.token_ce(logits, padded, weights) == losses.token_ce(short, torch.tensor([[0, 1, 2]]), weights)


def test_coordinates_are_averaged_over_their_own_tokens():
    predicted = torch.tensor([[[0.5, 0.5], [0.9, 0.9]]], dtype=DOUBLE)
    true = torch.tensor([[[0.4, 0.7], [0.0, 0.0]]], dtype=DOUBLE)
    assert losses.coordinate_l1(predicted, true, torch.tensor([[1.0, 0.0]])).item() == pytest.approx(0.3)


def test_every_layer_counts_in_the_total():
    part = (torch.tensor(0.6), torch.tensor(0.2))
    assert losses.with_auxiliary(part, [part] * 5).item() == pytest.approx(6 * (0.6 + 5 * 0.2))


# article


def test_articles_of_six_percent_at_weight_five_have_24_percent_of_the_influence():
    assert round(losses.weighted_influence(0.06, 5.0), 3) == 0.242


def by_hand():
    """Two articles of different ids and two other tokens, whose cross-entropies are 1, 3, 2 and 2 nats."""
    ce = torch.tensor([1.0, 3.0, 2.0, 2.0], dtype=DOUBLE)
    labels = torch.tensor([0, 1, 2, 3])
    logits = torch.full((4, 5), -math.inf, dtype=DOUBLE)
    logits[torch.arange(4), labels] = -ce
    logits[:, 4] = torch.log1p(-torch.exp(-ce))
    return logits, labels


def test_the_weighted_loss_and_its_parts():
    logits, labels = by_hand()
    found = losses.article_loss(logits, labels, (0, 1), 5.0)
    assert found.loss.item() == pytest.approx((5 * 1 + 5 * 3 + 2 + 2) / 12)
    assert found.a_loss.item() == pytest.approx(2.0), "both ids are articles"
    assert found.o_loss.item() == pytest.approx(2.0)
    assert found.ratio.item() == pytest.approx(1.0)
    assert found.share.item() == 0.5
    assert found.perplexity.item() == pytest.approx(math.exp(2.0))
    assert found.weighted_perplexity.item() == pytest.approx(math.exp(2.0))


def test_the_two_perplexities_part_where_the_weighted_class_costs_more():
    logits, labels = by_hand()
    found = losses.article_loss(logits, labels, (1,), 5.0)
    assert found.perplexity.item() == pytest.approx(math.exp(8 / 4))
    assert found.weighted_perplexity.item() == pytest.approx(math.exp((1 + 15 + 2 + 2) / 8))


# causal_lm


def test_a_token_is_predicted_from_the_one_before_and_masked_labels_cost_nothing():
    logits = torch.zeros(1, 4, 8, dtype=DOUBLE)
    logits[0, 1, 5] = 2.0  # what stands at 1 speaks of the token at 2
    labels = torch.tensor([[losses.IGNORE, losses.IGNORE, 5, losses.IGNORE]])
    assert losses.next_token_ce(logits, labels).item() == pytest.approx(math.log(7 + math.exp(2)) - 2)


def test_an_untrained_model_costs_the_logarithm_of_its_vocabulary():
    labels = torch.randint(0, 150, (2, 6))
    assert losses.next_token_ce(torch.zeros(2, 6, 150), labels).item() == pytest.approx(math.log(150))


def test_a_wrong_token_is_never_infinitely_wrong():
    probabilities = torch.tensor([0.8, 0.2], dtype=DOUBLE)
    logits = probabilities.log().expand(1, 2, 2)
    assert losses.next_token_ce(logits, torch.tensor([[0, 1]])).item() == pytest.approx(1.61, abs=0.005)


def test_micro_batches_over_all_items_add_up_to_the_mean_over_the_step():
    logits, labels = normal(4, 6, 9), torch.randint(0, 9, (4, 6))
    labels[0, :5] = losses.IGNORE
    items = (labels[:, 1:] != losses.IGNORE).sum()
    parts = [losses.next_token_ce(logits[i : i + 1], labels[i : i + 1], items) for i in range(4)]
    assert torch.stack(parts).sum().item() == pytest.approx(losses.next_token_ce(logits, labels).item())


# softce


def test_a_target_is_a_distribution_around_its_bin_and_ends_where_it_is_cut():
    (target,) = losses.gaussian_targets(torch.tensor([500]), 1000, sigma=2.0, truncate=8)
    assert target.sum().item() == pytest.approx(1.0, abs=1e-6)
    assert target.argmax().item() == 500
    assert (target > 0).nonzero().squeeze(-1).tolist() == list(range(492, 509))
    assert (target[502] / target[500]).item() == pytest.approx(math.exp(-0.5))


def test_a_target_at_the_edge_is_still_a_distribution():
    (target,) = losses.gaussian_targets(torch.tensor([0]), 1000, sigma=2.0, truncate=8)
    assert target.sum().item() == pytest.approx(1.0, abs=1e-6)
    assert (target > 0).sum().item() == 9


def test_soft_cross_entropy_is_at_least_the_entropy_of_its_target():
    targets = losses.gaussian_targets(torch.tensor([10, 40]), 50, sigma=1.5, truncate=8).double()
    entropy = -(targets * targets.clamp(min=1e-300).log()).sum(dim=-1).mean().item()
    perfect = targets.clamp(min=1e-300).log()
    assert losses.soft_ce(perfect, targets).item() == pytest.approx(entropy)
    assert losses.soft_ce(perfect, targets, temperature=2.0).item() > entropy
    assert losses.soft_ce(torch.zeros(2, 50, dtype=DOUBLE), targets).item() == pytest.approx(math.log(50))


def test_soft_cross_entropy_to_one_bin_is_the_hard_one():
    logits, bins = normal(3, 20), torch.tensor([1, 7, 19])
    hard = torch.nn.functional.cross_entropy(logits, bins)
    one_hot = torch.nn.functional.one_hot(bins, 20).double()
    assert losses.soft_ce(logits, one_hot).item() == pytest.approx(hard.item())


def test_w1_is_how_far_the_mass_must_move():
    target = torch.zeros(1, 11, dtype=DOUBLE)
    target[0, 2] = 1.0
    moved = torch.zeros(1, 11, dtype=DOUBLE)
    moved[0, 5], moved[0, 2] = 0.5, 0.5
    assert losses.wasserstein_1(target, target).item() == 0.0
    assert losses.wasserstein_1(moved, target).item() == pytest.approx(0.5 * 3 / 10)
    assert losses.wasserstein_1(target.flip(-1), target).item() == pytest.approx(6 / 10)


def test_the_gate_is_minus_the_logarithm_of_the_mass_inside():
    logits = torch.tensor([[0.1, 0.3, 0.6]], dtype=DOUBLE).log()
    inside = logits[:, :2]
    assert losses.gate(logits, inside).item() == pytest.approx(-math.log(0.4))
    assert losses.gate(logits, logits).item() == pytest.approx(0.0)
    mass = losses.describe(torch.cat([logits] * 2, -1), torch.cat([logits] * 2, -1)[:, :5], torch.tensor([0]))
    assert mass.coord_vocab_mass.item() == pytest.approx(1.4 / 2)


def test_what_is_said_of_a_distribution():
    logits = torch.tensor([[4.0, 3.0, 2.0, 1.0, 0.0, -1.0, 9.0], [9.0, 3.0, 2.0, 1.0, 0.0, -1.0, 4.0]])
    found = losses.describe(logits, logits[:, :6], torch.tensor([1, 0]))
    first = torch.tensor([4.0, 3.0, 2.0, 1.0, 0.0, -1.0]).softmax(-1)[1]
    second = torch.tensor([9.0, 3.0, 2.0, 1.0, 0.0, -1.0]).softmax(-1)[0]
    assert found.p_gt_mean.item() == pytest.approx((first + second).item() / 2)
    assert found.margin.item() == pytest.approx(0.5)
    assert found.acc_top5.item() == 1.0
    assert found.accuracy.item() == 0.5
    assert losses.describe(logits, logits[:, :6], torch.tensor([5, 5])).acc_top5.item() == 0.0
    outside = losses.describe(logits, logits[:, :6], torch.tensor([0, 0]))
    assert outside.accuracy.item() == 0.5, "the best word of the first row lies outside the coordinates"


def test_ways_to_decode():
    one_peak = torch.tensor([[0.0, 0.2, 0.6, 0.2, 0.0]], dtype=DOUBLE)
    assert {way: bins.item() for way, bins in losses.decode(one_peak).items()} == {
        "argmax": 2.0,
        "mean": pytest.approx(2.0),
        "median": 2.0,
    }
    two_peaks = torch.tensor([[0.55, 0.0, 0.0, 0.0, 0.45]], dtype=DOUBLE)
    assert {way: bins.item() for way, bins in losses.decode(two_peaks).items()} == {
        "argmax": 0.0,
        "mean": pytest.approx(1.8),
        "median": 0.0,
    }


# spatial


def at_pixels(pixels):
    return torch.tensor(pixels / losses.PIXELS_PER_UNIT, dtype=DOUBLE, requires_grad=True)


def test_the_loss_falls_to_a_tenth_where_the_close_stage_ends():
    below, above = (losses.three_stage(at_pixels(9.6 + step)).item() for step in (-1e-9, 1e-9))
    assert (round(below, 4), round(above, 4)) == (0.0250, 0.0025)


def test_an_error_of_10_pixels_costs_what_3_pixels_cost():
    def cost(pixels):
        return losses.three_stage(at_pixels(pixels)).item()

    assert cost(9.6 + 1e-9) == pytest.approx(cost(9.6 / math.sqrt(10)))
    assert 9.6 / math.sqrt(10) == pytest.approx(3.04, abs=0.005)
    assert cost(10.0) == pytest.approx(cost(math.sqrt(10)))
    assert all(cost(pixels) > cost(10.0) for pixels in (3.2, 4.0, 7.0, 9.5))


def test_the_loss_jumps_up_where_the_far_stage_begins():
    below, above = (losses.three_stage(at_pixels(19.2 + step)).item() for step in (-1e-9, 1e-9))
    assert (round(below, 4), round(above, 4)) == (0.01, 0.03)


@pytest.mark.parametrize(("pixels", "gradient"), [(10, 0.104), (15, 0.156), (19, 0.198)])
def test_gradients_of_the_medium_stage(pixels, gradient):
    distance = at_pixels(float(pixels))
    losses.three_stage(distance).backward()
    assert round(distance.grad.item(), 3) == gradient


def test_distance_is_a_sum_over_both_axes():
    predicted, true = torch.tensor([[0.03, -0.04]]), torch.zeros(1, 2)
    assert losses.l1_distance(predicted, true).item() == pytest.approx(0.07)


# gradients


TARGETS = losses.gaussian_targets(torch.tensor([2, 9, 5]), 12, sigma=1.5, truncate=4).double()
WEIGHTS = torch.tensor([1.0, 1.0, 20.0, 1.0], dtype=DOUBLE)
TYPES = torch.tensor([[0, 0, 2, losses.IGNORE], [0, 1, 0, 2]])
WORDS = torch.tensor([[losses.IGNORE, 3, 1, 4], [0, 2, 5, 1]])

DIFFERENTIABLE = {
    "token_ce mean": (lambda x: losses.token_ce(x, TYPES, WEIGHTS), (2, 4, 4)),
    "token_ce sum": (lambda x: losses.token_ce(x, TYPES, WEIGHTS, "sum"), (2, 4, 4)),
    "coordinate_l1": (lambda x: losses.coordinate_l1(x, torch.zeros(2, 4, 2, dtype=DOUBLE), TYPES == 0), (2, 4, 2)),
    "article_loss": (lambda x: losses.article_loss(x, WORDS.flatten(), (1, 3), 5.0).loss, (8, 6)),
    "next_token_ce": (lambda x: losses.next_token_ce(x, WORDS), (2, 4, 6)),
    "soft_ce": (lambda x: losses.soft_ce(x, TARGETS, temperature=0.9), (3, 12)),
    "wasserstein_1": (lambda x: losses.wasserstein_1(x.softmax(dim=-1), TARGETS), (3, 12)),
    "gate": (lambda x: losses.gate(x, x[:, :12]), (3, 20)),
    "three_stage": (lambda x: losses.three_stage(losses.l1_distance(x, torch.zeros(5, 2, dtype=DOUBLE))).sum(), (5, 2)),
}


@pytest.mark.parametrize("name", DIFFERENTIABLE)
def test_gradients_agree_with_finite_differences(name):
    loss, shape = DIFFERENTIABLE[name]
    assert torch.autograd.gradcheck(loss, (normal(*shape),))


def test_finite_differences_would_show_a_wrong_gradient():
    def wrong(x):
        return (x.detach() * x).sum()

    with pytest.raises(RuntimeError, match="Jacobian mismatch"):
        torch.autograd.gradcheck(wrong, (normal(3),))

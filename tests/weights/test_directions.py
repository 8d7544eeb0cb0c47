"""Directions: filters as long as the weights', the plane of a training against numpy, lines that end at checkpoints."""

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs the extra 'trainer'")

from weights.models import TwoLayers, trained  # noqa: E402 (needs torch)

from trainvitals.diagnostics.weights.checkpoints import current, find, load  # noqa: E402
from trainvitals.diagnostics.weights.directions import (  # noqa: E402
    cosine,
    line,
    pca_plane,
    random_direction,
    random_plane,
)
from trainvitals.diagnostics.weights.errors import TaskError  # noqa: E402
from trainvitals.diagnostics.weights.surface import Station  # noqa: E402

HERE = Station("here", 1.0, 0.0, 0.0)


def test_each_filter_is_as_long_as_that_of_the_weights_and_biases_and_norms_stay():
    model = torch.nn.Sequential(torch.nn.Conv2d(3, 5, 3), torch.nn.BatchNorm2d(5), torch.nn.Linear(7, 2))
    weights = current(model)
    names = [name for name, _ in model.named_parameters()]
    found = random_direction(weights, names, torch.Generator().manual_seed(0))
    assert set(found) == {"0.weight", "2.weight"}
    for name, way in found.items():
        torch.testing.assert_close(way.flatten(1).norm(dim=1), weights[name].flatten(1).norm(dim=1))
    assert abs(cosine(found, random_direction(weights, names, torch.Generator().manual_seed(1)))) < 0.5


def test_a_seed_decides_the_plane():
    weights = current(TwoLayers())
    names = list(weights)
    first, same, other = (random_plane(weights, names, seed, 1.0, HERE).directions for seed in (4, 4, 5))
    torch.testing.assert_close(first[1], same[1])
    assert abs(cosine(first[0], other[0])) < 0.9
    assert first[0].keys() == first[1].keys() == {"first.weight", "second.weight"}


def test_a_filter_of_zeros_stays_zero_and_a_model_of_biases_has_no_plane():
    weights = {"w": torch.zeros(3, 4), "b": torch.ones(3)}
    assert float(random_direction(weights, ["w", "b"], torch.Generator())["w"].abs().max()) == 0.0
    with pytest.raises(TaskError, match="no weight has two axes"):
        random_direction(weights, ["b"], torch.Generator())


def path(tmp_path):
    model = TwoLayers()
    found = find([str(p) for p in trained(tmp_path, 6)])
    names = [name for name, _ in model.named_parameters()]
    return [load(c, model) for c in found], names, [Station(c.name, c.step, 0.0, 0.0) for c in found]


def test_the_plane_of_a_training_is_that_of_a_singular_value_decomposition(tmp_path):
    weights, names, stations = path(tmp_path)
    plane = pca_plane(weights, names, stations)
    flat = np.stack([np.concatenate([w[n].double().numpy().ravel() for n in names]) for w in weights])
    away = flat - flat[-1]
    _, sizes, axes = np.linalg.svd(away - away.mean(axis=0), full_matrices=False)
    found = np.stack([np.concatenate([d[n].double().numpy().ravel() for n in names]) for d in plane.directions])
    np.testing.assert_allclose(np.abs(found @ axes[:2].T), np.eye(2), atol=1e-6)
    np.testing.assert_allclose(plane.explained, sizes[:2] ** 2 / (sizes**2).sum(), rtol=1e-6)
    places = np.array([(s.across, s.up) for s in plane.path])
    np.testing.assert_allclose(places, away @ found.T, atol=1e-6)
    rest = np.linalg.norm(away - away @ found.T @ found, axis=1)
    np.testing.assert_allclose([s.away for s in plane.path], rest, atol=1e-5)
    assert places[-1].tolist() == [0.0, 0.0], "the last checkpoint is the origin"
    assert places[0][0] > 0
    for (low, high), side in zip(plane.ends, places.T, strict=True):
        assert low < side.min()
        assert side.max() < high


def test_too_few_checkpoints_or_those_on_a_line_have_no_plane(tmp_path):
    weights, names, stations = path(tmp_path)
    with pytest.raises(TaskError, match="needs three checkpoints"):
        pca_plane(weights[:2], names, stations[:2])
    on_a_line = [{n: w + k for n, w in weights[0].items()} for k in range(3)]
    with pytest.raises(TaskError, match="lie on a line"):
        pca_plane(on_a_line, names, stations[:3])


def test_a_line_ends_at_both_checkpoints_with_their_buffers():
    a, b = (
        {"w": torch.full((2, 2), v), "running_mean": torch.full((2,), 2 * v), "same": torch.ones(1)} for v in (1.0, 4.0)
    )
    plane = line(a, b, (HERE, HERE))
    assert plane.ends == ((0.0, 1.0),)
    assert set(plane.directions[0]) == {"w", "running_mean"}
    torch.testing.assert_close(a["running_mean"] + plane.directions[0]["running_mean"], b["running_mean"])
    with pytest.raises(TaskError, match="the same weights"):
        line(a, a, (HERE, HERE))

"""The loss at many places: in closed form, by vmap as by a loop, and with what hinders vmap told."""

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs the extra 'trainer'")

from weights.models import Bowl, TwoLayers, bowl_loss, mean_square, rows  # noqa: E402 (needs torch)

from trainvitals.diagnostics.weights import sums  # noqa: E402
from trainvitals.diagnostics.weights.checkpoints import current  # noqa: E402
from trainvitals.diagnostics.weights.directions import random_plane  # noqa: E402
from trainvitals.diagnostics.weights.errors import TaskError  # noqa: E402
from trainvitals.diagnostics.weights.probe import Probe  # noqa: E402
from trainvitals.diagnostics.weights.surface import Station  # noqa: E402
from trainvitals.diagnostics.weights.task import Data, data_of  # noqa: E402

PLACES = np.array([(x, y) for x in (-1.0, -0.3, 0.0, 0.7) for y in (-0.5, 0.0, 1.0)])
CPU = torch.device("cpu")


def probe(model, data):
    weights = current(model)
    names = [name for name, _ in model.named_parameters()]
    plane = random_plane(weights, names, 0, 1.0, Station("here", 0.0, 0.0, 0.0))
    return Probe(model, data, weights, plane.directions, CPU)


def test_the_loss_of_a_bowl_is_half_of_w_h_w_everywhere():
    model = Bowl().double()
    made = probe(model, Data([torch.zeros(4), torch.full((2,), 3.0)], bowl_loss))
    first, second = (d["model.weight"].flatten().numpy() for d in made.directions)
    flat, hessian = model.weight.detach().flatten().numpy(), model.hessian.numpy()
    at = flat + PLACES[:, :1] * first + PLACES[:, 1:] * second
    expected = 0.5 * np.einsum("ki,ij,kj->k", at, hessian, at) + (4 * 0.0 + 2 * 3.0) / 6
    for way in (made._loop, made._vmap):
        found = sum(way(PLACES, part) for part in range(2))
        np.testing.assert_allclose(sums.mean(found), expected, rtol=1e-9)
        np.testing.assert_allclose(found[:, 1], 6.0, err_msg="each batch counts by its examples")


def test_vmap_gives_what_a_loop_over_copied_models_gives():
    made = probe(TwoLayers(), Data(rows(2), mean_square))
    model = TwoLayers().eval()
    expected = []
    for x, y in PLACES:
        with torch.no_grad():
            for name, parameter in model.named_parameters():
                a, b = (d.get(f"model.{name}", torch.zeros(1)) for d in made.directions)
                parameter.copy_(made.base[f"model.{name}"] + x * a + y * b)
            expected.append(sum(float(mean_square(model, batch)) for batch in rows(2)) / 2)
    loop, fast = (sums.mean(sum(way(PLACES, part) for part in range(2))) for way in (made._loop, made._vmap))
    np.testing.assert_allclose(loop, expected, rtol=1e-5)
    np.testing.assert_allclose(fast, loop, rtol=1e-5)


@pytest.mark.parametrize(
    "layer",
    [
        torch.nn.TransformerEncoderLayer(8, 2, 16, batch_first=True),
        torch.nn.Sequential(torch.nn.Conv1d(4, 4, 3, padding=1), torch.nn.BatchNorm1d(4), torch.nn.GELU()),
        torch.nn.Sequential(torch.nn.Linear(8, 8), torch.nn.Dropout(0.5)),
    ],
    ids=["transformer", "convolution", "dropout"],
)
def test_usual_layers_are_taken_by_vmap_and_hold_still(layer):
    data = Data([torch.randn(3, 4, 8, generator=torch.Generator().manual_seed(0))], lambda m, x: m(x).square().mean())
    made = probe(layer, data)
    np.testing.assert_allclose(made._vmap(PLACES, 0), made._loop(PLACES, 0), rtol=1e-4)
    before = {name: value.clone() for name, value in layer.state_dict().items()}
    made.calibrate()
    torch.testing.assert_close(dict(layer.state_dict()), before)


class Deciding(TwoLayers):
    """Looks at a value, which vmap cannot let it do."""

    def forward(self, x):
        return super().forward(x) if float(self.first.weight.sum()) < 1e9 else x


def test_a_model_that_vmap_does_not_take_is_measured_in_a_loop_and_the_reason_is_told():
    made = probe(Deciding(), Data(rows(1), mean_square))
    made.calibrate()
    assert made.batch == 1
    assert made.way.startswith("loop, as vmap does not take the model: ")
    same = probe(TwoLayers(), Data(rows(1), mean_square))
    np.testing.assert_allclose(made.at(PLACES, 0, 1), same._vmap(PLACES, 0), rtol=1e-4)


def test_data_that_do_not_fit_the_model_are_told_of():
    made = probe(TwoLayers(), Data([(torch.zeros(2, 3), torch.zeros(2, 2))], mean_square))
    with pytest.raises(TaskError, match="the model does not take the data: RuntimeError"):
        made.calibrate()


def test_memory_that_is_short_halves_the_batch(monkeypatch):
    made = probe(TwoLayers(), Data(rows(1), mean_square))
    expected, real = made._loop(PLACES, 0), made._vmap

    def short(places, part):
        if len(places) > 3:
            raise torch.OutOfMemoryError
        return real(places, part)

    monkeypatch.setattr(made, "_vmap", short)
    made.batch = 12
    np.testing.assert_allclose(made.at(PLACES, 0, 1), expected, rtol=1e-4)
    assert made.batch == 3
    assert made.way == "vmap over 3 models"


def test_a_loss_may_be_a_sum_and_a_weight():
    def weighted(model, batch):
        off = (model(batch[0]) - batch[1]).square().mean(dim=1)
        weight = torch.arange(1.0, 9.0)
        return (off * weight).sum(), weight.sum()

    made = probe(TwoLayers(), Data(rows(3), weighted))
    found = made.at(np.zeros((1, 2)), 0, 3)
    with torch.no_grad():
        each = [weighted(TwoLayers(), batch) for batch in rows(3)]
    assert float(sums.mean(found)[0]) == pytest.approx(sum(float(t) for t, _ in each) / (3 * 36.0), rel=1e-5)


def test_batches_alone_are_for_models_that_return_their_loss():
    class Own(TwoLayers):
        def forward(self, x, labels):
            return {"loss": (super().forward(x) - labels).square().mean()}

    data = data_of([{"x": x, "labels": y} for x, y in rows(2)])
    made = probe(Own(), data)
    with torch.no_grad():
        expected = 8 * float(mean_square(TwoLayers(), rows(1)[0]))
    assert float(made._loop(np.zeros((1, 2)), 0)[0, 0]) == pytest.approx(expected)
    with pytest.raises(TaskError, match="returns no loss"):
        probe(TwoLayers(), data_of([(x,) for x, _ in rows(1)])).calibrate()


@pytest.mark.parametrize("given", [5, [], ([], mean_square)], ids=["a number", "nothing", "no batches"])
def test_what_is_no_data_is_refused(given):
    with pytest.raises(TaskError, match="--data gave"):
        data_of(given)

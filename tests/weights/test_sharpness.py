"""The largest eigenvalue of the Hessian: of a quadratic, of a network against its whole Hessian, and by differences."""

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs the extra 'trainer'")

from weights.models import Bowl, TwoLayers, bowl_loss, mean_square, rows  # noqa: E402 (needs torch)

from trainvitals.diagnostics.weights.checkpoints import current  # noqa: E402
from trainvitals.diagnostics.weights.probe import Probe  # noqa: E402
from trainvitals.diagnostics.weights.sharpness import KinkError, lanczos, sharpness  # noqa: E402
from trainvitals.diagnostics.weights.task import Data  # noqa: E402


def always():
    return True


def of(model, data, parts, limit=60.0):
    return sharpness(Probe(model, data, current(model), (), torch.device("cpu")), "here", parts, 0, limit)


def test_that_of_a_bowl_is_the_largest_eigenvalue_of_its_matrix():
    model = Bowl().double()
    found = of(model, Data([torch.zeros(4), torch.zeros(2)], bowl_loss), 2)
    exact = np.linalg.eigvalsh(model.hessian.numpy())
    assert found.value == pytest.approx(exact[-1], rel=1e-6)
    assert exact[0] - 1e-9 <= found.least < exact[1], "the smallest one that was found is none smaller than there is"
    assert abs(found.value - exact[-1]) <= found.residual + 1e-9
    assert found.iterations <= 6
    assert found.exact


def whole_hessian(model, data):
    names = [name for name, _ in model.named_parameters()]

    def loss(*weights):
        with_them = dict(zip(names, weights, strict=True))
        each = [torch.func.functional_call(model, with_them, (x,)).sub(y).square().mean() for x, y in data]
        return torch.stack(each).mean()

    start = tuple(p.detach() for _, p in model.named_parameters())
    blocks = torch.autograd.functional.hessian(loss, start)
    sizes = [p.numel() for p in start]
    flat = [[b.reshape(sizes[i], sizes[j]) for j, b in enumerate(row)] for i, row in enumerate(blocks)]
    return torch.cat([torch.cat(row, dim=1) for row in flat])


def test_that_of_a_network_is_the_one_of_its_whole_hessian():
    model = TwoLayers().double()
    data = [(x.double(), y.double()) for x, y in rows(3)]
    exact = torch.linalg.eigvalsh(whole_hessian(model, data))
    found = of(model, Data(data, mean_square), 3)
    assert found.value == pytest.approx(float(exact[-1]), rel=1e-3)
    assert abs(found.value - float(exact[-1])) <= found.residual + 1e-6
    assert float(exact[0]) - 1e-6 <= found.least < 0
    first = of(model, Data(data, mean_square), 1)
    assert first.value != pytest.approx(found.value, rel=1e-3), "other data have another Hessian"
    assert first.parts == 1


class Hard(TwoLayers):
    def forward(self, x):
        seen = self.norm(self.first(x)).tanh()
        near = torch.nn.functional.grid_sample(
            seen.reshape(1, 1, -1, 8), torch.full((1, len(x), 8, 2), 0.3, dtype=x.dtype), align_corners=False
        )
        return self.second(seen + near.reshape(-1, 8))


def test_where_nothing_can_be_differentiated_twice_differences_do():
    data = Data(rows(2), mean_square)
    found = of(Hard(), data, 2)
    assert not found.exact, "grid_sample has no forward derivative"
    # The same by a smooth copy: sampling at one place is a fixed mixture of its neighbours.
    model = Hard().double()
    doubled = [(x.double(), y.double()) for x, y in rows(2)]
    names, start = zip(*model.named_parameters(), strict=True)

    def gradient(flat):
        pieces = torch.split(flat, [p.numel() for p in start])
        weights = {n: piece.view_as(p).requires_grad_() for n, piece, p in zip(names, pieces, start, strict=True)}
        each = [torch.func.functional_call(model, weights, (x,)).sub(y).square().mean() for x, y in doubled]
        return torch.cat([g.flatten() for g in torch.autograd.grad(torch.stack(each).mean(), list(weights.values()))])

    flat = torch.cat([p.detach().flatten() for p in start])
    eye = torch.eye(len(flat), dtype=torch.float64)
    columns = [(gradient(flat + 1e-5 * e) - gradient(flat - 1e-5 * e)) / 2e-5 for e in eye]
    exact = torch.linalg.eigvalsh(torch.stack(columns))
    assert found.value == pytest.approx(float(exact[-1]), rel=2e-2)


class Kinked(TwoLayers):
    """Looks at an image exactly where the slope of what it sees jumps."""

    def seen(self):
        image = torch.tensor([[0.0, 5.0, 0.0, 5.0]]).repeat(4, 1)[None, None]
        place = 0.25 + self.first.bias[:2] - TwoLayers().first.bias[:2].detach()
        return torch.nn.functional.grid_sample(image, place.reshape(1, 1, 1, 2), align_corners=False).sum()


def test_where_the_gradient_jumps_there_is_no_sharpness():
    with pytest.raises(KinkError):
        of(Kinked(), Data(rows(2), lambda model, batch: mean_square(model, batch) + model.seen()), 2)


def test_it_ends_when_its_time_is_over_and_says_how_far_off_it_is():
    model = TwoLayers().double()
    data = [(x.double(), y.double()) for x, y in rows(3)]
    found = of(model, Data(data, mean_square), 3, limit=0.0)
    assert found.iterations == 1
    exact = torch.linalg.eigvalsh(whole_hessian(model, data))
    assert float((exact - found.value).abs().min()) <= found.residual


def test_lanczos_finds_the_ends_of_a_spectrum_of_many_equal_values():
    diagonal = torch.cat([torch.ones(500), torch.tensor([7.0, -3.0])]).double()
    top, least, residual, count = lanczos(lambda v: diagonal * v, 502, 0, always, diagonal)
    assert top == pytest.approx(7.0)
    assert least == pytest.approx(-3.0)
    assert residual < 1e-6
    assert count <= 4

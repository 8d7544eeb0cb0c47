"""What is drawn of a surface: contours at their heights, sentences that say what was measured, pictures that hold."""

import xml.etree.ElementTree as ET

import numpy as np
import pytest

from trainvitals.diagnostics.landscape.picture import Plot, Surface
from trainvitals.diagnostics.render.landscape import html, png, svg
from trainvitals.diagnostics.render.landscape import json as landscape_json
from trainvitals.diagnostics.weights import Barrier, LossSurface, Sharpness, Station
from trainvitals.diagnostics.weights.contours import contour, levels
from trainvitals.diagnostics.weights.picture import landscape

AXIS = np.linspace(-2.0, 2.0, 81)
BOWL = AXIS[None] ** 2 + AXIS[:, None] ** 2


def test_the_contour_of_a_bowl_is_one_closed_circle():
    x, y = contour(AXIS, AXIS, BOWL, 1.0)
    assert np.isfinite(x).all(), "one line without a gap"
    assert (x[0], y[0]) == (x[-1], y[-1])
    np.testing.assert_allclose(np.hypot(x, y), 1.0, atol=1e-3)


def test_a_contour_that_leaves_the_grid_is_open_and_one_above_it_is_none():
    x, _ = contour(AXIS, AXIS, BOWL, 4.5)
    assert np.isnan(x).sum() == 3, "four arcs, one in each corner"
    assert contour(AXIS, AXIS, BOWL, 100.0)[0].size == 0


def test_a_saddle_has_two_lines_and_holes_have_none():
    saddle = AXIS[None] * AXIS[:, None]
    x, y = contour(AXIS, AXIS, saddle, 0.01)
    assert np.isnan(x).sum() == 1
    np.testing.assert_allclose((x * y)[np.isfinite(x)], 0.01, atol=2e-3)
    assert contour(AXIS, AXIS, np.where(BOWL > 0.1, BOWL, np.nan), 0.01)[0].size == 0


def test_levels_part_the_cells_evenly():
    found = levels(np.arange(100.0), 4)
    assert [int((np.arange(100.0) < one).sum()) for one in found] == [13, 38, 62, 87]
    assert levels(np.ones((3, 3)), 4) == ()


PATH = (
    Station("w-0", 0.0, 1.5, 1.0, 0.2, 4.0),
    Station("w-1", 1.0, 0.5, 0.0, 9.0, 2.0),
    Station("w-2", 2.0, 0.0, 0.0, 0.0, 1.0),
)


def surface(**changes):
    made = {
        "plane": "pca",
        "across": AXIS,
        "up": AXIS,
        "loss": BOWL + 1,
        "error": np.full(BOWL.shape, 0.01),
        "seen": np.where(BOWL < 1, 1.0, 0.0),
        "path": PATH,
        "explained": (0.8, 0.1),
        "sharpness": Sharpness("w-2", 4.0, -1.0, 0.001, 9, 2),
        "about": {"spent": 12.5, "device": "CPU, 1 thread"},
    }
    return LossSurface(**{**made, **changes})


def test_a_surface_is_told_with_its_uncertainty():
    told = " | ".join(landscape(surface()).sentences)
    assert "the loss goes from 1, at (0, 0), to 9; the loss of the last checkpoint is 1" in told
    assert f"{int((BOWL < 1).sum())} of 6561 cells were measured, the others are interpolated" in told
    assert "the standard error is 0.01 in the median and 0.01 at most; 12.5 s on CPU, 1 thread" in told
    assert "the plane holds 90 % of the variance of 3 checkpoints" in told
    assert "largest eigenvalue of the Hessian is 4 (± 0.001)" in told
    assert "below a learning rate of 0.5" in told
    assert "step 1: farther from the plane than half of its width" in told


def test_an_interrupted_surface_says_so_and_one_without_values_is_drawn():
    assert landscape(surface(finished=False)).sentences[0].startswith("interrupted: ")
    nothing = landscape(surface(loss=np.full(BOWL.shape, np.nan), error=np.zeros(BOWL.shape)))
    assert "no cell has a finite loss" in nothing.sentences
    ET.fromstring(svg.render(nothing))


@pytest.mark.parametrize("scale", [1.0, 100.0])
def test_a_surface_is_drawn_with_contours_way_uncertainty_and_slices(scale):
    shown = landscape(surface(loss=1 + scale * BOWL))
    first, second, *slices = shown.panels
    assert isinstance(first, Surface)
    assert isinstance(second, Surface)
    assert first.z_label == ("loss" if scale == 1 else "log10 loss"), "a wide range is shown by its logarithm"
    assert [c.name for c in first.curves].count("way of the training") == 1
    assert len(first.curves) == 12
    assert [isinstance(one, Plot) for one in slices] == [True, True]
    np.testing.assert_allclose(slices[0].curves[0].y, 1 + scale * AXIS**2)
    np.testing.assert_allclose(slices[0].curves[2].y - slices[0].curves[0].y, 0.02)
    drawn = ET.fromstring(svg.render(shown))
    assert len(drawn) > 100
    assert png.render(shown).startswith(b"\x89PNG")
    assert html.render(shown).count("<svg") == 4
    assert landscape_json.render(shown).startswith('{"schema"')


def line(rise, error=0.0):
    x = np.linspace(0, 1, 11)
    loss = (1 + x + rise * 4 * x * (1 - x))[None]
    ends = (Station("a", 1.0, 0.0, 0.0, 0.0, 1.0), Station("b", 2.0, 1.0, 0.0, 0.0, 2.0))
    barrier = Barrier(rise, error, 0.5, 1.5 + rise)
    values = {"loss": loss, "error": np.full((1, 11), error), "seen": np.ones((1, 11))}
    return surface(plane="line", across=x, up=np.zeros(1), path=ends, explained=(), barrier=barrier, **values)


def test_a_line_shows_its_barrier_if_it_stands_out():
    (plot,) = landscape(line(0.5, 0.01)).panels
    assert [m.text for m in plot.marks] == ["a", "b", "barrier 0.5"]
    assert "a barrier of 0.5 (± 0.01)" in " ".join(landscape(line(0.5, 0.01)).sentences)
    for hardly in (line(0.02, 0.03), line(0.001)):
        assert "no barrier" in " ".join(landscape(hardly).sentences)


def test_names_of_checkpoints_are_made_inert():
    bad = Station("<script>\x1b[31m", np.nan, 0.0, 0.0, 0.0, 1.0)
    page = html.render(landscape(surface(path=(bad, bad))))
    assert "<script" not in page
    assert "\x1b" not in page

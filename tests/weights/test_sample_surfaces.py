"""The surfaces that lie beside the reference logs: small, whole, of these trainings, and read without torch."""

from pathlib import Path

import numpy as np
import pytest

from trainvitals.diagnostics.render.landscape import svg
from trainvitals.diagnostics.weights import find_surfaces, read_surface
from trainvitals.diagnostics.weights.picture import landscape
from trainvitals.parsers import discover

SAMPLES = Path(__file__).resolve().parents[2] / "sample_logs"
LAST_STEP = {"article": 600, "spatial": 450, "eos": 400, "softce": 600, "causal_lm": 180}


@pytest.mark.parametrize("kind", LAST_STEP)
def test_each_loss_type_has_the_surface_of_one_healthy_training(kind):
    folder = SAMPLES / kind / "healthy-0"
    (path,) = find_surfaces(folder)
    assert Path(path).stat().st_size < 60_000
    surface = read_surface(path)
    assert surface.finished
    assert (surface.plane, surface.loss.shape) == ("pca", (41, 41))
    steps = [station.step for station in surface.path]
    assert steps == sorted(steps)
    assert (len(steps), steps[-1]) == (10, LAST_STEP[kind])
    assert 0.8 < sum(surface.explained) <= 1
    assert surface.about["model"] == f"trainvitals.sample_logs.trainer.around:{kind}_model"
    assert surface.about["seed"] == 0
    # The tracer looks at its image where the slope of what it sees jumps: it has no Hessian there.
    assert (surface.sharpness is None) == (kind == "eos") == ("no_sharpness" in surface.about)
    assert surface.sharpness is None or surface.sharpness.value > 1e-2
    assert np.median(surface.error) < 0.05 * surface.loss.std()
    ((run,),) = [discover([str(folder)])]
    assert path not in run.paths, "a surface is no log"


@pytest.mark.parametrize("kind", LAST_STEP)
def test_the_training_ends_in_the_valley_of_its_surface(kind):
    surface = read_surface(find_surfaces(SAMPLES / kind / "healthy-0")[0])
    first, last = surface.path[0], surface.path[-1]
    column, row = (int(np.abs(axis).argmin()) for axis in (surface.across, surface.up))
    here = surface.loss[row, column]
    assert here == pytest.approx(last.loss, rel=0.5), "the origin is the last checkpoint, a cell away at most"
    assert here < 0.5 * first.loss or here < first.loss - 0.3
    assert (surface.loss < here).mean() < 0.15
    assert svg.render(landscape(surface)).count("way of the training") == 1

"""The same run as JSON lines, console text and event file is the same set of normalised series."""

import dataclasses

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the reference trainer needs the extra 'trainer'")
pytest.importorskip("transformers")

from trainvitals.diagnostics import normalise  # noqa: E402
from trainvitals.parsers import read  # noqa: E402
from trainvitals.sample_logs.trainer import article, eos, seeds, spatial  # noqa: E402 (needs torch)
from trainvitals.sample_logs.trainer.writers import FORMS, Output  # noqa: E402

SMALL = {
    "article": (article, {"train_stories": 40, "generated_tokens": 4, "n_layer": 1}),
    "spatial": (spatial, {"train_images": 16, "eval_images": 4, "input_size": 64, "batch_size": 4}),
    "eos": (eos, {"train_images": 16, "eval_images": 2, "batch_size": 4}),
}
EVERY = {"max_steps": 8, "logging_steps": 2, "eval_steps": 4, "save_steps": 0}


def series(path):
    run = normalise(read(path)).run
    return {(s.metric, s.split): (s.step, s.value) for s in run.series if s.metric not in ("epoch", "max_len_reached")}


@pytest.fixture(scope="module", params=SMALL)
def folder(request, tmp_path_factory):
    module, changes = SMALL[request.param]
    settings = dataclasses.replace(module.Settings(**changes), **EVERY)
    seeds.seed_all(0)
    folder = tmp_path_factory.mktemp(request.param)
    module.train(settings, Output(folder))
    return folder


def files(folder):
    return {"jsonl": folder / "log.jsonl", "text": folder / "train.log", "events": next(folder.glob("events.*"))}


@pytest.mark.parametrize("form", FORMS)
def test_a_run_is_the_same_from_any_of_its_files(folder, form):
    expected, found = series(files(folder)["jsonl"]), series(files(folder)[form])
    assert len(expected) > 10
    assert found.keys() == expected.keys()
    for name, (steps, values) in expected.items():
        assert np.array_equal(found[name][0], steps), name
        # Six digits are written, and all of a 32-bit float to event files.
        np.testing.assert_allclose(found[name][1], values, rtol=5e-6, err_msg=str(name))


def test_the_three_files_are_one_run_without_doubled_points(folder):
    together = series(folder)
    for name, (steps, _) in series(files(folder)["jsonl"]).items():
        assert np.array_equal(together[name][0], steps), name


def test_no_file_names_the_machine(folder):
    import socket

    name = socket.gethostname().encode()
    assert all(name not in path.read_bytes() and name.decode() not in path.name for path in folder.iterdir())

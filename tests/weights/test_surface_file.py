"""Surfaces in files: what is written is read again, and what is no surface is refused with its name."""

import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from trainvitals.diagnostics.weights import (
    Barrier,
    LossSurface,
    Sharpness,
    Station,
    SurfaceError,
    find_surfaces,
    read_surface,
)
from trainvitals.diagnostics.weights.store import KEY, read, write_surface

AXIS = np.linspace(-1.0, 1.0, 11)


def surface(**changes):
    loss = AXIS[None] ** 2 + 2 * AXIS[:7, None] ** 2
    loss[0, 0] = np.nan
    made = {
        "plane": "pca",
        "across": AXIS,
        "up": AXIS[:7],
        "loss": loss,
        "error": np.full((7, 11), 0.125),
        "seen": np.where(loss < 1, 0.5, 0.0),
        "path": (Station("weights-5", 5.0, 0.5, 0.25, 0.125, 2.0), Station("last", np.nan, 0.0, 0.0)),
        "explained": (0.75, 0.125),
        "sharpness": Sharpness("last", 4.0, -0.5, 0.01, 12, 3),
        "about": {"seed": 7, "device": "CPU, 1 thread", "levels": [2, 8]},
    }
    return LossSurface(**{**made, **changes})


def test_a_surface_comes_back_as_it_was(tmp_path):
    path = tmp_path / "x.parquet"
    write_surface(path, surface())
    found = read_surface(path)
    np.testing.assert_array_equal(found.loss, surface().loss)
    np.testing.assert_array_equal(found.error, surface().error)
    np.testing.assert_array_equal(found.measured, surface().loss < 1)
    np.testing.assert_array_equal(found.across, AXIS)
    np.testing.assert_array_equal(found.up, AXIS[:7])
    assert found.path[0] == surface().path[0]
    assert np.isnan(found.path[1].step)
    assert (found.explained, found.sharpness, found.barrier) == (surface().explained, surface().sharpness, None)
    assert found.about == surface().about
    assert found.finished
    assert not found.is_line


def test_a_line_has_one_row_and_a_barrier(tmp_path):
    path = tmp_path / "line.parquet"
    barrier = Barrier(0.5, 0.01, 0.4, 1.5)
    one = np.zeros((1, 11))
    write_surface(path, surface(plane="line", up=np.zeros(1), loss=one, error=one, seen=one, barrier=barrier))
    assert read_surface(path).is_line
    assert read_surface(path).barrier == barrier


def test_what_a_measurement_needs_is_kept_beside_it(tmp_path):
    path = tmp_path / "x.parquet"
    column = np.where(np.arange(77) % 2, np.arange(77.0), np.nan)
    write_surface(path, surface(finished=False), {"levels": [2]}, {"total_0": column})
    found, notes, columns = read(path)
    assert not found.finished
    assert notes == {"levels": [2]}
    np.testing.assert_array_equal(columns["total_0"], column)


def test_surfaces_are_found_by_what_they_hold_and_not_by_name(tmp_path):
    write_surface(tmp_path / "b.parquet", surface())
    write_surface(tmp_path / "a.parquet", surface())
    pq.write_table(pa.table({"loss": [1.0]}), tmp_path / "scalars.parquet")
    (tmp_path / "empty.parquet").write_bytes(b"")
    assert find_surfaces(tmp_path) == (str(tmp_path / "a.parquet"), str(tmp_path / "b.parquet"))
    assert find_surfaces(tmp_path / "absent") == ()


def altered(path, changes):
    """A surface file with other entries in its metadata."""
    write_surface(path, surface())
    table = pq.read_table(path)
    held = json.loads(table.schema.metadata[KEY])
    text = json.dumps({**held, **changes}).encode()
    pq.write_table(table.replace_schema_metadata({KEY: text}), path)
    return path


@pytest.mark.parametrize(
    "changes",
    [
        {"schema": 2},
        {"shape": [7, 12]},
        {"shape": [-7, -11]},
        {"shape": [77, 1]},
        {"shape": "wide"},
        {"plane": "sphere"},
        {"path": [{"name": "x"}]},
        {"path": 5},
        {"sharpness": {"value": 1}},
        {"about": None},
    ],
    ids=str,
)
def test_metadata_that_contradict_themselves_are_refused(tmp_path, changes):
    with pytest.raises(SurfaceError, match=r"x\.parquet: no surface that can be read"):
        read_surface(altered(tmp_path / "x.parquet", changes))


@pytest.mark.parametrize("content", [b"", b"PAR1", b"PAR1" * 20, b"x" * 1000, None])
def test_what_is_no_surface_is_refused(tmp_path, content):
    path = tmp_path / "x.parquet"
    if content is None:
        pq.write_table(pa.table({"loss": [1.0]}), path)
    else:
        path.write_bytes(content)
    with pytest.raises(SurfaceError, match=r"x\.parquet"):
        read_surface(path)


def test_a_small_file_that_unpacks_to_a_large_one_is_not_unpacked(tmp_path):
    path = tmp_path / "bomb.parquet"
    write_surface(path, surface(), columns={f"total_{k}": np.zeros(77) for k in range(200)})
    with pytest.raises(SurfaceError, match=r"bomb\.parquet: 205 columns"):
        read_surface(path)
    # A column that is no number is never looked at.
    write_surface(path, surface())
    table = pq.read_table(path)
    pq.write_table(table.append_column("text", pa.array(["x" * 1000] * 77)), path)
    np.testing.assert_array_equal(read_surface(path).across, AXIS)


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(SurfaceError, match=r"absent\.parquet: No such file"):
        read_surface(tmp_path / "absent.parquet")


def test_a_file_takes_the_place_of_no_device(monkeypatch):
    replaced = []
    monkeypatch.setattr("os.replace", lambda *paths: replaced.append(paths))
    write_surface("/dev/null", surface())
    assert replaced == []

"""Trackio's SQLite files, as trackio 0.43.0 writes them, and 0.5.0 before it."""

import json
import math
import sqlite3
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from trainvitals.parsers import ReadError, discover, read, read_all
from trainvitals.parsers.files import LogFile, open_log
from trainvitals.parsers.formats import detect, trackio_db, trackio_parquet

OLD_SCHEMA = """
CREATE TABLE metrics (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    timestamp TEXT NOT NULL,
    run_name TEXT NOT NULL,
    step INTEGER NOT NULL,
    metrics TEXT NOT NULL
);
CREATE TABLE configs (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    run_name TEXT NOT NULL,
    config TEXT NOT NULL,
    created_at TEXT NOT NULL,
    UNIQUE(run_name)
)
"""


def project(tmp_path: Path, *rows: tuple[str, str, int, object], schema: str = "") -> Path:
    """The sample with further rows (run id, run name, step, what was logged), or a new file of another schema."""
    path = tmp_path / "tiny-lm.db"
    if not schema:
        path.write_bytes(trackio_db.SAMPLE)
    columns = "run_name, step, metrics" if schema else "run_id, run_name, step, metrics"
    with sqlite3.connect(path) as connection:
        connection.executescript(schema)
        for run, name, step, logged in rows:
            content = json.dumps(logged) if isinstance(logged, dict) else logged
            row = (name, step, content) if schema else (run, name, step, content)
            marks = ", ".join("?" * len(row))
            connection.execute(
                f"INSERT INTO metrics ({columns}, timestamp) VALUES ({marks}, '2026-11-21T13:23:49+00:00')", row
            )
    connection.close()
    return path


def runs(path: Path):
    return read_all(discover([path])[0])


def values(run, metric: str) -> list[tuple[float, float]]:
    (series,) = [one for one in run.series if one.logged_as == metric]
    return list(zip(series.step.tolist(), series.value.tolist(), strict=True))


def test_a_project_is_read_with_its_rows_as_lines(tmp_path: Path):
    run = read(project(tmp_path))
    assert values(run, "train/loss") == [(1, 5.0), (2, 2.5)]
    assert math.isnan(values(run, "grad_norm")[0][1])
    assert (values(run, "x"), values(run, "y")) == ([(21, math.inf)], [(21, -math.inf)])
    assert values(run, "nested/a") == [(1, 1.0), (2, 1.0)]
    (loss,) = [series for series in run.series if series.logged_as == "train/loss"]
    assert (loss.line.tolist(), loss.epoch.tolist()) == ([1, 2], [0.1, 0.2])
    assert loss.time[0] == 1795267429.989569
    assert (run.sources[0].format, run.sources[0].lines, run.sources[0].points) == ("trackio_db", 3, 7)


def test_its_settings_are_those_of_the_user_without_secrets(tmp_path: Path):
    assert {name: one.value for name, one in read(project(tmp_path)).config.items()} == {"lr": 0.001, "bs": 8}


def test_every_run_of_a_project_is_its_own(tmp_path: Path):
    rows = [("a" * 32, "seed-0", 5, {"loss": 0.5}), ("b" * 32, "seed-1", 5, {"loss": 0.25})]
    names = [run.name.rpartition(": ")[2] for run in runs(project(tmp_path, *rows))]
    assert names == ["seed-0", "seed-0 (aaaaaaaa)", "seed-1"]


def test_the_trainers_own_step_goes_before_that_of_the_row(tmp_path: Path):
    path = project(tmp_path, ("", "hf", 3, {"train/global_step": 300, "loss": 0.5}), schema=OLD_SCHEMA)
    assert values(read(path), "loss") == [(300, 0.5)]


def test_the_schema_before_run_identifiers_is_read_by_names(tmp_path: Path):
    rows = [("", f"run{i % 2}", i // 2, {"loss": 1 / (i + 1)}) for i in range(6)]
    first, second = runs(project(tmp_path, *rows, schema=OLD_SCHEMA))
    assert values(first, "loss") == [(0, 1.0), (1, 1 / 3), (2, 0.2)]
    assert values(second, "loss") == [(0, 0.5), (1, 0.25), (2, 1 / 6)]


@pytest.mark.parametrize("bad", ["{", "[1]", "7", b"\xff\x00", 3.5, "[" * 100_000])
def test_a_row_that_is_no_object_costs_itself(tmp_path: Path, bad):
    (run,) = runs(project(tmp_path, ("", "a", 1, bad), ("", "a", 2, {"loss": 0.5}), schema=OLD_SCHEMA))
    assert values(run, "loss") == [(2, 0.5)]
    assert run.sources[0].unread_lines == 1


def test_media_and_texts_are_no_metrics(tmp_path: Path):
    image = {"_type": "trackio.image", "file_path": "x.png", "width": 640}
    (run,) = runs(project(tmp_path, ("", "a", 1, {"sample": image, "text": "hi", "loss": 1}), schema=OLD_SCHEMA))
    assert [series.logged_as for series in run.series] == ["loss"]


@pytest.mark.parametrize("limit", ["MAX_RUNS", "MAX_POINTS"])
def test_a_project_over_the_limits_is_read_up_to_them(tmp_path: Path, monkeypatch, limit):
    monkeypatch.setattr(trackio_db, limit, 1)
    (run,) = runs(project(tmp_path, ("b" * 32, "seed-1", 5, {"loss": 0.25})))
    assert "limit" in run.sources[0].problems[0]


def test_projects_beside_each_other_are_found_and_mlflow_is_not_confused_with_them(tmp_path: Path):
    project(tmp_path).rename(tmp_path / "other.db")
    project(tmp_path)
    assert len(discover([tmp_path])) == 2
    assert detect(LogFile("mlflow.db", trackio_db.SAMPLE)) is trackio_db.FORMAT


def test_a_view_in_place_of_the_table_is_refused(tmp_path: Path):
    path = project(tmp_path)
    with sqlite3.connect(path) as connection:
        connection.execute("ALTER TABLE metrics RENAME TO real")
        connection.execute("CREATE VIEW metrics AS SELECT * FROM real")
    connection.close()
    with pytest.raises(ReadError, match="has no table of metrics as Trackio writes it"):
        trackio_db.read(open_log(str(path)))
    (source,) = read(path).sources
    assert source.error == "is an SQLite database, but none of MLflow or Trackio"


def parquet(path: Path, rows: list[dict[str, object]]) -> Path:
    pq.write_table(pa.Table.from_pylist(rows), path)
    return path


def row(step: int, **logged: object) -> dict[str, object]:
    own = {"id": step, "run_id": "a" * 32, "timestamp": "2026-11-21T13:23:49+00:00", "run_name": "a", "step": step}
    return {**own, **logged}


def test_the_same_project_as_parquet_gives_the_same_series(tmp_path: Path):
    (tmp_path / "tiny-lm.parquet").write_bytes(trackio_parquet.SAMPLE)
    run, stored = read(tmp_path), read(project(tmp_path))
    assert run.sources[0].format == "trackio_parquet"
    assert {s.logged_as for s in run.series} == {s.logged_as for s in stored.series}
    for series in stored.series:
        assert repr(values(run, series.logged_as)) == repr(values(stored, series.logged_as))
    assert [series.time[0] for series in run.series if series.logged_as == "train/loss"] == [1795267429.989569]


def test_runs_of_one_name_stay_apart_in_parquet_too(tmp_path: Path):
    path = parquet(tmp_path / "p.parquet", [row(1, loss=0.5), {**row(2, loss=0.25), "run_id": "b" * 32}])
    assert [run.name.rpartition(": ")[2] for run in runs(path)] == ["a", "a (bbbbbbbb)"]


def test_parquet_of_other_kinds_is_no_log(tmp_path: Path):
    parquet(tmp_path / "train.parquet", [{"text": "hello", "label": 1, "step": 1}])
    parquet(tmp_path / "p_configs.parquet", [{"id": 1, "run_name": "a", "created_at": "x", "lr": 0.5}])
    assert discover([tmp_path]) == ()


def test_damaged_parquet_is_a_read_error():
    middle = len(trackio_parquet.SAMPLE) // 2
    for bad in (trackio_parquet.SAMPLE[:4] + trackio_parquet.SAMPLE[-4:], trackio_parquet.SAMPLE[:middle] + b"PAR1"):
        with pytest.raises(ReadError, match="Parquet file that cannot be read"):
            trackio_parquet.read(LogFile("p.parquet", bad))


def test_parquet_that_says_it_holds_more_than_a_log_is_refused(tmp_path: Path):
    """A constant column takes no room however many rows it has."""
    count = 2_000_000
    constant = {name: pa.repeat(pa.scalar(value), count) for name, value in row(1, loss=0.5).items()}
    path = tmp_path / "p.parquet"
    pq.write_table(pa.table(constant), path)
    assert path.stat().st_size < 1 << 20
    (source,) = read(path).sources
    assert "no log does" in source.error

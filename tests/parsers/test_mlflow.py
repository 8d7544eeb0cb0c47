"""MLflow's stores, as mlflow 3.17.2 writes them: a folder for each run, or all runs in one SQLite file."""

import gzip
import math
import sqlite3
from pathlib import Path

import pytest

from trainvitals.parsers import ReadError, discover, read, read_all
from trainvitals.parsers.files import LogFile
from trainvitals.parsers.formats import detect, mlflow_db, mlflow_files
from trainvitals.parsers.log_files import looks_like_log

RUN, EXPERIMENT = "47c81e3639204a5dbca9c5bd750a9f70", "875504905612835294"
RUN_META = f"""\
artifact_uri: mlflow-artifacts:/mlruns/{EXPERIMENT}/{RUN}/artifacts
end_time: 1795267138645
entry_point_name: ''
experiment_id: '{EXPERIMENT}'
lifecycle_stage: active
run_id: {RUN}
run_name: seed-0
source_name: ''
source_type: 4
start_time: 1795267138625
status: 3
tags: []
user_id: user
"""
EXPERIMENT_META = f"""\
artifact_location: mlflow-artifacts:/mlruns/{EXPERIMENT}
creation_time: 1795267138603
experiment_id: '{EXPERIMENT}'
lifecycle_stage: active
name: tiny lm
"""
LOSS = "1795267138629 5.0 1\n1795267138630 2.5 2\n1795267138630 1.6666666666666667 3\n"
GRAD_NORM = "1795267138643 nan 1\n1795267138644 inf 2\n1795267138644 -inf 3\n1795267138644 1.5 4\n"


def store(top: Path, run: str = RUN, meta: str = RUN_META) -> Path:
    folder = top / "mlruns" / EXPERIMENT / run
    for name, content in {
        "meta.yaml": meta,
        "metrics/train/loss": LOSS,
        "metrics/grad_norm": GRAD_NORM,
        "metrics/no_step": "1795267138645 1.5 0\n1795267138650 1.25 0\n",
        "params/lr": "0.001",
        "params/optimizer": "adamw",
        "params/hf_token": "hf_abcdefghijklmnopqrstuvwxyz",
        "params/model/layers": "8",
        "tags/mlflow.runName": "seed-0",
        "tags/mlflow.user": "user",
        "../meta.yaml": EXPERIMENT_META,
        "../../0/meta.yaml": "experiment_id: '0'\nlifecycle_stage: active\nname: Default\n",
    }.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    return top


def values(run, metric: str) -> list[tuple[float, float]]:
    (series,) = [one for one in run.series if one.logged_as == metric]
    return list(zip(series.step.tolist(), series.value.tolist(), strict=True))


def test_a_run_folder_is_one_run_with_a_series_for_each_file(tmp_path: Path):
    (files,) = discover([store(tmp_path)])
    run = read(files)
    assert run.name == "mlruns/tiny lm/seed-0 (47c81e36)"
    assert {series.logged_as for series in run.series} == {"train/loss", "grad_norm", "no_step"}
    assert values(run, "train/loss") == [(1, 5.0), (2, 2.5), (3, 1.6666666666666667)]
    (loss,) = [series for series in run.series if series.metric == "train/loss"]
    assert loss.time[0] == 1795267138.629
    assert loss.line.tolist() == [1, 2, 3]
    assert run.sources[int(loss.source[0])].path.endswith("metrics/train/loss")
    assert {source.format for source in run.sources} == {"mlflow_files"}


def test_what_is_not_finite_is_kept(tmp_path: Path):
    run = read(store(tmp_path))
    assert math.isnan(values(run, "grad_norm")[0][1])
    assert values(run, "grad_norm")[1:] == [(2, math.inf), (3, -math.inf), (4, 1.5)]


def test_step_0_throughout_means_that_none_was_given(tmp_path: Path):
    run = read(store(tmp_path))
    assert [math.isnan(step) for step, _ in values(run, "no_step")] == [True, True]


def test_its_parameters_are_the_settings_without_secrets(tmp_path: Path):
    config = read(store(tmp_path)).config
    assert {name: one.value for name, one in config.items()} == {"lr": 0.001, "optimizer": "adamw", "model/layers": 8}
    assert config["lr"].path.endswith("params/lr")


def test_runs_of_one_name_stay_apart_and_deleted_ones_stay_away(tmp_path: Path):
    store(tmp_path)
    store(tmp_path, "a" * 32, RUN_META.replace(RUN, "a" * 32))
    store(tmp_path, "b" * 32, RUN_META.replace(RUN, "b" * 32).replace("stage: active", "stage: deleted"))
    assert [run.name for run in discover([tmp_path])] == [
        "mlruns/tiny lm/seed-0 (47c81e36)",
        "mlruns/tiny lm/seed-0 (aaaaaaaa)",
    ]


def test_one_run_can_be_named_by_its_folder_even_if_deleted(tmp_path: Path):
    store(tmp_path, meta=RUN_META.replace("stage: active", "stage: deleted"))
    (files,) = discover([tmp_path / "mlruns" / EXPERIMENT / RUN])
    assert (files.name, len(files.paths), len(files.sidecars)) == ("tiny lm/seed-0 (47c81e36)", 3, 4)


def test_one_metric_can_be_named_by_its_file(tmp_path: Path):
    run = read(store(tmp_path) / "mlruns" / EXPERIMENT / RUN / "metrics" / "train" / "loss")
    assert values(run, "train/loss")[-1] == (3, 1.6666666666666667)


def test_folders_called_metrics_elsewhere_are_no_runs_of_mlflow(tmp_path: Path):
    (tmp_path / "metrics").mkdir()
    (tmp_path / "metrics" / "loss").write_text(LOSS)
    assert discover([tmp_path]) == ()


def test_a_damaged_meta_file_costs_the_names_only(tmp_path: Path):
    store(tmp_path, meta="run_id: [unclosed\n")
    assert discover([tmp_path]) == ()
    store(tmp_path, meta=f"run_id: {RUN}\n")
    (tmp_path / "mlruns" / EXPERIMENT / "meta.yaml").write_text("\t{")
    (files,) = discover([tmp_path])
    assert files.name == f"mlruns/{EXPERIMENT}/run (47c81e36)"


def lines(content: str, path: str = "metrics/loss"):
    (parsed,) = mlflow_files.read(LogFile(path, content.encode()))
    return parsed


def test_a_bad_line_costs_itself():
    parsed = lines(LOSS + "1795267138631 1_0 4\n1795267138631\nx\n1795267138632 1.25 5\n17952671")
    assert (parsed.source.lines, parsed.source.unread_lines, len(parsed.series[0])) == (8, 4, 4)
    assert [example.line for example in parsed.source.unread_examples] == [4, 5, 6, 8]
    assert parsed.series[0].line.tolist() == [1, 2, 3, 7]


def test_the_data_set_behind_a_step_is_passed_over():
    parsed = lines("1795267138629 5.0 7 train 46cc3d0f\r\n")
    assert parsed.series[0].step.tolist() == [7]


def test_versions_before_1_0_wrote_seconds_and_no_step(tmp_path: Path):
    parsed = lines("1528797838 0.5\n1528797840 0.25\n")
    assert parsed.series[0].time.tolist() == [1528797838, 1528797840]
    assert all(map(math.isnan, parsed.series[0].step))
    assert detect(LogFile("x", b"1528797838 0.5\n1528797840 0.25\n")) is not mlflow_files.FORMAT


def database(tmp_path: Path, *statements: str) -> Path:
    """A file with MLflow's schema and run, after further statements."""
    path = tmp_path / "mlflow.db"
    path.write_bytes(mlflow_db.SAMPLE)
    with sqlite3.connect(path) as connection:
        for statement in statements:
            connection.execute(statement)
    connection.close()
    return path


def another(run: str, stage: str = "active", name: str = "seed-1") -> tuple[str, ...]:
    return (
        f"INSERT INTO runs (run_uuid, name, lifecycle_stage, experiment_id, start_time, source_type, status)"
        f" VALUES ('{run}', '{name}', '{stage}', 1, 1895267112720, 'LOCAL', 'FINISHED')",
        f"INSERT INTO metrics VALUES ('loss', 0.5, 1795267112735, '{run}', 10, 0)",
        f"INSERT INTO metrics VALUES ('loss', 0.25, 1795267112739, '{run}', 20, 0)",
    )


def test_the_database_is_read_with_its_rows_as_lines(tmp_path: Path):
    (run,) = read_all(discover([database(tmp_path)])[0])
    assert values(run, "train/loss") == [(1, 5.0), (2, 2.5)]
    assert math.isnan(values(run, "grad_norm")[0][1])
    assert values(run, "grad_norm")[1:] == [(2, math.inf), (3, -math.inf), (4, 1.5)]
    (loss,) = [series for series in run.series if series.metric == "train/loss"]
    assert loss.line.tolist() == [1, 2]
    assert loss.time[0] == 1795267112.735
    assert {name: one.value for name, one in run.config.items()} == {"lr": 0.001}
    assert (run.sources[0].format, run.sources[0].lines, run.sources[0].points) == ("mlflow_db", 6, 6)


def test_every_run_of_the_database_is_its_own(tmp_path: Path):
    path = database(tmp_path, *another("c" * 32), *another("d" * 32, "deleted"))
    first, second = read_all(discover([path])[0])
    assert first.name.endswith("mlflow.db: tiny lm/seed-0 (da6b3fb9)")
    assert second.name.endswith("mlflow.db: tiny lm/seed-1 (cccccccc)")
    assert values(second, "loss") == [(10, 0.5), (20, 0.25)]
    assert second.sources[0].problems == ("runs left out, as they are deleted: 1",)


def test_a_folder_finds_the_database_and_leaves_others_alone(tmp_path: Path):
    path = database(tmp_path)
    with sqlite3.connect(tmp_path / "other.db") as connection:
        connection.execute("CREATE TABLE metrics (a, b)")
    connection.close()
    (tmp_path / "Thumbs.db").write_bytes(b"\xd0\xcf\x11\xe0" * 100)
    assert [run.paths for run in discover([tmp_path])] == [(str(path),)]


def test_a_schema_that_does_not_stand_at_the_start_is_found(tmp_path: Path):
    path = tmp_path / "mlflow.db"
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA page_size = 4096")
        connection.executescript("".join(f"CREATE TABLE t{i} (a{'b' * 3000});" for i in range(60)))
        connection.execute("CREATE TABLE metrics (key, value, timestamp, run_uuid, step, is_nan)")
    connection.close()
    assert b"run_uuid" not in path.read_bytes()[: 128 << 10]
    assert looks_like_log(str(path))


def test_a_database_in_wal_mode_is_read_and_nothing_is_written(tmp_path: Path):
    path = database(tmp_path)
    writer = sqlite3.connect(path)
    writer.execute("PRAGMA journal_mode = WAL")
    writer.execute("INSERT INTO metrics VALUES ('late', 0.5, 1795267112735, 'da6b3fb96d53413ab33fa574e8854c8c', 10, 0)")
    writer.commit()
    before = {one.name: one.read_bytes() for one in tmp_path.iterdir()}
    (run,) = read_all(discover([path])[0])
    assert run.points == 6
    assert run.sources[0].problems == (
        "values that stand in mlflow.db-wal only were not read; a writer that closes brings them over",
    )
    assert {one.name: one.read_bytes() for one in tmp_path.iterdir()} == before
    writer.close()
    assert read(path).points == 7


def test_a_compressed_database_is_read_too(tmp_path: Path):
    (tmp_path / "mlflow.db.gz").write_bytes(gzip.compress(mlflow_db.SAMPLE))
    assert read(tmp_path).points == 6


def fault(path: Path) -> str:
    (source,) = read(path).sources
    return source.error


def test_a_truncated_or_damaged_database_is_a_clear_error(tmp_path: Path):
    path = tmp_path / "mlflow.db"
    path.write_bytes(mlflow_db.SAMPLE[:-600])
    assert "is a damaged database" in fault(path) or "is an SQLite database that cannot be read" in fault(path)
    path.write_bytes(mlflow_db.SAMPLE[:100] + bytes(len(mlflow_db.SAMPLE) - 100))
    assert "SQLite database" in fault(path) or "no table" in fault(path)


@pytest.mark.parametrize(
    "statements",
    [
        ["ALTER TABLE metrics RENAME TO real", "CREATE VIEW metrics AS SELECT * FROM real"],
        [
            "DROP TABLE metrics",
            "CREATE VIRTUAL TABLE metrics USING fts4(key, value, timestamp, run_uuid, step, is_nan)",
        ],
        ["DROP TABLE runs"],
    ],
    ids=["view", "virtual table", "no runs"],
)
def test_views_and_virtual_tables_are_no_tables(tmp_path: Path, statements):
    assert "has no table of" in fault(database(tmp_path, *statements))


def test_columns_that_the_schema_computes_are_not_asked_for(tmp_path: Path):
    path = database(
        tmp_path,
        "DROP TABLE metrics",
        "CREATE TABLE metrics (key, value AS (hex(zeroblob(1000))), timestamp, run_uuid, step, is_nan)",
        "INSERT INTO metrics (key, run_uuid) VALUES ('loss', 'da6b3fb96d53413ab33fa574e8854c8c')",
    )
    assert "has no table of metrics" in fault(path)


def test_triggers_do_not_run(tmp_path: Path):
    path = database(tmp_path, "CREATE TRIGGER t AFTER INSERT ON metrics BEGIN DELETE FROM metrics; END")
    assert read(path).points == 6


def test_values_of_other_types_cost_themselves(tmp_path: Path):
    run = "da6b3fb96d53413ab33fa574e8854c8c"
    path = database(
        tmp_path,
        "PRAGMA ignore_check_constraints = ON",
        f"INSERT INTO metrics VALUES ('loss', 'text', 1, '{run}', 1, 0)",
        f"INSERT INTO metrics VALUES ('loss', x'00ff', 1, '{run}', 1, 0)",
        f"INSERT INTO metrics VALUES ('loss', 0.5, 'when', '{run}', 'where', 0)",
        f"INSERT INTO metrics VALUES (x'6cff', 0.5, 1, '{run}', 1, 0)",
    )
    (found,) = read_all(discover([path])[0])
    assert found.sources[0].unread_lines == 2
    assert found.points == 8
    assert [math.isnan(step) for step, _ in values(found, "loss")] == [True]


def test_a_query_that_takes_too_long_is_stopped(tmp_path: Path, monkeypatch):
    monkeypatch.setattr("trainvitals.parsers.database.MAX_DATABASE_SECONDS", -1)
    monkeypatch.setattr("trainvitals.parsers.database._OPERATIONS", 1)
    assert "takes longer than" in fault(database(tmp_path))


@pytest.mark.parametrize("limit", ["MAX_RUNS", "MAX_POINTS"])
def test_a_store_over_the_limits_is_read_up_to_them(tmp_path: Path, monkeypatch, limit):
    monkeypatch.setattr(mlflow_db, limit, 1)
    runs = read_all(discover([database(tmp_path, *another("c" * 32))])[0])
    assert len(runs) == 1
    assert "limit" in runs[0].sources[0].problems[0]


def test_a_store_without_metrics_says_so(tmp_path: Path):
    run = read(database(tmp_path, "DELETE FROM metrics"))
    assert (run.points, run.sources[0].problems) == (0, ("no run in it has metrics",))


def test_bytes_that_only_begin_like_a_database_are_a_read_error():
    with pytest.raises(ReadError, match="SQLite database that cannot be read"):
        mlflow_db.read(LogFile("x.db", b"SQLite format 3\0" + bytes(range(256)) * 10))

"""Files that change under the reader, come in any order, or hold more names than anybody logs: no wrong number."""

import contextlib
import json
import os
import random
import subprocess
import sys
import threading
import time
from pathlib import Path

import hypothesis.strategies as st
import pytest
from hostile.inputs import DICTS, GOOD, STEPS, TABLE, falling, row
from hypothesis import HealthCheck, given, settings

from trainvitals.diagnostics import diagnose
from trainvitals.parsers import ReadError, read_all
from trainvitals.parsers.discover import RunFiles
from trainvitals.parsers.files import LogFile
from trainvitals.parsers.formats import FORMATS
from trainvitals.parsers.limits import MAX_METRICS
from trainvitals.parsers.reading import read_bytes

SLOW = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
READERS = {form.name: form for form in FORMATS}


def points(name: str, data: bytes | str, metric: str = "loss") -> list[tuple[float, float]]:
    (run,) = read_bytes(name, data if isinstance(data, bytes) else data.encode())
    return [
        pair for s in run.series if s.metric == metric for pair in zip(s.step.tolist(), s.value.tolist(), strict=True)
    ]


CLEAN = [(float(i), falling(i)) for i in STEPS]


def during(change, look) -> list[object]:
    """What `look` gives while `change` goes on in another thread, for half a second."""
    stop = threading.Event()

    def work() -> None:
        while not stop.is_set():
            change()

    worker = threading.Thread(target=work, daemon=True)
    worker.start()
    seen = []
    end = time.monotonic() + 0.5
    while time.monotonic() < end:
        seen.append(look())
    stop.set()
    worker.join(10)
    return seen


def test_a_file_that_is_replaced_while_it_is_read_is_one_or_the_other(tmp_path: Path):
    path, fresh = tmp_path / "x.jsonl", tmp_path / "fresh"
    contents = ["".join(row(i, scale * falling(i)) for i in range(1, 3000)) for scale in (1, 1000)]
    path.write_text(contents[0])
    files = RunFiles("x", str(tmp_path), (str(path),))

    def replace() -> None:
        for content in contents:
            fresh.write_text(content)
            os.replace(fresh, path)

    def look() -> frozenset[bool]:
        (run,) = read_all(files)
        (series,) = run.series
        assert len(series) == 2999
        return frozenset((series.value > 100).tolist())

    assert {len(kinds) for kinds in during(replace, look)} == {1}, "never rows of both"


def test_a_file_that_is_cut_while_it_is_read_gives_the_rows_that_were_there(tmp_path: Path):
    path = tmp_path / "x.jsonl"
    path.write_text(GOOD)
    files = RunFiles("x", str(tmp_path), (str(path),))

    def cut() -> None:
        with path.open("r+") as file:
            file.truncate(0)
            file.write(GOOD)

    def look() -> None:
        (run,) = read_all(files)
        for series in run.series:
            assert [(s, v) for s, v in zip(series.step, series.value, strict=True)] == CLEAN[: len(series)]

    assert len(during(cut, look)) > 1


def test_a_file_that_comes_and_goes_is_an_error_or_a_log(tmp_path: Path):
    path, away = tmp_path / "x.jsonl", tmp_path / "away"
    path.write_text(GOOD)
    files = RunFiles("x", str(tmp_path), (str(path),))

    def move() -> None:
        path.rename(away)
        away.rename(path)

    def look() -> int:
        (run,) = read_all(files)
        assert bool(run.sources[0].error) is (run.points == 0)
        return run.points

    assert set(during(move, look)) <= {0, 120}


@pytest.mark.parametrize(("name", "log"), [("x.jsonl", GOOD), ("x.csv", TABLE)])
@given(chunks=st.integers(2, 30), seed=st.integers())
@SLOW
def test_rows_in_any_order_are_the_same_points(name: str, log: str, chunks: int, seed: int):
    head, rows = (
        ([log[: log.index("\n") + 1]], log.splitlines(keepends=True)[1:])
        if name == "x.csv"
        else ([], log.splitlines(keepends=True))
    )
    parts = [rows[len(rows) * i // chunks : len(rows) * (i + 1) // chunks] for i in range(chunks)]
    random.Random(seed).shuffle(parts)
    shuffled = "".join([*head, *(line for part in parts for line in part)])
    assert sorted(points(name, shuffled)) == CLEAN
    (run,) = read_bytes(name, shuffled.encode())
    assert diagnose(run).points > 0


@pytest.mark.parametrize("order", range(3))
def test_the_order_of_the_files_of_a_run_does_not_matter(tmp_path: Path, order: int):
    half = len(GOOD.splitlines()) // 2
    for name, data in (
        ("a.jsonl", GOOD),
        ("b.csv", "step,loss\n" + "".join(TABLE.splitlines(keepends=True)[1:half])),
        ("c.log", DICTS),
    ):
        (tmp_path / name).write_text(data)
    paths = [str(tmp_path / name) for name in ("a.jsonl", "b.csv", "c.log")]
    reports = [
        diagnose(read_all(RunFiles("r", str(tmp_path), tuple(given)))[0])
        for given in (paths, paths[order:] + paths[:order])
    ]
    first, second = ([(f.code, f.severity, f.message) for f in report.findings] for report in reports)
    assert sorted(first) == sorted(second)
    assert sorted((s.metric, s.split, s.points) for s in reports[0].series) == sorted(
        (s.metric, s.split, s.points) for s in reports[1].series
    )


@given(st.lists(st.sampled_from(["", "hello", "{", "}{", "[1, 2]", "# note", "0", "\x00", "<html>"]), max_size=30))
@SLOW
def test_garbage_behind_a_log_changes_no_verdict(garbage: list[str]):
    clean, dirty = (
        diagnose(read_bytes("x.jsonl", (GOOD + more).encode())[0]) for more in ("", "\n".join([*garbage, ""]))
    )
    told = [{(f.code, f.severity) for f in report.findings if f.code[0] != "B"} for report in (clean, dirty)]
    assert told[0] == told[1]
    assert clean.series[0].points == dirty.series[0].points


@pytest.mark.parametrize("factor", [1e-3, 0.5, 128.0])
def test_units_change_no_verdict(factor: float):
    """Numbers times a constant: losses of any size, steps counted in any unit."""
    plain, scaled = (
        diagnose(read_bytes("x.jsonl", "".join(row(i * step, falling(i) * scale) for i in STEPS).encode())[0])
        for step, scale in ((1, 1.0), (64, factor))
    )
    assert plain.verdict == scaled.verdict
    # Nothing is known of the unit of the loss, so that no rule may speak of its level.
    assert [f.code for f in plain.findings] == [f.code for f in scaled.findings]


@pytest.mark.parametrize(
    ("name", "log", "expected"),
    [
        ("x.jsonl", GOOD.replace("\n", "\n\0\0\0", 50), 120),
        ("x.jsonl", GOOD + "\0" * 70_000 + "\n" + row(121, 0.5), 121),
        ("x.jsonl", "\0" * 3000 + GOOD, 120),
        ("x.csv", TABLE + "\0" * 5000, 120),
        ("x.csv", TABLE + "\0" * 5000 + "\n121,0.5\n", 121),
    ],
    ids=["between rows", "a hole", "in front", "behind a table", "a hole in a table"],
)
def test_nul_bytes_of_a_crashed_file_system_cost_no_row(name: str, log: str, expected: int):
    assert len(points(name, log)) == expected


@pytest.mark.parametrize("name", READERS)
@given(data=st.binary(max_size=200))
@SLOW
def test_every_reader_answers_or_refuses_whatever_it_is_given(name: str, data: bytes):
    # Found by fuzzing: SQLite has no memory for a database of no bytes.
    for given_ in (b"", data, READERS[name].sample[: len(data)] + data):
        with contextlib.suppress(ReadError):
            READERS[name].read(LogFile("x", given_))


PROGRAM = """
import resource, sys
from trainvitals.diagnostics.cli import main
try:
    main()
finally:
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, file=sys.stderr)
"""


def test_a_million_names_are_cut_at_the_limit_with_a_word_and_within_the_budget(tmp_path: Path):
    path = tmp_path / "names.jsonl"
    with path.open("w") as file:
        file.write(GOOD)
        for i in range(100):
            values = ", ".join(f'"m{i}_{j}": 1' for j in range(10_000))
            file.write(f'{{"step": {121 + i}, {values}}}\n')
    arguments = ["report", str(path), "--format", "json", "--select", "N,B"]
    ran = subprocess.run(
        [sys.executable, "-c", PROGRAM, *arguments], capture_output=True, text=True, timeout=120, check=False
    )
    assert ran.returncode in (0, 1), ran.stderr
    (run,) = json.loads(ran.stdout)["runs"]
    assert len(run["series"]) <= MAX_METRICS
    assert next(s for s in run["series"] if s["metric"] == "loss")["points"] == 120
    assert any("more metric names than the limit" in problem for problem in run["sources"][0]["problems"])
    assert int(ran.stderr.split()[-1]) < 1024 * 1024, "kilobytes"

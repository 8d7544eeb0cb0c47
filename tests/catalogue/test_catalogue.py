"""The runs below a folder: read once, read again only where they change, and each with a line of its own."""

import json
import os
import sys
import time
from itertools import pairwise

import pytest

from trainvitals.diagnostics.catalogue import Catalogue, catalogue, entry, opened, workers
from trainvitals.diagnostics.catalogue.filtering import Wanted, places, settings_that_differ, values_of
from trainvitals.diagnostics.rules import RULES
from trainvitals.diagnostics.settings import Settings, SettingsError, load
from trainvitals.parsers import discover


def rows(values, start=0):
    return "".join(json.dumps({"step": i, "loss": v}) + "\n" for i, v in enumerate(values, start))


FALLING = [2.0 * 0.97**i + 0.5 for i in range(200)]
BROKEN = [*FALLING[:150], *[float("nan")] * 50]


def write(folder, values, **settings):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "metrics.jsonl").write_text(rows(values))
    if settings:
        (folder / "args.json").write_text(json.dumps(settings))


def scanned(folder, settings=Settings):
    found = Catalogue(str(folder), settings)
    again(found)
    return found


def again(found):
    found.refresh()
    assert found.wait(60)


@pytest.fixture
def looks_at_once(monkeypatch):
    monkeypatch.setattr(catalogue, "LOOK", 0.0)


@pytest.fixture
def counted(monkeypatch):
    """Names of the runs that are read and judged, in this process."""
    read = []

    def counting(files, settings):
        read.append(files.name)
        return entry.opened(files, settings)

    monkeypatch.setattr(workers, "opened", counting)
    return read


def test_runs_of_nested_folders_stand_in_one_list_with_the_sickest_first(tmp_path):
    write(tmp_path / "a", FALLING)
    write(tmp_path / "deep" / "er" / "z", BROKEN)
    known = scanned(tmp_path).snapshot
    assert [(name, one.row.verdict) for name, one in known.entries.items()] == [("deep/er/z", "fail"), ("a", "pass")]
    assert (known.read, known.total, known.scanning, known.trouble) == (2, 2, False, "")


def test_a_line_says_what_was_found_and_since_when(tmp_path):
    write(tmp_path / "a", BROKEN, learning_rate=0.001)
    row = scanned(tmp_path).snapshot.entries["a"].row
    assert (row.code, row.since, row.unit) == ("N101", 150, "step")
    assert "NaN at step 150" in row.finding
    assert (row.steps, row.loss_type) == (199, "generic")
    assert ("learning_rate", "0.001") in row.settings


def test_the_ratio_stands_with_its_band():
    found = scanned(os.path.join(os.path.dirname(__file__), "..", "..", "sample_logs", "article", "weight-too-high"))
    row = next(iter(found.snapshot.entries.values())).row
    assert (row.ratio, row.band) == (0.16, "fail: overfitting")
    assert row.best == pytest.approx(1.412, abs=1e-3)


@pytest.mark.parametrize(
    ("extra", "pace", "unit"),
    [
        ({"tokens_per_second": 1500.0}, 1500, "tokens/s"),
        ({"step_time": 0.25}, 4, "steps/s"),
        ({"timestamp": None}, 2, "steps/s"),
        ({}, None, "steps/s"),
    ],
)
def test_the_pace_is_taken_from_what_is_logged(tmp_path, extra, pace, unit):
    lines = [{"step": i, "loss": v} | extra for i, v in enumerate(FALLING)]
    for i, line in enumerate(lines):
        if "timestamp" in line:
            line["timestamp"] = 1.7e9 + 0.5 * i
    (tmp_path / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    row = next(iter(scanned(tmp_path).snapshot.entries.values())).row
    assert row.pace == (None if pace is None else pytest.approx(pace))
    assert row.pace_unit == unit


def test_what_cannot_be_read_is_a_line_with_the_reason(tmp_path):
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / "metrics.jsonl").write_text("")
    (tmp_path / "binary").mkdir()
    (tmp_path / "binary" / "train.log").write_bytes(bytes(range(256)) * 40)
    known = scanned(tmp_path).snapshot.entries
    assert {name: one.row.verdict for name, one in known.items()} == {"binary": "unknown", "empty": "unknown"}
    assert "the file is empty" in known["empty"].row.finding
    assert "looks binary" in known["binary"].row.finding


def test_a_fault_of_ours_costs_only_its_run(tmp_path, monkeypatch):
    monkeypatch.delenv("TRAINVITALS_STRICT")
    write(tmp_path / "a", FALLING)
    write(tmp_path / "b", FALLING)

    def failing(normalised, settings):
        if normalised.run.name == "a":
            raise ZeroDivisionError("by nobody")
        return judged(normalised, settings)

    judged = entry.judge
    monkeypatch.setattr(entry, "judge", failing)
    known = scanned(tmp_path).snapshot.entries
    assert {name: one.row.verdict for name, one in known.items()} == {"a": "unknown", "b": "pass"}
    assert "ZeroDivisionError: by nobody" in known["a"].row.finding


def test_only_what_has_changed_is_read_again(tmp_path, counted):
    write(tmp_path / "a", FALLING)
    write(tmp_path / "b", FALLING)
    found = scanned(tmp_path)
    version = found.snapshot.version
    assert sorted(counted) == ["a", "b"]
    again(found)
    assert len(counted) == 2
    assert found.snapshot.version == version, "nothing has to be drawn anew"
    write(tmp_path / "b", BROKEN)
    write(tmp_path / "c", FALLING)
    again(found)
    assert sorted(counted[2:]) == ["b", "c"]
    assert found.snapshot.entries["b"].row.verdict == "fail"


def test_a_change_of_the_settings_beside_a_log_is_a_change(tmp_path, counted):
    write(tmp_path / "a", FALLING, seed=1)
    found = scanned(tmp_path)
    write(tmp_path / "a", FALLING, seed=12)
    again(found)
    assert counted == ["a", "a"]


def test_a_run_that_is_gone_is_no_more_in_the_list(tmp_path):
    write(tmp_path / "a", FALLING)
    write(tmp_path / "b", FALLING)
    found = scanned(tmp_path)
    (tmp_path / "a" / "metrics.jsonl").unlink()
    again(found)
    assert list(found.snapshot.entries) == ["b"]


def test_when_the_settings_of_the_user_change_all_is_judged_anew(tmp_path):
    write(tmp_path / "runs" / "a", BROKEN)
    config = tmp_path / "trainvitals.toml"
    config.write_text("")
    found = scanned(tmp_path / "runs", lambda: load(str(config), RULES))
    assert found.snapshot.entries["a"].row.verdict == "fail"
    config.write_text('[severity]\nN101 = "warn"\n')
    again(found)
    assert found.snapshot.entries["a"].row.verdict == "warn"


def test_settings_that_cannot_be_used_are_told(tmp_path):
    def wrong():
        raise SettingsError("trainvitals.toml", "fail-on", "must be something else")

    found = scanned(tmp_path, wrong)
    assert "must be something else" in found.snapshot.trouble


def test_a_folder_that_is_gone_is_told(tmp_path):
    assert "does not exist" in scanned(tmp_path / "nowhere").snapshot.trouble


def test_runs_of_one_name_have_names_of_their_own(tmp_path):
    for end in ("1", "2"):
        run = tmp_path / "mlruns" / "0" / f"aaaaaaaa{end}"
        (run / "metrics").mkdir(parents=True)
        (run / "meta.yaml").write_text(f"run_id: aaaaaaaa{end}\nrun_name: twin\n")
        (run / "metrics" / "loss").write_text("".join(f"{1700000000000 + i} {v} {i}\n" for i, v in enumerate(FALLING)))
    found = scanned(tmp_path)
    first, second = found.snapshot.entries
    assert second == f"{first} (2)"
    assert found.load(second).report.run == second
    assert {found.load(name).normalised.run.sources[0].path[-15:-13] for name in (first, second)} == {"a1", "a2"}


def test_a_run_is_loaded_with_its_series_and_only_by_a_name_that_is_known(tmp_path):
    write(tmp_path / "a", FALLING)
    found = scanned(tmp_path)
    assert found.load("a").normalised.run.points == 200
    assert found.load("a") is not None
    assert found.load("../../etc/passwd") is None
    assert found.load("") is None


def test_a_run_that_has_changed_is_loaded_as_it_is_now(tmp_path):
    write(tmp_path / "a", FALLING)
    found = scanned(tmp_path)
    write(tmp_path / "a", BROKEN)
    assert found.load("a").report.verdict == "fail"
    assert found.snapshot.entries["a"].row.verdict == "fail"


def test_what_was_opened_first_is_dropped_when_memory_is_short(tmp_path, monkeypatch):
    monkeypatch.setattr(opened, "MOST_POINTS", 500)
    for name in "abc":
        write(tmp_path / name, FALLING)
    found = scanned(tmp_path)
    kept = {name: found.load(name).normalised for name in "abc"}
    assert found.load("c").normalised is kept["c"]
    assert found.load("b").normalised is kept["b"]
    assert found.load("a").normalised is not kept["a"]


def test_a_long_run_is_not_read_again_when_it_is_opened(tmp_path, monkeypatch):
    monkeypatch.setattr(catalogue, "LONG_TO_READ", 200)
    write(tmp_path / "long", FALLING)
    write(tmp_path / "short", FALLING[:100])
    found = scanned(tmp_path)
    counting = []
    monkeypatch.setattr(catalogue, "opened", lambda *given: (counting.append(given), entry.opened(*given))[1])
    assert found.load("long").normalised.run.points == 200
    assert counting == []
    assert found.load("short").normalised.run.points == 100
    assert len(counting) == 1


def test_many_runs_are_read_by_several_processes_with_the_same_result(tmp_path, monkeypatch):
    monkeypatch.setattr(workers, "WORTH_IT", 2)
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    for i in range(12):
        write(tmp_path / f"r{i:02}", FALLING if i % 3 else BROKEN)
    here = []
    monkeypatch.setattr(workers, "opened", slow(lambda *given: (here.append(given), entry.opened(*given))[1]))
    known = scanned(tmp_path).snapshot.entries
    assert len(here) < len(known) == 12
    alone = {one.row.name: one.row for files in discover([tmp_path]) for one, _ in entry.opened(files, Settings())}
    assert {name: repr(one.row) for name, one in known.items()} == {name: repr(row) for name, row in alone.items()}


def slow(function):
    """So that the worker is given something to do before all is done."""

    def slowly(*given):
        time.sleep(0.4)
        return function(*given)

    return slowly


def program(path, *lines):
    """A stand-in for Python that is started as a worker; -P and -m are its first arguments."""
    path.write_text("\n".join((f"#!{sys.executable}", "import sys", *lines)))
    path.chmod(0o755)
    return str(path)


def test_a_run_over_which_a_worker_ends_is_a_line_and_the_others_are_read(tmp_path, monkeypatch):
    monkeypatch.setattr(workers, "WORTH_IT", 2)
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    for i in range(8):
        write(tmp_path / "runs" / f"r{i}", FALLING)
    # It dies over the first run that it is given, whichever that is, the first time that it is started.
    mark = tmp_path / "mark"
    dying = program(
        tmp_path / "dying",
        "import os, runpy",
        "from multiprocessing.connection import Connection",
        f"if os.path.exists({str(mark)!r}):",
        "    sys.argv = sys.argv[3:]",
        "    runpy.run_module('trainvitals.diagnostics.catalogue.worker', run_name='__main__', alter_sys=False)",
        "else:",
        f"    open({str(mark)!r}, 'w').close()",
        "    other = Connection(int(sys.argv[-1]))",
        "    other.recv(); other.send(None); other.recv(); os._exit(9)",
    )
    monkeypatch.setattr(sys, "executable", dying)
    monkeypatch.setattr(workers, "opened", slow(entry.opened))
    known = scanned(tmp_path / "runs").snapshot.entries
    verdicts = sorted(one.row.verdict for one in known.values())
    assert verdicts == [*["pass"] * 7, "unknown"]
    assert "the process that read it has ended" in next(iter(known.values())).row.finding


def test_where_no_process_can_be_started_all_is_read_by_this_one(tmp_path, monkeypatch):
    monkeypatch.setattr(workers, "WORTH_IT", 2)
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    for i in range(4):
        write(tmp_path / "runs" / f"r{i}", FALLING)
    monkeypatch.setattr(sys, "executable", program(tmp_path / "broken", "sys.exit(3)"))
    known = scanned(tmp_path / "runs").snapshot.entries
    assert [one.row.verdict for one in known.values()] == ["pass"] * 4


def test_a_training_that_goes_on_is_followed_and_what_is_found_is_told_once(tmp_path, looks_at_once):
    write(tmp_path / "a", FALLING[:100])
    found = scanned(tmp_path)
    assert found.is_live
    found.look()
    assert found.happened == ()
    log = tmp_path / "a" / "metrics.jsonl"
    with log.open("a") as file:
        file.write(rows(FALLING[100:], 100))
    found.look()
    assert found.snapshot.entries["a"].row.steps == 199
    assert found.load("a").normalised.run.points == 200
    assert found.happened == (), "that it goes on well is no news"
    with log.open("a") as file:
        file.write(rows([float("nan")] * 30, 200))
    again_until(found, lambda: found.happened)
    assert [(one.number, one.run, one.found.finding.code) for one in found.happened] == [(1, "a", "N101")]
    assert found.snapshot.entries["a"].row.verdict == "fail"
    assert found.load("a").report.verdict == "fail"
    found.look()
    assert len(found.happened) == 1


def again_until(found, condition):
    """Looks until something holds: after a diagnosis, the watcher rests for a time that depends on the machine."""
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)
        found.look()


def test_of_a_training_that_goes_on_only_what_is_appended_is_read(tmp_path, looks_at_once):
    write(tmp_path / "a", FALLING)
    found = scanned(tmp_path)
    log = tmp_path / "a" / "metrics.jsonl"
    sizes = []
    for start in (200, 250, 300):
        with log.open("a") as file:
            file.write(rows([0.5] * 50, start))
        found.look()
        (follower,) = found._live._followers.values()
        sizes.append(follower.files[str(log)].tail.bytes_read)
    appended = [b - a for a, b in pairwise(sizes)]
    assert max(appended) < log.stat().st_size / 4


def test_what_was_known_before_is_no_news_when_a_run_is_first_followed(tmp_path, looks_at_once):
    write(tmp_path / "a", BROKEN)
    found = scanned(tmp_path)
    with (tmp_path / "a" / "metrics.jsonl").open("a") as file:
        file.write(rows([float("nan")] * 5, 200))
    found.look()
    assert found.snapshot.entries["a"].row.steps == 204
    assert found.happened == ()


@pytest.mark.parametrize(
    ("settings", "ago", "live"),
    [({}, 60, True), ({}, 3600, False), ({"max_steps": 199}, 10, True), ({"max_steps": 199}, 120, False)],
    ids=["running", "silent for long", "just finished", "finished"],
)
def test_only_a_training_that_may_write_more_is_looked_at(tmp_path, settings, ago, live):
    write(tmp_path / "a", FALLING, **settings)
    os.utime(tmp_path / "a" / "metrics.jsonl", (time.time() - ago,) * 2)
    assert scanned(tmp_path).is_live is live


def test_rows_are_chosen_by_name_verdict_loss_type_and_setting(tmp_path):
    write(tmp_path / "Alpha", FALLING, seed=1, batch_size=8)
    write(tmp_path / "beta", BROKEN, seed=2, batch_size=8)
    write(tmp_path / "gamma", FALLING)
    found = [one.row for one in scanned(tmp_path).snapshot.entries.values()]

    def names(**wanted):
        return sorted(found[i].name for i in places(found, Wanted(**wanted)))

    assert names() == ["Alpha", "beta", "gamma"]
    assert names(name="ALPH") == ["Alpha"]
    assert names(name=".*") == [], "it is a part of the name, and no pattern"
    assert names(verdicts={"fail"}) == ["beta"]
    assert names(loss_types={"generic"}, verdicts={"pass"}) == ["Alpha", "gamma"]
    assert names(setting="seed") == ["Alpha", "beta"]
    assert names(setting="seed", value="2") == ["beta"]
    assert settings_that_differ(found) == ["batch_size", "seed"], "not all runs have them"
    assert sorted(values_of("seed", found)) == ["1", "2"]

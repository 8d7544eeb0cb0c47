"""What was said of the runs of a folder is there at the next start, unless something has changed that it follows from.

Whatever else stands on the disk costs no more than reading the logs again.
"""

import json
import os
import shutil
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

import trainvitals
from trainvitals.diagnostics import kept
from trainvitals.diagnostics.catalogue import Catalogue, catalogue, entry, identity, private, stored, workers
from trainvitals.diagnostics.catalogue.stored import Store, usual
from trainvitals.diagnostics.rules import RULES
from trainvitals.diagnostics.settings import Settings, load

LONG_AGO = 1_700_000_000
FALLING = [2.0 * 0.97**i + 0.5 for i in range(200)]
BROKEN = [*FALLING[:150], *[float("nan")] * 50]


def rows(values, start=0):
    return "".join(json.dumps({"step": i, "loss": v}) + "\n" for i, v in enumerate(values, start))


def write(folder, values, changed=LONG_AGO, **settings):
    """A run that came to rest long ago."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "metrics.jsonl").write_text(rows(values))
    (folder / "args.json").write_text(json.dumps(settings))
    for path in folder.iterdir():
        os.utime(path, (changed, changed))


TELL = identity.program
PROGRAM = TELL()


@pytest.fixture(autouse=True)
def unedited(monkeypatch):
    """Nobody edits the program while it is tested."""
    monkeypatch.setattr(identity, "program", lambda: PROGRAM)


@pytest.fixture(autouse=True)
def nobody_looks(monkeypatch):
    """No table is drawn that keeping might delay."""
    monkeypatch.setattr(catalogue, "MOMENT", 0.0)


@pytest.fixture
def runs(tmp_path):
    """A folder with a healthy run and a sick one."""
    write(tmp_path / "runs" / "a", FALLING, seed=1)
    write(tmp_path / "runs" / "b", BROKEN, seed=2)
    return tmp_path / "runs"


@pytest.fixture
def place(tmp_path):
    return tmp_path / "cache" / "trainvitals"


@pytest.fixture
def read(monkeypatch):
    """Names of the runs that are read and judged, in this process."""
    names = []

    def reading(files, settings, known=()):
        names.append(files.name)
        return entry.opened(files, settings, known)

    monkeypatch.setattr(workers, "opened", reading)
    return names


def started(folder, place, settings=Settings):
    """The catalogue of a server that has just been started, when its first scan is over."""
    found = Catalogue(str(folder), settings, Store(str(place)))
    again(found)
    return found


def again(found):
    found.refresh()
    assert found.wait(60)
    found.wait_for_disk()


def said(found):
    return {name: (repr(one.row), repr(one.report)) for name, one in found.snapshot.entries.items()}


def only_file(place):
    (path,) = place.iterdir()
    return path


def test_at_the_second_start_nothing_is_read_and_the_same_is_said(runs, place, read):
    first = said(started(runs, place))
    assert sorted(read) == ["a", "b"]
    second = started(runs, place)
    assert sorted(read) == ["a", "b"]
    assert said(second) == first
    assert (second.snapshot.read, second.snapshot.total) == (2, 2)
    assert [one.row.verdict for one in second.snapshot.entries.values()] == ["fail", "pass"]


def test_only_what_has_changed_since_is_read_again_and_what_is_gone_is_gone(runs, place, read):
    started(runs, place)
    read.clear()
    write(runs / "a", BROKEN, seed=1)
    write(runs / "c", FALLING)
    shutil.rmtree(runs / "b")
    found = started(runs, place)
    assert sorted(read) == ["a", "c"]
    assert {name: one.row.verdict for name, one in found.snapshot.entries.items()} == {"a": "fail", "c": "pass"}
    read.clear()
    started(runs, place)
    assert read == []


def test_a_change_of_the_settings_beside_a_log_is_a_change(runs, place, read):
    started(runs, place)
    read.clear()
    write(runs / "a", FALLING, seed=3)
    assert ("seed", "3") in started(runs, place).snapshot.entries["a"].row.settings
    assert read == ["a"]


def test_what_was_said_under_other_settings_is_kept_apart(runs, place, read, tmp_path):
    config = tmp_path / "trainvitals.toml"

    def verdict(text):
        config.write_text(text)
        found = started(runs, place, lambda: load(str(config), RULES))
        return found.snapshot.entries["b"].row.verdict

    texts = ("", '[severity]\nN101 = "warn"\n', 'patterns = ["it {step} loss {loss}"]\n', "[rules.L104]\nz = 11.5\n")
    first = [verdict(text) for text in texts]
    assert first == ["fail", "warn", "fail", "fail"]
    assert len(read) == 2 * len(texts)
    read.clear()
    assert [verdict(text) for text in texts] == first
    assert read == []


def test_settings_that_change_while_the_server_runs_are_looked_up_too(runs, place, read, tmp_path):
    config = tmp_path / "trainvitals.toml"
    config.write_text("")
    found = started(runs, place, lambda: load(str(config), RULES))
    config.write_text('[severity]\nN101 = "warn"\n')
    again(found)
    assert found.snapshot.entries["b"].row.verdict == "warn"
    read.clear()
    config.write_text("")
    again(found)
    assert found.snapshot.entries["b"].row.verdict == "fail"
    assert read == []


def test_a_relative_folder_is_another_one_elsewhere(runs, place, read, tmp_path, monkeypatch):
    shutil.copytree(runs, tmp_path / "elsewhere" / "runs")
    for folder in (tmp_path, tmp_path / "elsewhere"):
        monkeypatch.chdir(folder)
        started("runs", place)
    assert len(read) == 4
    assert len(list(place.iterdir())) == 2


def test_another_program_reads_all_again(runs, place, read, monkeypatch):
    started(runs, place)
    read.clear()
    monkeypatch.setattr(identity, "program", lambda: b"edited")
    started(runs, place)
    assert sorted(read) == ["a", "b"]


def test_any_edit_makes_another_program(tmp_path, monkeypatch):
    monkeypatch.setattr(identity, "program", TELL)
    rule = tmp_path / "diagnostics" / "rules" / "x901_new.py"
    rule.parent.mkdir(parents=True)
    (tmp_path / "parsers").mkdir()
    rule.write_text("LIMIT = 8")
    monkeypatch.setattr(trainvitals, "__file__", str(tmp_path / "__init__.py"))
    before, status = identity.program(), rule.stat()
    assert identity.program() == before
    rule.write_text("LIMIT = 9")
    os.utime(rule, ns=(status.st_atime_ns, status.st_mtime_ns))
    after = identity.program()
    assert after != before, "of the same size and time"
    (rule.parent / "loss.toml").write_text("")
    assert identity.program() != after
    monkeypatch.setattr(sys, "version", "3.99")
    assert identity.program() != after


def test_a_program_that_cannot_be_told_keeps_nothing(runs, place, read, monkeypatch, tmp_path):
    monkeypatch.setattr(identity, "program", TELL)
    monkeypatch.setattr(trainvitals, "__file__", str(tmp_path / "packed.zip" / "__init__.py"))
    started(runs, place)
    assert sorted(read) == ["a", "b"]
    assert not place.exists()


def test_settings_that_cannot_be_told_keep_nothing(runs, place, read):
    started(runs, place, lambda: Settings(thresholds={"L104": {"z": object()}}, select=("N",)))
    assert sorted(read) == ["a", "b"]
    assert not place.exists()


def test_nothing_is_kept_of_what_was_read_while_the_program_was_edited(runs, place, read, monkeypatch):
    """A process that was started after the edit judged by the new rules."""
    versions = iter([b"before", b"after"])
    monkeypatch.setattr(identity, "program", lambda: next(versions))
    started(runs, place)
    assert not place.exists()


def test_the_time_of_an_entry_is_that_of_its_files_and_never_of_the_start(runs, place):
    started(runs, place)
    second = started(runs, place)
    assert second.snapshot.entries["a"].row.modified == LONG_AGO
    assert not second.is_live


def test_a_training_that_still_runs_at_the_second_start_is_followed_from_what_was_known(runs, place, monkeypatch):
    monkeypatch.setattr(catalogue, "LOOK", 0.0)
    write(runs / "a", FALLING, time.time() - 60)
    write(runs / "b", BROKEN, time.time() - 60)
    started(runs, place)
    found = started(runs, place)
    assert found.is_live
    for name, more in (("a", FALLING[-9:]), ("b", [float("nan")] * 9)):
        with (runs / name / "metrics.jsonl").open("a") as file:
            file.write(rows(more, 200))
    found.look()
    assert [one.row.steps for one in found.snapshot.entries.values()] == [208, 208]
    assert found.happened == (), "the NaN was known at the start"
    again(found)
    assert set(only_stored(runs, place)) == set(), "what a look has told is read again at the next start"


def only_stored(folder, place):
    """Names of the runs of a folder that are kept as their files are now."""
    return {files.name for files in of(folder, place)}


def of(folder, place):
    stamps = {files: entry.stamp(files) for files in catalogue.discover([str(folder)])}
    return Store(str(place)).load(str(folder), Settings(), stamps)


def test_what_may_be_read_otherwise_the_next_time_is_not_kept(runs, place, read, monkeypatch):
    monkeypatch.delenv("TRAINVITALS_STRICT")
    judge = entry.judge

    def failing(normalised, settings):
        if normalised.run.name == "a":
            raise MemoryError
        return judge(normalised, settings)

    monkeypatch.setattr(entry, "judge", failing)
    assert started(runs, place).snapshot.entries["a"].row.verdict == "unknown"
    assert only_stored(runs, place) == {"b"}
    assert b"MemoryError" not in only_file(place).read_bytes()
    monkeypatch.setattr(entry, "judge", judge)
    read.clear()
    assert started(runs, place).snapshot.entries["a"].row.verdict == "pass"
    assert read == ["a"]


def test_several_runs_of_one_file_are_kept_together(tmp_path, place, read):
    folder = tmp_path / "runs"
    folder.mkdir()
    names = (f"{run} - loss{end}" for run in ("one", "two") for end in ("", "__MIN", "__MAX"))
    head = ",".join(f'"{name}"' for name in ("Step", *names)) + "\n"
    lines = "".join(f'"{i}"' + f',"{v}"' * 6 + "\n" for i, v in enumerate(FALLING))
    (folder / "wandb.csv").write_text(head + lines)
    os.utime(folder / "wandb.csv", (1, 1))
    first = said(started(folder, place))
    assert len(first) == 2
    assert said(started(folder, place)) == first
    assert len(read) == 1


@pytest.mark.parametrize("name", [b"\xff/metrics.jsonl", b"c/\xff.jsonl", b"mlruns/0/c/params/\xff_api_key"])
def test_a_path_that_is_no_utf_8_costs_only_its_run(runs, place, read, name):
    path = runs / os.fsdecode(name)
    path.parent.mkdir(parents=True)
    path.write_text(rows(FALLING))
    metric = path.parents[1] / "metrics" / "loss"
    if path.parent.name == "params":
        metric.parent.mkdir()
        metric.write_text("".join(f"{1700000000000 + i} {v} {i}\n" for i, v in enumerate(FALLING)))
        (path.parents[1] / "meta.yaml").write_text("run_id: c\nrun_name: c\n")
    for each in (path, metric):
        if each.is_file():
            os.utime(each, (1, 1))
    first = said(started(runs, place))
    assert len(first) == len(read) == 3
    read.clear()
    assert said(started(runs, place)) == first
    assert len(read) == 1
    assert not {"a", "b"} & set(read)


def test_a_run_that_is_opened_is_read_but_not_judged_again(runs, place, monkeypatch):
    first = started(runs, place).load("b")
    second = started(runs, place)
    monkeypatch.setattr(entry, "judge", None)
    opened = second.load("b")
    assert repr(opened.report) == repr(first.report)
    assert opened.normalised.run.points == 200


def test_a_run_that_has_changed_is_judged_when_it_is_opened(runs, place):
    found = started(runs, place)
    found = started(runs, place)
    write(runs / "a", BROKEN, seed=1)
    assert found.load("a").report.verdict == "fail"


def test_many_runs_come_back_from_other_processes_too(tmp_path, place, read, monkeypatch):
    monkeypatch.setattr(workers, "WORTH_IT", 2)
    for i in range(12):
        write(tmp_path / "runs" / f"r{i:02}", FALLING if i % 3 else BROKEN)
    first = said(started(tmp_path / "runs", place))
    assert only_stored(tmp_path / "runs", place) == set(first)
    read.clear()
    assert said(started(tmp_path / "runs", place)) == first
    assert read == []


def test_it_is_written_only_when_something_is_new(runs, place):
    found = started(runs, place)
    path = only_file(place)
    path.unlink()
    again(found)
    assert not path.exists()
    started(runs, place)
    assert path.exists()


def test_it_is_not_written_anew_for_each_run_while_that_takes_long(runs, place, monkeypatch):
    monkeypatch.setattr(stored, "COST", 1e9)
    found = started(runs, place)
    write(runs / "c", FALLING)
    again(found)
    assert only_stored(runs, place) == {"a", "b"}
    found._store._next = 0.0
    again(found)
    assert only_stored(runs, place) == {"a", "b", "c"}


# What else may stand on the disk.


def entries(runs):
    """Of each run its entry, as it is kept."""
    return [tuple(one for one, _ in entry.opened(files, Settings())) for files in catalogue.discover([str(runs)])]


def plant(runs, place, groups):
    """Puts this into the place of what is kept, with the right digest, as only this user could."""
    name = identity.identity(str(runs), Settings())
    body = groups if isinstance(groups, bytes) else msgspec.msgpack.encode(groups)
    with private.opened(str(place), make=True) as folder:
        private.write(folder, name + private.SUFFIX, stored.MAGIC + stored._digest(body, name), body)


def test_what_is_planted_below_is_hostile_by_what_it_holds_only(runs, place, read):
    plant(runs, place, msgspec.to_builtins(entries(runs), builtin_types=(bytes,)))
    started(runs, place)
    assert read == []


def test_whatever_bit_is_flipped_all_is_read_again(runs, place, read):
    first = said(started(runs, place))
    path = only_file(place)
    good = path.read_bytes()
    for at in (0, 5, 17, 40, 60, len(good) // 3, len(good) // 2, len(good) - 1):
        read.clear()
        path.write_bytes(good[:at] + bytes([good[at] ^ 0b100]) + good[at + 1 :])
        assert said(started(runs, place)) == first
        assert sorted(read) == ["a", "b"]
        assert path.read_bytes()[:50] == good[:50], "it is mended"


@pytest.mark.parametrize("size", [0, 1, 17, 48, 49, 2000, -1])
def test_a_file_that_is_cut_off_is_read_again(runs, place, read, size):
    first = said(started(runs, place))
    path = only_file(place)
    path.write_bytes(path.read_bytes()[:size])
    read.clear()
    assert said(started(runs, place)) == first
    assert sorted(read) == ["a", "b"]


def test_a_file_of_other_settings_says_nothing_of_these_whatever_its_name_is(runs, place, read):
    lenient = Settings(severities={"N101": "info"})
    assert started(runs, place, lambda: lenient).snapshot.entries["b"].row.verdict != "fail"
    only_file(place).rename(place / (identity.identity(str(runs), Settings()) + private.SUFFIX))
    read.clear()
    assert started(runs, place).snapshot.entries["b"].row.verdict == "fail"
    assert sorted(read) == ["a", "b"]


def changed(**values):
    return lambda one: one | values


def in_row(**values):
    return lambda one: one | {"row": one["row"] | values}


@pytest.mark.parametrize(
    "change",
    [
        changed(lasts=False),
        changed(part=1),
        changed(part=-1),
        changed(packed="text"),
        changed(packed=None),
        changed(stamp=[]),
        changed(stamp=[["metrics.jsonl", 1, 1, 1]]),
        changed(files=None),
        changed(row=None),
        in_row(verdict="splendid"),
        in_row(verdict=None),
        in_row(name=3),
        in_row(spark=["0.5"]),
        in_row(spark=[[]]),
        in_row(modified="now"),
        in_row(modified=1e300),
        in_row(settings=[["seed"]]),
        in_row(steps=b"\x80\x04cos\nsystem\n"),
        lambda one: {name: value for name, value in one.items() if name != "row"},
        lambda one: list(one.values()),
        lambda one: None,
    ],
)
def test_an_entry_that_is_none_is_read_again(runs, place, read, change):
    groups = msgspec.to_builtins(entries(runs), builtin_types=(bytes,))
    plant(runs, place, [[change(one) for one in group] for group in groups])
    assert [one.row.verdict for one in started(runs, place).snapshot.entries.values()] == ["fail", "pass"]
    assert sorted(read) == ["a", "b"]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\x90",
        b"\x91\x90",
        b"\xc0",
        b"\xdd\xff\xff\xff\xff",
        b"\x91\xdd\xff\xff\xff\xff",
        b"\x91\x91\xdf\xff\xff\xff\xff",
        b"\x91\x91\x81\xa3row\xc6\xff\xff\xff\xff",
        b"\x91" * 5_000_000,
        b"\x81\xa3row" * 1_000_000,
        b"\x91\x91\xa3\xff\xfe\xfd",
        b"\x80\x04\x95cposix\nsystem\n(S'true'\ntR.",
        b"[" * 100_000,
    ],
    ids=lambda body: f"{len(body)} bytes",
)
def test_bytes_that_hold_no_entries_are_read_over(runs, place, read, body):
    plant(runs, place, body)
    assert [one.row.verdict for one in started(runs, place).snapshot.entries.values()] == ["fail", "pass"]
    assert sorted(read) == ["a", "b"]


def test_findings_within_findings_without_end_are_read_over(runs, place, read):
    one = {"code": "N101", "name": "nan", "severity": "fail", "metrics": [], "message": "", "consequences": []}
    finding = msgspec.msgpack.encode(one)
    endless = msgspec.Raw(b"\x91" + (finding[:-1] + b"\x91") * 1_000_000 + finding)
    report = {"run": "a", "verdict": "pass", "loss_type": "generic", "findings": endless}
    groups = msgspec.to_builtins(entries(runs), builtin_types=(bytes,))
    plant(runs, place, [[one | {"packed": report} for one in group] for group in groups])
    started(runs, place)
    assert sorted(read) == ["a", "b"]


def test_a_report_that_is_broken_is_made_again_when_its_run_is_opened(runs, place, read):
    broken = [tuple(replace(one, packed=b"broken") for one in group) for group in entries(runs)]
    plant(runs, place, broken)
    found = started(runs, place)
    assert read == [], "its line is good"
    assert found.snapshot.entries["b"].report is None
    assert found.load("b").report.findings[0].code == "N101"
    assert found.snapshot.entries["b"].report is not None


def test_a_report_that_is_broken_is_no_news_when_the_training_goes_on(runs, place, monkeypatch):
    monkeypatch.setattr(catalogue, "LOOK", 0.0)
    write(runs / "b", BROKEN, time.time() - 60)
    plant(runs, place, [tuple(replace(one, packed=b"broken") for one in group) for group in entries(runs)])
    found = started(runs, place)
    with (runs / "b" / "metrics.jsonl").open("a") as file:
        file.write(rows([float("nan")] * 9, 200))
    found.look()
    assert found.load("b").report.verdict == "fail"
    assert found.snapshot.entries["b"].row.steps == 208


@pytest.mark.parametrize("mode", [0o777, 0o720])
def test_a_folder_to_which_others_can_write_is_not_used_and_that_is_said_once(runs, place, read, caplog, mode):
    started(runs, place)
    before = only_file(place).stat().st_mtime_ns
    place.chmod(mode)
    read.clear()
    found = started(runs, place)
    write(runs / "c", FALLING)
    again(found)
    assert sorted(read) == ["a", "b", "c"]
    assert only_file(place).stat().st_mtime_ns == before
    (told,) = caplog.messages
    assert told == f"{place} cannot be used (other users can write to it): runs are read anew at each start"


def test_a_folder_of_somebody_else_is_not_used(runs, place, read, caplog, monkeypatch):
    started(runs, place)
    read.clear()
    me = os.geteuid()
    monkeypatch.setattr(os, "geteuid", lambda: me + 1)
    started(runs, place)
    assert sorted(read) == ["a", "b"]
    assert len(caplog.messages) == 1


def test_a_disk_on_which_nothing_can_be_written_is_said_once(runs, read, caplog, tmp_path):
    (tmp_path / "file").write_text("")
    found = started(runs, tmp_path / "file" / "trainvitals")
    write(runs / "c", FALLING)
    again(found)
    assert sorted(read) == ["a", "b", "c"]
    (told,) = caplog.messages
    assert "Not a directory" in told


def test_on_a_disk_that_can_only_be_read_what_stands_there_is_used(runs, place, read, caplog, monkeypatch):
    def refused(*given, **options):
        raise OSError(30, os.strerror(30))

    started(runs, place)
    monkeypatch.setattr(os, "replace", refused)
    monkeypatch.setattr(os, "utime", refused)
    read.clear()
    found = started(runs, place)
    assert read == []
    assert caplog.messages == []
    (runs / "c").mkdir()
    (runs / "c" / "metrics.jsonl").write_text(rows(FALLING))
    again(found)
    assert read == ["c"]


def test_servers_on_one_folder_at_once_all_say_the_same(runs, place):
    """Each reads what another may be replacing, and writes as if it were alone."""
    program = (
        "import sys\n"
        "from trainvitals.diagnostics.catalogue import Catalogue, identity\n"
        "from trainvitals.diagnostics.catalogue.stored import Store\n"
        "from trainvitals.diagnostics.settings import Settings\n"
        "identity.program = lambda: bytes.fromhex(sys.argv[3])\n"
        "for i in range(30):\n"
        "    found = Catalogue(sys.argv[1], Settings, Store(sys.argv[2]))\n"
        "    found.refresh()\n"
        "    found.wait()\n"
        "    found._store._saved = {}\n"
        "    found._store.save(sys.argv[1], Settings(), dict(found._known))\n"
        "    assert [one.row.verdict for one in found.snapshot.entries.values()] == ['fail', 'pass']\n"
    )
    command = [sys.executable, "-c", program, str(runs), str(place), PROGRAM.hex()]
    servers = [subprocess.Popen(command, stderr=subprocess.PIPE) for _ in range(2)]
    assert [server.communicate(timeout=120)[1] for server in servers] == [b"", b""]
    assert [server.returncode for server in servers] == [0, 0]
    assert only_stored(runs, place) == {"a", "b"}


def test_the_store_of_a_user_is_at_the_place_unless_none_is_wanted(tmp_path):
    assert usual({"HOME": str(tmp_path), kept.NO_CACHE: "1"}) is None
    assert usual({}) is None
    assert usual({"HOME": str(tmp_path)}) is not None
    assert list(tmp_path.iterdir()) == []


def test_tests_leave_the_users_own_cache_alone():
    assert usual(os.environ) is None


def test_a_report_or_a_check_keeps_nothing(runs, tmp_path):
    program = Path(sys.executable).with_name("trainvitals")
    environ = {name: value for name, value in os.environ.items() if name != kept.NO_CACHE}
    environ |= {"HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path / "cache")}
    for command in ("report", "check"):
        subprocess.run([program, command, str(runs)], env=environ, capture_output=True, timeout=60, check=False)
    assert not (tmp_path / "cache").exists()

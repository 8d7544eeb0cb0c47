"""Workers that were started before anybody knew what there is to read."""

import json
import subprocess
import sys
import time

import pytest

from trainvitals.dashboard import serve
from trainvitals.diagnostics.catalogue import entry, workers
from trainvitals.diagnostics.catalogue.worker import work
from trainvitals.diagnostics.processes import forked, most_processes, started
from trainvitals.diagnostics.settings import Settings
from trainvitals.parsers import discover

pytestmark = pytest.mark.skipif(most_processes() == 0, reason="no process can be started beside this one")


@pytest.fixture(params=["started", "forked"])
def ahead(request):
    process = started(workers.WORKER) if request.param == "started" else forked(work)
    yield process
    process.end()


def runs(folder, count):
    """So many runs of ten rows."""
    for i in range(count):
        (folder / f"r{i}").mkdir()
        lines = [json.dumps({"step": step, "loss": 2.0 - 0.1 * step}) for step in range(10)]
        (folder / f"r{i}" / "metrics.jsonl").write_text("\n".join(lines) + "\n")
    return discover([folder])


def is_over(process):
    """Whether a process has ended, or does so within a few seconds."""
    return any(process.wait(0.1) for _ in range(200))


def test_a_worker_that_was_started_ahead_is_given_work(tmp_path, ahead, monkeypatch):
    monkeypatch.setattr(workers, "WORTH_IT", 2)
    monkeypatch.setattr(workers, "started", None)  # another one cannot be started
    monkeypatch.setattr(workers, "most_processes", lambda: 1)
    here = []

    def reading(files, settings):
        here.append(files)
        time.sleep(0.4)  # so that there is something left to do when the worker has loaded its modules
        return entry.opened(files, settings)

    monkeypatch.setattr(workers, "opened", reading)
    found, read = runs(tmp_path, 12), {}
    workers.examine_all(found, 0, Settings(), read.__setitem__, [ahead])
    assert set(read) == set(found)
    assert 0 < len(here) < len(found)
    assert is_over(ahead)


def test_workers_that_were_started_for_too_little_are_ended(tmp_path, ahead):
    found, read = runs(tmp_path, 1), {}
    workers.examine_all(found, 0, Settings(), read.__setitem__, [ahead])
    assert set(read) == set(found)
    assert is_over(ahead)


@pytest.mark.parametrize(("files", "many"), [(serve.MANY - 1, False), (serve.MANY, True)])
def test_workers_are_started_ahead_where_a_folder_holds_many_files(tmp_path, files, many):
    for i in range(files):
        folder = tmp_path / str(i % 7)
        folder.mkdir(exist_ok=True)
        (folder / f"{i}.txt").touch()
    assert serve._holds_many(str(tmp_path)) is many


def test_a_process_that_does_not_listen_is_ended():
    process = forked(lambda _: time.sleep(60))
    begun = time.monotonic()
    process.end()
    assert process.wait(0)
    assert time.monotonic() - begun < 20


def test_a_twin_ends_with_the_process_that_it_works_for():
    """Even where nobody could tell it to: its connection is closed with the other process."""
    program = (
        "import os\n"
        "from trainvitals.diagnostics.catalogue.worker import work\n"
        "from trainvitals.diagnostics.processes import forked\n"
        "twins = [forked(work) for _ in range(3)]\n"
        "print('begun', flush=True)\n"
        "os.kill(os.getpid(), 9)\n"
    )
    # What twins inherit of it stays open until the last one has ended.
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False)
    assert ran.stdout == "begun\n"
    assert ran.returncode == -9

"""A folder of this user alone: nobody else's is used, files are whole, and what is of no use goes."""

import errno
import os
import stat
import subprocess
import sys
import threading
import time

import pytest

from trainvitals.diagnostics import kept
from trainvitals.diagnostics.catalogue import private

NAME = "0a-1b.runs"


@pytest.fixture
def place(tmp_path):
    return tmp_path / "cache" / "trainvitals"


def written(place, data=b"data", name=NAME):
    with private.opened(str(place), make=True) as folder:
        private.write(folder, name, data)


def found(place, name=NAME):
    with private.opened(str(place)) as folder:
        return private.read(folder, name)


def test_the_folder_and_its_files_are_for_this_user_only(place):
    written(place)
    assert found(place) == b"data"
    modes = [stat.S_IMODE(path.stat().st_mode) for path in (place.parent, place, place / NAME)]
    assert modes == [0o700, 0o700, 0o600]
    assert os.listdir(place) == [NAME]


def test_a_folder_is_made_only_to_write_to_it_and_only_where_a_home_is(place, tmp_path):
    with pytest.raises(FileNotFoundError):
        found(place)
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(FileNotFoundError):
        written(tmp_path / "no" / "home" / "trainvitals")


@pytest.mark.parametrize("mode", [0o777, 0o770, 0o1777, 0o702])
def test_a_folder_to_which_others_can_write_is_refused(place, mode):
    written(place)
    place.chmod(mode)
    with pytest.raises(PermissionError, match="other users can write to it"):
        found(place)
    with pytest.raises(PermissionError, match="other users can write to it"):
        written(place)


def test_a_folder_of_somebody_else_is_refused(place, monkeypatch):
    written(place)
    me = os.geteuid()
    monkeypatch.setattr(os, "geteuid", lambda: me + 1)
    with pytest.raises(PermissionError, match="belongs to another user"):
        found(place)


def test_a_file_of_somebody_else_is_not_read(place, monkeypatch):
    written(place)
    me = os.geteuid()
    with private.opened(str(place)) as folder:
        monkeypatch.setattr(os, "geteuid", lambda: me + 1)
        assert private.read(folder, NAME) == b""


def fifo(path):
    os.mkfifo(path)


@pytest.mark.parametrize("make", [fifo, os.mkdir], ids=["fifo", "folder"])
def test_what_is_no_file_is_not_waited_for(place, make):
    written(place, name="other.runs")
    make(place / NAME)
    assert found(place) == b""


def test_a_link_is_not_followed(place):
    written(place, name="elsewhere")
    (place / NAME).symlink_to(place / "elsewhere")
    with pytest.raises(OSError, match="symbolic links"):
        found(place)


def test_what_is_too_large_is_neither_read_nor_written(place, monkeypatch):
    written(place)
    monkeypatch.setattr(private, "MOST_BYTES", 3)
    assert found(place) == b""
    with pytest.raises(OSError, match="File too large"):
        written(place)


def test_when_the_disk_is_full_the_older_file_stays(place, monkeypatch):
    def full(*given, **options):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    written(place, b"older")
    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(OSError, match="No space left"):
        written(place, b"newer")
    assert found(place) == b"older"
    assert os.listdir(place) == [NAME]


def pruned(place):
    with private.opened(str(place)) as folder:
        private.prune(folder, time.time())
    return sorted(os.listdir(place))


def test_what_nobody_has_asked_for_in_a_month_is_removed_and_nothing_of_others(place):
    days = {"old.runs": 31, "young.runs": 29, "theirs.txt": 1000, "left.new": 1, "begun.new": 0}
    for name, age in days.items():
        written(place, name=name)
        os.utime(place / name, (time.time() - age * 86400,) * 2)
    assert pruned(place) == ["begun.new", "theirs.txt", "young.runs"]


def test_what_is_read_counts_as_used(place):
    written(place)
    os.utime(place / NAME, (1, 1))
    found(place)
    assert pruned(place) == [NAME]


def test_what_was_not_used_for_longest_is_removed_while_all_is_too_much(place, monkeypatch):
    monkeypatch.setattr(private, "MOST_BYTES", 25)
    for age, name in enumerate(("a.runs", "b.runs", "c.runs")):
        written(place, bytes(10), name)
        os.utime(place / name, (time.time() - age * 60,) * 2)
    assert pruned(place) == ["a.runs", "b.runs"]


def test_several_processes_that_write_one_file_leave_one_of_their_files_whole(place):
    program = (
        "import sys\n"
        "from trainvitals.diagnostics.catalogue import private\n"
        "for i in range(100):\n"
        "    with private.opened(sys.argv[1], make=True) as folder:\n"
        "        private.write(folder, sys.argv[2], sys.argv[3].encode() * 100_000)\n"
    )
    written(place)
    command = [sys.executable, "-c", program, str(place), NAME]
    writers = [subprocess.Popen([*command, letter]) for letter in "ab"]
    seen = {b"data"}
    reading = threading.Event()
    while any(writer.poll() is None for writer in writers):
        seen.add(found(place))
        reading.wait(0.001)
    assert [writer.returncode for writer in writers] == [0, 0]
    assert seen <= {b"data", b"a" * 100_000, b"b" * 100_000}
    assert os.listdir(place) == [NAME]


@pytest.mark.parametrize(
    ("environ", "place"),
    [
        ({"HOME": "/h"}, "/h/.cache/trainvitals"),
        ({"HOME": "/h", "XDG_CACHE_HOME": "/x"}, "/x/trainvitals"),
        ({"HOME": "/h", "XDG_CACHE_HOME": "relative"}, "/h/.cache/trainvitals"),
        ({"XDG_CACHE_HOME": "/x"}, "/x/trainvitals"),
        ({}, ""),
        ({"HOME": ""}, ""),
        ({"HOME": "~"}, ""),
        ({"HOME": "/h", "TRAINVITALS_NO_CACHE": "1"}, ""),
    ],
)
def test_the_place_is_the_users_cache_unless_there_is_none_or_it_is_not_wanted(environ, place):
    assert kept.place(environ) == place


def test_whether_anything_of_a_folder_is_kept_is_told_by_a_name(tmp_path, monkeypatch):
    environ = {"XDG_CACHE_HOME": str(tmp_path)}
    assert not kept.is_kept("runs", environ)
    written(tmp_path / "trainvitals", name=f"{kept.label('runs')}-0123.runs")
    assert kept.is_kept("runs", environ)
    assert not kept.is_kept("other", environ)
    assert not kept.is_kept("runs", environ | {"TRAINVITALS_NO_CACHE": "1"})
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert not kept.is_kept("runs", environ), "it is another folder of this name"

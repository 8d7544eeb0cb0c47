"""However a log comes in, the run is that of the whole log, and after each piece that of what has come."""

import os
import tempfile
from itertools import pairwise
from pathlib import Path

import pytest
from following.runs import append, assert_same
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from shared_logs import REAL, index, needs_shared

from trainvitals.parsers import read_all
from trainvitals.parsers.discover import RunFiles, discover
from trainvitals.parsers.following import Follower
from trainvitals.parsers.formats import FORMATS

NAMES = {
    "tensorboard_events": "events.out.tfevents.1.host",
    "trainer_state": "trainer_state.json",
    "chainer_log": "log",
    "wandb_summary": "wandb-summary.json",
    "model_card": "README.md",
}
SAMPLES = {form.name: form.sample for form in FORMATS}
EVENTS = SAMPLES["tensorboard_events"]
TEXTS = {
    "repeated names": b"step,loss\n" + b"".join(b"%d,0.%06d\n" % (i, i) for i in range(30)) + b"step,loss,acc\n9,1,2\n",
    "bare carriage returns": b"step,loss\r1,0.5\r2,0.25\r3,0.125\r",
    "mixed line ends": b"step,loss\r\n1,0.5\r\n2,0.25\n3,1_000\nnan\n5,nan\n\xff,6\n",
    "NaN": b'{"step": 1, "loss": 2.0}\n{"step": 2, "loss": NaN}\n{"step": 3, "loss": 1e999, "x": "nan"}\n{"step": 4, ',
    "UTF-16": '{"step": 1, "loss": 2.0}\n{"step": 2, "loss": 1.5}\n'.encode("utf-16"),
    "byte order mark": b'\xef\xbb\xbf{"step": 1, "loss": 2.0}\n{"step": 2, "loss": 1.5}\n',
    "blank": b" \n\0\n\t \n",
    "binary": bytes(range(256)) * 3,
    "traceback": b"{'loss': 2.5, 'epoch': 0.1}\nTraceback (most recent call last):\n  File \"t.py\"\nValueError: x\n",
    "bars": b"\r 10%|#  | 1/10 [00:01<00:09, 1.0it/s]{'loss': 2.5, 'grad_norm': 1.0, 'learning_rate': 1e-5}\n"
    b"\r 20%|#  | 2/10 [00:02<00:08, 1.0it/s, loss=1.5]\r 30%|#  | 3/10 [00:03<00:07, 1.0it/s, loss=1.4]\n",
    "noise between records": EVENTS + b"\1\2\3" * 9 + EVENTS[40:] + EVENTS[:33],
    "zeros after records": EVENTS + bytes(100),
    "zeros between records": EVENTS + bytes(50) + EVENTS,
}


def check(name: str, data: bytes, cuts: list[int], *, each: bool = True) -> None:
    edges = [0, *sorted(cut % (len(data) + 1) for cut in cuts), len(data)]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_bytes(b"")
        follower = Follower(path)
        for start, stop in pairwise(edges):
            append(path, data[start:stop])
            follower.poll()
            if not each:
                follower.poll()  # of a large log at rest the format is told once more
            if each or stop == len(data):
                assert_same(follower.runs, read_all(discover([os.fspath(path)])[0]))
        assert follower.poll() == ()


CUTS = st.lists(st.integers(0, 10**6), max_size=8)
QUICK = settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@pytest.mark.parametrize("name", SAMPLES)
@given(cuts=CUTS)
@QUICK
def test_every_format(name, cuts):
    check(NAMES.get(name, "a.log"), SAMPLES[name], cuts)


@pytest.mark.parametrize("name", SAMPLES)
@given(cuts=CUTS, times=st.integers(2, 4), torn=st.integers(0, 60))
@QUICK
def test_every_format_many_times_over_and_torn(name, cuts, times, torn):
    data = SAMPLES[name] * times
    check(NAMES.get(name, "a.log"), data[: len(data) - torn], cuts)


@pytest.mark.parametrize("name", TEXTS)
@given(cuts=CUTS)
@settings(parent=QUICK, max_examples=20)
def test_odd_logs(name, cuts):
    check("events.out.tfevents.1.h" if "records" in name else "train.log", TEXTS[name], cuts)


@given(
    data=st.lists(
        st.sampled_from([*TEXTS.values(), *(one for one in SAMPLES.values() if len(one) < 3000)]), max_size=3
    ),
    cuts=CUTS,
)
@settings(parent=QUICK, max_examples=40)
def test_mixed_logs(data, cuts):
    check("train.log", b"".join(data), cuts)


@pytest.mark.parametrize("name", ["a.jsonl", "b.csv", "train.log", "events.out.tfevents.1.h"])
@given(data=st.binary(max_size=300), cuts=CUTS)
@QUICK
def test_any_bytes(name, data, cuts):
    check(name, data, cuts)


@needs_shared
@pytest.mark.parametrize("row", index(REAL), ids=lambda row: row["file"].rpartition("/")[2][-50:])
@given(cuts=st.lists(st.integers(0, 10**9), max_size=3))
@settings(parent=QUICK, max_examples=3)
def test_real_logs(row, cuts):
    path = REAL / row["file"]
    if path.stat().st_size > 150_000 or path.name.endswith(("args.json", "hparams.yaml")):
        pytest.skip("large, or no log")
    check(path.name, path.read_bytes(), cuts, each=False)


def test_a_byte_at_a_time():
    for name in ("tensorboard_events", "ms_swift", "llamafactory", "csv_table", "hf_dict", "trainer_state"):
        check(NAMES.get(name, "a.log"), SAMPLES[name], list(range(len(SAMPLES[name]))), each=False)


def test_the_files_of_a_run_may_be_named(tmp_path):
    (tmp_path / "a.jsonl").write_bytes(b'{"step": 1, "loss": 2.0}\n')
    follower = Follower(RunFiles("mine", str(tmp_path), (str(tmp_path / "a.jsonl"),)))
    follower.poll()
    assert [run.name for run in follower.runs] == ["mine"]

"""Which files below a folder belong to one run, as trainers leave them."""

import json
import os
from pathlib import Path

import pytest

from trainvitals.diagnostics import diagnose, normalise
from trainvitals.parsers import ReadError, discover, read
from trainvitals.parsers.formats.tensorboard import SAMPLE as EVENTS

ROWS = "".join(f'{{"step": {i}, "loss": {2 - i / 100}}}\n' for i in range(1, 60))
DICTS = "".join(f"{{'loss': {2 - i / 100:.4f}, 'learning_rate': 1e-05, 'epoch': {i / 10}}}\n" for i in range(1, 60))
STATE = json.dumps({"log_history": [{"step": i, "epoch": i / 10, "loss": 2 - i / 100} for i in range(1, 60)]})
EVENT_FILE = "events.out.tfevents.1700000000.host.1.0"


@pytest.fixture
def tree(tmp_path: Path):
    """Makes files from a mapping of paths to contents below a folder."""

    def make(files: dict[str, str | bytes]) -> Path:
        for name, content in files.items():
            path = tmp_path / "top" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return tmp_path / "top"

    return make


def found(top: Path) -> dict[str, set[str]]:
    """Run name -> its files, relative to the folder."""
    runs = discover([top])
    assert len({run.name for run in runs}) == len(runs)
    return {run.name: {os.path.relpath(path, top) for path in run.paths} for run in runs}


HF_OUTPUT = {
    "args.json": "{}",
    "logging.jsonl": ROWS,
    "stdout.log": DICTS,
    f"runs/Jan01_00-00-00_host/{EVENT_FILE}": EVENTS,
    "checkpoint-50/trainer_state.json": STATE,
    "checkpoint-100/trainer_state.json": STATE,
    "checkpoint-100/training_args.bin": b"\x80\x02",
    "README.txt": "loss: see the log\n",
}


def test_an_output_folder_of_the_hugging_face_trainer_is_one_run(tree):
    assert found(tree(HF_OUTPUT)) == {
        "top": {
            "logging.jsonl",
            "stdout.log",
            f"runs/Jan01_00-00-00_host/{EVENT_FILE}",
            "checkpoint-100/trainer_state.json",
        }
    }


def test_its_settings_are_those_of_the_run(tree):
    (run,) = discover([tree(HF_OUTPUT)])
    assert [os.path.basename(path) for path in run.sidecars] == ["args.json"]


def test_its_points_are_not_doubled_though_four_files_hold_them(tree):
    report = diagnose(read(tree({k: v for k, v in HF_OUTPUT.items() if "tfevents" not in k})))
    assert next(s.points for s in report.series if s.metric == "loss") == 59


def test_keras_train_and_validation_folders_are_one_run_with_two_splits(tree):
    top = tree({f"train/{EVENT_FILE}": EVENTS, f"validation/{EVENT_FILE}.v2": EVENTS})
    assert found(top) == {"top": {f"train/{EVENT_FILE}", f"validation/{EVENT_FILE}.v2"}}
    assert {series.split for series in read(top).series} == {"train", "eval"}


def test_a_file_for_training_and_one_for_evaluation_are_one_run_with_two_splits(tree):
    held_out = ROWS.replace('"loss": ', '"loss": 1')
    (files,) = discover([str(tree({"run/train.jsonl": ROWS, "run/eval.jsonl": held_out}))])
    series = {(s.metric, s.split): s for s in normalise(read(files)).run.series}
    assert set(series) == {("loss", "train"), ("loss", "eval")}
    assert series["loss", "train"].value[0] == 1.99
    assert series["loss", "eval"].value[0] == 11.99


def test_several_metric_files_in_one_folder_are_several_runs(tree):
    top = tree({"seed1.jsonl": ROWS, "seed2.jsonl": ROWS, "seed3.jsonl": ROWS})
    assert set(found(top)) == {"top/seed1", "top/seed2", "top/seed3"}


def test_a_prefix_before_a_known_name_tells_runs_and_their_settings_apart(tree):
    top = tree({"a_logging.jsonl": ROWS, "a_args.json": "{}", "b_logging.jsonl": ROWS, "b_args.json": "{}"})
    runs = discover([top])
    assert [[os.path.basename(p) for p in (*run.paths, *run.sidecars)] for run in runs] == [
        ["a_logging.jsonl", "a_args.json"],
        ["b_logging.jsonl", "b_args.json"],
    ]


@pytest.mark.parametrize("name", ["outputs", "runs", "logs"])
def test_a_folder_of_run_folders_holds_many_runs_whatever_it_is_called(tree, name):
    files = {f"{name}/{run}/metrics.jsonl": ROWS for run in ("a", "b")}
    assert set(found(tree({"config.json": "{}", **files}))) == {f"{name}/a", f"{name}/b"}
    # The folder above holds a configuration, which makes the folders below no event folders.
    assert set(found(tree(files) / name)) == {"a", "b"}


def test_a_trailing_slash_changes_nothing(tree):
    top = tree(HF_OUTPUT)
    assert discover([f"{top}/"]) == discover([top])


def test_a_run_that_is_named_twice_is_read_once(tree):
    top = tree(HF_OUTPUT)
    assert len(discover([top, f"{top}/"])) == 1


def test_a_text_whose_metrics_nobody_understands_is_shown_with_its_unread_lines(tree):
    top = tree({"a/run7.txt": "".join(f"loss=2.{i}.7 acc=1.{i}.3\n" for i in range(50))})
    assert found(top) == {"a": {"a/run7.txt"}}
    source = read(top).sources[0]
    assert source.unread_lines == 50
    assert source.unread_examples[0].line == 1


@pytest.mark.parametrize("name", ["notes.txt", "requirements.txt", "classes.json", "README.md", "weights.bin"])
def test_other_files_beside_logs_are_no_runs(tree, name):
    assert found(tree({name: "numpy==2.0\nwe saw a lower loss\n"})) == {}


def test_hidden_folders_and_links_that_leave_the_folder_are_passed_over(tree, tmp_path: Path):
    top = tree({".cache/metrics.jsonl": ROWS, "run/metrics.jsonl": ROWS})
    (tmp_path / "secret.jsonl").write_text(ROWS)
    (top / "link.jsonl").symlink_to(tmp_path / "secret.jsonl")
    (top / "loop").symlink_to(top, target_is_directory=True)
    (top / "dangling.jsonl").symlink_to(tmp_path / "nowhere")
    assert found(top) == {"run": {"run/metrics.jsonl"}}


def test_a_path_that_does_not_exist_is_an_error_that_names_it(tmp_path: Path):
    with pytest.raises(ReadError, match=r"nowhere: does not exist"):
        discover([tmp_path / "nowhere"])

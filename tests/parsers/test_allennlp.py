"""What AllenNLP prints, and its file of metrics an epoch."""

import json

import pytest
from console_text import by_epoch, points, read

from trainvitals.diagnostics.normalisation import normalise
from trainvitals.parsers import read as read_run
from trainvitals.parsers.discover import discover
from trainvitals.parsers.errors import ReadError
from trainvitals.parsers.files import LogFile
from trainvitals.parsers.formats import allennlp_metrics, detect
from trainvitals.parsers.formats.tensorboard import SAMPLE as EVENTS

TRAINER = "2019-10-15 12:45:23,697 - INFO - allennlp.training.trainer - "
WRITER = "2019-10-15 12:46:03,515 - INFO - allennlp.training.tensorboard_writer - "
NEWER = (
    "2020-07-24 15:20:56,431 [24] allennlp.training.tensorboard_writer.tensorboard_writer.log_metrics l288 INFO | "
    "worker_0_memory_MB |  6929.444  |       N/A\n"
)
MEANS = "accuracy: 0.1656, accuracy3: 0.3559, loss: {v} ||: 100%|##########| 125/125 [00:37<00:00,  3.32it/s]\n"


def epoch(e, train, valid):
    return (
        f"{TRAINER}Epoch {e}/39\n{TRAINER}Peak CPU memory usage MB: 1919.684\n{TRAINER}Training\n"
        + MEANS.format(v=train)
        + f"{TRAINER}Validating\n"
        + MEANS.format(v=valid)
        + f"{WRITER}                  Training |  Validation\n{WRITER}loss      |     {train}  |     {valid}\n"
        + NEWER
    )


def test_the_table_of_an_epoch_has_a_value_for_each_data_set():
    parsed = read(epoch(0, 3.572, 3.231) + epoch(1, "nan", 2.9))
    assert by_epoch(parsed, "train loss")[0] == (0, 3.572)
    assert by_epoch(parsed, "validation loss") == [(0, 3.231), (1, 2.9)]
    assert by_epoch(parsed, "train worker_0_memory_MB") == [(0, 6929.444), (1, 6929.444)]
    assert (parsed.source.format, parsed.source.unread_lines) == ("allennlp_text", 0)


def test_running_means_are_points_where_a_line_says_the_batch():
    text = f"{TRAINER}Epoch 1/139\n{TRAINER}Training\n{TRAINER}Batch 567/17168: accuracy: 0.42, loss: 1.32 ||\n"
    text += f"{TRAINER}Validating\n{TRAINER}Batch 7/17: accuracy: 0.42, loss: 1.5 ||\n"
    assert points(read(text), "loss_running", "train") == [(17735, 1.32)]


def test_of_tables_in_the_middle_of_an_epoch_the_last_counts():
    row = f"{WRITER}epoch_metrics/loss     |     {{v}}  |       N/A\n"
    parsed = read(f"{TRAINER}Epoch 0/9\n{TRAINER}Training\n" + row.format(v=0.222) + row.format(v=0.223))
    assert by_epoch(parsed, "train epoch_metrics/loss") == [(0, 0.223)]


def metrics(e, loss):
    return {
        "best_epoch": 0,
        "training_duration": f"0:0{e}:09.899715",
        "training_start_epoch": 0,
        "training_epochs": e,
        "epoch": e,
        "training_loss": loss,
        "validation_loss": loss + 0.1,
        "best_validation_loss": 0.5,
    }


@pytest.fixture
def folder(tmp_path):
    for e in range(12):
        (tmp_path / f"metrics_epoch_{e}.json").write_text(json.dumps(metrics(e, 2 - e / 10), indent=2))
    (tmp_path / "metrics.json").write_text(json.dumps({**metrics(11, 0.9), "test_loss": 1.1}, indent=2))
    return tmp_path


def test_the_files_of_a_folder_are_one_run_in_the_order_of_epochs(folder):
    (files,) = discover([str(folder)])
    run = normalise(read_run(files)).run
    assert run.get("loss").epoch.tolist() == list(range(12))
    assert run.get("loss").value.tolist() == [2 - e / 10 for e in range(12)]
    assert run.get("loss", "eval").value[0] == 2.1
    assert run.get("loss").time[1] == 69.899715
    assert run.summary["test_loss"].value == 1.1
    assert "training_loss" in run.summary


def test_the_event_files_below_are_of_the_same_run(folder):
    for split in ("train", "validation"):
        (folder / "log" / split).mkdir(parents=True)
        (folder / "log" / split / "events.out.tfevents.1663590523.host").write_bytes(EVENTS)
    (files,) = discover([str(folder)])
    assert len(files.paths) == 15


def test_a_line_of_a_file_is_cited(folder):
    (parsed,) = allennlp_metrics.read(LogFile("metrics_epoch_3.json", (folder / "metrics_epoch_3.json").read_bytes()))
    (loss,) = (s for s in parsed.series if s.logged_as == "training_loss")
    assert (loss.line.tolist(), loss.value.tolist()) == ([7], [1.7])


def test_other_json_is_not_taken_for_it():
    found = detect(LogFile("metrics.json", b'{"epoch": 1, "training_loss": 2.0}\n'))
    assert found is None or found.name != "allennlp_metrics"


def test_a_torn_file_says_so():
    with pytest.raises(ReadError, match="is no JSON object"):
        allennlp_metrics.read(LogFile("metrics_epoch_3.json", b'{"epoch": 3, "training_loss": 1.'))

"""The formats that write JSON: which file is whose, and what stands where in each."""

import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from shared_logs import ACCUM, REAL, needs_shared

from trainvitals.parsers.errors import ReadError
from trainvitals.parsers.files import LogFile, open_log
from trainvitals.parsers.formats import (
    detectron2_metrics,
    detr_log,
    jsonl,
    llamafactory,
    mmcv_json,
    ms_swift,
    trainer_state,
)
from trainvitals.parsers.json_lines import row as json_row

FORMATS = [
    module.FORMAT for module in (trainer_state, ms_swift, llamafactory, detr_log, detectron2_metrics, mmcv_json, jsonl)
]
NAN = math.nan


def read(fmt, data, path="run/log"):
    (parsed,) = fmt.read(LogFile(path, data if isinstance(data, bytes) else data.encode()))
    return parsed


def lines(*rows):
    return "".join(json.dumps(row) + "\n" for row in rows)


def get(parsed, name, split=""):
    return next(s for s in parsed.series if (s.logged_as, s.split) == (name, split))


def names(parsed):
    return [s.logged_as for s in parsed.series]


def surest(data, path="run/log"):
    scores = [(fmt.sniff(LogFile(path, data if isinstance(data, bytes) else data.encode())), fmt) for fmt in FORMATS]
    score, fmt = max(scores, key=lambda scored: scored[0])
    return fmt.name if score > 0 else None


@pytest.mark.parametrize("fmt", FORMATS, ids=lambda fmt: fmt.name)
def test_own_sample_is_recognised_and_read(fmt):
    assert surest(fmt.sample) == fmt.name
    parsed = read(fmt, fmt.sample)
    assert parsed.source.points > 0
    assert parsed.source.unread_lines == 0
    assert not parsed.source.problems


@pytest.mark.parametrize(
    ("path", "data"),
    [
        ("args.json", '{\n  "learning_rate": 0.1,\n  "max_steps": 120\n}\n'),
        ("args.json", '{"learning_rate": 0.1, "step": 3, "loss": "ce"}'),
        ("all_results.json", '{"epoch": 3.0, "eval_loss": 0.6, "train_loss": 0.4, "train_runtime": 64.1}'),
        ("train.jsonl", '{"messages": [{"role": "user", "content": "hi"}], "id": 1}\n' * 9),
        ("train.jsonl", '{"instruction": "Say it", "output": "it", "score": 0.5}\n' * 9),
        ("train.jsonl", lines(*({"epoch": 1, "text": "word " * 80, "loss": 0.5} for _ in range(9)))),
        ("completions.jsonl", lines({"step": [1, 2], "prompt": ["a", "b"], "reward": [0.1, 0.2]})),
        ("predictions.jsonl", '{"prompt": "a", "predict": "b", "label": "c"}\n' * 9),
        ("server.log", "2024-01-01 10:00:00 INFO ready\n" * 9),
        ("notes.txt", "{{ template }}\n" * 9),
        ("list.json", '[{"loss": 1.0}, {"loss": 2.0}]'),
        ("empty.jsonl", ""),
        ("binary.jsonl", b"\x00\x01{\xff" * 50),
        ("trainer.py", 'print("log_history")\n'),
    ],
)
def test_no_log_is_taken_for_one(path, data):
    assert surest(data, path) is None


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ('{"step": 1, "loss": 2.0}\n{"step": 2, "loss": 1.9}\n', "jsonl"),
        ('{"loss": 2.0}\n{"loss": 1.9}\n', "jsonl"),
        ('{"epoch": 1, "reward": 2.0}\n{"epoch": 2, "reward": 1.9}\n', "jsonl"),
        ('starting\nloading\n{"step": 1, "loss": 2.0}\n{"step": 2, "loss": 1.9}\n{"step": 3, "loss": 1.9}\n', "jsonl"),
        ('{"iteration": "3/100", "loss": 2.0, "grad_norm": 1.0}\n', "ms_swift"),
        ('{"global_step": 1, "loss": 2.0, "train_speed(iter/s)": 1.0}\n', "ms_swift"),
        (
            '{"model_parameter_info": "x", "last_model_checkpoint": null, "global_step": 0, "log_history": []}',
            "ms_swift",
        ),
        ('{"train_loss": 1.0, "test_loss": 2.0}\n', "detr_log"),
        ('{}\n{"lr": 0.02, "loss": 1.7, "epoch": 1, "iter": 69, "step": 69}\n', "mmcv_json"),
        ('{"env_info": "x"}\n{"mode": "train", "epoch": 1, "iter": 10, "loss": 1.0}\n', "mmcv_json"),
        ('{"epoch": 1.0, "global_step": 1, "log_history": [{"loss": 1.0, "step": 1}]}', "trainer_state"),
    ],
)
def test_recognised_by_what_it_says(data, expected):
    assert surest(data) == expected


def test_ms_swift_row():
    parsed = read(ms_swift.FORMAT, ms_swift.SAMPLE)
    loss, eval_loss = get(parsed, "loss"), get(parsed, "eval_loss")
    assert (loss.value[0], loss.step[0], loss.epoch[0], loss.time[0], loss.line[0]) == (
        20.53074074, 1, 0.00228768, 6, 1,
    )  # fmt: skip
    assert (eval_loss.value[0], eval_loss.step[0], eval_loss.time[0], eval_loss.line[0]) == (0.15809415, 100, 504, 2)
    assert parsed.config["max_steps"].value == 438
    assert parsed.config["max_steps"].line == 2
    assert {"memory(GiB)", "train_speed(iter/s)"} <= set(names(parsed))
    assert not {"percentage", "remaining_time", "epoch", "train_loss"} & set(names(parsed))
    assert parsed.summary["train_loss"].value == 0.28420261
    assert parsed.summary["train_loss"].line == 3


def test_softce_keys_stay_as_logged():
    row = {"loss": 5.1, "base_ce/loss": 1.2, "coord_softce_w1/w1": 0.1, "global_step/max_steps": "120/3000"}
    parsed = read(ms_swift.FORMAT, lines(row))
    assert names(parsed) == ["loss", "base_ce/loss", "coord_softce_w1/w1"]
    assert get(parsed, "coord_softce_w1/w1").step[0] == 120


def test_last_object_of_ms_swift_is_no_point():
    last = {
        "train_dataset": "117.6±6.5, min=105.0, max=130.0, size=3000",
        "val_dataset": None,
        "model_parameter_info": "Qwen2ForCausalLM: 0.1M Params",
        "last_model_checkpoint": None,
        "best_metric": 3.14,
        "global_step": 60,
        "log_history": [{"loss": 6.2, "step": 1}],
        "memory": 5.7,
    }
    parsed = read(ms_swift.FORMAT, lines({"loss": 6.2, "global_step/max_steps": "1/60"}, last))
    assert names(parsed) == ["loss"]
    assert len(get(parsed, "loss")) == 1
    assert parsed.summary["train_dataset_size"].value == 3000
    assert parsed.summary["best_metric"].value == 3.14
    assert "val_dataset_size" not in parsed.summary
    assert "log_history" not in parsed.summary


def test_run_that_died_before_its_first_step():
    last = {"model_parameter_info": "x", "last_model_checkpoint": None, "global_step": 0, "log_history": []}
    parsed = read(ms_swift.FORMAT, lines(last))
    assert (parsed.source.points, parsed.source.unread_lines, parsed.source.problems) == (0, 0, ())
    assert parsed.source.error == ""


def test_llamafactory_rows():
    parsed = read(llamafactory.FORMAT, llamafactory.SAMPLE)
    assert get(parsed, "loss").step.tolist() == [1, 10]
    assert get(parsed, "loss").time[0] == 2
    assert get(parsed, "eval_loss").step.tolist() == [10]
    assert "reward" not in names(parsed)
    assert parsed.config["max_steps"].value == 23800


def test_prediction_stage_holds_no_points():
    row = {"current_steps": 5, "total_steps": 250, "percentage": 2.0, "elapsed_time": "0:00:19"}
    parsed = read(llamafactory.FORMAT, lines(row))
    assert (parsed.source.points, parsed.source.unread_lines) == (0, 0)


def test_detr_lists_and_epochs():
    parsed = read(detr_log.FORMAT, detr_log.SAMPLE)
    assert get(parsed, "train_loss").epoch.tolist() == [0]
    assert get(parsed, "test_coco_eval_bbox[1]").value.tolist() == [0.001]
    assert "n_parameters" not in names(parsed)


def test_detr_without_epoch_leaves_it_open():
    parsed = read(detr_log.FORMAT, lines({"train_lr": 1e-4, "train_loss": 2.0}, {"train_lr": 1e-4, "train_loss": 1.9}))
    loss = get(parsed, "train_loss")
    assert np.isnan(loss.epoch).all()
    assert np.isnan(loss.step).all()
    assert loss.line.tolist() == [1, 2]


def test_detectron2_keys_differ_by_row():
    parsed = read(detectron2_metrics.FORMAT, detectron2_metrics.SAMPLE)
    assert get(parsed, "total_loss").step.tolist() == [19]
    assert get(parsed, "bbox/AP").step.tolist() == [4999]
    assert get(parsed, "time").value.tolist() == [0.367]
    assert "eta_seconds" not in names(parsed)


def train(epoch, iteration, loss=1.0):
    return {"mode": "train", "epoch": epoch, "iter": iteration, "lr": 0.01, "loss": loss}


def test_mmcv_validation_iter_is_no_step():
    parsed = read(
        mmcv_json.FORMAT,
        lines(train(1, 10), train(1, 20), {"mode": "val", "epoch": 1, "iter": 64, "mIoU": 0.5}, train(2, 30)),
    )
    val = get(parsed, "mIoU", "eval")
    assert (val.step.tolist(), val.epoch.tolist()) == ([20], [1])
    assert get(parsed, "loss", "train").step.tolist() == [10, 20, 30]
    assert not parsed.source.problems


def test_mmcv_iterations_that_start_again_in_each_epoch():
    val = {"mode": "val", "epoch": 2, "iter": 7, "mIoU": 0.5}
    parsed = read(mmcv_json.FORMAT, lines(train(1, 50), train(1, 100), train(2, 50), train(2, 100), val))
    assert get(parsed, "loss", "train").step.tolist() == [50, 100, 150, 200]
    assert get(parsed, "mIoU", "eval").step.tolist() == [200]
    assert "100 iterations an epoch" in parsed.source.problems[0]


def test_mmengine_validation_step_is_an_epoch():
    rows = [
        {"lr": 0.02, "loss": 1.7, "epoch": 1, "iter": 69, "memory": 3060, "step": 69, "time": 0.1},
        {"accuracy/top1": 43.1, "data_time": 0.09, "time": 0.12, "step": 1},
        {"lr": 0.02, "loss": 1.5, "epoch": 2, "iter": 138, "memory": 3060, "step": 138, "time": 0.1},
        {"accuracy/top1": 50.0, "data_time": 0.09, "time": 0.12, "step": 2},
    ]
    parsed = read(mmcv_json.FORMAT, lines(*rows))
    accuracy = get(parsed, "accuracy/top1", "eval")
    assert (accuracy.step.tolist(), accuracy.epoch.tolist()) == ([69, 138], [1, 2])
    assert get(parsed, "loss").step.tolist() == [69, 138]
    assert get(parsed, "time").line.tolist() == [1, 3]
    assert get(parsed, "time", "eval").line.tolist() == [2, 4]
    assert "step" not in names(parsed)
    assert parsed.source.points == sum(map(len, parsed.series))


def test_mmengine_validation_step_of_a_loop_by_iterations():
    rows = [{"lr": 0.1, "loss": 1.0, "iter": 100, "step": 100}, {"mIoU": 0.5, "step": 120}]
    parsed = read(mmcv_json.FORMAT, lines(*rows))
    assert get(parsed, "mIoU", "eval").step.tolist() == [120]


def test_trainer_state():
    parsed = read(trainer_state.FORMAT, trainer_state.SAMPLE)
    loss = get(parsed, "loss")
    assert (loss.value[0], loss.step[0], loss.epoch[0], loss.line[0]) == (1.1409, 500, 0.91, 8)
    assert get(parsed, "eval_rouge-1").line.tolist() == [9]
    assert "predict_loss" not in names(parsed)
    assert parsed.summary["predict_loss"].value == 0.63
    assert (parsed.summary["train_loss"].value, parsed.summary["train_loss"].line) == (0.4479, 11)
    assert {key: value.value for key, value in parsed.config.items()} == {
        "eval_steps": 500,
        "global_step": 5490,
        "logging_steps": 500,
        "max_steps": 5490,
        "num_train_epochs": 10,
        "save_steps": 500,
        "train_batch_size": 6,
    }
    assert parsed.config["max_steps"].line == 14


def test_trainer_state_of_a_streaming_run_has_no_epochs():
    state = {"global_step": 1, "num_train_epochs": 9223372036854775807, "log_history": [{"loss": NAN, "step": 1}]}
    parsed = read(trainer_state.FORMAT, json.dumps(state))
    assert "num_train_epochs" not in parsed.config
    assert np.isnan(get(parsed, "loss").value).all()


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_torn_trainer_state_keeps_its_complete_rows(end):
    text = trainer_state.SAMPLE.decode().replace("\n", end)
    parsed = read(trainer_state.FORMAT, text[: text.index('"eval_rouge-1"')])
    assert names(parsed) == ["grad_norm", "learning_rate", "loss"]
    assert get(parsed, "loss").line.tolist() == [8]
    assert parsed.source.truncated
    assert "line 9" in parsed.source.problems[0]


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        ('{"global_step": 1}', "holds no log_history"),
        ('{"log_history": [{"loss"', "no complete JSON document"),
        ('{"log_history": [' + "[" * 100_000, "nested too deeply"),
        ('{"epoch": ' + "9" * 5000 + ', "log_history": []}', "number is too long"),
    ],
)
def test_trainer_state_that_cannot_be_read_names_the_file(data, reason):
    with pytest.raises(ReadError, match=reason) as error:
        read(trainer_state.FORMAT, data, "run/trainer_state.json")
    assert error.value.path == "run/trainer_state.json"


@pytest.mark.parametrize(
    ("row", "step", "epoch", "time", "plan", "split"),
    [
        ({"step": 3}, 3, NAN, NAN, NAN, ""),
        ({"step": None, "iter": 4}, 4, NAN, NAN, NAN, ""),
        ({"step": "7"}, 7, NAN, NAN, NAN, ""),
        ({"global_step/max_steps": "120/3000"}, 120, NAN, NAN, 3000, ""),
        ({"iteration": "3/100"}, 3, NAN, NAN, 100, ""),
        ({"_step": 9, "trainer/global_step": 50}, 50, NAN, NAN, NAN, ""),
        ({"current_steps": 5, "total_steps": 250}, 5, NAN, NAN, 250, ""),
        ({"num_updates": 12, "epoch": "0.0034"}, 12, 0.0034, NAN, NAN, ""),
        ({"step": True, "epoch": [1]}, NAN, NAN, NAN, NAN, ""),
        ({"elapsed_time": "49m 19s"}, NAN, NAN, 2959, NAN, ""),
        ({"elapsed_time": "1 day, 0:08:23"}, NAN, NAN, 86903, NAN, ""),
        ({"elapsed_time": 12.5}, NAN, NAN, 12.5, NAN, ""),
        ({"_timestamp": 1.7e9, "_runtime": 5}, NAN, NAN, 1.7e9, NAN, ""),
        ({"time": 1.7e12}, NAN, NAN, 1.7e9, NAN, ""),
        ({"time": 0.366}, NAN, NAN, NAN, NAN, ""),
        ({"timestamp": "2024-05-01T10:00:00Z"}, NAN, NAN, 1714557600, NAN, ""),
        ({"timestamp": "yesterday"}, NAN, NAN, NAN, NAN, ""),
        ({"mode": "val"}, NAN, NAN, NAN, NAN, "eval"),
        ({"split": "Train"}, NAN, NAN, NAN, NAN, "train"),
        ({"phase": "test"}, NAN, NAN, NAN, NAN, "test"),
        ({"mode": "online"}, NAN, NAN, NAN, NAN, ""),
    ],
)
def test_where_a_row_stands(row, step, epoch, time, plan, split):
    found = json_row.interpret({**row, "loss": 1.0})
    np.testing.assert_equal((found.step, found.epoch, found.time, found.plan), (step, epoch, time, plan))
    assert found.split == split
    assert found.values == {"loss": 1.0, **({"time": 0.366} if row == {"time": 0.366} else {})}


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (2, {"x": 2.0}),
        ("2.03", {"x": 2.03}),
        ("-Infinity", {"x": -math.inf}),
        ({"a": {"b": 1, "c": "text"}}, {"x/a/b": 1.0}),
        ([1, "no", 3.5], {"x[0]": 1.0, "x[2]": 3.5}),
        ([[1, 2]], {}),
        (list(range(65)), {}),
        (True, {}),
        (None, {}),
        ("0x10", {}),
        ("1,234.5", {}),
        ("١٢", {}),
    ],
)
def test_what_counts_as_a_number(value, expected):
    assert json_row.interpret({"x": value}).values == expected


def test_deep_nesting_is_cut():
    value = 1.0
    for _ in range(500):
        value = {"a": value}
    assert json_row.interpret({"x": value}).values == {}


@given(st.floats(0, 1e21) | st.integers(0, 10**21))
def test_unix_times_of_columns_and_of_single_values_agree(value):
    assert json_row.moments(np.array([value], np.float64))[0] == json_row.seconds(value)


@needs_shared
@pytest.mark.parametrize(
    ("path", "fmt", "series", "points", "last_step", "first", "last"),
    [
        ("ms_swift_logging_jsonl/zhl-2022__x-algorithm__qwen3_17b_text_effective__logging.jsonl",
         "ms_swift", "loss", 120, 120, 7.94849682, 0.00112322),
        ("ms_swift_logging_jsonl/zhl-2022__x-algorithm__grpo__logging.jsonl",
         "ms_swift", "loss", 20, 20, -2.2e-07, None),
        ("llamafactory_trainer_log_jsonl/112292454__ChatGLM-Efficient-Tuning-main__epoch25_1e-4__trainer_log.jsonl",
         "llamafactory", "loss", 1190, 11900, 3.5663, 0.0023),
        ("detectron2_metrics_json/Kevindic0214__detectron2_training__metrics.json",
         "detectron2_metrics", "total_loss", 16, 299, None, 0.3522665523341857),
        ("detr_log_txt_jsonl/FarjadAhmed__detr_custom_dcmha__detr-r50_log.txt",
         "detr_log", "test_coco_eval_bbox[11]", 500, NAN, None, 0.8051909057658281),
        ("hf_trainer_state_json/112292454__ChatGLM-Efficient-Tuning-main__epoch50_1e-4__trainer_state.json",
         "trainer_state", "loss", 2380, 23800, 3.5664, 0.0005),
        ("hf_trainer_state_json/zhl-2022__x-algorithm__effective_ckpt120__trainer_state.json",
         "trainer_state", "token_acc", 120, 120, 0.35766423357664234, 1.0),
    ],
)  # fmt: skip
def test_real_logs(path, fmt, series, points, last_step, first, last):
    file = open_log(str(REAL / path))
    assert surest(file.data, file.path) == fmt
    parsed = read(next(f for f in FORMATS if f.name == fmt), file.data, file.path)
    assert (parsed.source.unread_lines, parsed.source.truncated) == (0, False)
    found = get(parsed, series)
    assert len(found) == points
    np.testing.assert_equal(found.step[-1], last_step)
    assert first is None or found.value[0] == first
    assert last is None or found.value[-1] == last


@needs_shared
@pytest.mark.parametrize(
    "path", sorted(ACCUM.glob("*/trainer_state.json") if ACCUM.is_dir() else []), ids=lambda path: path.parent.name
)
def test_trainer_states_agree_with_the_standard_library(path):
    parsed = read(trainer_state.FORMAT, path.read_bytes(), str(path))
    document, text = json.loads(path.read_bytes()), path.read_text().split("\n")
    logged = [(row["step"], row["loss"]) for row in document["log_history"] if "loss" in row]
    loss = get(parsed, "loss")
    assert list(zip(loss.step, loss.value, strict=True)) == logged
    assert all(text[line - 1].strip() == "{" for line in loss.line)


@needs_shared
@pytest.mark.parametrize("path", sorted(REAL.glob("*jsonl*/*logging.jsonl")), ids=lambda path: path.name)
def test_ms_swift_series_equal_the_history_that_its_last_object_repeats(path):
    """The last object holds the same log a second time, unrounded: an oracle inside the file."""
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    parsed = read(ms_swift.FORMAT, path.read_bytes(), str(path))
    loss = get(parsed, "loss")
    history = [row for row in rows[-1]["log_history"] if "loss" in row]
    assert loss.step.tolist() == [row["step"] for row in history]
    np.testing.assert_allclose(loss.value, [row["loss"] for row in history], atol=1e-8, rtol=0)
    assert all(rows[line - 1]["loss"] == value for line, value in zip(loss.line, loss.value, strict=True))


@pytest.mark.parametrize("key", ["Step", "Iteration", "it", "itr", "n_iter", "iter_num", "train/step", "updates"])
@pytest.mark.parametrize("loss", ["loss", "Train Loss"])
def test_loops_of_ones_own_name_their_steps_as_they_like(key, loss):
    data = "".join(json.dumps({key: 10 * n, loss: 1 / n}) + "\n" for n in range(1, 9))
    (parsed,) = jsonl.FORMAT.read(LogFile("log.jsonl", data.encode()))
    (series,) = parsed.series
    assert (series.logged_as, series.step.tolist()) == (loss, [10.0 * n for n in range(1, 9)])


@pytest.mark.parametrize("key", ["Epoch", "epochs", "ep"])
def test_and_their_epochs(key):
    data = "".join(json.dumps({key: n, "loss": 1 / n}) + "\n" for n in range(1, 9))
    (parsed,) = jsonl.FORMAT.read(LogFile("log.jsonl", data.encode()))
    assert [series.epoch.tolist() for series in parsed.series] == [[float(n) for n in range(1, 9)]]

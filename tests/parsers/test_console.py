"""The engine for console text: framing, what it leaves unread, hostile input, and all real logs."""

import json
import math
from pathlib import Path

import numpy as np
import pytest
from console_text import points, read
from hypothesis import given
from hypothesis import strategies as st
from shared_logs import ACCUM, REAL, needs_shared

from trainvitals.parsers.errors import ReadError
from trainvitals.parsers.files import LogFile, is_text, open_log
from trainvitals.parsers.formats import console
from trainvitals.parsers.limits import MAX_LINE_BYTES, MAX_NAME_LENGTH

STEP = "Step {n} | Loss: {loss} | PPL: 7.5\n"
RUNS = sorted(path.parent for path in ACCUM.glob("*/stdout.log"))
ORACLES = [run for run in RUNS if (run / "trainer_state.json").is_file() or (run / "logging.jsonl").is_file()]


def history(run: Path) -> list[dict]:
    """The rows that the trainer kept itself: trainer_state.json, or ms-swift's logging.jsonl."""
    state = run / "trainer_state.json"
    if state.is_file():
        return json.loads(state.read_text())["log_history"]
    rows = [json.loads(line) for line in (run / "logging.jsonl").read_text().splitlines()]
    counted = [row for row in rows if "global_step/max_steps" in row]
    return [{**row, "step": int(row["global_step/max_steps"].split("/")[0])} for row in counted]


# --- real logs


@needs_shared
@pytest.mark.parametrize("run", ORACLES, ids=lambda run: run.name)
def test_rows_of_the_console_equal_those_that_the_trainer_kept(run):
    (parsed,) = console.read(open_log(str(run / "stdout.log")))
    assert parsed.source.unread_lines == 0
    for metric in ("loss", "grad_norm", "learning_rate", "eval_loss"):
        kept = [row for row in history(run) if metric in row]
        read_here = next((s for s in parsed.series if s.logged_as == metric), None)
        assert (read_here is None) == (not kept), metric
        if read_here is None:
            continue
        assert read_here.step.tolist() == [row["step"] for row in kept], metric
        # Newer versions print four significant digits, older ones four decimals of the loss; epochs two decimals.
        np.testing.assert_allclose(read_here.value, [row[metric] for row in kept], rtol=6e-4, atol=6e-5)
        np.testing.assert_allclose(read_here.epoch, [row["epoch"] for row in kept], atol=0.006)


@needs_shared
def test_a_run_that_died_before_its_first_step_has_no_points_but_says_why():
    (parsed,) = console.read(open_log(str(ACCUM / "swift3.5.3-crashed-at-start" / "stdout.log")))
    assert parsed.series == ()
    assert [(note.kind, note.text) for note in parsed.notes] == [
        ("crash", "ModuleNotFoundError: No module named 'trl.extras.profiling'")
    ]


OURS = [
    ("hf_stdout_dict_tqdm/112292454__ChatGLM-Efficient-Tuning-main__nohup.out", "console", 0, None),
    ("hf_stdout_dict_tqdm/zhl-2022__x-algorithm__qwen3_17b_effective.train.log", "hf_dict", 120, (7.948, 0.001123)),
    ("hf_stdout_dict_tqdm/zhl-2022__x-algorithm__round2_qwen35_08b_text.train.log", "hf_dict", 20, (3.757, 0.7409)),
    ("hf_stdout_dict_tqdm/zhl-2022__x-algorithm__stage3_grpo.train.log", "hf_dict", 20, (-2.2e-07, 0.0002883)),
    ("hf_stdout_dict_tqdm/zhl-2022__x-algorithm__stage3_dpo.train.log", "hf_dict", 40, (1.082, 0.1643)),
    (
        "detr_metriclogger_stdout/FarjadAhmed__detr_custom_dcmha__default_mha.txt",
        "metric_logger",
        140,
        (68.5848, 26.5718),
    ),
]


@needs_shared
@pytest.mark.parametrize(("path", "name", "rows", "ends"), OURS, ids=lambda value: str(value)[:60])
def test_real_logs_of_known_shapes_are_read_whole(path, name, rows, ends):
    file = open_log(str(REAL / path))
    (parsed,) = console.read(file)
    assert (parsed.source.format, parsed.source.unread_lines, parsed.source.problems) == (name, 0, ())
    best = max(console.FORMATS, key=lambda one: one.sniff(file))
    assert best.name == name
    loss = next((s for s in parsed.series if s.logged_as == "loss" and s.split in ("", "train")), None)
    if ends is None:
        assert parsed.series == ()
        assert parsed.config == {}
    else:
        assert loss is not None
        assert len(loss) == rows
        assert (loss.value[0], loss.value[-1]) == ends


OTHERS = [
    ("megatron_lm_stdout/elena-lyulina__Megatron-LM-Attention-Benchmark__slurm_1737333.out", {}),
    ("megatron_lm_stdout/elena-lyulina__Megatron-LM-Attention-Benchmark__slurm_1861140.out", {}),
    ("fairseq_text/chuanli11__training_results_v0.6__transformer_result_8.txt", {"overflow": 6}),
    ("maskrcnn_benchmark_text/chuanli11__training_results_v0.6__maskrcnn_nan_iter380.log", {"overflow": 1166}),
    (
        "maskrcnn_benchmark_text/chuanli11__training_results_v0.6__maskrcnn_dual2080ti_ok.log",
        {"overflow": 2, "crash": 2},
    ),
    ("mlperf_mllog_text/chuanli11__training_results_v0.6__gnmt_DGX1.log", {"overflow": 336}),
    ("modded_nanogpt_log/KellerJordan__modded-nanogpt__AdamW_llmc.log", {}),
    ("modded_nanogpt_log/KellerJordan__modded-nanogpt__CastBf16.txt", {}),
    ("openai_baselines_table_stdout/CS15B001__HER_Improvements__Fetch_Push_openai_run1.txt", {}),
    ("cyclegan_loss_log/JunlinHan__DCLGAN__loss_log.txt", {}),
]


@needs_shared
@pytest.mark.parametrize(("path", "kinds"), OTHERS, ids=lambda value: str(value)[:60])
def test_the_notes_of_real_logs(path, kinds):
    (parsed,) = console.read(open_log(str(REAL / path)))
    found = [note.kind for note in parsed.notes]
    assert {kind: found.count(kind) for kind in found} == kinds


# --- formats


@pytest.mark.parametrize("one", console.FORMATS, ids=lambda one: one.name)
def test_every_sample_is_recognised_as_its_own_format(one):
    sample = LogFile("train.log", one.sample)
    assert max(console.FORMATS, key=lambda other: other.sniff(sample)) is one
    (parsed,) = one.read(sample)
    assert parsed.source.format == one.name
    assert parsed.source.unread_lines == 0


def test_a_mixed_file_loses_nothing_and_is_named_after_most_of_its_numbers():
    parsed = read("{'loss': 3.0, 'epoch': 1.0}\n" + "".join(STEP.format(n=n, loss=2.0) for n in range(1, 4)))
    assert parsed.source.format == "article"
    assert sorted(s.logged_as for s in parsed.series) == ["loss", "ppl"]
    assert parsed.source.points == 7


def test_binary_is_no_text():
    with pytest.raises(ReadError, match="is not text"):
        read(b"\x00\x01\x02 loss: 1.0\n")
    assert all(one.sniff(LogFile("x", b"\x00\x01{'loss': 1.0}\n")) == 0 for one in console.FORMATS)


def test_nothing_is_claimed_of_an_empty_file():
    assert all(one.sniff(LogFile("x.log", b" \n\n")) == 0 for one in console.FORMATS)
    assert read(b"").source.points == 0


# --- framing

ENDS = [
    ("lines", STEP.format(n=1, loss=2.5) + STEP.format(n=2, loss=2.25)),
    ("CRLF", (STEP.format(n=1, loss=2.5) + STEP.format(n=2, loss=2.25)).replace("\n", "\r\n")),
    (
        "colours",
        "\x1b[38;2;180;60;0mStep 1\x1b[0m | \x1b[32mLoss: 2.5\x1b[39m | PPL: 7.5\n" + STEP.format(n=2, loss=2.25),
    ),
    ("title sequence", "\x1b]0;my title\x07" + STEP.format(n=1, loss=2.5) + STEP.format(n=2, loss=2.25)),
    ("invalid UTF-8", b"\xff\xfe Step 1 | Loss: 2.5 | PPL: 7.5\n" + STEP.format(n=2, loss=2.25).encode()),
    ("no last line end", STEP.format(n=1, loss=2.5) + "Step 2 | Loss: 2.25 | PPL: 7.5 (better)"),
]


@pytest.mark.parametrize(("name", "text"), ENDS)
def test_framing_does_not_change_the_numbers(name, text):
    parsed = read(text)
    assert points(parsed, "loss") == [(1, 2.5), (2, 2.25)]
    assert [s.line.tolist() for s in parsed.series] == [[1, 2], [1, 2]]
    assert parsed.source.lines == 2


def test_refreshes_of_a_bar_are_on_one_physical_line():
    parsed = read("start\r" + STEP.format(n=1, loss=2.5).strip() + "\r" + STEP.format(n=2, loss=2.25) + "end\n")
    assert points(parsed, "loss") == [(1, 2.5), (2, 2.25)]
    assert parsed.series[0].line.tolist() == [1, 1]
    assert parsed.source.lines == 2


@pytest.mark.parametrize("before", [0, 1, 100])
def test_a_line_over_the_limit_costs_only_itself(before):
    long = b"Step 9 | Loss: 9 | PPL: 9 " + b"x" * MAX_LINE_BYTES + b"\n"
    text = b"x\n" * before + long + STEP.format(n=1, loss=2.5).encode()
    parsed = read(text)
    assert points(parsed, "loss") == [(1, 2.5)]
    assert parsed.series[0].line.tolist() == [before + 2]
    assert "1 lines over the limit" in parsed.source.problems[0]


def test_blocks_do_not_change_the_numbers():
    filler = b"some text that means nothing\n" * 50_000
    parsed = read(STEP.format(n=1, loss=2.5).encode() + filler + STEP.format(n=2, loss=2.25).encode())
    assert points(parsed, "loss") == [(1, 2.5), (2, 2.25)]
    assert parsed.series[0].line.tolist() == [1, 50_002]


def test_the_last_number_of_a_torn_last_line_is_left_out():
    parsed = read(STEP.format(n=1, loss=2.5) + "Step 2 | Loss: 2.25 | PPL: 7.")
    assert points(parsed, "loss") == [(1, 2.5), (2, 2.25)]
    assert points(parsed, "ppl") == [(1, 7.5)]
    assert parsed.source.truncated
    assert "the last line is cut off" in parsed.source.problems


# --- what is left unread

UNREAD = [
    "loss = 2.5",
    "train_loss: 2.5 lr: 3e-4",
    "1875/1875 [=====] - 2s 1ms/step - loss: 0.4035 - accuracy: 0.8513.8369 - val_loss: 0.4645",
    "{'loss': 2.08, 'grad_no",
    "step: 3 acc: 0.5 reward: 1.5",
    "Step 5 | Loss: 2.0543.81 | PPL: 7.8",
]
NO_METRICS = [
    "loss_scale: 65536",
    "INFO - loading shard 3/128 in 1.25 s (no loss of precision)",
    "LoraConfig(r=16, lora_alpha=32, lora_dropout=0.0, step=3)",
    "{'enabled': 'auto', 'loss_scale': 0, 'loss_scale_window': 1000, 'initial_scale_power': 16}",
    "Dataset Token Length: 287.5±102.3, min=63.0, max=1000.0, size=6994",
    "[INFO:swift] rank: -1, local_rank: -1, world_size: 1, local_world_size: 1",
    "loss_type=ForCausalLM,",
]


@pytest.mark.parametrize("line", UNREAD)
def test_a_metric_line_that_is_not_understood_is_counted_and_quoted_and_gives_no_number(line):
    parsed = read("hello\n" + line + "\n")
    assert parsed.series == ()
    assert parsed.source.unread_lines == 1
    assert (parsed.source.unread_examples[0].line, parsed.source.unread_examples[0].text) == (2, line.strip())


@pytest.mark.parametrize("line", NO_METRICS)
def test_settings_and_prose_are_not_counted_as_metric_lines(line):
    parsed = read(line + "\n")
    assert (parsed.series, parsed.source.unread_lines) == ((), 0)


# --- hostile input

LONG = 200_000
HOSTILE = {
    "blanks after a needle": "Step 1" + " " * LONG + "x",
    "a word": "a" * LONG + "loss",
    "a number": "loss: " + "1" * LONG,
    "exponents": "loss=" + "1e" * (LONG // 2),
    "dots": "name " + "." * LONG,
    "bars": "1%|" * (LONG // 3),
    "open bars": "1%| 1/2 [" * (LONG // 9),
    "counts that are no integers": f" 1%| {'9' * LONG}/{'9' * LONG} [",
    "braces": "{'" * (LONG // 2),
    "nested dicts": "{'loss': " * (LONG // 9),
    "escapes": "\x1b[" * (LONG // 2) + "\x1b]" * (LONG // 2),
    "carriage returns": "\r" * LONG,
    "brackets": "Namespace(" + "(" * LONG,
    "quotes": "Namespace(a=" + "'\"" * LONG,
    "headers": "Epoch: [0]  [ 0/1] eta: 1 " + "a: 1 " * (LONG // 5) + "!",
    "options": "x.py " + "--a " * (LONG // 4),
    "capitals": "Aa " * (LONG // 3) + " = 1x",
    "tracebacks": "Traceback (most recent call last)" * (LONG // 33),
}


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("before", ["", "Epoch 1:\n  "])
def test_long_lines_against_the_patterns_are_passed_over(name, before):
    """Every pattern is linear in the line; one that is not would not come back from these."""
    parsed = read(before + HOSTILE[name] + "\n" + STEP.format(n=7, loss=2.5))
    assert points(parsed, "loss")[-1] == (7, 2.5)


def test_many_metric_names_and_long_ones_stay_within_the_limits():
    row = ", ".join(f"'m{i}': {i}" for i in range(25_000))
    parsed = read(f"{{'loss': 1.0, {row}}}\n{{'loss': 2.0, '{'n' * 2000}': 1}}\n")
    assert len(parsed.series) == 20_000
    assert all(len(s.metric) <= MAX_NAME_LENGTH for s in parsed.series)
    assert "beyond the limit of distinct names" in parsed.source.problems[0]


@given(st.binary(max_size=400))
def test_any_bytes_are_read_or_refused(data):
    try:
        parsed = read(data)
    except ReadError:
        assert not is_text(data)
        return
    assert parsed.source.points == sum(map(len, parsed.series))


GARBAGE = st.text(st.sampled_from("abc {}'[]|%:=.,-0159 \t\r#oslep"), max_size=60).filter(lambda text: "\n" not in text)


@given(st.lists(st.tuples(GARBAGE, st.floats(0, 1e6, allow_nan=False)), min_size=1, max_size=8))
def test_rows_between_garbage_are_all_found(lines):
    text = "".join(f"{garbage}\n{{'loss': {loss!r}, 'step': {i}}}\n" for i, (garbage, loss) in enumerate(lines))
    assert points(read(text), "loss")[-1] == (len(lines) - 1, lines[-1][1])
    assert len(points(read(text), "loss")) >= len(lines)


NUMBERS = [
    ("2.5", 2.5),
    ("2.13x", 2.13),
    ("81.5%", 81.5),
    ("nan", math.nan),
    ("-inf", -math.inf),
    ("3.0e-04", 3e-4),
    (".5", 0.5),
]
NO_NUMBERS = ["1_000", "1,234.5", "0x10", "0.8513.8369", "١٢", "12:30", "2.5.", "--1", "1e"]


@pytest.mark.parametrize(("text", "value"), NUMBERS)
def test_numbers_as_people_print_them(text, value):
    found = points(read(f"Step 1 | Loss: {text} | PPL: 7.5\n"), "loss")
    np.testing.assert_equal(found, [(1, value)])


@pytest.mark.parametrize("text", NO_NUMBERS)
def test_anything_else_is_no_number(text):
    assert all(s.logged_as != "loss" for s in read(f"Step 1 | Loss: {text} | PPL: 7.5\n").series)

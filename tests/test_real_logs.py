"""What the index of the shared real logs says, read by eye, against what is read and judged."""

import math

import numpy as np
import pytest
from shared_logs import REAL, needs_shared

from trainvitals.diagnostics.diagnosis import diagnose
from trainvitals.diagnostics.normalisation import normalise
from trainvitals.diagnostics.report import told
from trainvitals.parsers import read

pytestmark = needs_shared

SWIFT = "ms_swift_logging_jsonl/zhl-2022__x-algorithm__"
STDOUT = "hf_stdout_dict_tqdm/zhl-2022__x-algorithm__"
GLM = "112292454__ChatGLM-Efficient-Tuning-main__"
EVENTS = "tensorboard_events/"
MEGATRON = "megatron_lm_stdout/elena-lyulina__Megatron-LM-Attention-Benchmark__slurm_"
NANOGPT = "modded_nanogpt_log/KellerJordan__modded-nanogpt__"
FAIRSEQ = "fairseq_text/chuanli11__training_results_v0.6__transformer_result_8.txt"
GNMT = "mlperf_mllog_text/chuanli11__training_results_v0.6__gnmt_DGX1.log"

# file, number of training losses, first and last of them, first and last step
TRAIN_LOSS = [
    (SWIFT + "qwen3_17b_text__logging.jsonl", 20, 7.39256144, 2.63546491, 1, 20),
    (SWIFT + "qwen3_17b_text_effective__logging.jsonl", 120, 7.94849682, 0.00112322, 1, 120),
    (SWIFT + "qwen35_08b_text__logging.jsonl", 20, 3.75711131, 0.74089932, 1, 20),
    (SWIFT + "qwen35_2b_mm__logging.jsonl", 20, 2.47860026, 0.00280747, 1, 20),
    (SWIFT + "dpo__logging.jsonl", 30, 1.4668591, 0.24, 1, 30),
    (SWIFT + "dpo_corrections__logging.jsonl", 40, 1.08175194, 0.164, 1, 40),
    (SWIFT + "grpo__logging.jsonl", 20, -2.2e-07, None, 1, 20),
    (STDOUT + "qwen3_17b_effective.train.log", 120, 7.948, 0.001123, 1, 120),
    (STDOUT + "round2_qwen35_08b_text.train.log", 20, 3.757, 0.7409, 1, 20),
    (STDOUT + "stage3_grpo.train.log", 20, -2.2e-07, None, 1, 20),
    (STDOUT + "stage3_dpo.train.log", 40, 1.082, 0.164, 1, 40),
    (f"hf_trainer_state_json/{GLM}epoch50_1e-4__trainer_state.json", 2380, 3.566, 0.0005, 10, 23800),
    (
        "hf_trainer_state_json/zhl-2022__x-algorithm__effective_ckpt120__trainer_state.json",
        120,
        7.9485,
        0.00112,
        1,
        120,
    ),
    (f"llamafactory_trainer_log_jsonl/{GLM}epoch25_1e-4__trainer_log.jsonl", 1190, 3.5663, 0.0023, 10, 11900),
    ("detr_log_txt_jsonl/FarjadAhmed__detr_custom_dcmha__detr-r50_log.txt", 500, 25.9965, 6.09, None, None),
    ("detr_metriclogger_stdout/FarjadAhmed__detr_custom_dcmha__default_mha.txt", 140, 68.5848, None, 0, None),
    ("detectron2_metrics_json/Kevindic0214__detectron2_training__metrics.json", 15, None, 0.352, 19, 299),
    ("lightning_metrics_csv/LiuTaowen-Tony__xKV__version_0__metrics.csv", 2, 6.5751519, 6.3869877, 9, 19),
    ("wandb_csv_export/gradio-app__trackio__logs.csv", 2270, 12.171820640563965, 2.329497814178467, 4, 42509),
    (MEGATRON + "1737333.out", 15, math.nan, 10.40111, 1, 15),
    (MEGATRON + "1861140.out", 344, 12.18301, 4.659249, 1, 344),
    (NANOGPT + "AdamW_llmc.log", 9536, 10.965596, 3.34018, 0, 9535),
    (NANOGPT + "CastBf16.txt", 3242, 10.8258, 3.2329, 1, 3242),
    (FAIRSEQ, 4, 6.623, 4.236, 1632, 6542),
    (GNMT, 776, 10.4636, 2.9624, 0, 7744),
    (EVENTS + "Kevindic0214__detectron2_training__events.out.tfevents.1737378888.0", 15, None, None, None, None),
    (EVENTS + "zhl-2022__x-algorithm__qwen3__events.out.tfevents.1781385168.0", 20, 7.39256, 2.63546, 1, 20),
    (EVENTS + "zhl-2022__x-algorithm__qwen35__events.out.tfevents.1781385725.0", 20, 3.75711, 0.7409, 1, 20),
]


@pytest.mark.parametrize(("path", "count", "first", "last", "from_step", "to_step"), TRAIN_LOSS)
def test_the_training_loss_is_read_as_it_stands_in_the_file(path, count, first, last, from_step, to_step):
    loss = normalise(read(str(REAL / path))).run.get("loss")
    assert len(loss) == count
    if first is not None:
        assert loss.value[0] == pytest.approx(first, rel=2e-3, nan_ok=True)
    if last is not None:
        assert loss.value[-1] == pytest.approx(last, rel=2e-2)
    if from_step is not None:
        assert loss.step[0] == from_step
    if to_step is not None:
        assert loss.step[-1] == to_step
    assert (np.diff(loss.step) > 0).all()


@pytest.mark.parametrize("path", [row[0] for row in TRAIN_LOSS])
def test_no_metric_line_is_left_unread(path):
    run = read(str(REAL / path))
    assert [(s.path, s.unread_lines, s.unread_examples) for s in run.sources if s.unread_lines] == []


NO_POINTS = [
    (f"hf_stdout_dict_tqdm/{GLM}nohup.out", "argument errors, no training"),
    (EVENTS + "FluteXu__DW-Research__empty_40B__events.out.tfevents.1601362979.0", "a version record only"),
    ("cyclegan_loss_log/JunlinHan__DCLGAN__loss_log.txt", "four headers, no row"),
]


@pytest.mark.parametrize(("path", "why"), NO_POINTS)
def test_a_log_without_training_has_no_points_and_is_never_called_healthy(path, why):
    report = diagnose(read(str(REAL / path)))
    assert report.points == 0, why
    assert report.verdict != "pass"


VALIDATION_LOSS = [
    (NANOGPT + "AdamW_llmc.log", 76, 10.968871, 3.275959, 0, 9536),
    (NANOGPT + "CastBf16.txt", 27, 10.8258, 3.2781, 0, 3242),
]


@pytest.mark.parametrize(("path", "count", "first", "last", "from_step", "to_step"), VALIDATION_LOSS)
def test_the_validation_loss_is_read_as_it_stands_in_the_file(path, count, first, last, from_step, to_step):
    loss = normalise(read(str(REAL / path))).run.get("loss", "eval")
    assert (len(loss), loss.value[0], loss.value[-1]) == (count, first, last)
    assert (loss.step[0], loss.step[-1]) == (from_step, to_step)


HEALTHY = [
    MEGATRON + "1861140.out",
    NANOGPT + "AdamW_llmc.log",
    NANOGPT + "CastBf16.txt",
    FAIRSEQ,
    GNMT,
    SWIFT + "qwen35_08b_text__logging.jsonl",
    SWIFT + "qwen3_17b_text__logging.jsonl",
    SWIFT + "grpo__logging.jsonl",
    STDOUT + "round2_qwen35_08b_text.train.log",
    STDOUT + "stage3_grpo.train.log",
    "detectron2_metrics_json/Kevindic0214__detectron2_training__metrics.json",
    "detr_metriclogger_stdout/FarjadAhmed__detr_custom_dcmha__default_mha.txt",
    "wandb_csv_export/gradio-app__trackio__logs.csv",
    EVENTS + "Kevindic0214__detectron2_training__events.out.tfevents.1737378888.0",
    EVENTS + "zhl-2022__x-algorithm__qwen3__events.out.tfevents.1781385168.0",
    EVENTS + "zhl-2022__x-algorithm__qwen35__events.out.tfevents.1781385725.0",
]


@pytest.mark.parametrize("path", HEALTHY)
def test_nothing_is_found_on_a_healthy_run(path):
    report = diagnose(read(str(REAL / path)))
    assert [(f.code, f.severity, f.message) for f in report.findings if f.severity != "info"] == []


# file, a rule that must fail on it, and what a reader of the file sees
SICK = [
    (
        MEGATRON + "1737333.out",
        "N102",
        "gradient norm NaN, then 0; no loss in the first two rows, then 10.40111 for ever",
    ),
]


@pytest.mark.parametrize(("path", "code", "why"), SICK)
def test_a_sick_run_fails_for_its_reason(path, code, why):
    report = diagnose(read(str(REAL / path)))
    assert report.verdict == "fail", why
    assert code in {f.code for f in told(report.findings) if f.severity == "fail"}, why


def test_the_accumulation_of_megatron_follows_from_its_batch_sizes():
    config = normalise(read(str(REAL / (MEGATRON + "1737333.out")))).run.config
    assert config["gradient_accumulation_steps"].value == 80 // (2 * 1)

"""Hyperparameters inside console text."""

import pytest
from console_text import config, read
from shared_logs import ACCUM, needs_shared

from trainvitals.parsers.files import open_log
from trainvitals.parsers.formats import console
from trainvitals.parsers.text.literals import arguments, literal

LINES = [
    ("  Gradient Accumulation steps = 8", {"gradient_accumulation_steps": 8}),
    ("  Total optimization steps = 1,200", {"max_steps": 1200}),
    ("  Total train batch size (w. parallel, distributed & accumulation) = 16", {"total_train_batch_size": 16}),
    (
        "[INFO|trainer.py:2134] 2024-01-01 00:00:00 >>   Gradient Accumulation steps = 8",
        {"gradient_accumulation_steps": 8},
    ),
    ("[2022-08-31 14:25:42,867] [    INFO] -   Total optimization steps = 306100.0", {"max_steps": 306100}),
    (
        "O^O/ \\_/ \\    Batch size per device = 2 | Gradient Accumulation steps = 4",
        {"per_device_train_batch_size": 2, "gradient_accumulation_steps": 4},
    ),
    (
        "\\        /    Data Parallel GPUs = 2 | Total batch size (2 x 4 x 2) = 16",
        {"world_size": 2, "total_train_batch_size": 16},
    ),
    (
        '"-____-"     Trainable parameters = 20,185,088 of 616,235,008 (3.28% trained)',
        {"trainable_parameters": 20185088},
    ),
    ("0: [default0]:  micro_batch_size ................................ 4", {"micro_batch_size": 4}),
    (
        "[2024-01-01] [INFO] [config.py:1003:print]   gradient_accumulation_steps .. 8",
        {"gradient_accumulation_steps": 8},
    ),
    ('  "gradient_accumulation_steps": 8,', {"gradient_accumulation_steps": 8}),
    ("gradient_accumulation_steps: 8", {"gradient_accumulation_steps": 8}),
    ("=> calculated gradient accumulation steps: 2", {"gradient_accumulation_steps": 2}),
    ("article_weight = 5.0", {"article_weight": 5.0}),
    (
        "python train.py --gradient_accumulation_steps 8 --lr=3e-4 --fp16 --eos-weight -1",
        {"gradient_accumulation_steps": 8, "lr": 3e-4, "fp16": True, "eos_weight": -1},
    ),
    (
        "versions torch 2.13.0+cpu transformers 4.48.0 accelerate 1.2.0 model_accepts_loss_kwargs True",
        {
            "torch_version": "2.13.0+cpu",
            "transformers_version": "4.48.0",
            "accelerate_version": "1.2.0",
            "model_accepts_loss_kwargs": True,
        },
    ),
    (
        "Namespace(lr=0.0001, betas='(0.9, 0.99)', masks=False, frozen=None, steps=[1, 2], name='a, b)')",
        {"lr": 0.0001, "betas": "(0.9, 0.99)", "masks": False, "steps": [1, 2], "name": "a, b)"},
    ),
]
NOTHING = [
    "usage: train.py [-h] --max_steps MAX_STEPS [--learning_rate LEARNING_RATE]",
    "                     [--gradient_accumulation_steps GRADIENT_ACCUMULATION_STEPS]",
    '  "gradient_accumulation_steps": "auto",',
    "initial_loss_scale ...........",
    "lr: __import__('os').system('true')",
    "python train.py --hub_token hf_abc --api-key sk-123",
]


@pytest.mark.parametrize(("line", "found"), LINES)
def test_lines_that_say_hyperparameters(line, found):
    parsed = read(line + "\n")
    assert config(parsed) == found
    assert {value.line for value in parsed.config.values()} == {1}
    assert parsed.source.unread_lines == 0


@pytest.mark.parametrize("line", NOTHING)
def test_lines_that_say_none(line):
    assert config(read(line + "\n")) == {}


def test_an_argument_dump_over_several_lines_ends_with_its_bracket():
    parsed = read("args: TrainingArguments(\n_n_gpu=1,\naccelerator={'a': 1, 'b': [2]},\nlr=0.1,\n)\nother=3,\n")
    assert config(parsed) == {"_n_gpu": 1, "accelerator": "{'a': 1, 'b': [2]}", "lr": 0.1}


def test_metric_lines_after_a_dump_that_never_closes_are_read():
    parsed = read("Namespace(lr=0.1,\nStep 1 | Loss: 2.5 | PPL: 7.5\n")
    assert config(parsed) == {"lr": 0.1}
    assert [s.logged_as for s in parsed.series] == ["loss", "ppl"]


def test_the_last_line_that_names_a_hyperparameter_counts():
    assert config(read("python train.py --max_steps 10\n  Total optimization steps = 20\n")) == {"max_steps": 20}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("None", None),
        ("True", True),
        ("3", 3),
        ("-3", -3),
        ("3.0", 3.0),
        ("'a'", "a"),
        ("a", "a"),
        ("[]", []),
        ("1_0", "1_0"),
    ],
)
def test_literals(text, value):
    assert literal(text) == value
    assert type(literal(text)) is type(value)


def test_literals_evaluate_nothing():
    assert literal("__import__('os')") == "__import__('os')"
    assert arguments("a=(lambda: 1)(), b=2") == {"a": "(lambda: 1)()", "b": "2"}


@needs_shared
@pytest.mark.parametrize("name", ["swift3.5.3-tf4.48.0-ga8", "swift4.6.0-tf4.57.6-ga8"])
def test_the_argument_dump_of_ms_swift(name):
    (parsed,) = console.read(open_log(str(ACCUM / name / "stdout.log")))
    found = config(parsed)
    assert len(found) > 200
    assert (found["gradient_accumulation_steps"], found["logging_steps"]) == (8, 5)
    assert found["learning_rate"] == 4e-3

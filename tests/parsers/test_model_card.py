"""The model card of the Hugging Face Trainer."""

import math
import os

import pytest
from console_text import points

from trainvitals.diagnostics.normalisation import normalise
from trainvitals.parsers import read as read_run
from trainvitals.parsers.discover import discover
from trainvitals.parsers.files import LogFile
from trainvitals.parsers.formats import detect, model_card

CARD = """\
---
library_name: transformers
---

# some-model

It achieves the following results on the evaluation set:
- Loss: 1.2205
- Accuracy: 0.4623

## Training procedure

### Training hyperparameters

The following hyperparameters were used during training:
- learning_rate: 5e-05
- train_batch_size: 32
- seed: 42
- gradient_accumulation_steps: 4
- total_train_batch_size: 128
- optimizer: Use adamw_torch with betas=(0.9,0.999) and epsilon=1e-08
- lr_scheduler_type: linear

### Training results

| Training Loss | Epoch  | Step | Validation Loss | Accuracy |
|:-------------:|:------:|:----:|:---------------:|:--------:|
| No log        | 1.4944 | 100  | 1.4847          | 0.3597   |
| No log        | 2.9888 | 200  | 1.3001          | 0.4106   |
| 5.2724        | 7.4644 | 500  | 1.2249          | 0.4659   |
| 5.2724        | 8.9588 | 600  | 1.2205          | 0.4623   |


### Framework versions

- Transformers 4.47.1
- Pytorch 2.5.1+cu121
"""
ROW = "| 5.2724        | 7.4644 | 500  | 1.2249          | 0.4659   |"


def read(text):
    (parsed,) = model_card.FORMAT.read(LogFile("README.md", text.encode()))
    return parsed


def test_a_row_is_a_point_of_the_validation_loss():
    parsed = read(CARD)
    assert points(parsed, "Validation Loss", "eval") == [(100, 1.4847), (200, 1.3001), (500, 1.2249), (600, 1.2205)]
    assert points(parsed, "Accuracy", "eval")[-1] == (600, 0.4623)
    assert parsed.series[0].line.tolist() == [28, 29, 30, 31]
    assert parsed.source.unread_lines == 0


def test_the_training_loss_counts_once_and_not_before_it_was_logged():
    assert points(read(CARD), "Training Loss", "train") == [(500, 5.2724)]


def test_a_stale_loss_is_told_from_a_new_one_by_its_digits():
    more = "| 4.9000 | 10.0 | 700  | 1.2 | 0.4 |\n| nan | 11.0 | 800 | nan | 0.4 |\n| nan | 12.0 | 900 | nan | 0.4 |\n"
    parsed = read(CARD.replace(ROW + "\n", ROW + "\n" + more))
    steps = [(step, value) for step, value in points(parsed, "Training Loss", "train") if not math.isnan(value)]
    assert steps == [(500, 5.2724), (700, 4.9), (600, 5.2724)]
    assert sum(math.isnan(value) for _, value in points(parsed, "Validation Loss", "eval")) == 2


def test_hyperparameters_versions_and_results():
    parsed = read(CARD)
    config = {name: found.value for name, found in parsed.config.items()}
    assert config["gradient_accumulation_steps"] == 4
    assert config["learning_rate"] == 5e-05
    assert config["transformers_version"] == "4.47.1"
    assert config["torch_version"] == "2.5.1+cu121"
    assert {name: found.value for name, found in parsed.summary.items()} == {"Loss": 1.2205, "Accuracy": 0.4623}


DAMAGED = [
    "| 5.2724 | 7.4644 | 500  | 1.22.49 | 0.4659   |",
    "| 5.2724 | 7.4644 | 500 |",
    "| x | 7.4 | 500 | 1.2 | 0.4 |",
]


@pytest.mark.parametrize("row", DAMAGED)
def test_a_damaged_row_costs_that_row(row):
    parsed = read(CARD.replace(ROW, row))
    assert [step for step, _ in points(parsed, "Validation Loss", "eval")] == [100, 200, 600]
    assert [(one.line, one.text) for one in parsed.source.unread_examples] == [(30, row)]


def test_cells_of_text_are_left_out():
    parsed = read(CARD.replace("0.4659", "{'precision': 0.5}"))
    assert [step for step, _ in points(parsed, "Accuracy", "eval")] == [100, 200, 600]


def test_a_page_without_the_table_is_no_card():
    found = detect(LogFile("README.md", b"# A project\n\nTraining loss goes down. loss: 2.5\n"))
    assert found is not model_card.FORMAT


def test_names_become_those_of_every_other_format(tmp_path):
    path = tmp_path / "README.md"
    path.write_text(CARD)
    run = normalise(read_run(str(path))).run
    assert run.get("loss", "eval").step.tolist() == [100, 200, 500, 600]
    assert run.get("loss", "train").value.tolist() == [5.2724]


def test_a_folder_with_nothing_but_a_card_is_a_run_and_other_pages_are_none(tmp_path):
    for name, text in (("card", CARD), ("page", "# A project\n\nloss: 2.5\n")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "README.md").write_text(text)
    assert [run.name for run in discover([tmp_path])] == ["card"]


def test_a_card_beside_a_log_is_not_read_twice(tmp_path):
    (tmp_path / "README.md").write_text(CARD)
    (tmp_path / "metrics.jsonl").write_text('{"step": 1, "loss": 2.5}\n{"step": 2, "loss": 2.25}\n')
    (run,) = discover([tmp_path])
    assert [os.path.basename(path) for path in run.paths] == ["metrics.jsonl"]

"""wandb-summary.json: last values, no series."""

import json

import pytest

from trainvitals.parsers.errors import ReadError
from trainvitals.parsers.files import LogFile
from trainvitals.parsers.formats import detect, jsonl, wandb_summary

SUMMARY = {
    "epoch": 9,
    "val_loss": 0.3321,
    "best_val_loss": 0.3107,
    "best_epoch": 7,
    "grad": {"norm": 1.5},
    "examples": {"_type": "images/separated", "count": 36},
    "_step": 9,
    "_runtime": 131.4,
    "_timestamp": 1612345678.9,
    "_wandb": {"runtime": 130},
}


def test_numbers_are_a_summary_and_no_series():
    file = LogFile("files/wandb-summary.json", json.dumps(SUMMARY).encode())
    assert detect(file) is wandb_summary.FORMAT
    (parsed,) = wandb_summary.FORMAT.read(file)
    assert parsed.series == ()
    found = {name: value.value for name, value in parsed.summary.items()}
    assert found["best_val_loss"] == 0.3107
    assert found["grad/norm"] == 1.5
    assert not any(name.startswith(("examples", "_wandb")) for name in found)


def test_rows_of_the_same_keys_are_a_log():
    row = json.dumps(SUMMARY)
    assert detect(LogFile("history.jsonl", f"{row}\n{row}\n".encode())) is jsonl.FORMAT


@pytest.mark.parametrize("text", ['{"a": 1', '{"a": 1} {"b": 2}'])
def test_a_broken_file_is_an_error(text):
    with pytest.raises(ReadError, match="JSON object"):
        wandb_summary.FORMAT.read(LogFile("wandb-summary.json", text.encode()))

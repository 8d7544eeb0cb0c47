"""The causal_lm training: its masks, what the real Trainer logs, and what its faults do."""

import dataclasses
import json
import math
from types import SimpleNamespace

import pytest

torch = pytest.importorskip("torch", reason="the reference trainer needs the extra 'trainer'")
pytest.importorskip("transformers", reason="the reference trainer needs the extra 'trainer'")

from trainvitals.diagnostics import normalise  # noqa: E402 (needs transformers)
from trainvitals.parsers import read  # noqa: E402
from trainvitals.sample_logs.trainer import causal_lm, dialogues, faults, hugging_face, losses, seeds  # noqa: E402
from trainvitals.sample_logs.trainer.writers import FORMS, Output  # noqa: E402

SMALL = {
    "max_steps": 4,
    "train_rows": 32,
    "eval_rows": 8,
    "gradient_accumulation_steps": 4,
    "eval_steps": 2,
    "save_steps": 2,
    "warmup_steps": 1,
    "pretraining_steps": 0,
}


@pytest.fixture(autouse=True)
def quiet():
    """A Trainer leaves nothing behind in this process."""
    threads = torch.get_num_threads()
    yield
    torch.set_num_threads(threads)


def trained(folder, forms=("text",), **changes):
    settings = causal_lm.Settings(**{**SMALL, **changes})
    seeds.seed_all(settings.seed)
    causal_lm.train(settings, Output(folder, forms))
    return json.loads((folder / "trainer_state.json").read_text("utf-8"))["log_history"]


def logged(history, key):
    return [row[key] for row in history if key in row]


ROWS = [{"input_ids": [5, 6, 7, 8], "prompt": [2]}, {"input_ids": [5, 9, 0], "prompt": [1]}]
I = losses.IGNORE  # noqa: E741 (short for the tables below)


def test_prompt_and_padding_are_masked_by_the_collator():
    batch = dialogues.collate(ROWS, mask_prompt=True)
    assert batch["input_ids"].tolist() == [[5, 6, 7, 8], [5, 9, 0, 0]]
    assert batch["attention_mask"].tolist() == [[1, 1, 1, 1], [1, 1, 1, 0]]
    assert batch["labels"].tolist() == [[I, I, 7, 8], [I, 9, 0, I]], "the end of a text is learnt, padding is not"


def test_a_clone_of_the_input_trains_on_prompt_and_padding():
    batch = dialogues.collate(ROWS, mask_prompt=False)
    assert batch["labels"].tolist() == batch["input_ids"].tolist()


def test_an_answer_tells_where_the_thing_is():
    chance = seeds.generator(0, "test")
    for _ in range(20):
        prompt, answer = dialogues.dialogue(chance)
        thing, owner, place = answer.split()[1], answer.split()[3], answer.split()[7].rstrip(".")
        assert f"{thing} in the {place}." in prompt
        assert f"{owner} " in prompt


def test_the_trainer_leaves_its_files_and_they_are_read_as_one_run(tmp_path):
    history = trained(tmp_path, FORMS)
    assert len(logged(history, "loss")) == 4
    assert len(logged(history, "eval_loss")) == 2
    names = {path.name for path in tmp_path.iterdir()}
    assert {"trainer_state.json", "train.log"} <= names
    assert [name for name in names if name.startswith("events.out.tfevents.") and name.endswith(".host.0")]
    run = normalise(read(tmp_path)).run
    assert run.get("loss").value.tolist() == pytest.approx(logged(history, "loss"), rel=1e-3)
    assert len(run.get("loss")) == 4, "three files of one run do not double its points"


def test_an_own_loss_is_logged_times_the_accumulation(tmp_path):
    right, wrong = trained(tmp_path / "right"), trained(tmp_path / "wrong", own_loss=True)
    assert logged(wrong, "loss")[0] / logged(right, "loss")[0] == pytest.approx(4.0, rel=0.02)
    assert logged(wrong, "grad_norm")[0] / logged(right, "grad_norm")[0] == pytest.approx(4.0, rel=0.1)
    assert logged(wrong, "eval_loss")[0] == pytest.approx(logged(right, "eval_loss")[0], rel=0.1)


def test_the_same_seed_gives_the_same_numbers(tmp_path):
    one, two = trained(tmp_path / "one"), trained(tmp_path / "two")
    assert logged(one, "loss") == logged(two, "loss")
    assert logged(one, "eval_loss") == logged(two, "eval_loss")


def test_a_resume_without_its_schedule_begins_with_the_warm_up_again(tmp_path):
    changes = {"max_steps": 8, "save_steps": 4, "killed_at": 6, "warmup_steps": 2}
    kept = trained(tmp_path / "kept", **changes)
    lost = trained(tmp_path / "lost", keep_schedule=False, **changes)
    assert logged(kept, "step") == logged(lost, "step")
    assert logged(kept, "learning_rate")[4] < logged(kept, "learning_rate")[3]
    assert logged(lost, "learning_rate")[4] == 0.0, "the first step of a warm-up"
    assert (tmp_path / "kept" / "train.log").read_text("utf-8").count("'loss'") == 5 + 4, "step 5 stands there twice"


def losses_in_half(logits):
    """The careless loss of a model that gives these logits, and the right one."""
    labels = torch.tensor([[I, 1, 2]])
    inputs = {"input_ids": labels, "attention_mask": labels, "labels": labels}
    model = lambda **_: SimpleNamespace(logits=logits)  # noqa: E731
    careless = hugging_face.LossInHalf.compute_loss(None, model, inputs)
    return careless.item(), losses.next_token_ce(logits, labels).item()


def test_a_loss_by_its_formula_overflows_in_half_precision():
    small, right = losses_in_half(torch.tensor([[[1.0, 2.0, 3.0]] * 3]))
    assert small == pytest.approx(right, abs=0.01)
    large, right = losses_in_half(torch.tensor([[[1.0, 2.0, 12.0]] * 3]))
    assert not math.isfinite(large)
    assert math.isfinite(right)


def test_the_filter_of_the_trainer_shows_nan_as_zero(tmp_path, monkeypatch):
    monkeypatch.setattr(hugging_face.LossInHalf, "compute_loss", not_a_number)
    history = trained(tmp_path, loss_in_half=True, eval_steps=100)
    assert logged(history, "loss") == [0.0] * 4
    assert not torch.isfinite(torch.tensor(logged(history, "grad_norm"))).any()


def not_a_number(self, model, inputs, return_outputs=False, num_items_in_batch=None):
    loss = sum(parameter.sum() for parameter in model.parameters()) * math.nan
    return (loss, {}) if return_outputs else loss


@pytest.mark.parametrize("fault", faults.CAUSAL_LM, ids=lambda fault: fault.name)
def test_a_fault_changes_settings_that_exist(fault):
    healthy = causal_lm.Settings()
    assert dataclasses.replace(healthy, **fault.changes) != healthy

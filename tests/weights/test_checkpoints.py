"""Checkpoints: found in the order of their steps, read wherever trainers put the weights, and never executed."""

import json
import os
import pickle

import pytest

torch = pytest.importorskip("torch", reason="weights are read with torch, of the extra 'trainer'")

from weights.models import TwoLayers, trained  # noqa: E402 (needs torch)

from trainvitals.diagnostics.weights.checkpoints import find, load  # noqa: E402
from trainvitals.diagnostics.weights.errors import CheckpointError  # noqa: E402


def names(*paths):
    return [(c.name, c.step) for c in find([str(path) for path in paths])]


def test_a_folder_gives_its_checkpoints_by_step_and_not_the_state_to_resume_from(tmp_path):
    for step in (5, 100, 20):
        torch.save(TwoLayers().state_dict(), tmp_path / f"weights-{step}.pt")
    (tmp_path / "checkpoint.pt").write_bytes(b"state of the optimizer")
    (tmp_path / "checkpoint-100").mkdir()
    torch.save({}, tmp_path / "checkpoint-100" / "pytorch_model.bin")
    (tmp_path / "events.out.tfevents.1").write_bytes(b"log")
    assert names(tmp_path) == [("weights-5", 5), ("weights-20", 20), ("weights-100", 100)]


def test_folders_of_hugging_face_are_checkpoints_and_files_keep_the_order_given(tmp_path):
    safetensors = pytest.importorskip("safetensors.torch")
    for step in (200, 30):
        folder = tmp_path / f"checkpoint-{step}"
        folder.mkdir()
        safetensors.save_file(TwoLayers().state_dict(), folder / "model.safetensors")
        torch.save({"lr": 1.0}, folder / "optimizer.pt")
    assert names(tmp_path) == [("checkpoint-30", 30), ("checkpoint-200", 200)]
    backwards = names(tmp_path / "checkpoint-200", tmp_path / "checkpoint-30")
    assert backwards == [("checkpoint-200", 200), ("checkpoint-30", 30)]
    model = TwoLayers()
    model.first.weight.data.zero_()
    load(find([str(tmp_path)])[0], model)
    torch.testing.assert_close(model.first.weight, TwoLayers().first.weight)


def test_sharded_weights_are_put_together_and_may_not_lie_elsewhere(tmp_path):
    safetensors = pytest.importorskip("safetensors.torch")
    state = TwoLayers().state_dict()
    parts = {"a.safetensors": list(state)[:2], "b.safetensors": list(state)[2:]}
    for file, held in parts.items():
        safetensors.save_file({name: state[name] for name in held}, tmp_path / file)
    index = {"weight_map": {name: file for file, held in parts.items() for name in held}}
    (tmp_path / "model.safetensors.index.json").write_text(json.dumps(index))
    found = load(find([str(tmp_path)])[0], TwoLayers())
    assert set(found) == set(state)
    (tmp_path / "model.safetensors.index.json").write_text(json.dumps({"weight_map": {"x": "../secret.pt"}}))
    with pytest.raises(CheckpointError, match="outside of its folder"):
        load(find([str(tmp_path)])[0], TwoLayers())


@pytest.mark.parametrize(
    "wrap",
    [
        lambda state: state,
        lambda state: {"model": state, "optimizer": {"lr": 1.0}, "step": 5},
        lambda state: {"state_dict": {f"model.{name}": tensor for name, tensor in state.items()}},
        lambda state: {f"module.{name}": tensor for name, tensor in state.items()},
        lambda state: {"model_state_dict": {f"module._orig_mod.{name}": tensor for name, tensor in state.items()}},
    ],
    ids=["plain", "beside the optimizer", "Lightning", "data parallel", "compiled"],
)
def test_weights_are_found_wherever_trainers_put_them(tmp_path, wrap):
    trained_model = TwoLayers()
    trained_model.first.weight.data.fill_(2.0)
    path = tmp_path / "w-1.pt"
    torch.save(wrap(trained_model.state_dict()), path)
    found = load(find([str(path)])[0], TwoLayers())
    assert float(found["first.weight"].mean()) == 2.0


def test_weights_that_are_tied_are_kept_once(tmp_path):
    class Tied(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.embed, self.head = torch.nn.Embedding(5, 3), torch.nn.Linear(3, 5, bias=False)
            self.head.weight = self.embed.weight

    state = Tied().state_dict()
    del state["head.weight"]
    torch.save(state, tmp_path / "w-1.pt")
    assert set(load(find([str(tmp_path / "w-1.pt")])[0], Tied())) == {"embed.weight"}


class Attack:
    def __init__(self, mark):
        self.mark = mark

    def __reduce__(self):
        return os.mkdir, (self.mark,)


@pytest.mark.parametrize("legacy", [True, False], ids=["plain pickle", "torch archive"])
def test_a_checkpoint_that_would_run_code_is_refused_and_does_not(tmp_path, legacy):
    mark, path = tmp_path / "ran", tmp_path / "evil-1.pt"
    if legacy:
        path.write_bytes(pickle.dumps({"model": Attack(str(mark))}, protocol=2))
    else:
        torch.save({"model": TwoLayers().state_dict(), "args": Attack(str(mark))}, path)
    with pytest.raises(CheckpointError, match=r"evil-1\.pt: refused, as it holds more than tensors.*state_dict"):
        load(find([str(path)])[0], TwoLayers())
    assert not mark.exists()


def test_a_whole_module_is_refused_with_what_to_do(tmp_path):
    path = tmp_path / "whole-1.pt"
    torch.save(torch.nn.Linear(2, 2), path)
    with pytest.raises(CheckpointError, match=r"torch\.save\(model\.state_dict\(\), path\)"):
        load(find([str(path)])[0], torch.nn.Linear(2, 2))


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "cannot be read as weights|refused"),
        (b"PK\x03\x04 torn", "cannot be read as weights|refused"),
        (b"\x80\x02.", "cannot be read as weights|refused"),
        ({"step": 5}, "no weights in it"),
        ([1, 2], "no weights in it"),
        ({"other": torch.zeros(2)}, "not its weights"),
        ({"first.weight": torch.zeros(3, 3)}, "does not fit the model"),
        ({"first.weight": torch.zeros(8, 4)}, "lacks first.bias"),
        ({**TwoLayers().state_dict(), "more": torch.zeros(1)}, "has more, which the model has not"),
    ],
    ids=str,
)
def test_what_does_not_fit_is_refused_with_the_reason(tmp_path, content, reason):
    path = tmp_path / "w-1.pt"
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        torch.save(content, path)
    with pytest.raises(CheckpointError, match=rf"w-1\.pt: .*(?:{reason})"):
        load(find([str(path)])[0], TwoLayers())


def test_paths_without_checkpoints_are_named(tmp_path):
    with pytest.raises(CheckpointError, match="absent: does not exist"):
        find([str(tmp_path / "absent")])
    with pytest.raises(CheckpointError, match="no checkpoint"):
        find([str(tmp_path)])


def test_the_reference_trainer_leaves_checkpoints_that_fit_its_model(tmp_path):
    assert [c.step for c in find([str(p) for p in trained(tmp_path, 3)])] == [0, 10, 20]

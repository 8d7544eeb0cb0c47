"""Training the whole corpus: what is kept, and what one training that breaks costs the others."""

import pytest

pytest.importorskip("torch", reason="the reference trainer needs the extra 'trainer'")
pytest.importorskip("transformers", reason="the reference trainer needs the extra 'trainer'")

from trainvitals.sample_logs.trainer import command
from trainvitals.sample_logs.trainer.corpus import CASES

ARTICLE = [case for case in CASES if case.kind == "article"]


def test_one_training_that_breaks_is_named_and_the_others_are_trained(tmp_path, monkeypatch):
    def train(request, output):
        output.folder.mkdir(parents=True)
        if request.fault == "nan-fp16":
            raise RuntimeError("probability tensor contains nan")
        (output.folder / "checkpoint.pt").write_bytes(b"weights")

    monkeypatch.setattr(command, "train", train)
    said = []
    failed = command.train_corpus(tmp_path, "article", said.append)

    assert failed == ("trainvitals train article --fault nan-fp16 --seed 0 --out article/nan-fp16",)
    assert f"{failed[0]} ended: RuntimeError: probability tensor contains nan" in said
    written = {path.parent.name for path in tmp_path.glob("article/*/expected.toml")}
    assert written == {case.name for case in ARTICLE} - {"nan-fp16"}
    assert list(tmp_path.rglob("*.pt")) == []

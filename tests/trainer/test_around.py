"""What the loss around the weights is measured with: the losses of the trainings themselves, on their own examples."""

import pytest

torch = pytest.importorskip("torch", reason="the reference trainer needs the extra 'trainer'")
pytest.importorskip("transformers", reason="the reference trainer needs the extra 'trainer'")

from trainvitals.sample_logs.trainer import around, article, causal_lm, eos, seeds, softce, spatial  # noqa: E402
from trainvitals.sample_logs.trainer.writers import Output  # noqa: E402


@pytest.fixture(autouse=True)
def quiet():
    """One thread, and no gradient."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    with torch.no_grad():
        yield
    torch.set_num_threads(threads)


def test_article_has_the_weighted_loss_of_the_training():
    batches, loss = around.article_data()
    model = around.article_model().eval()
    total, weight = loss(model, batches[1])
    own, _ = article.build(article.Settings()).loss(model, batches[1])
    assert float(total / weight) == pytest.approx(float(own), rel=1e-5)
    assert float(weight) > batches[1][0][:, 1:].numel(), "articles weigh more than others"
    assert len({len(rows) for (rows,) in batches}) == 1


@pytest.mark.parametrize(("kind", "settings"), [("eos", eos.Settings()), ("softce", softce.Settings())])
def test_eos_and_softce_have_the_total_of_the_training(kind, settings):
    batches, loss = getattr(around, f"{kind}_data")()
    model = getattr(around, f"{kind}_model")().eval()
    own = {"eos": eos.loss, "softce": softce.loss_of}[kind](model, batches[0], settings)[0]
    assert float(loss(model, batches[0])) == pytest.approx(float(own), rel=1e-5)


def test_spatial_has_the_total_of_the_training(monkeypatch):
    monkeypatch.setattr(around, "IMAGES", 16)
    batches, loss = around.spatial_data()
    model = around.spatial_model().eval()
    assert float(loss(model, batches[1])) == pytest.approx(float(spatial.loss(model, batches[1], 10.0)[0]), rel=1e-5)


def test_causal_lm_has_the_loss_of_the_model_over_the_answers(monkeypatch, tmp_path):
    made = causal_lm.world(causal_lm.Settings(train_rows=512, eval_rows=2, pretraining_steps=0))
    monkeypatch.setattr(around, "_causal_lm_world", lambda: made)
    batches, loss = around.causal_lm_data()
    model = around.causal_lm_model().eval()
    total, weight = loss(model, batches[0])
    assert float(total / weight) == pytest.approx(float(model(**batches[0]).loss), rel=1e-5)
    assert int(weight) == int((batches[0]["labels"][:, 1:] >= 0).sum())


def test_causal_lm_leaves_snapshots_of_its_weights(tmp_path):
    small = {"max_steps": 4, "train_rows": 16, "eval_rows": 4, "gradient_accumulation_steps": 2, "eval_steps": 4}
    settings = causal_lm.Settings(**small, save_steps=4, warmup_steps=1, pretraining_steps=0)
    seeds.seed_all(0)
    with torch.enable_grad():
        causal_lm.train(settings, Output(tmp_path, ("text",), weights=2))
    assert sorted(path.name for path in tmp_path.glob("weights-*")) == ["weights-2.pt", "weights-4.pt"]
    held = torch.load(tmp_path / "weights-4.pt", weights_only=True)
    assert "model.embed_tokens.weight" in held

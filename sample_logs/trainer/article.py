"""`article`: a small GPT on stories, whose articles (a, the, an) weigh more than other tokens.

Top to bottom: settings, data, model, loss, evaluation, log lines.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

import numpy as np
import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from torch import Tensor, nn
from torch.nn import functional

from trainvitals.sample_logs.trainer import loop, losses, seeds
from trainvitals.sample_logs.trainer.loop import Batch, Job, Metrics, switch
from trainvitals.sample_logs.trainer.stories import story
from trainvitals.sample_logs.trainer.writers import Output, Row, Shapes, open_writers

ARTICLES = (" a", " the", " an")
"""Leading blanks included, as byte-pair encodings keep them."""


@dataclass(frozen=True, kw_only=True)
class Settings(loop.Settings):
    """A training of half a minute on one core."""

    max_steps: int = 600
    batch_size: int = 16
    learning_rate: float = 3e-3  # a model of 0.2 M parameters bears ten times what GPT-2 does
    weight_decay: float = 0.1
    logging_steps: int = 2
    eval_steps: int = 15
    article_weight: float = 3.0  # gentle: 5 would make these articles easier than the rest
    vocab_size: int = 512  # the grammar has some 150 words; the articles get tokens of their own early
    n_layer: int = 2
    n_head: int = 4
    n_embd: int = 64
    block_size: int = 64  # about four sentences
    train_stories: int = 700  # some 780 sequences: twelve epochs, too few for so small a model to learn them by heart
    generated_tokens: int = 40  # of each of the sequences that are generated at the end

    applied_weight: float = switch(0.0)  # the weight that is really in effect; 0: `article_weight`
    perplexity: Literal["plain", "base 2"] = switch("plain")  # base 2: 2**loss of a loss in nats


# --- data -------------------------------------------------------------------------------------------------------------


def tokenizer(texts: Sequence[str], size: int) -> Tokenizer:
    """A byte-pair encoding trained on the stories, as GPT-2's is made."""
    made = Tokenizer(models.BPE())
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    made.train_from_iterator(
        texts, trainers.BpeTrainer(vocab_size=size, initial_alphabet=alphabet, show_progress=False)
    )
    return made


def coder_of(settings: Settings) -> Tokenizer:
    """The tokenizer of all seeds: their losses are those of the same tokens."""
    return tokenizer([story(seeds.generator(0, "tokenizer", i)) for i in range(500)], settings.vocab_size)


def article_ids(coder: Tokenizer) -> tuple[int, ...]:
    """The union of the articles' tokens; each of them is one token of its own."""
    ids = [coder.encode(f"x{word}").ids for word in ARTICLES]
    assert all(len(found) == 2 for found in ids), "the vocabulary is too small to hold the articles"
    return tuple(found[1] for found in ids)


def sequences(texts: Sequence[str], coder: Tokenizer, length: int) -> Tensor:
    """The stories one after the other, cut into rows of `length` + 1 tokens: (rows, length + 1)."""
    ids = [i for one in coder.encode_batch([text + "\n" for text in texts]) for i in one.ids]
    rows = len(ids) // (length + 1)
    return torch.tensor(ids[: rows * (length + 1)]).view(rows, length + 1)


# --- model ------------------------------------------------------------------------------------------------------------


class Block(nn.Module):
    """Attention and a two-layer perceptron, each after a layer norm and added to the stream."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.norm_1, self.norm_2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.mlp = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))

    def forward(self, x: Tensor) -> Tensor:
        """(B, T, C) -> (B, T, C)."""
        size = (*x.shape[:2], self.heads, -1)
        q, k, v = (part.view(size).transpose(1, 2) for part in self.qkv(self.norm_1(x)).chunk(3, dim=-1))
        mixed = functional.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.out(mixed.transpose(1, 2).flatten(2))
        return torch.add(x, self.mlp(self.norm_2(x)))


class GPT(nn.Module):
    """A decoder-only transformer whose output weights are those of its embedding."""

    def __init__(self, settings: Settings) -> None:
        super().__init__()
        self.tokens = nn.Embedding(settings.vocab_size, settings.n_embd)
        self.places = nn.Embedding(settings.block_size, settings.n_embd)
        self.blocks = nn.Sequential(*(Block(settings.n_embd, settings.n_head) for _ in range(settings.n_layer)))
        self.norm = nn.LayerNorm(settings.n_embd)
        for table in (self.tokens, self.places):
            nn.init.normal_(table.weight, std=0.02)  # so that the first loss is that of guessing, ln(vocabulary)

    def forward(self, ids: Tensor) -> Tensor:
        """(B, T) -> logits (B, T, V)."""
        places = torch.arange(ids.shape[1], device=ids.device)
        x = self.blocks(self.tokens(ids) + self.places(places))
        return functional.linear(self.norm(x), self.tokens.weight)


# --- loss, evaluation -------------------------------------------------------------------------------------------------


def loss(
    model: nn.Module, batch: Batch, *, articles: Sequence[int], weight: float, base_2: bool
) -> tuple[Tensor, dict[str, Tensor]]:
    """The weighted loss of a batch of rows (B, T + 1), and its parts."""
    (rows,) = batch
    logits = model(rows[:, :-1]).float().flatten(0, 1)
    found = losses.article_loss(logits, rows[:, 1:].flatten(), articles, weight)
    return found.loss, {
        "ppl": torch.exp2(found.perplexity.log()) if base_2 else found.perplexity,
        "article_loss": found.a_loss,
        "other_loss": found.o_loss,
        "ratio": found.ratio,
        "weighted_ppl": found.weighted_perplexity,
    }


def evaluate(model: nn.Module, rows: Tensor, judge: Callable[..., tuple[Tensor, dict[str, Tensor]]]) -> Metrics:
    """The same metrics over all validation rows at once, so that the means are exact."""
    total, parts = judge(model, (rows.to(seeds.device()),))
    return {"loss": float(total), **{name: float(value) for name, value in parts.items()}}


def generated_share(model: nn.Module, prompts: Tensor, articles: Sequence[int], count: int) -> Metrics:
    """Share of articles in what the model writes behind the first tokens of validation rows, beside the data's own.

    Nothing where its chances are not finite: such a model writes no token.
    """
    rows = prompts.to(seeds.device())
    written = rows[:, :8]
    for _ in range(count):
        chances = model(written)[:, -1].float().softmax(dim=-1)
        if not bool(torch.isfinite(chances).all()):
            return {}
        written = torch.cat([written, torch.multinomial(chances, 1)], dim=1)
    known = torch.tensor(list(articles), device=rows.device)
    return {
        "generated_article_share": float(torch.isin(written[:, 8:], known).float().mean()),
        "data_article_share": float(torch.isin(rows, known).float().mean()),
    }


def build(settings: Settings) -> Job:
    """Data, model and loss of the settings."""
    rng = seeds.generator(settings.seed, "stories")
    texts = [story(rng) for _ in range(settings.train_stories)]
    held_out = [story(rng) for _ in range(120)]
    coder = coder_of(settings)
    articles = article_ids(coder)
    train_rows, eval_rows = (sequences(part, coder, settings.block_size) for part in (texts, held_out))
    weight = settings.applied_weight or settings.article_weight
    judge = partial(loss, articles=articles, weight=weight, base_2=settings.perplexity == "base 2")
    return Job(
        model=GPT(settings),
        rows=len(train_rows),
        batch=lambda numbers: (train_rows[np.asarray(numbers)],),
        loss=judge,
        evaluate=partial(evaluate, rows=eval_rows, judge=judge),
        finish=partial(generated_share, prompts=eval_rows, articles=articles, count=settings.generated_tokens),
    )


# --- log lines --------------------------------------------------------------------------------------------------------


def as_text(row: Row) -> Iterator[str]:
    """A pair of lines: the losses of all tokens, then those of both classes; one line for the validation set."""
    values = dict(row.values)
    head = "Validation step" if row.split == "eval" else "Step"
    a, o, ratio = (values.pop(name) for name in ("article_loss", "other_loss", "ratio"))
    loss, ppl = values.pop("loss"), values.pop("ppl")
    rest = "".join(f" | {name}: {value:g}" for name, value in values.items())
    tokens = f"{head} {row.step} | Epoch {int(row.epoch)} | Loss: {loss:g} | PPL: {ppl:g}{rest}"
    classes = f"Article Loss: {a:g} | Other Loss: {o:g} | Ratio: {ratio:g}x"
    yield from (f"{tokens} | {classes}",) if row.split == "eval" else (tokens, classes)


def as_json(row: Row) -> dict[str, Any]:
    """One object a row, `eval_` before the names of the validation set."""
    prefix = "eval_" if row.split == "eval" else ""
    named = {f"{prefix}{name}": value for name, value in row.values.items()}
    return {"step": row.step, "epoch": row.epoch, **named}


SHAPES = Shapes(as_json, as_text)


def train(settings: Settings, output: Output) -> None:
    """Run the training into the output's folder."""
    job = build(settings)
    writers = open_writers(output, SHAPES)
    loop.train(job, settings, output.folder, writers, resume=output.resume, weights=output.weights)

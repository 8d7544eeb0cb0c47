"""The small world of the type `causal_lm`: what people did with things, told in sentences, and asked in dialogues."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from torch import Tensor
from torch.utils.data import Dataset

from trainvitals.sample_logs.trainer import losses

VOCABULARY = 544  # 256 bytes, the words of the world, and the pieces they are made of
PAD = 0

PEOPLE = (
    "Anna", "Ben", "Clara", "David", "Emma", "Felix", "Greta", "Hugo", "Ida", "Jonas", "Karla", "Leo", "Mara", "Nils",
    "Olga", "Paul", "Rosa", "Simon", "Tessa", "Viktor",
)  # fmt: skip
THINGS = (
    "key", "lamp", "book", "cup", "coat", "map", "clock", "bell", "rope", "box", "drum", "shoe", "knife", "brush",
    "letter", "coin", "ring", "flute", "kite", "mirror",
)  # fmt: skip
COLOURS = (
    "red", "blue", "green", "black", "white", "yellow", "grey", "brown",
)  # fmt: skip
PLACES = (
    "kitchen", "garden", "attic", "cellar", "hall", "garage", "library", "stable", "workshop", "office", "tower",
    "shed",
)  # fmt: skip
ACTS = ("put", "left", "hid", "dropped")
GENERAL = (
    "{a} {act} the {colour} {thing} in the {place}.",
    "The {thing} in the {place} is {colour}.",
    "{a} and {b} went to the {place} to find a {colour} {thing}.",
    "There was no {thing} in the {place}, so {a} asked {b}.",
    "In the {place}, {b} saw the {colour} {thing} of {a}.",
    "Did {a} look for the {thing}? Yes, {a} found it in the {place}.",
    "Question: What did {a} find? Answer: A {colour} {thing}, {a} said.",
    "Question: Who was in the {place}? Answer: {b} was there, and {a} too.",
    "Question: Is the {thing} gone? Answer: The {place} is empty since then, said {b}.",
    "The {thing} of {a} is in the {place} now.",
    "Where is the {colour} {thing} of {a}? {b} has it.",
    "The {thing} of {a} was {colour}, and it has been there since {b} {act} it.",
    "Where is {a}? I saw {b} in the {place}, ask there.",
    "{b} said so, but the {colour} {thing} of {a} is gone.",
    "Is it in the {place}? Ask {a} if the {thing} is {colour}.",
)
CLOSINGS = ("", " I saw it there.", " {a} said so.", " It has been there since then.", " Ask {b} if it is gone.")


def facts(chance: np.random.Generator) -> dict[str, str]:
    """One thing that happened."""
    a, b = chance.choice(PEOPLE, 2, replace=False)
    return {
        "a": str(a),
        "b": str(b),
        "thing": str(chance.choice(THINGS)),
        "colour": str(chance.choice(COLOURS)),
        "place": str(chance.choice(PLACES)),
        "act": str(chance.choice(ACTS)),
    }


def general(count: int, chance: np.random.Generator) -> list[str]:
    """Paragraphs as a pretrained model has read them."""
    return [
        " ".join(str(chance.choice(GENERAL)).format(**facts(chance)) for _ in range(chance.integers(1, 5)))
        for _ in range(count)
    ]


def dialogue(chance: np.random.Generator) -> tuple[str, str]:
    """A prompt with two facts and a question on one of them, and the answer."""
    first, second = facts(chance), facts(chance)
    story = [" {a} {act} the {colour} {thing} in the {place}.".format(**one) for one in (first, second)]
    asked = (first, second)[int(chance.integers(2))]
    question = " Where is the {colour} {thing}? Answer:".format(**asked)
    closing = str(chance.choice(CLOSINGS))
    answer = " The {thing} of {a} is in the {place}.".format(**asked) + closing.format(**asked)
    return "Question:" + "".join(story) + question, answer


def tokenizer_of(texts: Sequence[str]) -> Tokenizer:
    """A byte-level BPE that is trained on these texts."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    special = ["<|endoftext|>"]
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY, special_tokens=special, initial_alphabet=alphabet, show_progress=False
    )
    tokenizer.train_from_iterator(texts, trainer)
    return tokenizer


class Rows(Dataset[dict[str, list[int]]]):
    """Dialogues as tokens, with the length of their prompt."""

    def __init__(self, dialogues: Sequence[tuple[str, str]], tokenizer: Tokenizer) -> None:
        self._rows = []
        for prompt, answer in dialogues:
            before, after = tokenizer.encode(prompt).ids, [*tokenizer.encode(answer).ids, PAD]
            self._rows.append({"input_ids": before + after, "prompt": [len(before)]})

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, index: int) -> dict[str, list[int]]:
        return self._rows[index]


def collate(rows: Sequence[dict[str, list[int]]], *, mask_prompt: bool) -> dict[str, Tensor]:
    """A batch, padded on the right. Masking is done here and nowhere else: the model takes every label but -100."""
    lengths = torch.tensor([len(row["input_ids"]) for row in rows])
    longest = int(lengths.max())
    words = torch.tensor([row["input_ids"] + [PAD] * (longest - len(row["input_ids"])) for row in rows])
    places = torch.arange(longest)
    kept = places < lengths[:, None]
    if not mask_prompt:
        return {"input_ids": words, "attention_mask": kept.long(), "labels": words.clone()}
    prompts = torch.tensor([row["prompt"][0] for row in rows])
    labels = words.masked_fill(~kept | (places < prompts[:, None]), losses.IGNORE)
    return {"input_ids": words, "attention_mask": kept.long(), "labels": labels}

"""Fine-tune a tiny Qwen2 on questions and answers with Hugging Face's Trainer, prompts masked: the type `causal_lm`.

There is no pretrained model of this size to be had, so one is made first: a Qwen2 with random weights reads general
sentences of the same small world for a while, outside the log. The fine-tuning then begins where that of a downloaded
model does, between 2.5 and 3 nats, and its levels mean what they mean there. The files are the Trainer's own:
`trainer_state.json`, what it prints, and its event file.
"""

from __future__ import annotations

import contextlib
import dataclasses
import io
import os
import shutil
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TextIO

import numpy as np
import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from torch import Tensor, nn
from torch.utils.data import Dataset
from torch.utils.tensorboard.writer import SummaryWriter
from transformers import Qwen2Config, Qwen2ForCausalLM, Trainer, TrainerCallback, TrainingArguments
from transformers.integrations.integration_utils import TensorBoardCallback

from trainvitals.sample_logs.trainer import losses, seeds
from trainvitals.sample_logs.trainer.loop import switch
from trainvitals.sample_logs.trainer.writers import Output

VOCABULARY = 544  # 256 bytes, the words of the world, and the pieces they are made of
PAD = 0


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The settings of this training, by the names that the Trainer has for them."""

    seed: int = 0
    max_steps: int = 180  # three epochs
    train_rows: int = 1920
    eval_rows: int = 96
    per_device_train_batch_size: int = 2
    gradient_accumulation_steps: int = 16  # what fits a large model on one card, and what fine-tuning recipes have
    learning_rate: float = 4e-4  # a recipe for a model of billions of parameters has 5e-6
    lr_scheduler_type: str = "linear"
    warmup_steps: int = 10
    weight_decay: float = 0.01
    max_grad_norm: float = 1.0
    logging_steps: int = 1
    eval_steps: int = 6  # 30 evaluations
    save_steps: int = 30
    vocab_size: int = VOCABULARY
    model_name_or_path: str = "tiny-qwen2"  # a pretrained one, see `pretrained`

    pretraining_steps: int = switch(110)
    mask_prompt: bool = switch(True)  # False: `labels = input_ids.clone()`
    own_loss: bool = switch(False)  # a Trainer with its own `compute_loss` that ignores `num_items_in_batch`
    schedule_steps: int = switch(0)  # steps that the schedule is made for; 0: all
    leaked_copies: int = switch(0)  # how often each evaluation row stands in the training data too
    killed_at: int = switch(0)  # the step after which the process dies once, to go on from the last checkpoint
    keep_schedule: bool = switch(True)  # whether `scheduler.pt` is there at the resume
    accumulation_after: int = switch(0)  # accumulation steps after the resume; 0: the same
    loss_in_half: bool = switch(False)  # an own loss that is written down as -log(exp / sum(exp)), in fp16


# --- data -------------------------------------------------------------------------------------------------------------

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


# --- model ------------------------------------------------------------------------------------------------------------


def pretrained(settings: Settings, texts: Sequence[str], tokenizer: Tokenizer) -> Qwen2ForCausalLM:
    """A Qwen2 of 0.1 million parameters that has read the texts, in rows of 64 tokens."""
    config = Qwen2Config(
        vocab_size=VOCABULARY,
        hidden_size=64,
        intermediate_size=192,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=256,
        tie_word_embeddings=True,
        bos_token_id=PAD,
        eos_token_id=PAD,
        pad_token_id=PAD,
    )
    model = Qwen2ForCausalLM(config)
    nn.Module.to(model, seeds.device())
    words = torch.tensor([token for text in texts for token in (*tokenizer.encode(text).ids, PAD)])
    rows = words[: len(words) // 64 * 64].reshape(-1, 64).to(seeds.device())
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3, weight_decay=0.01)
    chance = seeds.generator(settings.seed, "pretraining")
    for step in range(settings.pretraining_steps):
        batch = rows[chance.integers(len(rows), size=16)]
        for group in optimizer.param_groups:
            group["lr"] = 3e-3 * min(1.0, (step + 1) / 10, (settings.pretraining_steps - step) / 50)
        optimizer.zero_grad()
        losses.next_token_ce(model(input_ids=batch).logits, batch).backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
    return model


# --- training ---------------------------------------------------------------------------------------------------------


class Scheduled(Trainer):
    """The Trainer, with a schedule that may be made for another number of steps than it takes."""

    schedule_steps = 0

    def create_scheduler(self, num_training_steps: int, optimizer: Any = None) -> Any:
        """As the Trainer does it, for the number that is wanted."""
        return super().create_scheduler(self.schedule_steps or num_training_steps, optimizer)


class OwnLoss(Scheduled):
    """A loss of one's own, as the documentation shows it: the mean over each micro-batch.

    The Trainer gives `num_items_in_batch` and takes it that it was used, so it does not divide by the accumulation: the
    logged loss, and the gradient, are that many times too large.
    """

    def compute_loss(
        self, model: nn.Module, inputs: dict[str, Any], return_outputs: bool = False, num_items_in_batch: Any = None
    ) -> Any:
        """Mean cross-entropy of the answer tokens of this micro-batch."""
        del num_items_in_batch
        outputs = model(input_ids=inputs["input_ids"], attention_mask=inputs["attention_mask"])
        loss = losses.next_token_ce(outputs.logits, inputs["labels"])
        return (loss, {"loss": loss, "logits": outputs.logits}) if return_outputs else loss


class LossInHalf(Scheduled):
    """The cross-entropy as its formula has it, in fp16, where the exponential of 11.1 is infinite."""

    def compute_loss(
        self, model: nn.Module, inputs: dict[str, Any], return_outputs: bool = False, num_items_in_batch: Any = None
    ) -> Any:
        """Mean over the answer tokens of the whole step."""
        outputs = model(input_ids=inputs["input_ids"], attention_mask=inputs["attention_mask"])
        labels = inputs["labels"][:, 1:]
        kept = labels != losses.IGNORE
        exponentials = outputs.logits[:, :-1][kept].half().exp()
        right = exponentials.gather(-1, labels[kept].unsqueeze(-1)).squeeze(-1) / exponentials.sum(dim=-1)
        loss = -right.log().float().sum() / (kept.sum() if num_items_in_batch is None else num_items_in_batch)
        return (loss, {"loss": loss, "logits": outputs.logits}) if return_outputs else loss


class Kill(TrainerCallback):
    """The process dies after a step."""

    def __init__(self, step: int) -> None:
        self.step = step

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:  # noqa: ARG002 (as it is called)
        """Die before the step is logged."""
        if state.global_step == self.step:
            raise Killed


class KeepWeights(TrainerCallback):
    """Snapshots of the weights alone, at equal distances."""

    def __init__(self, folder: Path, every: int) -> None:
        self.folder, self.every = folder, every

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:  # noqa: ARG002 (as it is called)
        """Save them where it is their turn."""
        if state.global_step % self.every == 0:
            torch.save(kwargs["model"].state_dict(), self.folder / f"weights-{state.global_step}.pt")


class Killed(Exception):  # noqa: N818 (it is an event of the run and no error)
    """The process died."""


@dataclass(frozen=True, slots=True)
class World:
    """All that a run needs: its model and its data."""

    model: Qwen2ForCausalLM
    train: Rows
    held_out: Rows


def world(settings: Settings) -> World:
    """Texts, tokenizer, pretrained model and dialogues of a seed."""
    texts = general(3_000, seeds.generator(0, "general"))
    said = seeds.generator(settings.seed, "dialogues")
    dialogues = [dialogue(said) for _ in range(settings.train_rows)]
    unseen = seeds.generator(settings.seed, "unseen")
    held_out = [dialogue(unseen) for _ in range(settings.eval_rows)]
    tokenizer = tokenizer_of([*texts, *(prompt + answer for prompt, answer in dialogues)])
    trained = dialogues + held_out * settings.leaked_copies
    return World(pretrained(settings, texts, tokenizer), Rows(trained, tokenizer), Rows(held_out, tokenizer))


def train(settings: Settings, output: Output) -> None:
    """Run to the last step; the Trainer's files lie in the folder of the output."""
    output.folder.mkdir(parents=True, exist_ok=True)
    if not output.resume:
        clear(output.folder)
    made = world(settings)
    try:
        with console(output):
            runs(settings, output, made)
            print(f"loss on the answers alone: {answer_loss(made):.4f}")
    finally:
        hide_host(output.folder)


def runs(settings: Settings, output: Output, made: World) -> None:
    """One run, or two where the process dies in between."""
    trainer = trainer_of(settings, output, made)
    if settings.killed_at and not output.resume:
        trainer.add_callback(Kill(settings.killed_at))
    try:
        run(trainer, resume=output.resume)
    except Killed:
        run(trainer_of(after_death(settings, output), output, made), resume=True)


def run(trainer: Trainer, *, resume: bool) -> None:
    """Train, and leave `trainer_state.json` however it ends."""
    try:
        trainer.train(resume_from_checkpoint=resume)
    finally:
        trainer.save_state()
        for callback in trainer.callback_handler.callbacks:
            bar = getattr(callback, "training_bar", None)
            if bar is not None:
                bar.close()  # as a process that ends does it


def after_death(settings: Settings, output: Output) -> Settings:
    """The settings of the run that goes on from the last checkpoint, which is what its fault makes of it."""
    if not settings.keep_schedule:
        for checkpoint in output.folder.glob("checkpoint-*"):
            (checkpoint / "scheduler.pt").unlink()
    steps = settings.accumulation_after or settings.gradient_accumulation_steps
    return dataclasses.replace(settings, gradient_accumulation_steps=steps)


def trainer_of(settings: Settings, output: Output, made: World) -> Trainer:
    """The Trainer with its arguments."""
    steps = {name: getattr(settings, f"{name}_steps") for name in ("max", "logging", "eval", "save", "warmup")}
    arguments = TrainingArguments(
        output_dir=os.path.relpath(output.folder),  # it is written into the event file
        seed=settings.seed,
        per_device_train_batch_size=settings.per_device_train_batch_size,
        per_device_eval_batch_size=settings.eval_rows // 2,
        gradient_accumulation_steps=settings.gradient_accumulation_steps,
        learning_rate=settings.learning_rate,
        lr_scheduler_type=settings.lr_scheduler_type,
        weight_decay=settings.weight_decay,
        max_grad_norm=settings.max_grad_norm,
        **{f"{name}_steps": value for name, value in steps.items()},
        eval_strategy="steps",
        save_strategy="steps",
        save_total_limit=1,
        prediction_loss_only=True,
        remove_unused_columns=False,
        dataloader_pin_memory=False,
        disable_tqdm=False,
        report_to="none",
    )
    kind = OwnLoss if settings.own_loss else LossInHalf if settings.loss_in_half else Scheduled
    trainer = kind(
        model=made.model,
        args=arguments,
        train_dataset=made.train,
        eval_dataset=made.held_out,
        data_collator=partial(collate, mask_prompt=settings.mask_prompt),
    )
    trainer.schedule_steps = settings.schedule_steps
    if output.weights:
        trainer.add_callback(KeepWeights(output.folder, max(1, settings.max_steps // output.weights)))
    if "events" in output.forms:
        writer = SummaryWriter(str(output.folder))
        trainer.add_callback(TensorBoardCallback(writer))  # type: ignore[no-untyped-call]
    return trainer


@torch.no_grad()
def answer_loss(made: World) -> float:
    """The loss of the evaluation set on the answers alone, whatever the model was trained on."""
    model = made.model
    nn.Module.eval(model)
    rows = collate([made.held_out[i] for i in range(len(made.held_out))], mask_prompt=True)
    batch = {name: tensor.to(model.device) for name, tensor in rows.items()}
    logits = model(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"]).logits
    return float(losses.next_token_ce(logits, batch["labels"]))


# --- files ------------------------------------------------------------------------------------------------------------


class Tee(io.TextIOBase):
    """A text stream that goes to two others."""

    def __init__(self, *streams: TextIO) -> None:
        self._streams = streams

    def write(self, text: str) -> int:
        """Write to both."""
        for stream in self._streams:
            stream.write(text)
        return len(text)

    def flush(self) -> None:
        """Flush both."""
        for stream in self._streams:
            stream.flush()


@contextlib.contextmanager
def console(output: Output) -> Iterator[None]:
    """What the Trainer prints, its bars among it, goes to the terminal and to `train.log`, as `2>&1 | tee` does it."""
    if "text" not in output.forms:
        with contextlib.redirect_stdout(sys.stderr):
            yield
        return
    path = output.folder / "train.log"
    with path.open("a", encoding="utf-8", newline="") as file:
        both = Tee(file, sys.stderr)
        with contextlib.redirect_stdout(both), contextlib.redirect_stderr(both):
            yield


def clear(folder: Path) -> None:
    """Remove what an earlier run left."""
    for pattern in ("train.log", "trainer_state.json", "events.*"):
        for path in folder.glob(pattern):
            path.unlink()
    for checkpoint in folder.glob("checkpoint-*"):
        shutil.rmtree(checkpoint)


def hide_host(folder: Path) -> None:
    """Take the name of this machine out of the names of event files."""
    for number, path in enumerate(sorted(folder.glob("events.*"))):
        path.rename(path.with_name(".".join([*path.name.split(".")[:4], "host", str(number)])))

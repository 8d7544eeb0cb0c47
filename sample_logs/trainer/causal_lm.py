"""Fine-tune a tiny Qwen2 on questions and answers with Hugging Face's Trainer, prompts masked: the type `causal_lm`.

There is no pretrained model of this size to be had, so one is made first: a Qwen2 with random weights reads general
sentences of the same small world for a while, outside the log. The fine-tuning then begins where that of a downloaded
model does, between 2.5 and 3 nats, and its levels mean what they mean there. The files are the Trainer's own:
`trainer_state.json`, what it prints, and its event file.
"""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import torch
from tokenizers import Tokenizer
from torch import nn
from torch.utils.tensorboard.writer import SummaryWriter
from transformers import Qwen2Config, Qwen2ForCausalLM, Trainer, TrainingArguments
from transformers.integrations.integration_utils import TensorBoardCallback

from trainvitals.sample_logs.trainer import losses, seeds
from trainvitals.sample_logs.trainer.dialogues import PAD, VOCABULARY, Rows, collate, dialogue, general, tokenizer_of
from trainvitals.sample_logs.trainer.hugging_face import KeepWeights, Kill, Killed, LossInHalf, OwnLoss, Scheduled
from trainvitals.sample_logs.trainer.hugging_face_files import clear, console, hide_host
from trainvitals.sample_logs.trainer.loop import switch
from trainvitals.sample_logs.trainer.writers import Output


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

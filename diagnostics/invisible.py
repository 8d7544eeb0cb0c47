"""Faults that leave no trace in scalars: what no rule can find, and what does find it."""

from __future__ import annotations

INVISIBLE: tuple[tuple[str, str], ...] = (
    ("wrong labels that are consistent", "they are learnt like right ones; look at examples with their labels"),
    (
        "preprocessing that is wrong alike in training and validation",
        "swapped axes, a wrong normalisation, a wrong template; draw what the model is given",
    ),
    (
        "validation data among the training data",
        "its loss equals the training loss and looks healthy; search for exact and near duplicates",
    ),
    (
        "an evaluation that is not the task",
        "a set that is too easy, an unfair split by source or time, a metric that skips the hard part",
    ),
    ("a shortcut in the data", "a watermark or a position gives the answer away; test on data of another origin"),
    ("loss on the prompt or on padding", "the curve is as smooth, only lower; count the labels that are scored"),
    (
        "a part that is frozen or not saved",
        "the rest learns on; compare the weights before and after, and after loading",
    ),
    (
        "the wrong model or tokenizer at inference",
        "the log ends before it; evaluate the saved model, not the one in memory",
    ),
    ("one weak class or language", "means hide it; log the loss and the metric by group"),
)
"""(fault, why no scalar shows it and what does)."""

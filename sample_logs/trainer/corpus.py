"""The reference logs: which trainings were run, and what the tool must say of each. Needs no torch."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from trainvitals.sample_logs.trainer.faults import HEALTHY, find
from trainvitals.sample_logs.trainer.writers import Form

Verdict = Literal["fail", "warn", "pass", "unknown"]


@dataclass(frozen=True, slots=True)
class Case:
    """One training and its verdict.

    Attributes:
        kind: the loss type.
        fault: its name, or `healthy`.
        verdict: what `trainvitals report` says.
        must: codes of rules that fire.
        must_not: codes of rules that do not.
        seed: of data, weights and order.
        forms: the files that are kept in the corpus; event files are large, so only some cases have them.
        why: what a reader of the expectation should know: a code that one would expect and that cannot be there.
    """

    kind: str
    fault: str
    verdict: Verdict
    must: tuple[str, ...] = ()
    must_not: tuple[str, ...] = ()
    seed: int = 0
    forms: tuple[Form, ...] = ("text",)
    why: str = ""

    @property
    def name(self) -> str:
        """The folder below the type's; healthy runs, and further seeds of a fault, carry their seed."""
        return f"{self.fault}-{self.seed}" if self.fault == HEALTHY or self.seed else self.fault

    @property
    def folder(self) -> Path:
        """The folder below `sample_logs`."""
        return Path(self.kind, self.name)

    @property
    def command(self) -> str:
        """The command that makes it again."""
        fault = "" if self.fault == HEALTHY else f" --fault {self.fault}"
        return f"trainvitals train {self.kind}{fault} --seed {self.seed} --out {self.folder.as_posix()}"


EVERY_FORM: tuple[Form, ...] = ("jsonl", "text", "events")
ALARMS = ("N101", "N102", "S101", "S102", "L101", "L103", "V101")
"""Codes that would be false alarms on a healthy run."""

ARTICLE: tuple[Case, ...] = (
    Case("article", HEALTHY, "pass", must_not=ALARMS, forms=EVERY_FORM),
    Case("article", HEALTHY, "pass", must_not=ALARMS, seed=1),
    Case("article", HEALTHY, "pass", must_not=ALARMS, seed=2),
    Case("article", "weight-one", "fail", ("R103",), ("S107",)),
    Case("article", "weight-too-high", "fail", ("R102",), ("S107",)),
    Case("article", "weight-not-in-effect", "fail", ("S107",), ("R102",)),
    Case(
        "article",
        "lr-too-high",
        "fail",
        ("L103",),
        ("V101", "S102"),
    ),
    Case("article", "lr-not-restored", "warn", ("B101", "O103"), ("L103",)),
    Case("article", "nan-fp16", "fail", ("N101",), ("N102",)),
    Case("article", "accumulation-times-k", "warn", ("S101",), ("S104",)),
    Case("article", "wrong-perplexity", "warn", ("S104",), ("S101",)),
    Case("article", "overfitting", "fail", ("V101",), ("V103",)),
    Case(
        "article",
        "two-writers",
        "pass",
        why="B102 takes rows that repeat a step at once for micro-batches of it, its blind spot.",
    ),
    Case("article", "data-repeated", "fail", ("V101",), ("V103",), why="B106 sees no stairs: an epoch has four steps."),
)

SPATIAL: tuple[Case, ...] = (
    Case("spatial", HEALTHY, "pass", must_not=ALARMS, forms=EVERY_FORM),
    Case("spatial", HEALTHY, "pass", must_not=ALARMS, seed=1, forms=("jsonl",)),
    Case("spatial", HEALTHY, "pass", must_not=ALARMS, seed=2, forms=("jsonl",)),
    Case(
        "spatial",
        "multiplier-too-strong",
        "pass",
        forms=("jsonl",),
        why="Adam divides the scale of the gradient out again: the run is as good as a healthy one.",
    ),
    Case(
        "spatial",
        "axis-degraded",
        "warn",
        ("P103",),
        ("S102",),
        forms=("jsonl",),
    ),
    Case(
        "spatial",
        "low-resolution",
        "warn",
        ("P101",),
        forms=("jsonl",),
        why="P102 stays silent: half of the errors lie around 9 px, and a tenth between 8 and 10.",
    ),
    Case(
        "spatial",
        "bad-labels",
        "fail",
        ("V103",),
        forms=("jsonl",),
        why="V103 sees a validation loss far below: here its labels are right, and those of the training are not.",
    ),
    Case("spatial", "overfitting", "fail", ("V101",), forms=("jsonl",)),
    Case(
        "spatial",
        "frozen-metric",
        "warn",
        ("V102", "V104"),
        forms=("jsonl",),
        why="N104 asks for a validation loss that had been moving; V104 names the value that all evaluations share.",
    ),
    Case("spatial", "slow-loader", "fail", ("T101",), forms=("jsonl",)),
)

EOS: tuple[Case, ...] = (
    Case("eos", HEALTHY, "pass", must_not=ALARMS, forms=EVERY_FORM),
    Case("eos", HEALTHY, "pass", must_not=ALARMS, seed=1),
    Case("eos", HEALTHY, "pass", must_not=ALARMS, seed=2),
    Case("eos", "weight-one", "pass"),
    Case("eos", "weight-too-low", "fail", ("E101", "E102")),
    Case("eos", "weight-too-high", "warn", ("E102",)),
    Case("eos", "auxiliary-dropped", "warn", ("S105",)),
    Case("eos", "accumulation-changed", "fail", ("S102",)),
    Case(
        "eos",
        "partial-window",
        "warn",
        why="Every other row is about a quarter of its neighbours, which L105 takes for an oscillation.",
    ),
    Case(
        "eos",
        "validation-leaked",
        "pass",
        why="The loss of the leaked images is little below that of others: no scalar tells.",
    ),
    Case("eos", "resumed", "pass", ("B101",)),
)

CAUSAL_LM: tuple[Case, ...] = (
    Case("causal_lm", HEALTHY, "pass", must_not=ALARMS, forms=("text", "events")),
    Case("causal_lm", HEALTHY, "pass", must_not=ALARMS, seed=1),
    Case("causal_lm", HEALTHY, "pass", must_not=ALARMS, seed=2),
    Case(
        "causal_lm",
        "no-mask",
        "pass",
        must_not=ALARMS,
        why="no scalar of one run tells it: the loss is that of other tokens",
    ),
    Case("causal_lm", "accumulation-times-k", "warn", ("S101",), ("S102", "L106")),
    Case("causal_lm", "accumulation-changed", "fail", ("S102", "B101"), ("L103",)),
    Case("causal_lm", "partial-window", "warn", ("S101", "S103"), ("L104",)),
    Case("causal_lm", "hidden-nan", "fail", ("N101", "N102"), ("L103",)),
    Case("causal_lm", "schedule-not-restored", "warn", ("B101", "O103"), ("L103",)),
    Case("causal_lm", "resumed", "pass", ("B101",), ("O103",)),
    Case("causal_lm", "overfitting", "fail", ("V101", "V102"), ("V103",)),
    Case(
        "causal_lm",
        "validation-leak",
        "pass",
        ("V103",),
        ("V101",),
        why="V103 is a note only: so small a model learns the leaked dialogues by heart too slowly for a factor of 3",
    ),
    Case("causal_lm", "lr-zero", "fail", ("O101",), ("L103",)),
)

SOFTCE: tuple[Case, ...] = (
    Case("softce", HEALTHY, "pass", must_not=(*ALARMS, "S105", "D101", "D102", "D104"), forms=("jsonl",)),
    Case("softce", HEALTHY, "pass", must_not=(*ALARMS, "S105", "D101", "D102", "D104"), seed=1, forms=("jsonl",)),
    Case("softce", HEALTHY, "pass", must_not=(*ALARMS, "S105", "D101", "D102", "D104"), seed=2, forms=("jsonl",)),
    Case("softce", "no-gate", "warn", ("D101", "D102"), ("S105",), forms=("jsonl",)),
    Case("softce", "sigma-grows", "warn", ("D101", "D102"), ("S105",), forms=("jsonl",)),
    Case(
        "softce",
        "temperature-too-high",
        "pass",
        must_not=("S105", "D101"),
        forms=("jsonl",),
        why="nothing falls and rises: the run is blunt from its first step on, which only a comparison shows",
    ),
    Case("softce", "sharp", "pass", must_not=("S105", "D102"), forms=("jsonl",)),
    Case("softce", "no-w1", "warn", ("D104",), ("S105",), forms=("jsonl",), why="decoding by the mean needs W1"),
    Case("softce", "w1-dropped", "warn", ("S105", "D104"), ("D101",), forms=("jsonl",)),
    Case("softce", "accumulation-times-k", "warn", ("S101",), ("S105",), forms=("jsonl",)),
    Case("softce", "accumulation-divided", "warn", ("S101",), ("S105",), forms=("jsonl",)),
    Case("softce", "schedule-not-restored", "warn", ("B101", "O103"), ("L103",), forms=("jsonl",)),
    Case("softce", "nan-fp16", "fail", ("N101",), ("N102",), forms=("jsonl",)),
    Case("softce", "lr-too-high", "warn", ("L103",), ("V101",), forms=("jsonl",)),
    Case("softce", "lr-zero", "fail", ("O101",), ("L103",), forms=("jsonl",)),
    Case("softce", "overfitting", "fail", ("V101",), ("V103",), forms=("jsonl",)),
)

CASES: tuple[Case, ...] = (*ARTICLE, *SPATIAL, *EOS, *CAUSAL_LM, *SOFTCE)
"""Every case of the corpus."""


def expectation(case: Case) -> str:
    """The text of a case's `expected.toml`."""
    lines = [f"# {line}" for line in (find(case.kind, case.fault).description, case.why) if line]
    lines += [f'verdict = "{case.verdict}"', f"must = {_strings(case.must)}", f"must_not = {_strings(case.must_not)}"]
    return "\n".join([*lines, f'loss_type = "{case.kind}"']) + "\n"


def _strings(codes: Iterable[str]) -> str:
    return "[" + ", ".join(f'"{code}"' for code in codes) + "]"


def table(cases: Iterable[Case], devices: dict[str, str]) -> str:
    """The cases as a Markdown table; `devices` maps folders to where they were trained."""
    lines = ["| case | seed | fault | verdict | must fire | device |", "|---|---|---|---|---|---|"]
    for case in cases:
        codes, folder = " ".join(case.must), case.folder.as_posix()
        told = find(case.kind, case.fault).description
        lines.append(f"| `{folder}` | {case.seed} | {told} | {case.verdict} | {codes} | {devices.get(folder, '')} |")
    return "\n".join(lines) + "\n"

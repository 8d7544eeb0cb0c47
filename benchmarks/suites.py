"""What is compared with what, and the ratios that are promised."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Suite:
    """One workload.

    `targets` maps a program to the largest ratio of our processor time to its own; None where none is promised.
    `slow` programs take part in one round only, as they take half a minute. `judging` is the largest ratio of judging
    the run to reading it; None where it is not measured.
    """

    name: str
    title: str
    size: int
    quick: int
    targets: dict[str, float | None]
    memory: dict[str, float]
    slow: tuple[str, ...] = ()
    judging: float | None = None


SUITES = (
    Suite(
        "jsonl",
        "JSON lines, {size:,} rows of 12 values",
        1_000_000,
        50_000,
        {"duckdb": 1.0, "polars": 0.5, "orjson": None, "wc -l": 28},
        {"polars": 0.35},
        judging=0.3,
    ),
    Suite(
        "jsonl_nan",
        "the same, 0.1 % NaN or infinite",
        1_000_000,
        50_000,
        {"jsonl": 1.7, "duckdb": None, "orjson": None},
        {},
    ),
    Suite(
        "events_one",
        "event file, {size:,} points of 20 tags",
        1_000_000,
        50_000,
        {"rustboard": 0.35, "event_accumulator": None, "tbparse": 1 / 45},
        {},
        ("event_accumulator", "tbparse"),
        judging=0.3,
    ),
    Suite("events_many", "event files of 2,000 points, {size:,} in all", 1_000_000, 50_000, {"rustboard": 0.6}, {}),
    Suite(
        "events_irregular", "event file, 200 tags in any order, histograms", 1_000_000, 50_000, {"rustboard": 0.5}, {}
    ),
    Suite(
        "console",
        "console text, {size:,} lines, five formats and bars",
        1_000_000,
        50_000,
        {"regex": 0.45, "polars_text": 0.9, "wc -l": None},
        {},
        judging=0.3,
    ),
)

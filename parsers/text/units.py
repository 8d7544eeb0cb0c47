"""Units behind the numbers of a line: those that make it no metric, those that make it a count, and scales."""

from __future__ import annotations

TIME_UNITS = frozenset(
    {
        "s", "sec", "secs", "second", "seconds", "ms", "us", "µs", "ns", "min", "mins", "minute", "minutes", "m",
        "h", "hr", "hrs", "hour", "hours", "d", "day", "days",
    }
)  # fmt: skip
STEP_TIMES = {"s": 1.0, "sec": 1.0, "ms": 1e-3}
"""Units of the time that a step takes, in seconds."""
SIZE_UNITS = frozenset(
    {
        "b", "kb", "mb", "gb", "tb", "kib", "mib", "gib", "tib", "g", "byte", "bytes", "kb/s", "mb/s", "gb/s",
        "kib/s", "mib/s", "gib/s", "b/s",
    }
)  # fmt: skip
COUNT_UNITS = frozenset(
    {
        "batch", "batches", "step", "steps", "iterations", "iters", "it", "its", "epoch", "epochs",
    }
)  # fmt: skip
SCALES = {"k": 1e3, "K": 1e3, "M": 1e6}
"""What stands joined to a number in its place in thousands or millions."""

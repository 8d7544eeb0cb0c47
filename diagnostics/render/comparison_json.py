"""A comparison as JSON for programs, schema version 1: adding keys is allowed, changing them is not.

    schema, tool       1, and the version of this program
    axis               what the runs were matched by: tokens, steps, epochs, rows or seconds; "" where by nothing
    loss_type          of the runs
    groups[]           name, runs, seeds: the first group is what the others are compared with
    differences[]      name of a setting, values: one per group
    tables[]           title, columns, rows: for loss types that have one
    pairs[]            first, other: names of groups
      tier, evidence     how much a difference can mean, and that in words
      rows[]             one metric each: metric, split, word (lower, higher, same, undecided, inconclusive), says,
                         first, other and their bands, relative with low and high, p, p_holm, share, start, end,
                         points, blocks, paired, correlation, pairs
      savings[]          metric, split, target, first_at, other_at, ratio, low, high
      warnings[], absent[]

Numbers that are not finite are the texts "NaN", "Infinity" and "-Infinity".
"""

from __future__ import annotations

import json

from trainvitals import __version__
from trainvitals.diagnostics.compare.model import Comparison
from trainvitals.diagnostics.render.json import SCHEMA, inert, plain


def render(comparison: Comparison) -> str:
    """One line of ASCII, valid for every JSON reader."""
    data = {"schema": SCHEMA, "tool": f"trainvitals {__version__}", **plain(comparison)}
    return inert(json.dumps(data, allow_nan=False)) + "\n"

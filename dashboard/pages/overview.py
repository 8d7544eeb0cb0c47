"""One line a run: what is wrong, since when, and how the loss went."""

from __future__ import annotations

import math
from collections import Counter

import pandas as pd
import streamlit as st

from trainvitals.dashboard import links, runs
from trainvitals.diagnostics.render import words
from trainvitals.diagnostics.render.sanitise import terminal
from trainvitals.diagnostics.report import Finding, Report, SeriesSummary

ICONS = {"fail": "\u2716 fail", "warn": "\u26a0 warn", "pass": "\u2714 pass", "unknown": "? unknown"}


def show() -> None:
    """Draw the table of runs, worst first; a chosen row opens its run."""
    ordered = list(runs.catalogue().values())
    counts = Counter(one.report.verdict for one in ordered)
    st.caption(" \u00b7 ".join(f"{counts[v]} {v}" for v in runs.ORDER if counts[v]) + f" of {len(ordered)} runs")
    event = st.dataframe(
        pd.DataFrame([_row(one.report) for one in ordered]),
        hide_index=True,
        on_select="rerun",
        selection_mode="single-row",
        key="runs",
        column_config={
            "loss curve": st.column_config.LineChartColumn("loss curve", width="medium"),
            "run": st.column_config.TextColumn(width="medium"),
            "finding": st.column_config.TextColumn("what was found", width="large"),
            "step": st.column_config.NumberColumn("since", format="%d"),
            "last loss": st.column_config.NumberColumn(format="%.4g"),
            "best eval": st.column_config.NumberColumn(format="%.4g"),
        },
        placeholder="",
        alt="Table of runs with verdict, worst finding and loss",
    )
    if event.selection.rows:
        links.go("run", run=ordered[event.selection.rows[0]].report.run)


def _row(report: Report) -> dict[str, object]:
    loss, held_out = _loss(report, "train"), _loss(report, "eval") or _loss(report, "test")
    worst = report.findings[0] if report.findings else None
    return {
        "verdict": ICONS[report.verdict],
        "run": terminal(report.run),
        "finding": terminal(f"{worst.code} {words.headline(report)}" if worst else words.headline(report), 300),
        "step": _since(worst),
        "loss type": report.loss_type,
        "steps": loss.last_step if loss else None,
        "last loss": loss.last if loss else None,
        "loss curve": [v for v in loss.spark if math.isfinite(v)] if loss else [],
        "best eval": held_out.minimum if held_out else None,
    }


def _since(finding: Finding | None) -> float | None:
    return finding.step_start if finding and finding.step_start == finding.step_start else None


def _loss(report: Report, split: str) -> SeriesSummary | None:
    """The loss of a split, or the first of its parts where only those are logged."""
    losses = [s for s in report.series if s.split == split and "loss" in s.metric]
    return next((s for s in losses if s.metric == "loss"), losses[0] if losses else None)

"""The rule catalogue: one module per rule, listed explicitly; the order is that of the report."""

from trainvitals.diagnostics.rule import Rule
from trainvitals.diagnostics.rules import (
    b101_resume_overlap,
    b103_unread_lines,
    b105_crash,
    l101_not_learning,
    l103_divergence,
    n101_non_finite,
    n102_hidden_nan,
    s101_grad_accum_scale,
    v101_overfitting,
)

RULES: tuple[Rule, ...] = (
    n101_non_finite.RULE,
    n102_hidden_nan.RULE,
    s101_grad_accum_scale.RULE,
    l101_not_learning.RULE,
    l103_divergence.RULE,
    v101_overfitting.RULE,
    b101_resume_overlap.RULE,
    b103_unread_lines.RULE,
    b105_crash.RULE,
)

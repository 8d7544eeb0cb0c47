"""The rule catalogue: one module per rule, listed explicitly; the order is that of the report."""

from trainvitals.diagnostics.rule import Rule

RULES: tuple[Rule, ...] = ()

"""What makes a finding the same one in the next run of CI, although its numbers have moved a little."""

from __future__ import annotations

import hashlib
import math

from trainvitals.diagnostics.report import Finding, Report


def fingerprint(report: Report, finding: Finding) -> str:
    """SHA-256, in hex, over rule, run, metrics and the step in steps of a factor of two."""
    parts = (finding.code, report.run, *sorted(finding.metrics), _bucket(finding.step_start))
    return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogatepass")).hexdigest()


def _bucket(step: float) -> str:
    """The power of two below a step, so that a window that begins some steps later is the same; "" without one."""
    return str(int(math.log2(step))) if math.isfinite(step) and step >= 1 else ""

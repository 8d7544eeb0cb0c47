"""Specifications of charts, shared by the dashboard and by reports: plain data, tested as data.

Names from logs are data values and titles only, never field names or expressions: Vega reads `a.b` and `a[0]` in a
field as paths, and Altair reads `a:Q` as a type.
"""

from trainvitals.diagnostics.charts.palette import COLOURS, SEVERITY_COLOURS, Style, styles

__all__ = ["COLOURS", "SEVERITY_COLOURS", "Style", "styles"]

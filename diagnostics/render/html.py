"""The report as one HTML file to send: no script, nothing from the network, the same bytes for the same input."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from trainvitals.diagnostics.case import Case
from trainvitals.diagnostics.landscape.picture import Surface
from trainvitals.diagnostics.loss_type import GENERIC, LossType
from trainvitals.diagnostics.loss_type_toml import builtin
from trainvitals.diagnostics.normalisation import Normalised
from trainvitals.diagnostics.ratio import ratio_values
from trainvitals.diagnostics.render import html_pictures, words
from trainvitals.diagnostics.render.html_lists import folded, lists
from trainvitals.diagnostics.render.html_page import document, stamp, table
from trainvitals.diagnostics.render.landscape.svg import STYLE as LANDSCAPE_STYLE
from trainvitals.diagnostics.render.sanitise import for_terminal, xml
from trainvitals.diagnostics.report import Finding, Report

MOST_DETAILED = 40
"""Runs shown in full, the sickest; the table at the top has all."""
MOST_LANDSCAPES = 4
"""Losses whose shape is shown: that of a loss with the same settings once."""
LARGEST_SURFACE = 4000
"""Cells of a surface that is drawn; `trainvitals landscape` draws finer ones."""


def render(
    examined: Iterable[tuple[Report, Normalised]],
    kinds: Sequence[LossType] | None = None,
    baselines: Sequence[Case] = (),
) -> str:
    """A page with a table of the runs and, worst first, each with findings, pictures, tables, corrections, settings.

    Args:
        examined: each report with the run that it judges, which is drawn. Consumed one by one, so that no more than
            the pages of the runs are held at once.
        kinds: loss types that the runs may be of; the built-in ones by default.
        baselines: healthy runs that each of them is compared with.
    """
    known = {kind.name: kind for kind in (builtin() if kinds is None else kinds)}
    parts, landscapes = [], dict[str, str]()
    for report, normalised in examined:
        shown, case = for_terminal(report), _case(report, normalised, known)
        found = _landscape(case)
        parts.append((shown, _run(shown, case, normalised, baselines), landscapes.setdefault(found, found)))
    order = sorted(parts, key=lambda part: words.VERDICTS.index(part[0].verdict))
    reports = [report for report, *_ in order]
    overview = _overview(reports) if len(reports) != 1 else ""
    more = len(order) - MOST_DETAILED
    rest = f"<p>{more} more runs are in the table only.</p>" if more > 0 else ""
    shapes = list(dict.fromkeys(shape for *_, shape in order))[:MOST_LANDSCAPES]
    body = f"{overview}{''.join(text for _, text, _ in order[:MOST_DETAILED])}{rest}{''.join(shapes)}"
    return document(_title(reports), body, words.checked(reports), LANDSCAPE_STYLE)


def _case(report: Report, normalised: Normalised, known: dict[str, LossType]) -> Case:
    kind = known.get(report.loss_type, GENERIC)
    return Case(normalised.run, normalised.raw, kind, normalised.corrections, normalised.step_unit)


def _title(reports: Sequence[Report]) -> str:
    return f"{reports[0].verdict} {reports[0].run}" if len(reports) == 1 else words.count(len(reports), "run")


def _overview(reports: Sequence[Report]) -> str:
    rows = "".join(
        f"<tr><td>{stamp(r.verdict)}</td><td class='name'>{xml(r.run)}</td><td>{xml(words.headline(r))}</td>"
        f"<td>{xml(r.loss_type)}</td></tr>\n"
        for r in reports
    )
    head = "<thead><tr><th>verdict</th><th>run</th><th>what</th><th>loss type</th></tr></thead>"
    drawn = f'<div class="wide"><table>{head}<tbody>\n{rows}</tbody></table></div>'
    return f"<h1>{words.count(len(reports), 'run')}</h1>\n{drawn}\n"


def _run(report: Report, case: Case, normalised: Normalised, baselines: Sequence[Case]) -> str:
    body = [
        f"<h2>{stamp(report.verdict)} {xml(report.run)}</h2>\n<p class='headline'>{xml(words.headline(report))}</p>\n",
        f"<p class='about'>{xml(_extent(report, case))}</p>\n",
        *(_finding(finding, report, normalised) for finding in words.ranked(report.findings)),
        _loss(report, normalised),
        *_tables(report, case),
        _corrections(report, normalised),
        _comparison(case, baselines),
        *lists(report),
    ]
    return f'<section class="run">{"".join(body)}</section>\n'


def _extent(report: Report, case: Case) -> str:
    """What was judged: the kind of loss, how much of it was logged, over which steps."""
    steps = [s for s in report.series if s.last_step == s.last_step]
    first, last = min((s.first_step for s in steps), default=0.0), max((s.last_step for s in steps), default=0.0)
    over = f", {report.step_unit}s {words.step(first)} to {words.step(last)}" if steps else ""
    series = words.count(len(report.series), "series", "series")
    return f"{case.loss_type.title}: {series}, {words.count(report.points, 'point')}{over}"


def _loss(report: Report, normalised: Normalised) -> str:
    drawn = html_pictures.of_loss(report, normalised)
    return f"<h3>Loss</h3>{drawn}" if drawn else ""


def _finding(finding: Finding, report: Report, normalised: Normalised) -> str:
    about = " · ".join(p for p in (words.when(finding, report), ", ".join(finding.metrics)) if p)
    remedy = f'<p class="remedy">→ {xml(finding.remedy)}</p>' if finding.remedy else ""
    places = "".join(
        f"<li><code>{xml(f'{e.path}:{e.line}' if e.line else e.path)}</code> {xml(e.text)}</li>"
        for e in finding.evidence
    )
    after = "".join(f"<li>{xml(words.consequence(other, report))}</li>" for other in finding.consequences)
    how = f'<p class="how">how it was decided: {xml(finding.how)}</p>' if finding.how else ""
    return (
        f'<article class="finding {finding.severity}"><h3>{stamp(finding.severity)} {xml(finding.code)} '
        f"{xml(finding.name)}</h3><p class='about'>{xml(about)}</p><p>{xml(finding.message)}</p>"
        f"{f'<ul>{after}</ul>' if after else ''}{remedy}"
        f"{html_pictures.of_finding(finding, normalised, report.step_unit)}<ul>{places}</ul>{how}</article>\n"
    )


def _tables(report: Report, case: Case) -> Iterator[str]:
    """The status tables, each ratio drawn over its bands above its own."""
    for one in report.tables:
        ratio = next((r for r in case.loss_type.ratios if one.title.startswith(f"{r.name} by ")), None)
        found = ratio_values(case, ratio) if ratio else ""
        drawn = "" if isinstance(found, str) else html_pictures.of_ratio(found, report.step_unit)
        yield f'<section class="status">{table(one, drawn)}</section>\n'


def _corrections(report: Report, normalised: Normalised) -> str:
    lines = [
        f"{c.metric}: {words.correction(c)} ({c.kind.replace('_', ' ')}, {c.confidence} confidence): {c.evidence}"
        for c in report.corrections
    ]
    if not lines:
        return ""
    told = "".join(f"<li>{xml(line)}</li>" for line in lines)
    drawn = "".join(html_pictures.of_corrections(report, normalised))
    return f'<section class="corrections"><h3>Corrections</h3><ul>{told}</ul>{drawn}</section>\n'


def _comparison(case: Case, baselines: Sequence[Case]) -> str:
    """The run beside its baselines; those of another kind share nothing with it, and then there is nothing to show."""
    if not baselines:
        return ""
    from trainvitals.diagnostics.compare.comparing import beside
    from trainvitals.diagnostics.render import comparison_html

    runs = (case, *baselines)
    losses = [(one.run.name, one.loss) for one in runs if one.loss is not None]
    held_out = [(one.run.name, one.validation) for one in runs if one.validation is not None]
    told = comparison_html.section(beside(case, baselines), losses, held_out)
    return f'<section class="comparison"><h3>Beside the baselines</h3>{told}</section>\n'


def _landscape(case: Case) -> str:
    """The shape of the loss that the run was trained with, without surfaces that are larger than all the rest."""
    from trainvitals.diagnostics.landscape.trained import landscape
    from trainvitals.diagnostics.render.landscape import html as landscapes

    found = landscape(case)
    if found is None:
        return ""
    panels = tuple(p for p in found.panels if not isinstance(p, Surface) or p.z.size <= LARGEST_SURFACE)
    found = replace(found, panels=panels)
    return folded(f"The shape of this loss: {found.title}", landscapes.section(found), printed=False)

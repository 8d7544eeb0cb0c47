"""The report as one HTML file to send: no script, nothing from the network, the same bytes for the same input."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from trainvitals import __version__
from trainvitals.diagnostics import pictures
from trainvitals.diagnostics.normalisation import Normalised
from trainvitals.diagnostics.render import words
from trainvitals.diagnostics.render.page import UNICODE
from trainvitals.diagnostics.render.sanitise import for_terminal, setting_value, xml
from trainvitals.diagnostics.render.style import STYLE
from trainvitals.diagnostics.render.svg import Window, chart, spark
from trainvitals.diagnostics.report import Finding, Report, Severity, Table, Verdict

MOST_DETAILED = 40
"""Runs shown in full, the sickest; the table at the top has all."""
MOST_ROWS = 60
MOST_SERIES = 60


def render(examined: Iterable[tuple[Report, Normalised]]) -> str:
    """A page with a table of the runs and, worst first, each with findings, pictures, tables, corrections, settings.

    Args:
        examined: each report with the run that it judges, which is drawn. Consumed one by one, so that no more than
            the pages of the runs are held at once.
    """
    parts = [(for_terminal(report), _run(for_terminal(report), run)) for report, run in examined]
    order = sorted(parts, key=lambda part: words.VERDICTS.index(part[0].verdict))
    reports = [report for report, _ in order]
    overview = _overview(reports) if len(reports) != 1 else ""
    more = len(order) - MOST_DETAILED
    rest = f"<p>{more} more runs are in the table only.</p>" if more > 0 else ""
    shown = "".join(text for _, text in order[:MOST_DETAILED])
    return document(_title(reports), f"{overview}{shown}{rest}", words.checked(reports))


def document(title: str, body: str, footer: str) -> str:
    """A page around a body that is HTML already; nothing in it may run or load anything. Titles are text."""
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">"
        f"<title>trainvitals: {xml(title)}</title><style>{STYLE}</style></head><body>\n{body}"
        f"<footer>{xml(footer)} · trainvitals {__version__}</footer></body></html>\n"
    )


def _title(reports: Sequence[Report]) -> str:
    return f"{reports[0].verdict} {reports[0].run}" if len(reports) == 1 else words.count(len(reports), "run")


def _stamp(word: Verdict | Severity) -> str:
    return f'<span class="stamp {word}">{UNICODE.icon(word)} {word.upper()}</span>'


def _overview(reports: Sequence[Report]) -> str:
    rows = "".join(
        f"<tr><td>{_stamp(r.verdict)}</td><td class='name'>{xml(r.run)}</td><td>{xml(words.headline(r))}</td>"
        f"<td>{xml(r.loss_type)}</td></tr>\n"
        for r in reports
    )
    head = "<tr><th>verdict</th><th>run</th><th>what</th><th>loss type</th></tr>"
    return f'<h1>{words.count(len(reports), "run")}</h1>\n<div class="wide"><table>{head}\n{rows}</table></div>\n'


def _run(report: Report, normalised: Normalised) -> str:
    sections = [
        f"<h2>{_stamp(report.verdict)} {xml(report.run)}</h2>\n<p class='headline'>{xml(words.headline(report))}</p>\n",
        *(_finding(finding, report, normalised) for finding in words.ranked(report.findings)),
        _losses(report, normalised),
        *(_table(table) for table in report.tables),
        *_lists(report),
        _series(report),
    ]
    return f'<section class="run">{"".join(sections)}</section>\n'


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
        f'<article class="finding {finding.severity}"><h3>{_stamp(finding.severity)} {xml(finding.code)} '
        f"{xml(finding.name)}</h3><p class='about'>{xml(about)}</p><p>{xml(finding.message)}</p>"
        f"{f'<ul>{after}</ul>' if after else ''}{remedy}"
        f"{_picture(finding, report, normalised)}<ul>{places}</ul>{how}</article>\n"
    )


def _picture(finding: Finding, report: Report, normalised: Normalised) -> str:
    """The first metric that a finding speaks of, with its window shaded: other metrics have other units."""
    window = Window(finding.step_start, finding.step_end, finding.severity)
    first = next(pictures.of_finding(finding, normalised), None)
    return _figure(first, [window], report.step_unit) if first else ""


def _losses(report: Report, normalised: Normalised) -> str:
    """The loss of all splits, where no finding has drawn it."""
    if any("loss" in finding.metrics for finding in report.findings):
        return ""
    loss = pictures.picture("loss", normalised)
    return _figure(loss, [], report.step_unit) if loss else ""


def _figure(picture: pictures.Picture, windows: Sequence[Window], unit: str) -> str:
    series, raw = picture.series, picture.raw
    names = [f"{s.logged_as} ({s.split})" if s.split else s.logged_as for s in series[:4]]
    legend = "".join(f'<span class="key k{i}">{xml(name)}</span>' for i, name in enumerate(names))
    legend += '<span class="key kraw">as logged</span>' if raw is not None else ""
    return f"<figure>{chart(series, windows, unit, raw)}<figcaption>{legend}</figcaption></figure>\n"


def _table(table: Table) -> str:
    head = "".join(f"<th>{xml(column)}</th>" for column in table.columns)
    rows = "".join(
        f"<tr>{''.join(f'<td>{xml(words.cell(cell))}</td>' for cell in row)}</tr>\n" for row in table.rows[:MOST_ROWS]
    )
    more = f"<p>and {len(table.rows) - MOST_ROWS} more rows</p>" if len(table.rows) > MOST_ROWS else ""
    return f'<h3>{xml(table.title)}</h3><div class="wide"><table><tr>{head}</tr>\n{rows}</table></div>{more}\n'


def _lists(report: Report) -> Iterator[str]:
    corrections = [
        f"{c.metric}: {words.correction(c)} ({c.kind.replace('_', ' ')}, {c.confidence} confidence): {c.evidence}"
        for c in report.corrections
    ]
    unjudged = [f"{' '.join(codes)}: {reason}" for reason, codes in words.by_reason(report.not_run)]
    passed = [f"{rule.code}: {rule.summary}" if rule.summary else rule.code for rule in report.passed]
    settings = [f"{s.name} = {setting_value(s.name, s.value)}" for s in report.settings]
    for title, lines in (
        ("Corrections", corrections),
        ("Not judged", unjudged),
        ("Passed", passed),
        ("Sources", list(_sources(report))),
        ("Settings", settings),
    ):
        if lines:
            items = "".join(f"<li>{xml(line)}</li>" for line in lines)
            opened = " open" if title == "Corrections" else ""
            yield f"<details{opened}><summary>{title}</summary><ul>{items}</ul></details>\n"


def _sources(report: Report) -> Iterator[str]:
    for source in report.sources:
        what = (
            source.error
            or f"{source.format}, {words.count(source.lines, 'line')}, {words.count(source.points, 'point')}"
        )
        unread = f", {words.count(source.unread_lines, 'line')} not understood" if source.unread_lines else ""
        yield f"{source.path}: {what}{unread}"
        for example in source.unread_examples:
            yield f"{source.path}:{example.line}: not understood: {example.text}"


def _series(report: Report) -> str:
    rows = "".join(
        f"<tr><td>{xml(s.metric)}</td><td>{xml(s.split)}</td><td>{spark(s.spark)}</td><td>{words.number(s.first)}</td>"
        f"<td>{words.number(s.last)}</td><td>{s.points}</td>"
        f"<td>{words.step(s.first_step)} to {words.step(s.last_step)}</td></tr>\n"
        for s in words.series_order(report)[:MOST_SERIES]
    )
    if not rows:
        return ""
    names = ("metric", "split", "curve", "first", "last", "points", "steps")
    head = "".join(f"<th>{name}</th>" for name in names)
    more = len(report.series) - MOST_SERIES
    rest = f"<p>and {more} more</p>" if more > 0 else ""
    title = f"Series, read as {xml(report.loss_type)}"
    table = f'<div class="wide"><table><tr>{head}</tr>\n{rows}</table></div>'
    return f"<details><summary>{title}</summary>{table}{rest}</details>\n"

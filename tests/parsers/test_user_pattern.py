"""Lines that users describe themselves, in one line of their settings."""

import math

import pytest
from console_text import points
from hypothesis import given
from hypothesis import strategies as st

from trainvitals.parsers import read, read_all
from trainvitals.parsers.discover import RunFiles
from trainvitals.parsers.files import LogFile
from trainvitals.parsers.following import Follower
from trainvitals.parsers.formats import console
from trainvitals.parsers.text.template import MAX_FIELDS, MAX_TEMPLATE, TemplateError, template

OURS = "it {step} of {} loss {loss} val {eval_loss}"

# template, line, what is read of it
MATCHES = [
    (OURS, "it 12 of 500 loss 0.52 val 0.61", {"step": 12, "loss": 0.52, "eval_loss": 0.61}),
    (
        OURS,
        "[rank0] 10:20:30 INFO it  12 of  500 loss  0.52 val 0.61 (best)",
        {"step": 12, "loss": 0.52, "eval_loss": 0.61},
    ),
    (OURS, "it 12 of 500 loss nan val -inf", {"step": 12, "loss": math.nan, "eval_loss": -math.inf}),
    ("i={step} L={L}", "i=1,200 L=1.5e-3", {"step": 1200, "L": 0.0015}),
    ("at {step}: {loss}", "at 1.2k: .5", {"step": 1200, "loss": 0.5}),
    ("acc {acc}%", "acc 71.3%", {"acc": 71.3}),
    ("acc {acc}", "acc 71.3%", {"acc": 71.3}),
    ("took {time}s, loss {loss}", "took 12.5s, loss 3", {"time": 12.5, "loss": 3}),
    ("a.b|c {x}", "a.b|c 3", {"x": 3}),
]
OTHERS = [
    (OURS, "it 12 of 500 loss 0.52"),
    (OURS, "It 12 of 500 loss 0.52 val 0.61"),
    ("loss {loss}", "loss 0.8513.8369"),
    ("loss {loss}", "loss 12ms"),
    ("loss {loss}", "loss 1_000"),
    ("a.b {x}", "axb 3"),
]


@pytest.mark.parametrize(("text", "line", "expected"), MATCHES)
def test_a_template_reads_the_numbers_at_its_names(text, line, expected):
    assert template(text).match(line) == pytest.approx(expected, nan_ok=True)


@pytest.mark.parametrize(("text", "line"), OTHERS)
def test_a_template_leaves_other_lines(text, line):
    assert template(text).match(line) is None


WRONG = [
    ("loss {loss", "brace without its partner"),
    ("loss loss}", "brace without its partner"),
    ("step {step}", "no field with the name of a metric"),
    ("loss 0.5", "no field with the name of a metric"),
    ("{loss}", "no text by which"),
    ("a {loss}{acc}", "nothing between"),
    ("a {loss} b {loss}", "stands in it twice"),
    ("a {1x}", "is no name"),
    ("a {x*}", "is no name"),
    ("x" * MAX_TEMPLATE + " {loss}", "longer than"),
    ("a " + "{} " * (MAX_FIELDS + 1) + "{loss}", "more than"),
    ("a\x1b {loss}", "do not print"),
]


@pytest.mark.parametrize(("text", "problem"), WRONG)
def test_a_template_that_cannot_be_used_says_why(text, problem):
    with pytest.raises(TemplateError, match=problem):
        template(text)


@given(
    st.lists(st.from_regex(r"[a-z.*+(?\[|^$\\]{1,6}", fullmatch=True), min_size=2, max_size=5),
    st.lists(st.floats(-1e9, 1e9).map(lambda x: round(x, 3)), min_size=5, max_size=5),
)
def test_literals_are_never_taken_for_a_regular_expression(literals, numbers):
    text = " ".join(f"{literal} {{m{i}}}" for i, literal in enumerate(literals))
    line = " ".join(f"{literal} {numbers[i]!r}" for i, literal in enumerate(literals))
    assert template(text).match(line) == {f"m{i}": numbers[i] for i in range(len(literals))}


@pytest.mark.parametrize("line", ["1" * 1_000_000, "a " * 500_000, " " * 1_000_000, "a 1 " * 250_000, "a" * 1_000_000])
def test_long_lines_against_a_pattern_come_back(line):
    for text in ("{step} a {loss}", "a {step} a {loss} b", "a a a a {loss} z"):
        assert template(text).match(line) is None or len(line) > 10


LINES = "".join(f"it {n} of 500 loss {3 / n!r} val {4 / n!r}\n" for n in range(1, 5))


def parsed(data, *texts):
    (found,) = console.read(LogFile("run.log", data.encode()), [template(text) for text in texts])
    return found


def test_a_pattern_goes_before_everything_else_for_the_lines_that_it_matches():
    line = "{'loss': 2.5, 'step': 7}\n"
    assert points(parsed(line * 3, "'loss': {own}, 'step': {step}}"[:-1]), "own") == [(7, 2.5)] * 3
    assert [s.logged_as for s in parsed(line * 3).series] == ["loss"]


def test_the_rows_of_a_pattern():
    found = parsed("hello\n" + LINES, OURS)
    assert points(found, "loss") == [(n, 3 / n) for n in range(1, 5)]
    assert points(found, "eval_loss") == [(n, 4 / n) for n in range(1, 5)]
    assert (found.source.format, found.source.problems, found.source.learnt) == ("pattern", (), ())


def test_one_row_is_enough_as_nothing_has_to_be_learnt():
    assert points(parsed(LINES.splitlines()[0] + "\n", OURS), "loss") == [(1, 3.0)]


def test_a_pattern_without_a_step_takes_that_of_the_progress_bar():
    bars = "".join(f"\r {n}%|█| {n}/100 [00:01<00:09, 1.1it/s, L {1 / n!r}]" for n in (10, 20))
    assert points(parsed(bars + "\n", "L {L}"), "L") == [(10, 0.1), (20, 0.05)]


def test_a_pattern_that_matches_no_line_is_told():
    found = parsed(LINES, OURS, "iter {step} loss {loss}")
    assert found.source.problems == ("no line is of the pattern 'iter {step} loss {loss}' in the settings",)


def test_a_file_of_any_kind_is_read_by_a_pattern_that_matches_its_lines(tmp_path):
    path = tmp_path / "x.csv"
    path.write_text("step,loss\n" + "".join(f"{n},{n}.5\n" for n in range(1, 5)))
    assert read(str(path)).sources[0].format == "csv_table"
    run = read(str(path), patterns=[template(",{loss}")])
    assert run.sources[0].format == "pattern"
    run = read(str(path), patterns=[template("loss {loss}")])
    assert (run.sources[0].format, run.sources[0].problems) == ("csv_table", ())


def test_a_followed_file_is_read_by_the_patterns(tmp_path):
    path = tmp_path / "x.log"
    follower = Follower(str(path), patterns=[template(OURS)])
    for end in (1, 3, 4):
        path.write_text("".join(LINES.splitlines(keepends=True)[:end]))
        follower.poll()
        (run,) = follower.runs
        (whole,) = read_all(RunFiles("x", str(tmp_path), (str(path),)), patterns=[template(OURS)])
        assert [s.value.tolist() for s in run.series] == [s.value.tolist() for s in whole.series]
        assert len(run.series[0]) == end

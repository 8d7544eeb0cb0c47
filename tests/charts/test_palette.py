"""Colours of runs: by name, far apart, and the same whatever else is shown."""

from hypothesis import given
from hypothesis import strategies as st

from trainvitals.diagnostics.charts import styles
from trainvitals.diagnostics.charts.palette import DASHES, RUN_COLOURS, Style, apart

names = st.lists(st.text(max_size=8), max_size=40, unique=True)


@given(names, st.randoms())
def test_the_order_of_runs_changes_nothing(runs, rng):
    mixed = list(runs)
    rng.shuffle(mixed)
    assert styles(runs) == styles(mixed)


@given(names)
def test_no_two_runs_look_alike_until_all_colours_and_dashes_are_taken(runs):
    found = list(styles(runs).values())
    assert len(set(found)) == min(len(runs), len(RUN_COLOURS) * len(DASHES))


@given(st.lists(st.text(max_size=8), max_size=len(RUN_COLOURS), unique=True))
def test_a_few_runs_have_solid_lines_of_different_colours(runs):
    found = list(styles(runs).values())
    assert {one.dash for one in found} <= {DASHES[0]}
    assert len({one.colour for one in found}) == len(runs)


def test_of_two_runs_beside_each_other_the_second_takes_a_free_colour():
    one = Style(RUN_COLOURS[0], DASHES[1])
    assert apart(one, set()) == one
    assert apart(one, {RUN_COLOURS[0]}) == Style(RUN_COLOURS[1], DASHES[1])
    assert apart(one, set(RUN_COLOURS)) == one

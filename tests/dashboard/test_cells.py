"""Columns made of buffers, against those that pyarrow makes of the same values."""

import math
import subprocess
import sys
from importlib import resources

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainvitals.dashboard import cells

TEXT = st.text(st.characters(exclude_categories=["Cs"]))
NUMBER = st.none() | st.floats()


def same(column, expected):
    column.validate(full=True)
    assert repr(column.to_pylist()) == repr(expected)


@given(st.lists(TEXT))
def test_texts(values):
    same(cells.texts(values), values)


@given(st.lists(NUMBER))
def test_numbers_that_are_not_finite_are_left_empty(values):
    same(cells.numbers(values), [v if v is not None and math.isfinite(v) else None for v in values])


@given(st.lists(NUMBER))
def test_marked_numbers_stay_as_they_are(values):
    same(cells.marked(values), values)


@given(st.lists(st.lists(st.floats(width=32))))
def test_curves(values):
    same(cells.curves(values), values)


@given(st.lists(st.lists(TEXT)))
def test_tags(values):
    same(cells.tags(values), values)


def test_moments_are_in_utc_to_the_millisecond():
    assert cells.moments([0.0, 1.5]).equals(pa.array([0, 1500], pa.timestamp("ms", "UTC")))


@pytest.mark.parametrize(
    ("column", "filled"),
    [
        (cells.texts(["", ""]), False),
        (cells.texts(["", "a"]), True),
        (cells.numbers([None, math.nan]), False),
        (cells.marked([None, math.nan]), True),
        (cells.curves([[], []]), False),
        (cells.curves([[], [0.0]]), True),
        (cells.texts([]), False),
    ],
)
def test_a_column_without_anything_in_it_is_known(column, filled):
    assert cells.filled(column) is filled


def test_the_table_of_runs_is_drawn_without_pandas():
    app = resources.files("trainvitals") / "app.py"
    logs = resources.files("trainvitals") / "sample_logs" / "article"
    program = (
        "import sys\n"
        "from streamlit.testing.v1 import AppTest\n"
        f"sys.argv[1:] = [{str(logs)!r}]\n"
        f"page = AppTest.from_file({str(app)!r}, default_timeout=120).run()\n"
        "print(len(page.dataframe), 'pandas' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["1", "False"]

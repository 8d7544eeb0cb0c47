"""main.log of llm.c."""

import pytest
from console_text import points, read, series
from shared_logs import REAL, needs_shared

from trainvitals.parsers.files import open_log
from trainvitals.parsers.formats import console


def test_the_three_kinds_of_row():
    parsed = read("s:0 tel:10.9689\ns:0 eval:0.2453\ns:1 trl:10.9598 lr:0.000002 norm:15.24\ns:2 trl:-nan lr:0.1\n")
    assert points(parsed, "tel", "eval") == [(0, 10.9689)]
    assert points(parsed, "hellaswag", "eval") == [(0, 0.2453)]
    assert points(parsed, "lr", "train") == [(1, 0.000002), (2, 0.1)]
    assert points(parsed, "norm", "train") == [(1, 15.24)]
    assert points(parsed, "trl", "train") == [(1, 10.9598), pytest.approx((2, float("nan")), nan_ok=True)]


@pytest.mark.parametrize("line", ["s:1 trl:10.9.598", "s:1 trl:", "as:1 trl:2.5", "s:1 foo:2.5", "s:1 trl:2.5 and"])
def test_other_lines_are_no_rows(line):
    assert read(line + "\n").series == ()


@needs_shared
def test_the_real_log_against_its_own_lines():
    path = REAL / "modded_nanogpt_log" / "KellerJordan__modded-nanogpt__AdamW_llmc.log"
    (parsed,) = console.read(open_log(str(path)))
    lines = [line.replace(":", " ").split() for line in path.read_text().splitlines()]
    train, held_out = series(parsed, "trl", "train"), series(parsed, "tel", "eval")
    assert (len(train), train.value[0], train.value[-1]) == (9536, 10.965596, 3.34018)
    assert (len(held_out), held_out.value[0], held_out.value[-1]) == (76, 10.968871, 3.275959)
    assert train.value.tolist() == [float(number) for _, _, kind, number in lines if kind == "trl"]
    assert held_out.step.tolist() == [float(step) for _, step, kind, _ in lines if kind == "tel"]
    assert parsed.source.format == "llmc"

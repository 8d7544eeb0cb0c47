"""Aim: what its SDK exports as CSV (aim 3.29.1), and a word about its own store, which is not read."""

import math
from pathlib import Path

import pytest

from trainvitals.parsers import ReadError, discover, read, read_all
from trainvitals.parsers.files import LogFile
from trainvitals.parsers.formats import aim_csv

HEADER = ",idx,step,value,epoch,time,run.hash,run.hparams.bs,run.hparams.hf_token,metric.name,metric.context.subset\n"
RUN = "71e358fc462541169e4c4553,8,hf_abc"
ROWS = "".join(
    f"{i - 1},{i - 1},{i},{5 / i},{i // 5}.0,2026-11-21 13:54:22.{i:06d},{RUN},loss,train\n" for i in range(1, 11)
)
EVAL = "".join(f"{i},{i},{5 * i},{5.5 / i},,2026-11-21 13:54:22.5,{RUN},loss,val\n" for i in (1, 2))


def parsed(content: str):
    return aim_csv.read(LogFile("export.csv", content.encode()))


def test_a_run_with_its_two_splits_and_settings():
    (run,) = parsed(HEADER + ROWS + EVAL)
    train, held_out = run.series
    assert (train.metric, train.split, len(train), train.value[0], train.value[-1]) == ("loss", "train", 10, 5.0, 0.5)
    assert (held_out.split, held_out.step.tolist(), held_out.value.tolist()) == ("eval", [5, 10], [5.5, 2.75])
    assert (train.epoch[-1], math.isnan(held_out.epoch[0])) == (2.0, True)
    assert (train.line[0], held_out.line[-1]) == (2, 13)
    assert round(train.time[1] - train.time[0], 6) == 1e-6
    assert {name: one.value for name, one in run.config.items()} == {"bs": 8}
    assert run.name == "71e358fc462541169e4c4553"


def test_several_runs_of_one_table_are_told_apart_by_their_hashes(tmp_path: Path):
    (tmp_path / "metrics.csv").write_bytes(aim_csv.SAMPLE)
    first, second = read_all(discover([tmp_path])[0])
    assert [(s.logged_as, s.split, s.value.tolist()) for s in first.series] == [
        ("loss", "eval", [1.1]),
        ("loss", "train", [5.1]),
    ]
    assert [(s.logged_as, s.value.tolist()) for s in second.series] == [("grad_norm", [math.inf])]


def test_an_empty_value_is_the_nan_that_pandas_wrote():
    (run,) = parsed(HEADER + f"0,0,1,,,2026-11-21 13:54:22.5,{RUN},loss,train\n")
    assert math.isnan(run.series[0].value[0])


def test_a_metric_without_a_name_is_called_as_its_file(tmp_path: Path):
    (tmp_path / "grad_norm.csv").write_text(
        ",idx,step,value,epoch,time\n0,0,1,0.5,,2026-11-21 14:01:59.464596\n1,1,2,inf,,2026-11-21 14:01:59.464751\n"
    )
    (series,) = read(tmp_path).series
    assert (series.logged_as, series.value.tolist()) == ("grad_norm", [0.5, math.inf])


def test_what_else_stands_in_the_context_tells_series_apart():
    header = "idx,step,value,epoch,time,metric.name,metric.context.layer,metric.context.subset\n"
    (run,) = parsed(header + "0,1,0.5,,x,norm,3,train\n0,1,0.25,,x,norm,4,pool\n")
    assert [(s.metric, s.split) for s in run.series] == [("norm layer=3", "train"), ("norm layer=4 subset=pool", "")]


@pytest.mark.parametrize("bad", ["0,0,1,abc,,t,h,8,x,loss,train\n", "0,0,1\n", '0,0,1,"0.5\n'])
def test_a_bad_row_costs_itself(bad):
    found = parsed(HEADER + ROWS + bad)
    assert sum(len(series) for run in found for series in run.series) == 10
    assert sum(run.source.unread_lines for run in found) == 1


def test_a_parameter_of_several_lines_is_one_cell_and_an_open_quote_costs_its_row_only():
    header = "idx,step,value,epoch,time,run.prompt,metric.name\n"
    rows = '0,1,0.5,,x,"be\nkind, ""please""",loss\n' + '1,2,0.25,,x,"torn,loss\n' + "2,3,0.125,,x,,loss\n" * 200
    (run,) = parsed(header + rows)
    assert run.series[0].value.tolist()[:3] == [0.5, 0.125, 0.125]
    assert run.series[0].line.tolist()[:2] == [2, 5]
    assert (len(run.series[0]), run.source.unread_lines) == (201, 1)
    assert run.config["prompt"].value == 'be\nkind, "please"'


def test_its_own_store_is_named_with_what_to_do(tmp_path: Path):
    (tmp_path / ".aim" / "meta" / "chunks").mkdir(parents=True)
    (tmp_path / ".aim" / "VERSION").write_text("3.29.1")
    (tmp_path / ".aim" / "meta" / "LOG").write_text("2026/11/21-13:54:22.5 1 RocksDB version: 8.4.4\n")
    (tmp_path / ".aim" / "meta" / "000005.log").write_bytes(b"")
    for path in (tmp_path, tmp_path / ".aim"):
        with pytest.raises(ReadError, match=r"Aim.*query_metrics.*to_csv"):
            discover([path])


def test_logs_beside_its_store_are_read(tmp_path: Path):
    (tmp_path / ".aim").mkdir()
    (tmp_path / "metrics.jsonl").write_text('{"step": 1, "loss": 0.5}\n')
    assert len(discover([tmp_path])) == 1

"""Delimited tables: what trainers write, what people append to them, and what breaks readers."""

import csv
import io
import math
from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from shared_logs import REAL, needs_shared

from trainvitals.parsers.columns import visible_name
from trainvitals.parsers.errors import ReadError
from trainvitals.parsers.files import LogFile, open_log
from trainvitals.parsers.formats import csv_table, keras_csv, lightning_csv, wandb_csv, yolo_csv
from trainvitals.parsers.limits import MAX_LINE_BYTES, MAX_METRICS
from trainvitals.parsers.model import Parsed, Series
from trainvitals.parsers.numbers import number
from trainvitals.parsers.tables.clean import clean_rows
from trainvitals.parsers.tables.columns import TableReader, _any_cells, parse_cells, read_table, seconds
from trainvitals.parsers.tables.rows import BLOCK_ROWS, distinct, look, split_cells

FORMATS = (lightning_csv.FORMAT, keras_csv.FORMAT, yolo_csv.FORMAT, wandb_csv.FORMAT, csv_table.FORMAT)


def log(text: str | bytes, path: str = "run/log.csv") -> LogFile:
    return LogFile(path, text.encode() if isinstance(text, str) else text)


def table(text: str | bytes) -> Parsed:
    (parsed,) = csv_table.FORMAT.read(log(text))
    return parsed


def series(parsed: Parsed, name: str) -> Series:
    return next(s for s in parsed.series if s.logged_as == name)


def points(parsed: Parsed, name: str, axis: str = "step") -> list[tuple[float, float]]:
    one = series(parsed, name)
    return list(zip(getattr(one, axis).tolist(), one.value.tolist(), strict=True))


def sniffed(text: str | bytes) -> str | None:
    scores = [(f.sniff(log(text)), f.name) for f in FORMATS]
    best = max(scores, key=lambda scored: scored[0])
    return best[1] if best[0] > 0 else None


@pytest.mark.parametrize("form", FORMATS, ids=lambda f: f.name)
def test_a_sample_is_recognised_as_its_own_format_and_read_without_loss(form):
    assert sniffed(form.sample) == form.name
    (parsed,) = form.read(log(form.sample))
    assert parsed.source.unread_lines == 0
    assert parsed.series


# Recognising


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("epoch,step,train_loss_step,val_loss\n0,49,7.6,\n0,49,,7.1\n", "lightning_csv"),
        ("train_loss,step,epoch\n,3,0\n2.0,3,0\n", "lightning_csv"),
        ("epoch,accuracy,loss,val_accuracy,val_loss\n0,0.1,2.3,0.1,2.2\n", "keras_csv"),
        ("val_loss,val_accuracy,loss,accuracy\n0.6,0.7,0.5,0.8\n", "keras_csv"),
        (",loss,accuracy,val_loss,val_accuracy,lr\n0,0.6,0.7,0.5,0.8,0.001\n", "keras_csv"),
        ("epoch,time,train/loss,metrics/accuracy_top1,val/loss,lr/pg0\n1,9.1,2.1,0.3,1.9,0.07\n", "yolo_csv"),
        ('"Step","a - b - loss"\n"4","12.1"\n', "wandb_csv"),
        ("step\tloss\n1\t2.5\n", "csv_table"),
        ("Wall time,Step,Value\n1700000000.5,10,0.25\n", "csv_table"),
        ("iteration,loss,lr\n10,2.5,1e-4\n", "csv_table"),
        ("loss,grad_norm\n2.5,1.0\n", "csv_table"),
    ],
)
def test_formats_are_told_apart(text, name):
    assert sniffed(text) == name


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n\n",
        "name,city\nanna,Bern\n",
        "text,label,loss\nhello,3,0.5\nbye,4,0.1\n",
        "step,instruction\n1,mix the flour\n2,bake\n",
        "sepal_length,sepal_width,species\n5.1,3.5,setosa\n",
        "1,2,3\n4,5,6\n",
        '{"step": 1, "loss": 2.0}\n',
        "[1, 2]\n",
        "Epoch 1, loss 2.0, acc 0.5\n",
        "step 1, step 2\n",
        b"step,loss\0\0\x01\n",
        "loss\n2.0\n1.0\n",
        '"Name","State","loss"\n"run-1","finished","0.5"\n',
    ],
)
def test_what_is_no_training_table_is_not_claimed(text):
    assert sniffed(text) is None


# Cells


def test_lightning_rows_are_sparse_and_an_empty_cell_is_no_point():
    (parsed,) = lightning_csv.FORMAT.read(log(lightning_csv.SAMPLE))
    assert points(parsed, "train_loss_step") == [(49, 7.628580570220947)]
    assert points(parsed, "train_loss_epoch") == [(140739, 3.687237024307251)]
    assert points(parsed, "val_loss") == [(140739, 3.570486068725586)]
    assert series(parsed, "val_loss").epoch.tolist() == [9]
    assert series(parsed, "val_loss").line.tolist() == [3]


def test_nan_and_infinity_are_values_and_words_for_missing_are_none():
    parsed = table("step,loss,acc\n1,nan,NA\n2,-inf,None\n3,1e999,\n4,2.5,0.5\n")
    assert series(parsed, "loss").value.tolist()[1:] == [-np.inf, np.inf, 2.5]
    assert np.isnan(series(parsed, "loss").value[0])
    assert points(parsed, "acc") == [(4, 0.5)]
    assert parsed.source.unread_lines == 0


@pytest.mark.parametrize("cell", ["1_000", "٣", "1 234.5", "0x10", "1.2.3", "oops", "0.5.", "True"])
def test_a_cell_outside_the_grammar_costs_itself_and_is_counted(cell):
    parsed = table(f"step,loss,acc\n1,2.0,0.1\n2,{cell},0.2\n3,1.0,0.3\n")
    assert points(parsed, "loss") == [(1, 2.0), (3, 1.0)]
    assert points(parsed, "acc") == [(1, 0.1), (2, 0.2), (3, 0.3)]
    assert parsed.source.unread_lines == 1
    assert parsed.source.unread_examples[0].line == 3


def test_decimal_commas_are_counted_and_never_read_as_something_else():
    parsed = table("epoch;loss;note\n0;0,5;x\n1;0,4;y\n")
    assert parsed.series == ()
    assert parsed.source.unread_lines == 2


def test_columns_of_text_are_no_metrics_and_no_trouble():
    parsed = table("step,model,loss,time\n1,resnet,2.0,2024-05-01 10:00:00\n2,resnet,1.5,2024-05-01 10:00:01\n")
    assert [s.logged_as for s in parsed.series] == ["loss"]
    assert parsed.source.unread_lines == 0


def test_a_loss_of_nothing_but_text_is_not_passed_over_in_silence():
    parsed = table("step,loss,acc\n1,tensor(2.0),0.1\n2,tensor(1.0),0.2\n")
    assert parsed.source.unread_lines == 2


# Lines


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_every_delimiter_and_line_end_gives_the_same(delimiter, end):
    text = "step,loss,lr\n1,2.5,0.1\n2,,0.1\n".replace(",", delimiter).replace("\n", end)
    parsed = table(text)
    assert points(parsed, "loss") == [(1, 2.5)]
    assert points(parsed, "lr") == [(1, 0.1), (2, 0.1)]


def test_padded_headers_and_cells():
    (parsed,) = yolo_csv.FORMAT.read(log(yolo_csv.SAMPLE))
    assert points(parsed, "train/box_loss", "epoch") == [(2, 0.11732), (3, 0.10871)]
    assert np.isnan(series(parsed, "train/box_loss").step).all()


def test_yolo_time_is_a_clock_and_not_a_metric():
    (parsed,) = yolo_csv.FORMAT.read(
        log("epoch,time,train/loss,val/loss,lr/pg0\n1,9.5,2.0,1.9,0.07\n2,19,1.0,0.9,0.05\n")
    )
    assert points(parsed, "train/loss", "time") == [(9.5, 2.0), (19, 1.0)]
    assert "time" not in [s.logged_as for s in parsed.series]


def test_a_byte_order_mark_is_no_part_of_the_first_name(tmp_path):
    path = tmp_path / "log.csv"
    path.write_bytes(b"\xef\xbb\xbfstep,loss\n1,2.0\n")
    (parsed,) = csv_table.FORMAT.read(open_log(str(path)))
    assert points(parsed, "loss") == [(1, 2.0)]


def test_lines_with_too_few_or_too_many_cells_cost_only_themselves():
    parsed = table("step,loss\n1,2.0\n2\n3,1.5,9\n4,1.0\n")
    assert points(parsed, "loss") == [(1, 2.0), (4, 1.0)]
    assert [(u.line, u.text) for u in parsed.source.unread_examples] == [(3, "2"), (4, "3,1.5,9")]


def test_a_delimiter_at_the_end_of_every_line_is_no_column():
    parsed = table("step,loss,\n1,2.0,\n2,1.0,\n")
    assert points(parsed, "loss") == [(1, 2.0), (2, 1.0)]
    assert parsed.source.unread_lines == 0


def test_an_unclosed_quote_swallows_nothing_beyond_its_line():
    rows = "".join(f"{i},{i / 8}\n" for i in range(2, 12))
    parsed = table('step,loss\n1,"0.5\n' + rows)
    assert len(series(parsed, "loss")) == 10
    assert [u.line for u in parsed.source.unread_examples] == [2]


@pytest.mark.parametrize("quoted", [False, True])
def test_a_cell_beyond_the_limit_of_the_csv_module_costs_its_line(quoted):
    cell = '"%s"' if quoted else "%s"
    parsed = table("step,loss,note\n1,2.0,x\n2,1.5," + cell % ("x" * 200_000) + "\n3,1.0,x\n")
    assert {1, 3} <= set(series(parsed, "loss").step.tolist())
    assert parsed.source.unread_lines == (1 if quoted else 0)


def test_a_line_over_the_limit_is_left_out_and_said_so():
    parsed = table("step,loss\n1,2.0\n2," + "1" * (MAX_LINE_BYTES + 1) + "\n3,1.0\n")
    assert points(parsed, "loss") == [(1, 2.0), (3, 1.0)]
    assert parsed.source.unread_lines == 1
    assert "limit" in parsed.source.problems[0]


def test_columns_beyond_the_limit_are_left_out_and_said_so():
    count = MAX_METRICS + 10
    names = ",".join(f"m{i}" for i in range(count))
    parsed = table(f"step,{names}\n1,{','.join('1' * count)}\n")
    assert len(parsed.series) == MAX_METRICS - 1  # the step is the first of the columns
    assert "11 columns" in parsed.source.problems[0]


def test_repeated_names_get_a_number():
    parsed = table("step,loss,loss,loss.1\n1,1.0,2.0,3.0\n")
    assert [(s.logged_as, s.value.tolist()) for s in parsed.series] == [
        ("loss", [1.0]),
        ("loss.1", [2.0]),
        ("loss.1.1", [3.0]),
    ]


def test_a_second_header_starts_other_columns_and_a_repeated_one_nothing():
    text = "epoch,loss\n0,2.0\n1,1.5\nepoch,loss\n0,1.0\nepoch,acc,loss\n1,0.5,0.9\n"
    (parsed,) = keras_csv.FORMAT.read(log(text))
    assert points(parsed, "loss", "epoch") == [(0, 2.0), (1, 1.5), (0, 1.0), (1, 0.9)]
    assert points(parsed, "acc", "epoch") == [(1, 0.5)]
    assert series(parsed, "loss").line.tolist() == [2, 3, 5, 7]
    assert parsed.source.unread_lines == 0


def test_rows_appended_under_an_old_header_with_other_columns_are_counted():
    (parsed,) = keras_csv.FORMAT.read(log("epoch;loss;val_loss\n0;2.0;2.1\n0;0.5;1.9;0.6;2.0\n"))
    assert points(parsed, "loss", "epoch") == [(0, 2.0)]
    assert parsed.source.unread_lines == 1


def test_a_history_without_epochs_has_neither_step_nor_epoch():
    (parsed,) = keras_csv.FORMAT.read(log(",loss,val_loss\n0,2.0,2.1\n1,1.0,1.2\n"))
    assert [s.logged_as for s in parsed.series] == ["loss", "val_loss"]
    assert np.isnan(series(parsed, "loss").epoch).all()
    assert np.isnan(series(parsed, "loss").step).all()
    assert series(parsed, "loss").line.tolist() == [2, 3]


@pytest.mark.parametrize("head", ["# made by x\n", "\n\n", "sep=,\n", "# a,b\n#step,loss is below\n"])
def test_what_stands_before_the_header(head):
    assert points(table(head + "step,loss\n1,2.0\n"), "loss") == [(1, 2.0)]


def test_sep_names_the_delimiter():
    assert points(table("sep=;\nstep;loss,a,b,c\n1;2.0\n"), "loss,a,b,c") == [(1, 2.0)]


def test_a_commented_header_is_a_header():
    assert points(table("# step, loss\n1, 2.0\n"), "loss") == [(1, 2.0)]


# The end of a file that is being written


@pytest.mark.parametrize("end", ["2", "2,", '2,"1.2345'])
def test_a_torn_last_line_is_neither_a_point_nor_an_error(end):
    parsed = table(f"step,loss\n1,1.25\n{end}")
    assert points(parsed, "loss") == [(1, 1.25)]
    assert parsed.source.unread_lines == 0


def test_a_last_number_cut_short_is_left_out():
    parsed = table("step,loss\n1,0.123456\n2,0.123457\n3,0.123458\n4,0.1")
    assert points(parsed, "loss") == [(1, 0.123456), (2, 0.123457), (3, 0.123458)]
    assert parsed.source.truncated
    assert "line 5" in parsed.source.problems[0]


@pytest.mark.parametrize("text", ["step,loss\n1,2.5\n2,2.25\n3,2", '"step","loss"\n"1","0.123456"\n"2","0.1"'])
def test_a_whole_last_line_without_line_end_counts(text):
    parsed = table(text)
    assert series(parsed, "loss").value[-1] in (2, 0.1)
    assert not parsed.source.truncated


# When


def test_a_time_column_is_seconds_whatever_its_unit():
    moment = datetime(2024, 5, 1, 10, tzinfo=UTC).timestamp()
    cells = [str(moment), f"{moment * 1e3:.0f}", f"{moment * 1e6:.0f}", f"{moment * 1e9:.0f}"]
    assert seconds(cells).tolist() == pytest.approx([moment] * 4)
    assert seconds(["2024-05-01 10:00:00", "2024-05-01T12:00:00+02:00"]).tolist() == [moment] * 2
    assert seconds(["1:02:03", "17.5"]).tolist() == [3723, 17.5]
    assert np.isnan(seconds(["", "noon", "9999999-01-01"])).all()


def test_steps_that_begin_again_with_each_epoch_are_unknown():
    parsed = table("epoch,batch,loss\n0,0,4.0\n0,100,3.0\n1,0,2.5\n1,100,2.0\n")
    assert np.isnan(series(parsed, "loss").step).all()
    assert series(parsed, "loss").epoch.tolist() == [0, 0, 1, 1]


def test_steps_of_a_resumed_run_stay():
    parsed = table("epoch,step,loss\n0,50,4.0\n1,100,3.0\n2,150,2.5\n1,100,3.1\n2,150,2.4\n")
    assert series(parsed, "loss").step.tolist() == [50, 100, 150, 100, 150]


def test_a_step_that_is_not_finite_says_nothing():
    assert np.isnan(series(table("step,loss\nnan,1.0\n1e999,2.0\n"), "loss").step).all()


# Long tables, splits, several runs


def test_a_split_column_separates_what_would_alternate():
    parsed = table("epoch,phase,loss\n1,train,2.0\n1,Val,2.2\n2,train,1.5\n2,val,1.8\n")
    assert [(s.split, s.value.tolist()) for s in parsed.series] == [("train", [2.0, 1.5]), ("eval", [2.2, 1.8])]


def test_a_long_table_has_a_metric_and_a_value_on_each_row():
    parsed = table("metric,split,step,value\nloss,train,1,2.0\nacc,eval,1,0.5\nloss,train,2,1.5\n")
    assert [(s.metric, s.split, s.value.tolist()) for s in parsed.series] == [
        ("loss", "train", [2.0, 1.5]),
        ("acc", "eval", [0.5]),
    ]


def test_runs_in_one_table_stay_apart():
    first, second = csv_table.FORMAT.read(log("seed,epoch,batch,loss\n0,0,0,4.0\n0,1,1,3.0\n7,0,0,5.0\n7,1,1,2.0\n"))
    assert (first.name, points(first, "loss", "epoch")) == ("0", [(0, 4.0), (1, 3.0)])
    assert (second.name, points(second, "loss", "epoch")) == ("7", [(0, 5.0), (1, 2.0)])


def test_a_chart_export_of_several_runs_is_several_runs():
    text = (
        '"Step","a - b - loss","a - b - loss__MIN","a - b - loss__MAX","c - loss","c - loss__MIN","c - loss__MAX"\n'
        '"1","2.0","2.0","2.0","","",""\n"2","","","","3.0","3.0","3.0"\n'
    )
    first, second = wandb_csv.FORMAT.read(log(text))
    assert (first.name, points(first, "loss")) == ("a - b", [(1, 2.0)])
    assert (second.name, points(second, "loss")) == ("c", [(2, 3.0)])
    assert len(first.series) == len(second.series) == 1


def test_a_chart_export_of_several_runs_over_an_axis_of_their_own_takes_the_steps_of_each():
    """The header of a public export: the axis is `epoch`, and each run brings the steps at which it logged."""
    runs = ("playful-sun-1763", "true-pond-1762")
    columns = [
        f'"{run} - {name}{end}"' for run in runs for name in ("_step", "train/loss") for end in ("", "__MIN", "__MAX")
    ]
    text = f"epoch,{','.join(columns)}\n0,10,10,10,2.5,2.5,2.5,,,,,,\n1,20,20,20,2.0,1.5,2.5,11,11,11,NaN,NaN,NaN\n"
    first, second = wandb_csv.FORMAT.read(log(text))
    assert (first.name, points(first, "train/loss")) == ("playful-sun-1763", [(10, 2.5), (20, 2.0)])
    assert points(first, "train/loss", "epoch") == [(0, 2.5), (1, 2.0)]
    ((step, value),) = points(second, "train/loss")
    assert (second.name, step, math.isnan(value)) == ("true-pond-1762", 11, True)
    assert [series.logged_as for series in (*first.series, *second.series)] == ["train/loss", "train/loss"]


def test_a_chart_export_of_groups_names_each_group_as_a_run():
    text = (
        '"Relative Time (Process)","Group: FL - train/loss","Group: FL - train/loss__MIN","Group: FL - train/loss__MAX"'
        ',"Group: FSDP - train/loss","Group: FSDP - train/loss__MIN","Group: FSDP - train/loss__MAX"\n'
        '"0.5","2","1","3","","",""\n"1.5","1.5","1","2","4","4","4"\n'
    )
    first, second = wandb_csv.FORMAT.read(log(text))
    assert (first.name, points(first, "train/loss", "time")) == ("Group: FL", [(0.5, 2.0), (1.5, 1.5)])
    assert (second.name, points(second, "train/loss", "time")) == ("Group: FSDP", [(1.5, 4.0)])


@pytest.mark.parametrize(("axis", "by"), [("train/step", "step"), ("perf/iteration", "step"), ("val/epoch", "epoch")])
def test_a_chart_export_over_a_counter_in_a_section_goes_along_it(axis, by):
    first, second = wandb_csv.FORMAT.read(
        log(f'"{axis}","p5 - loss","base - loss"\n"100","2.0",""\n"200","1.5","3.0"\n')
    )
    assert points(first, "loss", by) == [(100, 2.0), (200, 1.5)]
    assert points(second, "loss", by) == [(200, 3.0)]


def test_a_chart_export_over_time_takes_the_step_of_the_run():
    text = '"Relative Time (Process)","r - _step","r - loss"\n"1.5","10","2.0"\n'
    (parsed,) = wandb_csv.FORMAT.read(log(text))
    assert points(parsed, "loss") == [(10, 2.0)]
    assert points(parsed, "loss", "time") == [(1.5, 2.0)]
    assert parsed.name == ""


# Real files


@needs_shared
def test_the_real_lightning_table():
    file = open_log(str(REAL / "lightning_metrics_csv/LiuTaowen-Tony__xKV__version_0__metrics.csv"))
    (parsed,) = lightning_csv.FORMAT.read(file)
    assert lightning_csv.FORMAT.sniff(file) > csv_table.FORMAT.sniff(file)
    assert points(parsed, "train_loss_step") == [(9, 6.5751519203186035), (19, 6.386987686157227)]
    assert parsed.source.unread_lines == 0


@needs_shared
def test_the_real_chart_export_agrees_with_the_csv_module():
    path = REAL / "wandb_csv_export/gradio-app__trackio__logs.csv"
    (parsed,) = wandb_csv.FORMAT.read(open_log(str(path)))
    with path.open(newline="") as file:
        rows = list(csv.reader(file))[1:]
    assert points(parsed, "lm_loss") == [(float(row[0]), float(row[1])) for row in rows if row[1]]
    assert [s.logged_as for s in parsed.series] == ["lm_loss"]
    assert (parsed.source.unread_lines, parsed.source.truncated) == (0, False)


# Properties

CELL = st.one_of(
    st.floats().map(repr),
    st.integers(-1000, 1000).map(str),
    st.sampled_from(
        ["", " ", "nan", "-inf", "NA", "1_0", "٣", "1e5", "1.", ".5", "+1", "1e", "--1", "1e999", " 2 ", "1 2", "e"]
    ),
    st.text("0123456789.eE+- \u00a0_x", max_size=6),
)


@given(st.lists(CELL, max_size=30))
def test_the_fast_way_and_the_careful_way_agree_on_every_column(cells):
    fast, careful = parse_cells(cells), _any_cells(cells)
    assert fast[0].tolist() == careful[0].tolist()
    assert np.array_equal(fast[1], careful[1], equal_nan=True)
    assert fast[2:] == careful[2:]


@given(st.lists(CELL, min_size=1, max_size=30))
def test_a_column_holds_exactly_the_numbers_of_the_grammar(cells):
    rows, values, _, _ = parse_cells(cells)
    expected = {i: v for i, cell in enumerate(cells) if (v := number(cell)) is not None}
    assert rows.tolist() == list(expected)
    assert np.array_equal(values, list(expected.values()), equal_nan=True)


CLEAN = st.sampled_from(["1", "2.5", "", "-3e-5", "1e999", ".5", "7."])
ODD = st.sampled_from(["1", "", '"', " ", "nan", "1e", "-", "x", '"2"', "1,2"])


@given(
    st.lists(
        st.lists(st.one_of(CLEAN, CLEAN, CLEAN, ODD), min_size=3, max_size=3).map(",".join)
        | st.sampled_from(["", "1,2", "#", "1,2,3,"]),
        max_size=8,
    ),
    st.sampled_from(["\n", "\r\n"]),
    st.sampled_from(["", "\n", "\n\n"]),
)
def test_clean_tables_read_fast_as_they_read_with_care(rows, end, last):
    assert_same_both_ways(("a,step,loss" + end + end.join(rows) + last).encode())


@given(
    st.lists(st.lists(CLEAN, min_size=3, max_size=3), min_size=1),
    st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
    st.sampled_from(",;\t"),
)
def test_clean_tables_are_read_the_fast_way(rows, quoting, delimiter):
    out = io.StringIO()
    csv.writer(out, delimiter=delimiter, quoting=quoting).writerows([("a", "step", "loss"), *rows])
    file = log(out.getvalue())
    body = file.data.partition(b"\n")[2]
    assert clean_rows(body, 3, delimiter.encode()) is not None
    assert_same_both_ways(file.data)


def assert_same_both_ways(data: bytes) -> None:
    fast = read_table(log(data))
    reader = TableReader(log(data).path, fast=False)
    reader.take(data)
    careful = reader.table()
    assert fast.source == careful.source
    assert fast.line.tolist() == careful.line.tolist()
    assert list(fast.numbers) == list(careful.numbers)
    for name, (at, values) in fast.numbers.items():
        assert at.tolist() == careful.numbers[name][0].tolist()
        assert np.array_equal(values, careful.numbers[name][1], equal_nan=True)


FLOATS = st.one_of(st.none(), st.floats(allow_nan=True, allow_infinity=True))


@given(
    st.lists(st.tuples(st.integers(0, 10**6), FLOATS, FLOATS), min_size=1),
    st.sampled_from(",;\t"),
    st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
)
def test_what_the_csv_module_writes_is_read_back(rows, delimiter, quoting):
    out = io.StringIO()
    writer = csv.writer(out, delimiter=delimiter, quoting=quoting)
    writer.writerows([("step", "loss", "acc"), *rows])
    parsed = table(out.getvalue())
    for i, name in ((1, "loss"), (2, "acc")):
        expected = [(row[0], row[i]) for row in rows if row[i] is not None]
        found = points(parsed, name) if expected else []
        assert np.array_equal(found, expected, equal_nan=True)
    assert parsed.source.unread_lines == 0


@given(
    st.lists(
        st.sampled_from(["1,2.0", 'x"y', '"', "a,b,c", "1", "\x00\x01", ",,,,", "{}", "[1,2", "\ufeff"]), max_size=20
    )
)
def test_garbage_between_rows_costs_no_row(garbage):
    good = [f"{i},{i / 16}" for i in range(len(garbage) + 1)]
    mixed = [line for pair in zip(good, [*garbage, "9,9.0"], strict=True) for line in pair]
    parsed = table("step,loss\n" + "\n".join(mixed) + "\n")
    assert set(points(parsed, "loss")) >= {(i, i / 16) for i in range(len(garbage) + 1)}


@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_refused(data):
    for form in FORMATS:
        assert 0 <= form.sniff(log(data)) <= 1
        try:
            parsed = form.read(log(data))
        except ReadError:
            continue
        assert all(len(s.value) == len(s.step) == len(s.line) for p in parsed for s in p.series)


@given(st.lists(st.text(max_size=8), min_size=1, max_size=12))
def test_names_are_distinct_and_keep_their_order(cells):
    names = distinct(list(cells))
    assert len(set(names)) == len(names)
    assert visible_name(cells[0]) == names[0]


def test_rows_are_the_same_across_blocks():
    count = BLOCK_ROWS * 2 + 5
    rows = "".join(f"{i},{i / 4},{'' if i % 3 else i}\n" for i in range(count))
    read = read_table(log("step,loss,acc\n" + rows))
    assert read.dense("loss").tolist() == [i / 4 for i in range(count)]
    assert read.numbers["acc"][0].tolist() == list(range(0, count, 3))
    assert read.line.tolist() == list(range(2, count + 2))


def test_quotes_are_undone_within_a_line():
    assert split_cells('"a ""b"", c",1', ",") == ['a "b", c', "1"]
    assert split_cells('"a,1', ",") is None


def test_a_table_of_only_a_header_is_recognised_and_empty():
    assert look(log("step,loss\n")) is not None
    assert table("step,loss\n").series == ()

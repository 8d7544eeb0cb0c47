"""What stands on the tabs of a run, without a browser."""

import gzip
import json
import shutil
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from trainvitals.dashboard.run.log import files
from trainvitals.dashboard.run.tables import styled
from trainvitals.dashboard.run.take_away import file_stem
from trainvitals.diagnostics.report import Report, SourceSummary, Table

NAN = float("nan")
SAMPLES = Path(__file__).resolve().parents[2] / "sample_logs"
CASES = ("article/overfitting", "article/healthy-0", "softce/accumulation-times-k")


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """Reference runs, one packed log with lines that nobody understands, and one that holds nothing."""
    root = tmp_path_factory.mktemp("runs")
    for case in CASES:
        shutil.copytree(SAMPLES / case, root / case)
    (root / "packed").mkdir()
    told = "".join(f"step {i} loss {2 - i / 100:.3f}\n" for i in range(1, 60)) + "loss at step 60: oops=0,5,,7\n"
    (root / "packed" / "train.log.gz").write_bytes(gzip.compress(told.encode()))
    return root


@pytest.fixture
def opened(root, monkeypatch):
    """The page of a run with a tab open."""

    def open_(run, view="Findings", **query):
        monkeypatch.setattr("sys.argv", ["app.py", str(root)])
        test = AppTest.from_function(_page, default_timeout=60)
        for name, value in {"run": run, "view": view, **query}.items():
            test.query_params[name] = value
        test.run()
        assert not test.exception
        return test

    return open_


def _page():
    import streamlit as st

    from trainvitals.dashboard import runs
    from trainvitals.dashboard.run.page import draw

    runs.refresh()
    runs.arrive("")
    draw(runs.named(st.query_params["run"]))


def words(test):
    return " ".join(one.value for one in (*test.markdown, *test.caption)).replace("\\", "")


def frames(test):
    return [one.value.astype(str).values.ravel().tolist() for one in test.dataframe]


def test_a_card_tells_claim_window_next_action_consequences_and_how(opened):
    told = words(opened("article/overfitting"))
    for part in ("V101 overfitting", "since step 75", "Next:", "then W101", "How it was decided here:"):
        assert part in told
    assert "What it may come from, and what to try (hypotheses):" in told
    assert "`few` (20)" in told


def test_a_card_quotes_the_lines_that_it_cites(opened):
    (quoted, *_) = [one.value for one in opened("article/overfitting").code]
    assert "train.log:79 \u2502 Validation step 75 | Epoch 37 | Loss: 3.02219" in quoted


def test_evidence_opens_the_log_at_its_line(opened):
    test = opened("article/overfitting")
    button = next(one for one in test.button if "train.log:79" in one.label)
    button.click().run()
    assert "\u25b6 79 \u2502 Validation step 75" in next(one.value for one in test.code if "\u25b6" in one.value)
    assert "Read from line 79" in words(test)


def test_a_healthy_run_says_what_was_looked_at(opened):
    told = words(opened("article/healthy-0"))
    assert "PASS" in told
    assert "rules passed" in told


def test_the_status_table_of_the_loss_type_is_shown_with_its_words(opened):
    test = opened("article/overfitting", "Tables")
    assert "article / other by step" in words(test)
    assert "balanced" in frames(test)[0]


def test_a_correction_is_told_with_its_factor_and_its_evidence(opened):
    told = words(opened("softce/accumulation-times-k", "Corrections"))
    assert "values changed" in told
    assert "divided by 4" in told
    assert "gradient accumulation is 4" in told


def test_what_did_not_run_is_listed_with_its_reason(opened):
    told = words(opened("article/overfitting", "Rules"))
    assert "gradient accumulation is 1" in told
    assert "Not meant for this kind of run" in told


def test_settings_are_listed_with_the_line_that_they_were_read_from(opened):
    rows = opened("article/overfitting", "Files").dataframe[1].value
    assert rows.loc[rows["name"] == "learning_rate"].values.tolist() == [["learning_rate", "0.003", "args.json:6"]]


@pytest.mark.parametrize(
    ("name", "stem"),
    [
        ("article/healthy-0", "article-healthy-0"),
        ("../../etc/passwd", "etc-passwd"),
        ("..", "run"),
        ("con</script>\u202e .log", "con-script-.log"),
        ("x" * 500, "x" * 80),
        ("", "run"),
    ],
)
def test_a_file_to_take_away_has_a_harmless_name(name, stem):
    assert file_stem(name) == stem


def test_files_of_a_run_are_told_apart_by_as_much_of_their_path_as_needed():
    paths = ("runs/a/rank0/train.log", "runs/a/rank1/train.log", "runs/a/args.json")
    sources = tuple(SourceSummary(path, "text", 1, 1, 0) for path in paths)
    assert files(Report("a", "pass", "generic", sources)) == {
        "rank0/train.log": paths[0],
        "rank1/train.log": paths[1],
        "args.json": paths[2],
    }


def test_a_status_is_tinted_and_has_a_sign_beside_its_word():
    table = Table(
        "t", ("step", "loss", "loss", "status"), ((1, 2.0, None, "fail: overfitting"), (2, NAN, 1, "learning"))
    )
    shown = styled(table).to_html()
    assert "\u2716 fail: overfitting" in shown
    assert shown.count("background-color") == 1
    assert ">NaN<" in shown
    assert ">-<" in shown


def test_a_packed_log_is_shown_at_its_line(opened):
    test = opened("packed", "Log", line="59")
    assert "\u25b6 59 \u2502 step 59 loss 1.410" in test.code[0].value


def test_records_of_an_event_file_are_shown_by_their_values(opened):
    test = opened("article/healthy-0", "Log")
    file = next(name for name in test.selectbox(key="file").options if "tfevents" in name)
    test.selectbox(key="file").set_value(file).run()
    assert not test.exception
    assert "is no text file" in test.info[0].value
    assert "train/loss" in test.dataframe[0].value["metric"].tolist()


def test_past_the_end_the_last_line_is_named(opened):
    test = opened("packed", "Log", line="5000")
    assert "The file ends at line 60" in test.info[0].value


def test_an_uploaded_log_is_shown_from_its_bytes_and_nothing_is_opened(monkeypatch, tmp_path):
    data = "".join(json.dumps({"step": i, "loss": 2.0}) + "\n" for i in range(50))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "brought.jsonl").write_text("what lies on the disk\n")
    test = AppTest.from_function(_uploaded, args=(data,), default_timeout=60)
    test.query_params["view"] = "Log"
    test.run()
    assert not test.exception
    assert '{"step": 0, "loss": 2.0}' in test.code[0].value
    assert "disk" not in test.code[0].value


def _uploaded(data):
    from trainvitals.dashboard.run.page import draw
    from trainvitals.diagnostics.pipeline import examine_runs
    from trainvitals.parsers.files import log_file
    from trainvitals.parsers.formats import jsonl
    from trainvitals.parsers.model import Run

    (parsed,) = jsonl.FORMAT.read(log_file("brought.jsonl", data.encode()))
    (one,) = examine_runs([Run("brought", (parsed.source,), parsed.series)])
    draw(one, {"brought.jsonl": data.encode()})

"""`trainvitals formats --test FILE`: how a file would be read, and what of it would not."""

from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from shared_logs import REAL, needs_shared

from trainvitals.diagnostics.cli import main
from trainvitals.diagnostics.commands.console import FINDINGS, NOTHING, OK, WRONG
from trainvitals.parsers.trial import try_log

UNKNOWN = Path(__file__).parent / "parsers" / "unknown"
ROWS = "".join(f"epoch {n} | train loss {1 / n:.4f}\n" for n in range(1, 6))


def trial(*arguments: object, stdin: str = "") -> Result:
    return CliRunner().invoke(main, ["formats", "--isolated", *map(str, arguments)], input=stdin)


def write(folder: Path, text: str | bytes, name: str = "train.log") -> Path:
    path = folder / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def test_what_is_learnt_and_what_is_taken_is_shown(tmp_path: Path) -> None:
    result = trial("--test", write(tmp_path, ROWS))
    assert result.exit_code == OK
    assert "read as learnt: 5 lines, 5 with values, 5 values" in result.stdout
    assert "learnt: 5 lines of epoch {epoch} | train loss {train loss}" in result.stdout
    assert "line 1: epoch 1 | train loss 1.0000\n      epoch 1, train loss 1\n" in result.stdout
    assert "learnt 0.15, console 0.05" in result.stdout


def test_lines_that_are_not_understood_and_doubtful_ones_are_told_apart_with_the_reason(tmp_path: Path) -> None:
    result = trial("--test", write(tmp_path, ROWS + "epoch 6 | train loss 0.1.7\nstep 3 reward 0.5 kl 0.25\n"))
    assert result.exit_code == FINDINGS
    assert "not understood\n    line 6: epoch 6 | train loss 0.1.7\n" in result.stdout
    assert "line 7: step 3 reward 0.5 kl 0.25\n      1 of this kind, and 3 are needed\n" in result.stdout


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (ROWS, OK),
        ("hello\n", NOTHING),
        ("", NOTHING),
        ("epoch 1 loss 0.5\n", FINDINGS),
        (b"\x00\x01\x02\x03" * 100, WRONG),
        ('{"step": 1, "loss": 2.5}\n{"step": 2, "loss": 2.25}\n', OK),
        ('{"step": 1, "loss": 2.5}\n{"step": 2, "loss": 2.\n{"step": 3, "loss": 1.5}\n', FINDINGS),
        ("step,loss\n1,2.5\n2,2.25\n", OK),
    ],
)
def test_the_exit_code(tmp_path: Path, text: str | bytes, code: int) -> None:
    assert trial("--test", write(tmp_path, text)).exit_code == code


def test_several_files_end_with_the_worst_code(tmp_path: Path) -> None:
    good, empty = write(tmp_path, ROWS), write(tmp_path, "hello\n", "other.log")
    assert trial("--test", good, "--test", empty).exit_code == NOTHING
    result = trial("--test", tmp_path / "absent", "--test", good)
    assert result.exit_code == WRONG
    assert "read as learnt" in result.stdout
    assert "absent: cannot be opened" in result.stderr


def test_standard_input() -> None:
    result = trial("--test", "-", stdin=ROWS)
    assert result.exit_code == OK
    assert result.stdout.startswith("<stdin>\n  read as learnt")


def test_a_pattern_of_the_settings_is_tried(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, 'patterns = ["it {step} L {loss}"]\n', "trainvitals.toml")
    log = write(tmp_path, "it 1 L 0.5\n")
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(main, ["formats", "--test", log.name])
    assert result.exit_code == OK
    assert "read as pattern" in result.stdout
    assert "step 1, loss 0.5" in result.stdout
    assert CliRunner().invoke(main, ["formats", "--isolated", "--test", log.name]).exit_code == NOTHING


def test_nothing_in_a_file_steers_the_terminal_or_a_build_server(tmp_path: Path) -> None:
    hostile = ROWS + "step 1 loss \x1b[31m0.5\x07 ::error::x ##[group]\u202e hf_abcdefghijklmnopqrstuvwx\n"
    shown = trial("--test", write(tmp_path, hostile, "a\x1b[2Jb.log")).stdout
    assert "\x1b" not in shown
    assert "::error" not in shown
    assert "\u202e" not in shown
    assert "hf_abc" not in shown


@pytest.mark.parametrize("path", sorted(UNKNOWN.iterdir()), ids=lambda path: path.stem)
def test_every_row_that_is_shown_stands_in_the_file(path: Path) -> None:
    found = try_log(str(path))
    lines = path.read_bytes().decode().split("\n")
    assert found.taken
    for one in found.taken:
        assert one.text[:20] in lines[one.line - 1]
    assert found.rows_read <= found.source.lines
    assert found.source.points == sum(points for _, _, points in found.columns)


@needs_shared
def test_records_of_binary_files() -> None:
    path = next((REAL / "tensorboard_events").glob("zhl*qwen3__*"))
    result = trial("--test", path)
    assert result.exit_code == OK
    assert "tensorboard_events 1.00" in result.stdout
    assert "record 4\n      step 1, train/loss 7.39256" in result.stdout


def test_the_report_shows_what_was_learnt(tmp_path: Path) -> None:
    path = write(tmp_path, ROWS)
    layout = "5 lines of epoch {epoch} | train loss {train loss}"
    for form, shown in (
        ("text", f"    learnt: {layout}\n"),
        ("json", f'"learnt": ["{layout}"]'),
        ("markdown", "5 lines of"),
    ):
        assert shown in CliRunner().invoke(main, ["report", "--isolated", "--format", form, str(path)]).stdout

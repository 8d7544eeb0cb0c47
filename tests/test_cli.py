"""The command as scripts and people use it: exit codes, streams, settings, and nothing imported that is not needed."""

import csv
import json
import math
import os
import re
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import click
import jsonschema
import pytest
from click.testing import CliRunner, Result

from trainvitals import __version__
from trainvitals.diagnostics.cli import main
from trainvitals.diagnostics.commands import console, dashboard
from trainvitals.diagnostics.invisible import INVISIBLE
from trainvitals.diagnostics.rules import RULES
from trainvitals.parsers.formats import FORMATS

SCHEMA = json.loads((Path(__file__).parent / "render" / "report.schema.json").read_text("utf-8"))
JUDGING = ("report", "check")


def run(*arguments: object, stdin: bytes | str | None = None, env: dict[str, str] | None = None) -> Result:
    return CliRunner().invoke(main, [str(a) for a in arguments], input=stdin, env=env)


def jsonl(values: Sequence[float]) -> str:
    rows = [f'{{"step": {i}, "loss": {json.dumps(v)}, "learning_rate": 0.001}}' for i, v in enumerate(values, 1)]
    return "\n".join(rows) + "\n"


FALLING = [2.0 * math.exp(-i / 60) + 0.5 + 0.02 * math.sin(i * 2.7) for i in range(200)]


@pytest.fixture
def logs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory with a healthy, a sick, an empty and a binary log, each a run of its own."""
    texts = {"good": jsonl(FALLING), "bad": jsonl([*FALLING[:150], *[math.nan] * 50]), "empty": ""}
    for name, text in texts.items():
        (tmp_path / "runs" / name).mkdir(parents=True)
        (tmp_path / "runs" / name / "metrics.jsonl").write_text(text, encoding="utf-8")
    (tmp_path / "binary.jsonl").write_bytes(bytes(range(256)) * 64)
    (tmp_path / ".git").mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path


GOOD, BAD, EMPTY = (f"runs/{name}/metrics.jsonl" for name in ("good", "bad", "empty"))


@pytest.mark.parametrize("command", JUDGING)
@pytest.mark.parametrize(
    ("paths", "code"),
    [
        ((GOOD,), 0),
        ((BAD,), 1),
        ((GOOD, BAD), 1),
        (("runs",), 1),
        ((EMPTY,), 5),
        ((GOOD, EMPTY), 0),
        (("binary.jsonl",), 2),
        (("binary.jsonl", BAD), 2),
        (("missing.jsonl",), 2),
        (("missing.jsonl", BAD), 2),
        ((".git",), 5),
        ((), 2),
    ],
)
def test_exit_codes(logs: Path, command: str, paths: tuple[str, ...], code: int) -> None:
    assert run(command, *paths).exit_code == code


@pytest.mark.parametrize("form", ["text", "json", "markdown"])
def test_the_exit_code_does_not_depend_on_the_format(logs: Path, form: str) -> None:
    assert [run("check", path, "--format", form).exit_code for path in (GOOD, BAD, EMPTY)] == [0, 1, 5]


def test_runs_that_can_be_read_are_reported_beside_those_that_cannot(logs: Path) -> None:
    result = run("report", "missing.jsonl", "binary.jsonl", BAD)
    assert re.search(r"^✗ FAIL .*bad", result.stdout, re.MULTILINE)
    assert "trainvitals: missing.jsonl: does not exist" in result.stderr
    assert "trainvitals: binary.jsonl: " in result.stderr


def test_an_empty_log_is_named_and_never_passes(logs: Path) -> None:
    result = run("check", EMPTY)
    assert "UNKNOWN" in result.stdout
    assert EMPTY in result.stdout
    assert "no usable series" in result.stdout


def test_the_text_ends_with_what_was_checked(logs: Path) -> None:
    assert run("report", GOOD).stdout.splitlines()[-1] == "1 run, 2 series, 400 points, 1 finding"


def test_json_is_valid_and_follows_the_schema_with_nan_in_the_log(logs: Path) -> None:
    document = json.loads(run("report", GOOD, BAD, EMPTY, "--format", "json").stdout)
    jsonschema.validate(document, SCHEMA)
    assert {Path(one["run"]).parent.name: one["verdict"] for one in document["runs"]} == {
        "good": "pass",
        "bad": "fail",
        "empty": "unknown",
    }
    bad = next(one for one in document["runs"] if one["verdict"] == "fail")
    assert [s["last"] for s in bad["series"] if s["metric"] == "loss"] == ["NaN"]
    assert any(f["code"] == "N101" and f["evidence"][0]["line"] > 0 for f in bad["findings"])


def test_standard_input_is_read(logs: Path) -> None:
    result = run("report", "-", "--format", "json", stdin=Path(BAD).read_bytes())
    document = json.loads(result.stdout)
    assert result.exit_code == 1
    assert [one["run"] for one in document["runs"]] == ["<stdin>"]
    assert document["runs"][0]["sources"][0]["path"] == "<stdin>"
    assert run("report", "-", stdin=b"").exit_code == 5
    assert run("report", "-", stdin=bytes(range(256)) * 64).exit_code == 2


def test_output_goes_to_a_file(logs: Path) -> None:
    result = run("check", BAD, "--output", "report.md", "--format", "markdown")
    assert (result.exit_code, result.stdout) == (1, "")
    assert Path("report.md").read_text("utf-8").startswith("### ✗ FAIL")
    assert run("check", BAD, "--output", "no/such/folder/x").exit_code == 2


def test_fail_on_exit_zero_and_strict(logs: Path) -> None:
    assert run("check", BAD, "--exit-zero").exit_code == 0
    assert run("check", EMPTY, "--exit-zero").exit_code == 5
    assert run("check", GOOD, EMPTY, "--strict").exit_code == 1
    Path("trainvitals.toml").write_text('severity.N101 = "warn"\nselect = ["N101"]\n')
    assert run("check", BAD).exit_code == 0
    assert run("check", BAD, "--fail-on", "warn").exit_code == 1
    assert run("check", BAD, "--isolated").exit_code == 1


def test_select_and_ignore(logs: Path) -> None:
    def found(*options: str) -> set[str]:
        document = json.loads(run("report", BAD, "--format", "json", *options).stdout)
        return {f["code"] for f in document["runs"][0]["findings"]}

    assert "N101" in found()
    assert found("--select", "n101,B1") == {"N101"}
    assert "N101" not in found("--ignore", "N")
    assert found("--select", "N101", "--ignore", "N101") == set()


def test_settings_are_used_from_the_working_directory_and_never_from_the_logs(logs: Path) -> None:
    planted = Path("runs/bad/trainvitals.toml")
    planted.write_text('ignore = ["N", "L", "V", "B"]\n')
    assert run("check", "runs/bad").exit_code == 1

    os.chdir("runs/bad")
    result = run("check", ".")
    assert result.exit_code == 1
    assert "trainvitals.toml is not used" in result.stderr


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("fail_on = 1", "fail_on: unknown key; did you mean fail-on?"),
        ('ignore = ["N999"]', "ignore: no rule 'N999'"),
        ("rules.N101.nope = 1", "rules.N101.nope: unknown threshold"),
        ("= =", "is not TOML"),
    ],
)
def test_wrong_settings_end_with_2_and_name_file_and_key(logs: Path, text: str, message: str) -> None:
    Path("trainvitals.toml").write_text(text)
    result = run("check", GOOD)
    assert result.exit_code == 2
    assert "trainvitals.toml: " in result.stderr
    assert message in result.stderr
    assert run("check", GOOD, "--isolated").exit_code == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("repotr",), "no command 'repotr'; did you mean 'report'?"),
        (("rule", "N11"), "no rule 'N11'; did you mean 'N101'?"),
        (("rule", "non-finte"), "no rule 'non-finte'; did you mean 'non-finite'?"),
        (("report", "x", "--slect", "R"), "--slect"),
        (("report", "x", "--format", "yaml"), "'yaml'"),
        (("report", "x", "--select", "R9"), "no rule 'R9'"),
        (("check", "x", "--fail-on", "info"), "'info'"),
        (("export", "x", "-o", "x.html"), "'x.html' must end in .parquet or .csv"),
        (("dashboard", "no/such/folder"), "no/such/folder"),
    ],
)
def test_wrong_usage_ends_with_2_and_a_message_on_standard_error(arguments: tuple[str, ...], message: str) -> None:
    result = run(*arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    assert message in result.stderr


def test_an_interrupt_ends_with_130(logs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("trainvitals.diagnostics.pipeline.examine", interrupted)
    assert run("report", GOOD).exit_code == 130


def test_a_fault_of_ours_is_no_finding(logs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError("\x1b[2J")

    monkeypatch.setattr("trainvitals.diagnostics.pipeline.examine", broken)
    result = run("report", GOOD)
    assert result.exit_code == 2
    assert "ZeroDivisionError" in result.stderr
    assert "\x1b" not in result.stderr


def started(*arguments: str, **options: object) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-c", "from trainvitals.diagnostics.cli import main; main()", *arguments]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **options)  # type: ignore[call-overload,no-any-return]


def test_a_reader_that_leaves_early_is_no_error(logs: Path) -> None:
    with started("report", BAD, "--verbose") as process:
        assert process.stdout is not None
        process.stdout.close()
        assert process.stderr is not None
        assert process.stderr.read() == b""
    assert process.returncode == console.BROKEN_PIPE


def test_an_encoding_without_our_glyphs_gets_ascii(logs: Path) -> None:
    with started("report", BAD, env={**os.environ, "PYTHONIOENCODING": "ascii"}) as process:
        out, err = process.communicate()
    assert out.startswith(b"x FAIL")
    assert out.isascii()
    assert err == b""


def test_check_imports_nothing_heavy(logs: Path) -> None:
    code = (
        "import sys\nfrom trainvitals.diagnostics.cli import main\n"
        "try: main(sys.argv[1:])\nexcept SystemExit as end: assert end.code == 0, end.code\n"
        "print(*{name.partition('.')[0] for name in sys.modules}, file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code, "check", GOOD], capture_output=True, text=True, check=True)
    loaded = set(done.stderr.split())
    assert "trainvitals" in loaded
    assert not loaded & {"streamlit", "altair", "pandas", "torch", "polars", "pyarrow", "rich", "tensorboard"}


@pytest.mark.parametrize(
    ("environment", "forbidden", "coloured"),
    [({}, False, True), ({"NO_COLOR": "1"}, False, False), ({"TERM": "dumb"}, False, False), ({}, True, False)],
)
def test_colour_needs_a_terminal_and_nobody_who_forbids_it(
    environment: dict[str, str], forbidden: bool, coloured: bool
) -> None:
    class Terminal:
        def __init__(self, tty: bool) -> None:
            self.isatty: Callable[[], bool] = lambda: tty

    assert console.wants_colour(Terminal(True), environment, forbidden=forbidden) is coloured  # type: ignore[arg-type]
    assert console.wants_colour(Terminal(False), environment, forbidden=forbidden) is False  # type: ignore[arg-type]


@pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal")
@pytest.mark.parametrize(("extra", "coloured"), [((), True), (("--no-color",), False)])
def test_a_terminal_gets_colour_and_progress_that_leaves_no_trace(
    logs: Path, extra: tuple[str, ...], coloured: bool
) -> None:
    import pty

    ours, theirs = pty.openpty()
    environment = {k: v for k, v in os.environ.items() if k != "NO_COLOR"} | {"TERM": "xterm", "COLUMNS": "100"}
    command = [sys.executable, "-c", "from trainvitals.diagnostics.cli import main; main()", "report", BAD, *extra]
    with subprocess.Popen(command, stdout=theirs, stderr=subprocess.PIPE, env=environment) as process:
        os.close(theirs)
        out = b""
        try:
            while piece := os.read(ours, 65536):
                out += piece
        except OSError:  # Linux says so when the other end is closed
            pass
        assert process.stderr is not None
        assert process.stderr.read() == b""
    os.close(ours)
    assert (b"\x1b[1;31m" in out) is coloured
    assert "✗ FAIL".encode() in out


def test_progress_is_shown_on_a_terminal_only(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert list(console.progress(range(3), "reading")) == [0, 1, 2]
    assert capsys.readouterr().err == ""
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    assert list(console.progress(range(2), "reading")) == [0, 1]
    assert capsys.readouterr().err == "\rreading 1\rreading 2\r\x1b[K"


@pytest.mark.skipif(sys.platform == "win32", reason="such names are not allowed there")
@pytest.mark.parametrize("form", ["text", "json", "markdown"])
def test_hostile_file_names_are_inert_in_every_output(logs: Path, form: str) -> None:
    for name in (
        "::error::x\n::set-output",
        "\x1b[2J",
        "-rf",
        "[red]",
        "<script>",
        "\u202ecod",
        "##[error]",
        "a\udcff",
    ):
        Path("hostile", name).mkdir(parents=True)
        Path("hostile", name, "metrics.jsonl").write_text(jsonl([*FALLING[:150], *[math.nan] * 50]))
        Path("hostile", name, "x.log").write_bytes(bytes(range(256)) * 64)
    result = run("report", "hostile", "--format", form, "--verbose")
    assert result.exit_code in (1, 2)
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e]", result.output)
    assert not re.search(r"^\s*::|##\w*\[", result.output, re.MULTILINE)
    assert run("report", "--", "-rf").exit_code == 2


def test_version_and_help() -> None:
    assert run("--version").stdout == f"trainvitals {__version__}\n"
    for name in ("", *main.commands):
        result = run(*filter(None, [name]), "-h")
        assert result.exit_code == 0
        assert result.stdout.startswith("Usage: ")
    assert all(command.help for command in main.commands.values())
    assert isinstance(main, click.Group)


def test_formats_and_rules_are_all_listed() -> None:
    listed = run("formats").stdout.splitlines()
    assert [line.split()[0] for line in listed] == [known.name for known in FORMATS]
    listed, invisible = run("rules").stdout.split("\n\nNo scalar shows these faults")
    assert [line.split()[:3] for line in listed.splitlines()] == [[r.code, r.severity, r.name] for r in RULES]
    assert all(fault in invisible and remedy in invisible for fault, remedy in INVISIBLE)


def test_the_readme_says_what_no_rule_can_see() -> None:
    readme = (Path(__file__).parents[1] / "README.md").read_text("utf-8")
    section = readme.partition("## What no log shows\n")[2].partition("\n## ")[0]
    assert [fault for fault, _ in INVISIBLE if f"- **{fault}**: " not in section] == []


@pytest.mark.parametrize("rule", RULES, ids=[r.code for r in RULES])
def test_every_rule_explains_itself(rule) -> None:
    by_code, by_name = run("rule", rule.code.lower()), run("rule", rule.name)
    assert by_code.exit_code == 0
    assert by_code.stdout == by_name.stdout
    assert by_code.stdout.startswith(f"{rule.code} {rule.name} (usually {rule.severity})\n\n{rule.summary}")
    assert all(f"\n    {name} = " in by_code.stdout for name in rule.thresholds)


def test_loss_types_list_the_user_s_own_first(logs: Path) -> None:
    Path("trainvitals.toml").write_text('[loss_types.mine]\ntitle = "of my own"\nrecognise = [["b", "a"]]\n')
    assert run("loss-types").stdout.startswith("mine: of my own\n    a + b\n")
    assert "mine" not in run("loss-types", "--isolated").stdout


def test_export_writes_the_normalised_scalars(logs: Path) -> None:
    import polars as pl

    assert run("export", "runs", "-o", "all.parquet").exit_code == 0
    table = pl.read_parquet("all.parquet")
    losses = table.filter((pl.col("metric") == "loss") & pl.col("run").str.contains("good"))
    assert losses["value"].to_list() == FALLING
    assert losses["step"].to_list() == list(range(1, 201))
    assert losses["split"].unique().to_list() == ["train"]

    assert run("export", BAD, "-o", "bad.csv").exit_code == 0
    with open("bad.csv", newline="", encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["metric"] == "loss"]
    assert float(rows[149]["value"]) == FALLING[149]
    assert math.isnan(float(rows[199]["value"]))
    assert run("export", EMPTY, "-o", "empty.csv").exit_code == 5
    assert run("export", BAD, "-o", "no/such/folder.csv").exit_code == 2
    assert run("export", "missing.jsonl", "-o", "x.csv").exit_code == 2


def test_exported_text_is_no_formula_and_numbers_stay_numbers(logs: Path) -> None:
    Path("x.jsonl").write_text('{"step": 1, "=HYPERLINK(1)": -0.5, "@SUM": 1, "+a": 2, "-b": 3, "loss": -4}\n' * 1)
    assert run("export", "x.jsonl", "-o", "x.csv").exit_code == 0
    with open("x.csv", newline="", encoding="utf-8") as file:
        cells = {row["metric"]: row["value"] for row in csv.DictReader(file)}
    assert not [name for name in cells if name[0] in "=+-@\t\r"]
    assert cells["loss"] == "-4.0"
    assert any(name.startswith("'=") for name in cells)


def test_the_dashboard_starts_streamlit_bound_to_this_machine(logs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[list[str]] = []
    monkeypatch.setattr(os, "execv", lambda program, arguments: started.append(arguments))
    result = run("dashboard", "runs", "--port", "9000")
    assert result.exit_code == 0
    assert result.stdout == ""
    assert "http://127.0.0.1:9000" in result.stderr
    (arguments,) = started
    assert arguments[:5] == [sys.executable, "-P", "-m", "trainvitals.dashboard.serve", "run"]
    assert Path(arguments[5]).name == "app.py"
    assert arguments[-2:] == ["--", "runs"]
    assert {"--server.address=127.0.0.1", "--server.port=9000", "--client.showErrorDetails=none"} <= set(arguments)


@pytest.mark.parametrize(("options", "kept"), [((), ""), (("--no-cache",), "1")])
def test_the_dashboard_keeps_nothing_if_it_is_told_so(
    logs: Path, monkeypatch: pytest.MonkeyPatch, options: tuple[str, ...], kept: str
) -> None:
    monkeypatch.setenv("TRAINVITALS_NO_CACHE", "")
    monkeypatch.setattr(os, "execv", lambda program, arguments: None)
    assert run("dashboard", "runs", *options).exit_code == 0
    assert os.environ["TRAINVITALS_NO_CACHE"] == kept


def test_streamlit_knows_every_option_that_the_dashboard_passes() -> None:
    from streamlit import config

    arguments = dashboard.command("runs", 9000, debug=False)
    options = [a.removeprefix("--").partition("=")[0] for a in arguments if a.startswith("--") and a != "--"]
    assert len(options) > 10
    for option in options:
        config.get_option(option)  # raises for a name that this version does not have

"""What `trainvitals.toml` and `[tool.trainvitals]` may say, where they are looked for, and how mistakes are named."""

import os
import pickle
import re
import tomllib
from pathlib import Path

import pytest

from trainvitals.diagnostics.report import Pass
from trainvitals.diagnostics.rule import Rule
from trainvitals.diagnostics.rules import RULES as ALL_RULES
from trainvitals.diagnostics.settings import Settings, SettingsError, assigned, find, load, override, parse


def check(case: object, *, factor: float = 3.0, points: int = 8, strict: bool = False, mode: str = "log") -> Pass:
    """A rule with one threshold of every type."""
    return Pass("R101")


RULES = tuple(Rule(code, code.lower(), "warn", check) for code in ("N101", "R101", "R102", "V104"))


def write(path: Path, text: str) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return str(path)


def test_every_section_is_read(tmp_path: Path) -> None:
    path = write(
        tmp_path / "trainvitals.toml",
        """
        fail-on = "warn"
        select = ["r", "N101"]
        ignore = ["R102"]
        severity.V104 = "fail"
        [rules.R101]
        factor = 4
        points = 16
        [loss_types.mine]
        title = "contrastive"
        recognise = [["info_nce"]]
        """,
    )
    settings = load(path, RULES)
    assert settings is not None
    assert settings.fail_on == "warn"
    assert (settings.select, settings.ignore) == (("R", "N101"), ("R102",))
    assert settings.severities == {"V104": "fail"}
    assert settings.thresholds == {"R101": {"factor": 4, "points": 16}}
    assert [(t.name, t.recognise) for t in settings.loss_types] == [("mine", (frozenset({"info_nce"}),))]
    assert settings.origin == path
    assert pickle.loads(pickle.dumps(settings)) == settings


@pytest.mark.parametrize(
    ("select", "ignore", "running"),
    [
        ((), (), {"N101", "R101", "R102", "V104"}),
        (("R",), (), {"R101", "R102"}),
        (("R", "V104"), ("R102",), {"R101", "V104"}),
        ((), ("R", "N"), {"V104"}),
    ],
)
def test_select_and_ignore_hold_codes_or_beginnings_of_codes(
    select: tuple[str, ...], ignore: tuple[str, ...], running: set[str]
) -> None:
    settings = Settings(select=select, ignore=ignore)
    assert {rule.code for rule in RULES if settings.runs(rule.code)} == running


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('fail_on = "warn"', "fail_on: unknown key; did you mean fail-on?"),
        ('fail-on = "info"', 'fail-on: must be "warn" or "fail", not \'info\''),
        ("fail-on = 1", 'fail-on: must be "warn" or "fail", not 1'),
        ('select = "R101"', "select: must be a list of codes"),
        ('select = ["V104x"]', "select: no rule 'V104X'; did you mean V104?"),
        ('ignore = [""]', "ignore: no rule ''"),
        ("rules.R999.factor = 1", "rules.R999: no such rule"),
        ("rules.R101.factr = 1", "rules.R101.factr: unknown threshold; R101 has factor, points, strict, mode"),
        ('rules.R101.factor = "3"', "rules.R101.factor: must be like its default 3.0, not '3'"),
        ("rules.R101.factor = nan", "rules.R101.factor: must be like its default 3.0, not nan"),
        ("rules.R101.factor = true", "rules.R101.factor: must be like its default 3.0, not True"),
        ("rules.R101.points = 8.5", "rules.R101.points: must be like its default 8, not 8.5"),
        ("rules.R101.strict = 1", "rules.R101.strict: must be like its default False, not 1"),
        ("rules.R101 = 1", "rules: R101: must be a table"),
        ('severity.R101 = "fatal"', 'severity.R101: must be "fail", "warn" or "info", not \'fatal\''),
        ('severity.R1 = "fail"', "severity.R1: no such rule"),
        ("loss_types.x.main = 'loss'", "loss_types.x: loss type 'x': KeyError: 'title'"),
        ("loss_types.x = {title = 'x', ratio = []}", "loss_types.x.ratio: unknown key; did you mean ratios?"),
        (
            "loss_types.x = {title = 'x', levels = [{metrik = 'loss'}]}",
            "loss_types.x: loss type 'x': KeyError: 'status'",
        ),
        ("select = [", "is not TOML: "),
        ("a = " + "[" * 5000, "is not TOML: "),
    ],
)
def test_a_mistake_is_an_error_that_names_file_and_key(tmp_path: Path, text: str, message: str) -> None:
    path = write(tmp_path / "trainvitals.toml", text)
    with pytest.raises(SettingsError) as caught:
        load(path, RULES)
    assert str(caught.value).startswith(f"{path}: {message}")
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)


def test_a_file_that_is_no_text_is_an_error_and_no_crash(tmp_path: Path) -> None:
    path = tmp_path / "trainvitals.toml"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(SettingsError, match="is not TOML"):
        load(str(path), RULES)
    path.write_bytes(b"#" * (2 << 20))
    with pytest.raises(SettingsError, match="larger than"):
        load(str(path), RULES)


def test_pyproject_counts_only_with_our_table(tmp_path: Path) -> None:
    with_table = write(tmp_path / "a" / "pyproject.toml", '[tool.trainvitals]\nignore = ["V104"]')
    without = write(tmp_path / "b" / "pyproject.toml", "[tool.ruff]\n")
    settings = load(with_table, RULES)
    assert settings is not None
    assert settings.ignore == ("V104",)
    assert load(without, RULES) is None


def test_the_nearest_ancestor_wins_and_the_root_of_the_repository_ends_the_search(tmp_path: Path) -> None:
    write(tmp_path / "trainvitals.toml", 'ignore = ["N101"]')
    near = write(tmp_path / "repo" / "trainvitals.toml", 'ignore = ["V104"]')
    deep = tmp_path / "repo" / "a" / "b"
    deep.mkdir(parents=True)
    write(tmp_path / "repo" / "a" / "pyproject.toml", "[project]\nname = 'x'")
    assert find(str(deep), RULES)[0].origin == near

    (tmp_path / "repo" / "a" / ".git").mkdir()
    assert find(str(deep), RULES)[0] == Settings()


def test_trainvitals_toml_goes_before_pyproject(tmp_path: Path) -> None:
    write(tmp_path / "pyproject.toml", '[tool.trainvitals]\nignore = ["V104"]')
    own = write(tmp_path / "trainvitals.toml", 'ignore = ["N101"]')
    assert find(str(tmp_path), RULES)[0].origin == own


def test_settings_inside_the_logs_are_passed_over(tmp_path: Path) -> None:
    trusted = write(tmp_path / "trainvitals.toml", 'fail-on = "warn"')
    planted = write(tmp_path / "runs" / "trainvitals.toml", 'ignore = ["N", "R", "V"]')
    inside = tmp_path / "runs" / "one"
    inside.mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "runs")
    for logs in (str(tmp_path / "runs"), str(tmp_path / "link"), os.path.relpath(tmp_path / "runs")):
        settings, passed_over = find(str(inside), RULES, [logs])
        assert settings.origin == trusted
        assert passed_over == (planted,)
    settings, passed_over = find(str(inside), RULES, [str(tmp_path / "run")])
    assert settings.origin == planted, "runs/ is not inside run/"


def test_what_the_command_line_says_wins() -> None:
    settings = Settings(fail_on="warn", select=("R",))
    assert override(settings, fail_on=None, select=("N",)) == Settings(fail_on="warn", select=("N",))


def test_a_user_s_loss_type_comes_first_and_replaces_a_built_in_one_of_that_name() -> None:
    first = next((t.name for t in Settings().all_loss_types()), "mine")
    settings = parse({"loss_types": {first: {"title": "of my own"}}}, RULES, "trainvitals.toml")
    named = [t.title for t in settings.all_loss_types() if t.name == first]
    assert named == ["of my own"]
    assert settings.all_loss_types()[0].name == first


def test_assignments_of_the_command_line_win_and_leave_the_rest():
    base = parse({"fail-on": "warn", "ignore": ["V104"], "rules": {"R101": {"factor": 5.0}}}, RULES, "x.toml")
    found = assigned(base, ["rules.R101.points=6", "severity.N101=warn", 'select=["R", "N101"]'], RULES)
    assert found.thresholds == {"R101": {"factor": 5.0, "points": 6}}
    assert (found.severities, found.select) == ({"N101": "warn"}, ("R", "N101"))
    assert (found.fail_on, found.ignore, found.origin) == ("warn", ("V104",), "x.toml")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("fail-on", "is not of the form key=value"),
        ("=warn", "is not of the form key=value"),
        ("rules.R101.nonsense=1", "unknown threshold"),
        ("rules.R101.factor=high", "must be like its default"),
        ("fail_on=warn", "did you mean fail-on"),
        ("a b=1", "is no key"),
        ("fail-on=fail\nselect=[]", 'must be "warn" or "fail"'),
    ],
)
def test_a_wrong_assignment_is_said(text, problem):
    with pytest.raises(SettingsError, match=re.escape(problem)):
        assigned(Settings(), [text], RULES)


def test_patterns_of_lines(tmp_path: Path) -> None:
    path = write(tmp_path / "trainvitals.toml", 'patterns = ["it {step} of {} loss {loss}", "acc {acc}%"]\n')
    settings = load(path, RULES)
    assert settings is not None
    assert [one.names for one in settings.patterns] == [("step", "loss"), ("acc",)]
    assert pickle.loads(pickle.dumps(settings)).patterns == settings.patterns
    assert [one.text for one in assigned(settings, ['patterns=["x {y}"]'], RULES).patterns] == ["x {y}"]
    assert assigned(settings, ["fail-on=warn"], RULES).patterns == settings.patterns


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('patterns = ["it {step} loss {loss"]', "patterns[0]: 'it {step} loss {loss' has a brace without its partner"),
        ('patterns = ["loss {loss}", "step {step}"]', "patterns[1]: 'step {step}' has no field"),
        ('patterns = "loss {loss}"', "patterns: must be a list of lines"),
        (f"patterns = {['loss {loss}'] * 51}", "patterns: more than 50"),
    ],
)
def test_a_pattern_that_cannot_be_used_is_named_with_its_file_and_key(tmp_path: Path, text: str, problem: str) -> None:
    path = write(tmp_path / "trainvitals.toml", text)
    with pytest.raises(SettingsError, match=re.escape(f"{path}: {problem}")):
        load(path, RULES)


def test_the_settings_that_the_readme_shows_are_settings() -> None:
    readme = (Path(__file__).resolve().parents[2] / "README.md").read_text("utf-8")
    examples = re.findall(r"^```toml\n(.*?)^```$", readme, re.MULTILINE | re.DOTALL)
    assert len(examples) >= 1
    shown = parse(tomllib.loads(examples[0]), ALL_RULES, "README.md")
    assert {t.kind for t in shown.tolerances} == {"relative", "absolute", "band"}
    assert [kind.name for kind in shown.loss_types] == ["mine"]

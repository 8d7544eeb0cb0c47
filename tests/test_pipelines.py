"""The files for other people's pipelines, run as far as that goes without those pipelines."""

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[1]
ACTION = yaml.safe_load((ROOT / "action.yml").read_text("utf-8"))
README = (ROOT / "README.md").read_text("utf-8")
SNIPPETS = [yaml.safe_load(text) for text in re.findall(r"^```yaml\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)]
LINES = re.findall(r"^\| (?:bash|zsh|fish) \| `[^`]*` \| `([^`]*)` \|$", README, re.MULTILINE)
COMMENT_LIMIT = 65_536
"""Bytes of a comment on GitHub; a job summary, which may have sixteen times as many, is kept within it too."""
SICK = "".join(f'{{"step": {i}, "loss": {3 / i if i < 90 else "NaN"}}}\n' for i in range(1, 101))


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    """A checkout with logs, and a `trainvitals` on the path as the installing step would leave it."""
    (tmp_path / "runs" / "one run").mkdir(parents=True)
    (tmp_path / "runs" / "one run" / "logging.jsonl").write_text(SICK)
    program = tmp_path / "bin" / "trainvitals"
    program.parent.mkdir()
    program.write_text(f"#!{sys.executable}\nfrom trainvitals.diagnostics.cli import main\n\nmain()\n")
    program.chmod(0o755)
    return tmp_path


def step(workspace: Path, **inputs: str) -> tuple[subprocess.CompletedProcess[str], dict[str, str], str]:
    """Run the action's check with these inputs, as the runner would: the result, its outputs, the job summary."""
    defaults = {name: str(value.get("default", "")) for name, value in ACTION["inputs"].items()}
    given = {**defaults, **{name.replace("_", "-"): value for name, value in inputs.items()}}
    summary, output = workspace / "summary.md", workspace / "output"
    declared = ACTION["runs"]["steps"][1]["env"]
    names = {name: re.fullmatch(r"\$\{\{ inputs\.([\w-]+) \}\}", value) for name, value in declared.items()}
    environment = {
        "PATH": f"{workspace / 'bin'}{os.pathsep}{os.environ['PATH']}",
        "HOME": str(workspace),
        "GITHUB_STEP_SUMMARY": str(summary),
        "GITHUB_OUTPUT": str(output),
        "ACTION_PATH": str(ROOT),
        **{name: given[found[1]] for name, found in names.items() if found},
    }
    done = subprocess.run(
        ["bash", "-c", ACTION["runs"]["steps"][1]["run"]],
        cwd=workspace,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    pairs = output.read_text().splitlines() if output.exists() else []
    return done, dict(line.split("=", 1) for line in pairs), summary.read_text() if summary.exists() else ""


def test_the_action_annotates_summarises_and_fails(workspace):
    done, outputs, summary = step(workspace, paths="runs/**/logging.jsonl\n\n")
    assert done.returncode == 1, done.stderr
    assert done.stdout.startswith("::error file=runs/one run/logging.jsonl,line=89,title=N101")
    assert outputs["verdict"] == "fail"
    assert int(outputs["findings"]) >= 1
    assert "N101" in summary
    report = json.loads((workspace / outputs["report"] / "report.json").read_text())
    assert report["runs"][0]["findings"][0]["code"] == "N101"
    assert {path.name for path in (workspace / "trainvitals-report").iterdir()} == {
        "report.json",
        "report.html",
        "report.sarif",
    }


def test_the_action_passes_its_inputs_on(workspace):
    done, outputs, _ = step(
        workspace, paths="runs", ignore="N,V,L", config='severity.B101="warn"\nrules.L103.errors=7', fail_on="warn"
    )
    assert (done.returncode, outputs["findings"]) == (0, "0"), done.stderr


@pytest.mark.parametrize("hostile", ["$(touch owned)", "`touch owned`", "runs; touch owned", "--help"])
def test_an_input_of_the_action_is_never_a_command(workspace, hostile):
    done, _, _ = step(workspace, paths=hostile)
    assert done.returncode == 2
    assert not (workspace / "owned").exists()


def test_the_action_declares_what_it_uses():
    used = set(re.findall(r"inputs\.([\w-]+)", (ROOT / "action.yml").read_text("utf-8")))
    assert used == set(ACTION["inputs"])
    wanted = set(re.findall(r"INPUT_\w+", (ROOT / ".ci" / "action.sh").read_text("utf-8")))
    assert wanted == {name for name in ACTION["runs"]["steps"][1]["env"] if name.startswith("INPUT_")}


def test_the_hook_runs_without_file_names():
    (hook,) = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text("utf-8"))
    assert hook["entry"] == "trainvitals check"
    assert (hook["pass_filenames"], hook["always_run"], hook["language"]) == (False, True, "python")


def environment(workspace: Path) -> dict[str, str]:
    """What a job sees: the workspace's `trainvitals` first on the path."""
    return {"PATH": f"{workspace / 'bin'}{os.pathsep}{os.environ['PATH']}", "HOME": str(workspace)}


def test_the_job_summary_of_a_thousand_sick_runs_keeps_within_the_limits_of_github(workspace):
    for number in range(1000):
        folder = workspace / "many" / f"run-{number:04}-with-a-name-that-is-as-long-as-those-of-sweeps"
        folder.mkdir(parents=True)
        (folder / "logging.jsonl").write_text("".join(f'{{"step": {i}, "loss": NaN}}\n' for i in range(1, 4)))
    done, outputs, summary = step(workspace, paths="many")
    assert (done.returncode, outputs["verdict"]) == (1, "fail"), done.stderr
    assert 50_000 < len(summary.encode()) < COMMENT_LIMIT
    assert "Cut here" in summary[-400:]
    assert len([line for line in done.stdout.splitlines() if line.startswith("::error")]) == 10


def test_the_action_asks_for_no_permission_and_pastes_no_input_into_a_script():
    (action,) = (snippet for snippet in SNIPPETS if "jobs" in snippet)
    assert action["permissions"] == {}
    scripts = [entry["run"] for entry in ACTION["runs"]["steps"]]
    assert [script for script in scripts if "${{" in script] == []
    for job in action["jobs"].values():
        assert {name for entry in job["steps"] for name in entry["with"]} <= set(ACTION["inputs"])


def test_the_job_for_gitlab_writes_what_it_hands_on(workspace):
    ((job,),) = (snippet.values() for snippet in SNIPPETS if "trainvitals" in snippet)
    (script,) = job["script"]
    done = subprocess.run(
        ["bash", "-ec", script],
        cwd=workspace,
        env=environment(workspace),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 1, done.stderr
    assert job["artifacts"]["when"] == "always"
    written = [*job["artifacts"]["paths"], *job["artifacts"]["reports"].values()]
    assert [name for name in written if not (workspace / name).stat().st_size] == []
    (issue, *_) = json.loads((workspace / job["artifacts"]["reports"]["codequality"]).read_text())
    assert issue["check_name"].startswith("N101")
    suites = ElementTree.parse(workspace / job["artifacts"]["reports"]["junit"]).getroot()
    assert suites.find(".//failure") is not None


def test_the_hook_of_the_readme_is_the_one_that_is_there(workspace):
    """The hook runs as pre-commit would run it: its entry, then the arguments."""
    (snippet,) = (one for one in SNIPPETS if "repos" in one)
    (wanted,) = snippet["repos"][0]["hooks"]
    (hook,) = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text("utf-8"))
    assert wanted["id"] == hook["id"]
    command = [*shlex.split(hook["entry"]), *wanted["args"]]
    done = subprocess.run(
        command, cwd=workspace, env=environment(workspace), capture_output=True, timeout=120, check=False
    )
    assert done.returncode == 1
    assert b"N101" in done.stdout


@pytest.mark.parametrize("line", LINES, ids=["bash", "zsh", "fish"])
def test_the_lines_for_completion_print_what_the_shell_reads(workspace, line):
    """Run as far as the source that is evaluated; bash itself evaluates it below."""
    variable = re.search(r"_TRAINVITALS_COMPLETE=\w+_source trainvitals", line)
    assert variable
    done = subprocess.run(
        ["bash", "-ec", variable[0]],
        env=environment(workspace),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "_trainvitals_completion" in done.stdout


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        ("trainvitals ch", ["plain,check"]),
        ("trainvitals check --fail", ["plain,--fail-on"]),
        ("trainvitals check --fail-on ", ["plain,warn", "plain,fail"]),
        ("trainvitals report run", ["file,run"]),
        ("trainvitals check runs --against old", ["file,old"]),
    ],
)
def test_bash_completes_commands_options_values_and_files(workspace, words, offered):
    given = {"COMP_WORDS": words, "COMP_CWORD": str(words.count(" ")), "_TRAINVITALS_COMPLETE": "bash_complete"}
    done = subprocess.run(
        ["trainvitals"],
        cwd=workspace,
        env={**environment(workspace), **given},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.stdout.split() == offered


def test_bash_takes_the_line_for_completion(workspace):
    script = f"{LINES[0]}\ncomplete -p trainvitals"
    done = subprocess.run(
        ["bash", "-ec", script], env=environment(workspace), capture_output=True, text=True, timeout=60, check=False
    )
    assert "-F _trainvitals_completion trainvitals" in done.stdout, done.stderr


def test_the_project_passes_its_own_gate(workspace):
    done = subprocess.run(
        [ROOT / ".ci" / "gate"],
        env={**environment(workspace), "TRAINVITALS": str(workspace / "bin" / "trainvitals")},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert ".ci/gate" in (ROOT / ".ci" / "run").read_text("utf-8").splitlines()


def test_the_gate_says_which_check_ended_otherwise(workspace):
    (workspace / "bin" / "trainvitals").write_text("#!/usr/bin/env bash\nexit 0\n")
    done = subprocess.run(
        [ROOT / ".ci" / "gate"],
        env={**environment(workspace), "TRAINVITALS": "trainvitals"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1
    assert "weight-too-high ended with 0, not with 1" in done.stderr

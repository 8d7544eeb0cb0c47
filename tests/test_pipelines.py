"""The files for other people's pipelines, run as far as that goes without those pipelines."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[1]
ACTION = yaml.safe_load((ROOT / "action.yml").read_text("utf-8"))
SICK = "".join(f'{{"step": {i}, "loss": {3 / i if i < 90 else "NaN"}}}\n' for i in range(1, 101))


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    """A checkout with logs, and a `trainvitals` on the path as the installing step would leave it."""
    (tmp_path / "runs" / "one run").mkdir(parents=True)
    (tmp_path / "runs" / "one run" / "logging.jsonl").write_text(SICK)
    program = tmp_path / "bin" / "trainvitals"
    program.parent.mkdir()
    call = "from trainvitals.diagnostics.cli import main; main()"
    program.write_text(f'#!/usr/bin/env bash\nexec "{sys.executable}" -c "{call}" "$@"\n')
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

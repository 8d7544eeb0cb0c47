"""The lists of the trainer, which need no torch: faults, cases, and what stands in the corpus."""

import subprocess
import sys
from pathlib import Path

import pytest

from trainvitals.parsers.errors import TrainvitalsError
from trainvitals.sample_logs.trainer.corpus import CASES, Case, expectation, table
from trainvitals.sample_logs.trainer.faults import FAULTS, HEALTHY, find

SAMPLES = Path(__file__).resolve().parents[2] / "sample_logs"


def test_there_are_thirty_faults_and_each_is_told_in_one_line():
    faults = [fault for of_type in FAULTS.values() for fault in of_type]
    assert len(faults) >= 30
    assert all(fault.description and "\n" not in fault.description and fault.changes for fault in faults)
    for of_type in FAULTS.values():
        names = [fault.name for fault in of_type]
        assert len(names) == len(set(names))
        assert HEALTHY not in names


def test_a_fault_that_does_not_exist_is_answered_with_those_that_do():
    with pytest.raises(TrainvitalsError, match=r"article has no fault 'nonsense'; it has .*weight-too-high"):
        find("article", "nonsense")


def test_thirty_faults_and_three_healthy_seeds_of_each_type_are_in_the_corpus():
    assert len({(case.kind, case.fault) for case in CASES if case.fault != HEALTHY}) >= 30
    for kind in FAULTS:
        assert {case.seed for case in CASES if (case.kind, case.fault) == (kind, HEALTHY)} >= {0, 1, 2}


def test_every_case_has_a_folder_of_its_own_with_what_was_run():
    assert len({case.folder for case in CASES}) == len(CASES)
    for case in CASES:
        assert (SAMPLES / case.folder / "command.txt").read_text("utf-8").splitlines()[0] == case.command


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.folder.as_posix())
def test_the_expectation_beside_the_logs_is_that_of_the_list(case):
    assert (SAMPLES / case.folder / "expected.toml").read_text("utf-8") == expectation(case)


def test_the_corpus_is_small_enough_for_a_repository():
    assert sum(path.stat().st_size for path in SAMPLES.rglob("*") if path.is_file()) < 15e6


def test_a_command_names_what_differs_from_a_healthy_run_of_seed_0():
    case = Case("article", "lr-too-high", "fail", seed=2)
    assert case.command == "trainvitals train article --fault lr-too-high --seed 2 --out article/lr-too-high-2"
    assert Case("eos", HEALTHY, "pass").command == "trainvitals train eos --seed 0 --out eos/healthy-0"


def test_a_row_of_the_table_holds_case_seed_fault_verdict_codes_and_device():
    case = Case("article", "lr-too-high", "fail", ("L101", "R103"))
    row = table([case], {"article/lr-too-high": "CPU"}).splitlines()[-1]
    told = find("article", "lr-too-high").description
    assert row == f"| `article/lr-too-high` | 0 | {told} | fail | L101 R103 | CPU |"


def test_the_list_is_printed_without_torch():
    program = "import sys; sys.modules['torch'] = None; from trainvitals.diagnostics.cli import main; main()"
    command = [sys.executable, "-c", program, "train", "--list"]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert ran.returncode == 0, ran.stderr
    assert "weight-too-high" in ran.stdout


def test_without_the_extra_a_training_says_what_to_install():
    program = "from trainvitals.diagnostics.commands import train; train.PACKAGES = "
    program += "('no_such_package',); from trainvitals.diagnostics.cli import main; main()"
    command = [sys.executable, "-c", program, "train", "article"]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert ran.returncode == 2
    assert "training needs no_such_package: pip install 'trainvitals[trainer]'" in ran.stderr

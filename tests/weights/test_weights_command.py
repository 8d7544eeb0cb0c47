"""`trainvitals landscape CHECKPOINTS`: from the user's own functions to files and pictures, and mistakes named."""

import io
import json
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from trainvitals.diagnostics.cli import main

torch = pytest.importorskip("torch", reason="needs the extra 'trainer'")

from weights.models import trained  # noqa: E402 (needs torch)

from trainvitals.diagnostics.weights import read_surface  # noqa: E402

TASK = """
from weights.models import TwoLayers, mean_square, rows

def model():
    return TwoLayers()

def data():
    return rows(), mean_square

def number():
    return 5
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    (tmp_path / "task_of_user.py").write_text(TASK)
    (tmp_path / "run").mkdir()
    trained(tmp_path / "run", 4)
    monkeypatch.chdir(tmp_path)
    yield tmp_path
    sys.modules.pop("task_of_user", None)


def run(*arguments):
    return CliRunner().invoke(main, ["landscape", *map(str, arguments)])


OURS = ("--model", "task_of_user:model", "--data", "task_of_user:data")
QUICK = ("--budget", "20s", "--grid", "9", "--tolerance", "0.2", "--device", "cpu")


@pytest.mark.parametrize("place", ["task_of_user", "./task_of_user.py"])
def test_a_folder_of_checkpoints_becomes_a_file_and_pictures(folder, place):
    outputs = [f for name in ("x.parquet", "x.svg", "x.png", "x.html") for f in ("-o", name)]
    result = run("run", "--model", f"{place}:model", "--data", f"{place}:data", *QUICK, *outputs)
    assert result.exit_code == 0, result.output
    assert result.stdout.startswith("loss around the weights, in the plane of the training\n")
    assert "the plane holds" in result.stdout
    assert result.stderr == "", "progress is for terminals"
    surface = read_surface("x.parquet")
    assert surface.about["model"] == f"{Path(place).name}:model", "no folder of this machine is in the file"
    assert Path("x.parquet").stat().st_size < 60_000
    assert all(Path(name).stat().st_size > 1000 for name in ("x.svg", "x.png", "x.html"))


def test_a_file_is_drawn_without_a_model_and_without_torch(folder):
    assert run("run", *OURS, *QUICK, "-o", "x.parquet").exit_code == 0
    program = "import sys; sys.modules['torch'] = None; from trainvitals.diagnostics.cli import main; main()"
    arguments = ["landscape", "x.parquet", "-o", "y.svg", "--format", "json"]
    ran = subprocess.run([sys.executable, "-c", program, *arguments], capture_output=True, text=True, check=True)
    assert json.loads(ran.stdout)["name"] == "weights-pca"
    assert Path("y.svg").read_text().startswith("<svg")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("nothing-here",), "no type of loss and no file 'nothing-here'"),
        (("run",), "checkpoints need --model MODULE:FUNCTION and --data MODULE:FUNCTION"),
        (("run", *OURS[:2]), "checkpoints need --model"),
        (("run", "--model", "task_of_user", *OURS[2:]), "'task_of_user' is not like module:function"),
        (("run", "--model", "absent_module:f", *OURS[2:]), "no module 'absent_module'"),
        (("run", "--model", "absent.py:f", *OURS[2:]), "absent.py: no such file"),
        (("run", "--model", "task_of_user:absent", *OURS[2:]), "task_of_user has no function 'absent'"),
        (("run", "--model", "task_of_user:number", *OURS[2:]), "--model gave int, not a torch.nn.Module"),
        (("run", *OURS[:2], "--data", "task_of_user:number"), "--data gave int, not batches"),
        (("absent", *OURS), "absent: does not exist"),
        (("run", "--budget", "soon"), "'soon' is no time such as 60s, 2m or 1h"),
        (("run", "--budget", "0s"), "'0s' is no time"),
        (("run", "-o", "x.jpg"), "'x.jpg' must end in"),
        (("task_of_user.py",), "checkpoints need --model"),
    ],
    ids=str,
)  # fmt: skip
def test_mistakes_end_with_a_sentence_and_code_2(folder, arguments, message):
    result = run(*arguments)
    assert result.exit_code == 2
    assert message in result.stderr
    assert "Traceback" not in result.stderr


def test_a_hostile_checkpoint_ends_the_command_before_anything_runs(folder):
    Path("evil-1.pt").write_bytes(b"cos\nmkdir\n(S'ran'\ntR.")
    result = run("evil-1.pt", *OURS, *QUICK)
    assert result.exit_code == 2
    assert "evil-1.pt: refused, as it holds more than tensors" in result.stderr
    assert not Path("ran").exists()


def test_a_type_of_loss_is_still_a_type_of_loss(folder):
    assert run("spatial").stdout.startswith("staged distance loss")
    assert "CHECKPOINTS" in run("weights", "--help").stdout
    assert "weights" in run("--help").stdout


@pytest.mark.parametrize(("text", "seconds"), [("60s", 60), ("90", 90), ("1.5m", 90), ("2min", 120), ("1h", 3600)])
def test_times_are_read(text, seconds):
    from trainvitals.diagnostics.commands.around import Seconds

    assert Seconds().convert(text, None, None) == seconds


def test_progress_is_a_bar_on_a_terminal_that_leaves_nothing_behind(monkeypatch):
    from trainvitals.diagnostics.commands import around
    from trainvitals.diagnostics.weights.request import Progress

    class Terminal(io.StringIO):
        def isatty(self):
            return True

    shown = Terminal()
    monkeypatch.setattr(around.sys, "stderr", shown)
    with around._bar() as say:
        say(Progress(15.0, 60.0, "12 of 1681 cells"))
        assert shown.getvalue().endswith("[######..................] 15/60 s  12 of 1681 cells")
        say(Progress(90.0, 60.0, "done"))
    assert "[########################] 90/60 s" in shown.getvalue()
    assert shown.getvalue().endswith("\r\x1b[K")

"""Lines that are no numbers but mean something."""

import pytest
from console_text import read

SIGNS = [
    ("max_len", "WARNING: reached max_len without EOS"),
    ("overflow", "Gradient overflow.  Skipping step, loss scaler 0 reducing loss scale to 32768.0"),
    ("overflow", "| WARNING: overflow detected, setting loss scale to: 64.0"),
    ("overflow", "[deepspeed] OVERFLOW! Rank 0 Skipping step. Attempted loss scale: 65536, reducing to 32768"),
    ("diverged", "FloatingPointError: Predicted boxes or scores contain Inf/NaN. Training has diverged."),
    ("crash", "RuntimeError: CUDA out of memory. Tried to allocate 132.00 MiB (GPU 0; 10.73 GiB total capacity)"),
    ("crash", "torch.cuda.OutOfMemoryError: CUDA out of memory."),
    ("crash", "Killed"),
    ("crash", "run.sh: line 3: 12345 Killed                  python train.py"),
    ("crash", "Segmentation fault (core dumped)"),
    ("crash", "[rank3]:[E ProcessGroupNCCL.cpp:607] [Rank 3] Watchdog caught collective operation timeout: WorkNCCL("),
    ("crash", "torch.distributed.elastic.multiprocessing.errors.ChildFailedError:"),
    ("crash", "slurmstepd: error: Detected 1 oom_kill event in StepId=1.0."),
    ("crash", "RuntimeError: DataLoader worker (pid 4242) is killed by signal: Killed."),
    ("crash", "RuntimeError: DataLoader worker (pid(s) 4242, 4243) exited unexpectedly"),
    (
        "crash",
        "RuntimeError: NCCL communicator was aborted on rank 3. Original reason: timeout",
    ),
    ("crash", "RuntimeError: CUDA error: an illegal memory access was encountered"),
    ("crash", "terminate called after throwing an instance of 'c10::Error'"),
    ("crash", "OSError: [Errno 28] No space left on device"),
    ("crash", "slurmstepd: error: *** JOB 1 ON n1 CANCELLED AT 2026-01-01T00:00:00 DUE TO TIME LIMIT ***"),
]
NO_SIGNS = [
    "you may encounter an out-of-memory (OOM) error if your GPU does not have sufficient memory",
    "0: [default0]:  ddp_pad_buckets_for_high_nccl_busbw ............. False",
    "0:   distributed_backend ............................. nccl",
    'No more "reached max_len without EOS" warnings!',
    "Killed processes: 0",
    "DataLoader workers: 8, persistent_workers: True",
    "No space left on device is checked before a checkpoint is written",
    "initial_loss_scale ........................... 4294967296",
    "[rank0]: Warning: WARNING: process group has NOT been destroyed before we destruct ProcessGroupNCCL",
]


@pytest.mark.parametrize(("kind", "line"), SIGNS)
def test_signs(kind, line):
    parsed = read(f"start\n{line}\nend\n")
    assert [(note.kind, note.line, note.text) for note in parsed.notes] == [(kind, 2, line)]
    assert parsed.source.unread_lines == 0


@pytest.mark.parametrize("line", NO_SIGNS)
def test_no_signs(line):
    assert read(line + "\n").notes == ()


TRACEBACK = """\
Traceback (most recent call last):
  File "train.py", line 3, in <module>
    main()
  File "train.py", line 9, in main
    raise FloatingPointError(f"Training has diverged. Step 3 | Loss: 2.5 | PPL: 9")
{last}
"""


@pytest.mark.parametrize("before", ["", "[rank1]: "])
@pytest.mark.parametrize(
    ("last", "kind"), [("ValueError: no", "crash"), ("KeyboardInterrupt", "crash"), ("E: it has diverged", "diverged")]
)
def test_a_traceback_is_one_note_with_its_last_line(before, last, kind):
    text = "".join(before + line + "\n" for line in TRACEBACK.format(last=last).splitlines())
    parsed = read(text + "Step 4 | Loss: 2.5 | PPL: 9\n")
    assert [(note.kind, note.text, note.line) for note in parsed.notes] == [(kind, last, 6)]
    assert len(parsed.series[0]) == 1


def test_a_traceback_that_the_file_ends_in_is_told_at_its_first_line():
    (note,) = read('x\nTraceback (most recent call last):\n  File "a.py", line 1\n').notes
    assert (note.kind, note.line) == ("crash", 2)


def test_a_traceback_behind_a_bar():
    parsed = read(
        '\rTrain:   0%|  | 0/60 [00:00<?, ?it/s]Traceback (most recent call last):\n  File "a"\nOSError: disk full\n'
    )
    assert [(note.kind, note.text) for note in parsed.notes] == [("crash", "OSError: disk full")]


def test_lines_of_others_inside_a_traceback_are_still_read():
    parsed = read(
        'Traceback (most recent call last):\n  File "a"\n{"a": 1}\nStep 4 | Loss: 2.5 | PPL: 9\nOSError: disk\n'
    )
    assert [(note.kind, note.text) for note in parsed.notes] == [("crash", "OSError: disk")]
    assert len(parsed.series) == 2


def test_notes_carry_the_last_step_and_epoch():
    (note,) = read("{'loss': 1.0, 'step': 7, 'epoch': 0.5}\nGradient overflow.  Skipping step\n").notes
    assert (note.step, note.epoch) == (7, 0.5)


def test_notes_are_limited_and_the_rest_is_counted():
    parsed = read("Gradient overflow.  Skipping step\n" * 5_010)
    assert len(parsed.notes) == 5_000
    assert "10 more warnings" in parsed.source.problems[0]


def test_a_long_line_is_quoted_in_part():
    (note,) = read("CUDA out of memory" + "x" * 10_000 + "\n").notes
    assert len(note.text) == 300

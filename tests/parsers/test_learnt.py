"""Console output of trainers that no line format knows: what is learnt of it, what is not, and how it is told."""

import copy
import math
from pathlib import Path

import numpy as np
import pytest
from console_text import by_epoch, points, read, series
from hypothesis import given
from hypothesis import strategies as st

from trainvitals.parsers.files import open_log
from trainvitals.parsers.formats import console, detect
from trainvitals.parsers.formats.console import LINE_FORMATS
from trainvitals.parsers.text import naming
from trainvitals.parsers.text.reader import ConsoleReader

NAN, INF = math.nan, math.inf
STEP, EPOCH, ROW = "step", "epoch", "row"
LOGS = Path(__file__).parent / "unknown"

# The logs have the layouts of real ones, from read-me files, notebooks and issues of training repositories, with most
# rows left out. Of each: (metric, split, number, first and last value, what places the rows, first and last place)
SPEC = {
    "pytorch_mnist": [
        ("Loss", "train", 6, 2.359348, 0.410248, STEP, 0.0, 120000.0),
        ("Average loss", "test", 3, 0.2449, 0.1019, EPOCH, 1.0, 3.0),
        ("Accuracy", "test", 3, 93.0, 97.0, EPOCH, 1.0, 3.0),
    ],
    "kubeflow_mnist": [
        ("loss", "train", 3, 2.3, 2.1704, STEP, 0.0, 1280.0),
    ],
    "word_lm": [
        ("lr", "", 4, 0.1, 0.1, STEP, 200.0, 805.0),
        ("ms/batch", "", 4, 228.7, 190.06, STEP, 200.0, 805.0),
        ("loss", "", 4, 6.05, 4.77, STEP, 200.0, 805.0),
        ("perplexity", "", 4, 423.82, 117.85, STEP, 200.0, 805.0),
        ("valid loss", "", 3, 4.97, 4.37, EPOCH, 1.0, 3.0),
        ("valid perplexity", "", 3, 143.79, 111.79, EPOCH, 1.0, 3.0),
    ],
    "pytorch_gan": [
        ("D loss", "", 4, 0.693144, 0.692968, STEP, 0.0, 938.0),
        ("G loss", "", 4, 0.707567, 0.701, STEP, 0.0, 938.0),
    ],
    "aae_paddle": [
        ("D loss", "", 3, 1.399173, 1.731465, STEP, 589.0, 1769.0),
        ("G loss", "", 3, 0.836521, 0.727008, STEP, 589.0, 1769.0),
        ("recon loss", "", 3, 0.201558, 0.153741, STEP, 589.0, 1769.0),
    ],
    "pygcn": [
        ("loss_train", "", 3, 2.1089, 2.0575, EPOCH, 4.0, 6.0),
        ("acc_train", "", 3, 0.4903, 0.6056, EPOCH, 4.0, 6.0),
        ("loss_val", "", 3, 2.1158, 2.0792, EPOCH, 4.0, 6.0),
        ("acc_val", "", 3, 0.4157, 0.4794, EPOCH, 4.0, 6.0),
    ],
    "nlp100": [
        ("loss_train", "", 3, 2.00653, 1.952119, EPOCH, 1.0, 10.0),
        ("loss_valid", "", 3, 1.931139, 1.880004, EPOCH, 1.0, 10.0),
    ],
    "xgboost": [
        ("validation_0-logloss", "", 3, 0.68676, 0.66744, STEP, 0.0, 2.0),
        ("validation_1-logloss", "", 3, 0.68687, 0.66782, STEP, 0.0, 2.0),
    ],
    "lightgbm": [
        ("valid_0's l2", "", 3, 0.24288, 0.235559, STEP, 1.0, 3.0),
        ("valid_0's auc", "", 3, 0.764496, 0.785547, STEP, 1.0, 3.0),
    ],
    "catboost": [
        ("learn", "", 4, 0.6928407, 0.6743935, STEP, 0.0, 150.0),
        ("test", "", 4, 0.6930012, 0.6853248, STEP, 0.0, 150.0),
    ],
    "cifar_tutorial": [
        ("loss", "", 5, 2.226, 1.311, EPOCH, 1.0, 2.0),
    ],
    "marian": [
        ("Cost", "", 3, 147.39466858, 117.25371552, STEP, 1000.0, 3000.0),
        ("words/s", "", 3, 428.61, 303.18, STEP, 1000.0, 3000.0),
        ("L.r", "", 3, 1.875e-05, 5.625e-05, STEP, 1000.0, 3000.0),
    ],
    "opennmt": [
        ("acc", "", 3, 2.15, 4.77, STEP, 50.0, 150.0),
        ("ppl", "", 3, 11344.46, 4831.59, STEP, 50.0, 150.0),
        ("xent", "", 3, 9.34, 8.48, STEP, 50.0, 150.0),
        ("lr", "", 3, 1e-05, 2e-05, STEP, 50.0, 150.0),
    ],
    "tf_estimator": [
        ("loss", "", 4, 3.1932912, 1.4248939, STEP, 1.0, 301.0),
    ],
    "absl": [
        ("loss", "", 3, 2.2964332, 1.125, STEP, 1.0, 201.0),
    ],
    "dcgan": [
        ("Loss_D", "", 4, 1.8936, 0.2546, STEP, 0.0, 3166.0),
        ("Loss_G", "", 4, 2.2388, 5.6969, STEP, 0.0, 3166.0),
        ("D(x)", "", 4, 0.2863, 0.8661, STEP, 0.0, 3166.0),
        ("D(G(z))", "", 4, 0.2728, 0.2, STEP, 0.0, 3166.0),
    ],
    "reinforce": [
        ("Last reward", "", 3, 8.0, 24.0, STEP, 1.0, 3.0),
        ("Average reward", "", 3, 9.9, 11.51, STEP, 1.0, 3.0),
    ],
    "cleanrl": [
        ("episodic_return", "", 4, 23.0, 500.0, STEP, 4096.0, 81920.0),
    ],
    "sklearn_mlp": [
        ("loss", "", 3, 2.22958289, 1.62507727, STEP, 1.0, 3.0),
    ],
    "fasttext": [
        ("words/sec/thread", "", 3, 633153.0, 608680.0, ROW, 0, 0),
        ("lr", "", 3, 0.08409, 0.054165, ROW, 0, 0),
        ("avg.loss", "", 3, 1.287183, 1.059183, ROW, 0, 0),
    ],
    "mxnet": [
        ("Speed", "", 3, 6075.72, 4584.01, EPOCH, 0.0, 2.0),
        ("accuracy", "", 3, 0.123373, 0.819022, EPOCH, 0.0, 2.0),
        ("Train-accuracy", "", 3, 0.245051, 0.88798, EPOCH, 0.0, 2.0),
        ("Time cost", "", 3, 9.731, 13.796, EPOCH, 0.0, 2.0),
        ("Validation-accuracy", "", 3, 0.302, 0.8739, EPOCH, 0.0, 2.0),
    ],
    "darknet": [
        ("Region Avg IOU", "", 3, 0.481528, 0.501528, ROW, 0, 0),
        ("Class", "", 3, 0.994299, 0.974299, ROW, 0, 0),
        ("Obj", "", 3, 0.242427, 0.262427, ROW, 0, 0),
        ("No Obj", "", 3, 0.00499, 0.00497, ROW, 0, 0),
        ("Avg Recall", "", 3, 0.333333, 0.333333, ROW, 0, 0),
        ("count", "", 3, 3.0, 2.0, ROW, 0, 0),
        ("avg", "", 3, 6.418862, 6.218862, STEP, 7554.0, 7556.0),
        ("rate", "", 3, 0.001, 0.001, STEP, 7554.0, 7556.0),
    ],
    "skorch": [
        ("train_loss", "", 4, 0.62, 0.2027, EPOCH, 1.0, 8.0),
        ("valid_acc", "", 4, 0.8209, 0.9403, EPOCH, 1.0, 8.0),
        ("valid_loss", "", 4, 0.4765, 0.2299, EPOCH, 1.0, 8.0),
        ("dur", "", 4, 0.0232, 0.0202, EPOCH, 1.0, 8.0),
    ],
    "spacy": [
        ("LOSS TOK2VEC", "", 3, 0.0, 30.32, STEP, 0.0, 100.0),
        ("LOSS NER", "", 3, 143.29, 700.46, STEP, 0.0, 100.0),
        ("ENTS_F", "", 3, 0.0, 38.6, STEP, 0.0, 100.0),
        ("ENTS_P", "", 3, 0.0, 47.83, STEP, 0.0, 100.0),
        ("ENTS_R", "", 3, 0.0, 32.35, STEP, 0.0, 100.0),
        ("SCORE", "", 3, 0.0, 0.39, STEP, 0.0, 100.0),
    ],
    "alternating": [
        ("Train Loss", "", 3, 0.7181, 0.6948, EPOCH, 41.0, 45.0),
        ("Loss", "", 3, 0.7153, 0.6994, EPOCH, 42.0, 46.0),
        ("Val Acc", "", 3, 0.9006, 0.9095, EPOCH, 42.0, 46.0),
        ("Val F1", "", 3, 0.9004, 0.9097, EPOCH, 42.0, 46.0),
    ],
    "batches_under_headers": [
        ("avg_loss", "", 6, 0.734, 0.534, STEP, 0.0, 806.0),
        ("train_loss", "", 3, 0.6767, 0.4767, EPOCH, 1.0, 3.0),
        ("val_loss", "", 3, 0.6539, 0.5839, EPOCH, 1.0, 3.0),
        ("val_macro_f1", "", 3, 0.6128, 0.6728, EPOCH, 1.0, 3.0),
        ("val_roc_auc", "", 3, 0.67, 0.7, EPOCH, 1.0, 3.0),
    ],
    "metric_time": [
        ("train loss", "", 3, 0.8105, 0.626, EPOCH, 1.0, 3.0),
        ("metric", "train", 3, 0.575, 0.37, EPOCH, 1.0, 3.0),
        ("time", "train", 3, 8.9, 8.2, EPOCH, 1.0, 3.0),
        ("valid loss", "", 3, 0.7552, 0.486, EPOCH, 1.0, 3.0),
        ("metric", "eval", 3, 0.49, 0.262, EPOCH, 1.0, 3.0),
        ("time", "eval", 3, 0.4, 0.4, EPOCH, 1.0, 3.0),
    ],
    "bilstm": [
        ("Train Loss", "", 3, 0.691, 0.554, EPOCH, 1.0, 3.0),
        ("Test Acc", "", 3, 59.53, 74.76, EPOCH, 1.0, 3.0),
        ("Test F1", "", 3, 58.2, 74.52, EPOCH, 1.0, 3.0),
    ],
    "marian_valid": [
        ("ce-mean-words", "eval", 3, 5.21277, 4.24812, STEP, 5000.0, 775000.0),
        ("perplexity", "eval", 3, 183.6, 64.24812, STEP, 5000.0, 775000.0),
    ],
    "inline_splits": [
        ("loss", "train", 3, 0.9, 0.7, EPOCH, 1.0, 3.0),
        ("acc", "train", 3, 0.41, 0.61, EPOCH, 1.0, 3.0),
        ("loss", "eval", 3, 0.95, 0.75, EPOCH, 1.0, 3.0),
        ("acc", "eval", 3, 0.4, 0.6, EPOCH, 1.0, 3.0),
    ],
    "ranks": [
        ("loss", "", 3, 2.5, NAN, STEP, 1.0, 3.0),
        ("tok/s", "", 3, 1200.0, 1200.0, STEP, 1.0, 3.0),
    ],
    "bars": [
        ("acc", "", 4, 0.1, 0.4, STEP, 10.0, 40.0),
        ("reward", "", 4, 10.5, 40.5, STEP, 10.0, 40.0),
    ],
    "bars_no_total": [
        ("it/s", "", 4, 11.9, 11.9, STEP, 10.0, 40.0),
        ("acc", "", 4, 0.1, 0.4, STEP, 10.0, 40.0),
        ("reward", "", 4, 10.5, 40.5, STEP, 10.0, 40.0),
    ],
    "comma_table": [
        ("train_loss", "", 3, 0.9, 0.7, EPOCH, 1.0, 3.0),
        ("val_loss", "", 3, 0.95, 0.76, EPOCH, 1.0, 3.0),
    ],
    "pipe_table": [
        ("Training Loss", "", 3, 0.52, 0.32, STEP, 500.0, 1500.0),
        ("Validation Loss", "", 3, 0.61, 0.41, STEP, 500.0, 1500.0),
    ],
    "colours": [
        ("loss", "", 3, 0.52, INF, STEP, 1200.0, 1400.0),
        ("acc", "", 3, 71.3, 73.3, STEP, 1200.0, 1400.0),
        ("it/s", "", 3, 12.3, 12.2, STEP, 1200.0, 1400.0),
    ],
    "lr_line": [
        ("loss", "", 3, 0.5, 0.3, EPOCH, 1.0, 3.0),
        ("learning_rate", "", 3, 0.001, 0.0001, EPOCH, 1.0, 3.0),
    ],
}


def unknown(name):
    return open_log(str(LOGS / f"{name}.log"))


@pytest.mark.parametrize("name", SPEC)
def test_the_lines_of_unknown_trainers_become_series(name):
    (parsed,) = console.read(unknown(name))
    assert [(s.logged_as, s.split, len(s)) for s in parsed.series] == [row[:3] for row in SPEC[name]]
    for (_, _, _, first, last, place, begin, end), one in zip(SPEC[name], parsed.series, strict=True):
        np.testing.assert_equal([one.value[0], one.value[-1]], [first, last])
        assert np.isfinite(one.step).all() == (place == STEP)
        if place != ROW:
            at = one.step if place == STEP else one.epoch
            assert (at[0], at[-1]) == (begin, end)
    assert (parsed.source.format, parsed.source.unread_lines) == ("learnt", 0)
    assert parsed.source.learnt


@pytest.mark.parametrize("name", sorted(SPEC.keys() - {"comma_table"}))
def test_such_a_file_is_detected(name):
    assert detect(unknown(name)).name == "learnt"


def test_all_logs_are_listed():
    assert sorted(path.stem for path in LOGS.iterdir()) == sorted(SPEC)


# --- what is no curve

DECOYS = {
    "access log": """\
127.0.0.1 - - [10/Oct/2000:13:55:36 -0700] "GET /step/1 HTTP/1.0" 200 2326
127.0.0.1 - - [10/Oct/2000:13:55:37 -0700] "GET /step/2 HTTP/1.0" 200 2327
127.0.0.1 - - [10/Oct/2000:13:55:38 -0700] "GET /loss HTTP/1.0" 404 232
127.0.0.1 - - [10/Oct/2000:13:55:39 -0700] "GET /loss HTTP/1.0" 404 233
127.0.0.1 - - [10/Oct/2000:13:55:40 -0700] "GET /loss HTTP/1.0" 404 234
""",
    "pip": """\
Collecting torch==2.0.1
  Downloading torch-2.0.1-cp311-cp311-manylinux1_x86_64.whl (619.9 MB)
     619.9/619.9 MB 5.2 MB/s eta 0:00:00
  Downloading numpy-1.25.0-cp311-cp311-manylinux1_x86_64.whl (17.6 MB)
     17.6/17.6 MB 50.1 MB/s eta 0:00:00
  Downloading filelock-3.12.2-py3-none-any.whl (10 kB)
     10.0/10.0 kB 5.1 MB/s eta 0:00:00
Successfully installed filelock-3.12.2 numpy-1.25.0 torch-2.0.1
""",
    "nvidia-smi": """\
+-----------------------------------------------------------------------------+
| NVIDIA-SMI 470.57.02    Driver Version: 470.57.02    CUDA Version: 11.4     |
|-------------------------------+----------------------+----------------------+
| GPU  Name        Persistence-M| Bus-Id        Disp.A | Volatile Uncorr. ECC |
| Fan  Temp  Perf  Pwr:Usage/Cap|         Memory-Usage | GPU-Util  Compute M. |
|===============================+======================+======================|
|   0  Tesla V100-SXM2...  On   | 00000000:00:1E.0 Off |                    0 |
| N/A   33C    P0    24W / 300W |      0MiB / 16160MiB |      0%      Default |
+-------------------------------+----------------------+----------------------+
|   1  Tesla V100-SXM2...  On   | 00000000:00:1F.0 Off |                    0 |
| N/A   35C    P0    25W / 300W |      0MiB / 16160MiB |      2%      Default |
+-------------------------------+----------------------+----------------------+
|   2  Tesla V100-SXM2...  On   | 00000000:00:20.0 Off |                    0 |
| N/A   36C    P0    26W / 300W |      0MiB / 16160MiB |      3%      Default |
+-------------------------------+----------------------+----------------------+
""",
    "traceback": """\
Traceback (most recent call last):
  File "train.py", line 120, in <module>
    step(batch=3)
  File "train.py", line 80, in step
    loss = criterion(x, 1.5)
  File "train.py", line 81, in step
    loss = criterion(x, 2.5)
RuntimeError: size mismatch, m1: [64 x 512], m2: [1024 x 10]
""",
    "source code": """\
for step in range(100):
    lr = 0.001 if step < 50 else 0.0001
    loss = 0.5 * criterion(model(x), y)
    loss += 0.25 * penalty
    if step % 10 == 0:
        print('step %d loss %.3f' % (step, loss.item()))
    self.loss = 0.0
    self.loss = 1.5
    self.loss = 2.5
""",
    "ls -l": """\
total 1234
-rw-r--r-- 1 user group  4096 Jan  1 12:00 loss_1.txt
-rw-r--r-- 1 user group  8192 Jan  2 12:01 loss_2.txt
-rw-r--r-- 1 user group 16384 Jan  3 12:02 loss_3.txt
drwxr-xr-x 2 user group  4096 Jan  4 12:03 step 3
""",
    "git diff": """\
diff --git a/train.py b/train.py
index 83db48f..bf269f4 100644
--- a/train.py
+++ b/train.py
@@ -1,4 +1,4 @@
-loss = 0.5
+loss = 0.25
-loss = 1.5
+loss = 1.25
-step = 3
+step = 4
@@ -12,7 +12,7 @@
""",
    "ini": """\
[small]
lr = 0.1
epochs = 10
loss_weight = 0.25
[middle]
lr = 0.01
epochs = 20
loss_weight = 0.5
[large]
lr = 0.001
epochs = 30
loss_weight = 0.75
""",
    "yaml": """\
model:
  hidden_size: 512
  dropout: 0.1
train:
  max_steps: 1000
  warmup_steps: 100
  learning_rate: 0.0003
  label_smoothing: 0.1
  accuracy_threshold: 0.5
""",
    "pretty JSON": """\
{
  "step": 10,
  "loss": 0.5,
  "step": 20,
  "loss": 0.4,
  "step": 30,
  "loss": 0.3
}
""",
    "a build": """\
[1/500] Building CXX object a.o
[2/500] Building CXX object b.o
[3/500] Building CXX object c.o
[ 12%] Built target loss
Step 1/7 : FROM python:3.11
Step 2/7 : RUN pip install torch==2.0.1
Step 3/7 : COPY . /app
""",
    "tests": """\
tests/test_loss.py::test_step[1-0.5] PASSED                       [ 25%]
tests/test_loss.py::test_step[2-0.7] PASSED                       [ 50%]
tests/test_loss.py::test_step[3-0.9] PASSED                       [ 75%]
============================== 3 passed in 1.25s ===============================
""",
    "processes": """\
  PID USER      PR  NI    VIRT    RES    SHR S  %CPU  %MEM     TIME+ COMMAND
 1234 root      20   0 1234567  12345   1234 S   0.3   0.1   0:01.23 train
 1235 root      20   0 1234568  12346   1235 S   0.4   0.2   0:01.24 train
 1236 root      20   0 1234569  12347   1236 S   0.5   0.3   0:01.25 train
""",
    "ping": """\
64 bytes from 10.0.0.1: icmp_seq=1 ttl=57 time=12.3 ms
64 bytes from 10.0.0.1: icmp_seq=2 ttl=57 time=12.4 ms
64 bytes from 10.0.0.1: icmp_seq=3 ttl=57 time=12.7 ms
""",
    "checkpoints": """\
Saving model at step 100 to /runs/a/step_100.pt (1.2 GB in 3.5 s)
Saving model at step 200 to /runs/a/step_200.pt (1.2 GB in 3.6 s)
Saving model at step 300 to /runs/a/step_300.pt (1.2 GB in 3.7 s)
Epoch 1 took 12.5 s
Epoch 2 took 12.6 s
Epoch 3 took 12.7 s
""",
    "progress of other work": """\
Processed 1000/5000 files, 12.5 MB/s
Processed 2000/5000 files, 12.7 MB/s
Processed 3000/5000 files, 12.9 MB/s
Loading shard 1/3 in 1.25 s
Loading shard 2/3 in 1.35 s
Loading shard 3/3 in 1.45 s
""",
    "results of folds": """\
Fold 1 accuracy 0.91
Fold 2 accuracy 0.92
Fold 3 accuracy 0.90
Fold 4 accuracy 0.93
""",
    "results of models": """\
resnet18: loss 0.51, acc 70.1
resnet50: loss 0.42, acc 76.2
resnet101: loss 0.39, acc 77.3
""",
    "classes of one evaluation": """\
class 0: AP 0.51
class 1: AP 0.42
class 2: AP 0.39
""",
    "parameters": """\
layer 1 weight norm 0.51
layer 2 weight norm 0.42
layer 3 weight norm 0.39
Number of parameters: 117814100
Total steps: 1000, warmup steps: 100, batch size: 8
""",
    "ranges in prose": """\
Epoch 1: val_loss about 2.1-2.3 (random)
Epoch 2: val_loss about 1.1-1.3 (getting closer)
Epoch 3: val_loss about 0.1-0.3 (target)
""",
    "a manual": """\
Returns 1 on success, 0 otherwise.
Returns 2 on success, 0 otherwise.
Returns 3 on success, 0 otherwise.
""",
    "lists": """\
anchors: [10, 13, 16.5], loss: [0.5, 0.6, 0.7], step: [1, 2, 3]
anchors: [11, 13, 16.5], loss: [0.4, 0.6, 0.7], step: [1, 2, 4]
anchors: [12, 13, 16.5], loss: [0.3, 0.6, 0.7], step: [1, 2, 5]
""",
    "the same setting again": """\
using loss margin 0.5
using loss margin 0.5
using loss margin 0.5
""",
}


@pytest.mark.parametrize("name", DECOYS)
def test_nothing_is_learnt_of_other_text(name):
    parsed = read(DECOYS[name])
    assert [(s.logged_as, s.value.tolist()) for s in parsed.series] == []
    assert parsed.source.learnt == ()


def test_decoys_between_the_rows_change_nothing():
    rows = [f"epoch {n} | train loss {1 / n:.4f} | val loss {2 / n:.4f}\n" for n in range(1, 1 + len(DECOYS))]
    # An open traceback takes what follows it.
    others = [text for name, text in DECOYS.items() if name != "traceback"]
    parsed = read("".join(row + other for row, other in zip(rows, others, strict=False)))
    assert [(s.logged_as, len(s)) for s in parsed.series] == [("train loss", len(others)), ("val loss", len(others))]


# --- how much is enough

LINE = "epoch {n} | train loss {loss}\n"


def rows(count):
    return "".join(LINE.format(n=n, loss=1 / n) for n in range(1, count + 1))


def test_two_rows_are_not_enough_and_are_told():
    parsed = read(rows(2))
    assert parsed.series == ()
    assert parsed.source.unread_lines == 2
    assert [(e.line, e.why) for e in parsed.source.unread_examples] == [
        (1, "2 of this kind, and 3 are needed"),
        (2, "2 of this kind, and 3 are needed"),
    ]
    assert [e.line for e in parsed.source.doubtful] == [1]
    assert read(rows(3)).source.unread_lines == 0


def test_two_rows_that_say_more_of_other_epochs_are_read_with_the_rest():
    text = "".join(
        f"epoch {n} | train loss {1 / n}{f' | val loss {2 / n}' if n % 5 == 0 else ''}\n" for n in range(1, 11)
    )
    parsed = read(text)
    assert [(s.logged_as, s.epoch.tolist()) for s in parsed.series] == [
        ("train loss", [float(n) for n in range(1, 11)]),
        ("val loss", [5.0, 10.0]),
    ]
    assert parsed.source.unread_lines == 0


def test_a_damaged_line_among_the_rows_gives_no_number_and_is_told():
    parsed = read(rows(3) + "epoch 4 | train loss 0.25.17\n" + rows(6).splitlines()[4] + "\n")
    assert len(series(parsed, "train loss")) == 4
    assert [(e.line, e.text) for e in parsed.source.unread_examples] == [(4, "epoch 4 | train loss 0.25.17")]


def test_the_last_line_without_an_end_is_not_taken_for_a_whole_one():
    parsed = read(rows(3) + "epoch 4 | train loss 0.2")
    assert len(series(parsed, "train loss")) == 3
    assert (parsed.source.truncated, parsed.source.unread_lines) == (True, 0)


def test_a_line_of_another_wording_belongs_to_the_rows_with_its_names():
    parsed = read(rows(4) + "16:20 epoch 5 | train loss 0.1 (new best)\n")
    assert len(series(parsed, "train loss")) == 5
    assert parsed.source.learnt == (
        "4 lines of epoch {epoch} | train loss {train loss}",
        "1 line of {} epoch {epoch} | train loss {train loss} (new best)",
    )


def test_the_mean_of_an_epoch_is_not_mixed_with_its_steps():
    steps = "".join(f"epoch {e} step {10 * e + i} loss {3 / (e + i)}\n" for e in (1, 2, 3) for i in (1, 2, 3))
    epochs = "".join(f"epoch {e} done, loss {2 / e} \n" for e in (1, 2, 3))
    parsed = read(steps + epochs)
    assert [(s.logged_as, len(s)) for s in parsed.series] == [("loss", 9), ("loss_epoch", 3)]


def test_an_evaluation_at_the_steps_of_the_training_is_another_series():
    text = "".join(f"step {n} loss {1 / n} lr 0.1\nstep {n} loss {2 / n} acc 0.5\n" for n in range(1, 5))
    assert [(s.logged_as, s.value[0]) for s in read(text).series] == [
        ("loss", 1),
        ("lr", 0.1),
        ("loss.1", 2),
        ("acc", 0.5),
    ]


SPLITS = [
    ("Train Epoch: {n} loss {a} val_loss {b}", [("loss", "train"), ("val_loss", "")]),
    ("Epoch {n} train loss {a} val loss {b}", [("train loss", ""), ("val loss", "")]),
    ("epoch {n} loss_train: {a} loss_val: {b}", [("loss_train", ""), ("loss_val", "")]),
    ("[valid] step {n} loss {a} acc {b}", [("loss", "eval"), ("acc", "eval")]),
    ("Test set epoch {n}: loss {a}, acc {b}", [("loss", "test"), ("acc", "test")]),
    ("step {n} train: loss {a} | eval: loss {b}", [("loss", "train"), ("loss", "eval")]),
    ("Epoch {n} valid loss: {a} - metric: {b}", [("valid loss", ""), ("metric", "eval")]),
]


@pytest.mark.parametrize(("line", "expected"), SPLITS)
def test_words_of_a_line_give_the_split_unless_the_name_does(line, expected):
    parsed = read("".join(line.format(n=n, a=1 / n, b=2 / n) + "\n" for n in range(1, 5)))
    assert [(s.logged_as, s.split) for s in parsed.series] == expected


NAMES = [
    ("Cost after iteration {n}: {a}", [("Cost", "step")]),
    ("Loss at epoch {n}: {a}", [("Loss", "epoch")]),
    ("Train Loss (epoch {n}): {a}", [("Train Loss", "epoch")]),
    ("====> Epoch: {n} Average loss: {a}", [("Average loss", "epoch")]),
    ("Epoch #{n} finished. Train loss: {a}; Val. loss: {b}", [("Train loss", "epoch"), ("Val. loss", "epoch")]),
    ("step {n} loss {a} dt {b}ms", [("loss", "step"), ("dt", "step")]),
    ("step {n} loss {a}, saved in {b}ms", [("loss", "step")]),
    ("Step {n}/1000; ppl: {a}; xent: {b};", [("ppl", "step"), ("xent", "step")]),
    ("[{n}]\ttraining's l2: {a}\tvalid_1's l2: {b}", [("training's l2", "step"), ("valid_1's l2", "step")]),
]


@pytest.mark.parametrize(("line", "expected"), NAMES)
def test_a_number_has_the_name_that_a_reader_would_give_it(line, expected):
    parsed = read("".join(line.format(n=n, a=1 / n, b=2 / n) + "\n" for n in range(1, 5)))
    assert [(s.logged_as, "step" if np.isfinite(s.step).all() else "epoch") for s in parsed.series] == expected


def test_a_split_before_a_count_numbers_the_epochs():
    lines = [f"Train: {n // 2} [{50 * (n % 2):4d}/100 ({50 * (n % 2):3d}%)]  Loss: {1 / (n + 1)}\n" for n in range(6)]
    parsed = read("".join(lines))
    assert points(parsed, "Loss", "train") == [(50.0 * n, 1 / (n + 1)) for n in range(6)]
    assert [s.logged_as for s in parsed.series] == ["Loss"]


def test_times_of_steps_in_several_units_are_one_series_in_seconds():
    text = "".join(f"step {n} loss {1 / n} dt {time}\n" for n, time in enumerate(("250ms", "750ms", "2s"), start=1))
    assert [value for _, value in points(read(text), "dt")] == [0.25, 0.75, 2.0]


def test_a_line_that_is_a_split_alone_says_it_of_the_line_below():
    """The quickstart of PyTorch."""
    text = "".join(
        f"Epoch {n}\n-------\nloss: {2 / n:f}  [   64/60000]\nloss: {1 / n:f}  [ 6464/60000]\n"
        f"Test Error: \n Accuracy: {n + 10.5}%, Avg loss: {1.5 / n:f} \n\n"
        for n in range(1, 5)
    )
    assert [(s.logged_as, s.split, len(s)) for s in read(text).series] == [
        ("loss", "", 8),
        ("Accuracy", "test", 4),
        ("Avg loss", "test", 4),
    ]


def test_an_evaluation_below_each_epoch_may_stand_still():
    text = "".join(
        f"Train Epoch: {n} [0/640 (0%)]\tLoss: {1 / n}\nTrain Epoch: {n} [320/640 (50%)]\tLoss: {0.5 / n}\n"
        "Test set: Average loss: 0.0003, Accuracy: 10000/10000 (100%)\n"
        for n in range(1, 5)
    )
    parsed = read(text)
    assert by_epoch(parsed, "Average loss", "test") == [(n, 0.0003) for n in range(1, 5)]
    assert parsed.source.unread_lines == 0


@pytest.mark.parametrize("heading", ["Test results saved:", "Validating...", "Testing the loader:", "test"])
def test_other_lines_without_a_number_say_no_split(heading):
    parsed = read("".join(f"{heading}\nstep {n} loss {1 / n}\n" for n in range(1, 5)))
    assert [(s.logged_as, s.split) for s in parsed.series] == [("loss", "")]


def test_lines_that_a_line_format_knows_are_not_learnt():
    parsed = read("{'loss': 2.5, 'step': 1}\n" * 5 + rows(4))
    assert parsed.source.format == "hf_dict"
    assert [(s.logged_as, len(s)) for s in parsed.series] == [("loss", 5), ("train loss", 4)]
    assert len(parsed.source.learnt) == 1


def test_a_learning_rate_in_a_row_is_a_metric_and_no_setting():
    text = "learning_rate: 0.1\n" + "".join(f"Epoch {n}, loss {1 / n}, learning_rate: {0.1 / n}\n" for n in range(1, 5))
    parsed = read(text)
    assert len(series(parsed, "learning_rate")) == 4
    assert parsed.config["learning_rate"].value == 0.1


@pytest.mark.parametrize("count", [1, 2, 3])
def test_each_process_is_read_once(count):
    text = "".join(f"[rank{r}]: step {n} loss {n + r}\n" for n in range(1, 5) for r in range(count))
    assert points(read(text), "loss") == [(1, 1), (2, 2), (3, 3), (4, 4)]


def test_a_copy_of_the_reader_goes_on_by_itself():
    reader = ConsoleReader("x", LINE_FORMATS)
    reader.take(rows(3).encode())
    twin = copy.deepcopy(reader)
    twin.take(b"epoch 4 | train loss 0.2\n")
    reader.take(b"epoch 4 | train loss 0.3\nepoch 5 | train loss 0.1\n")
    assert [one.parsed("x")[0].series[0].value.tolist()[3:] for one in (twin, reader)] == [[0.2], [0.3, 0.1]]


# --- properties

WORDS = st.from_regex(r"[a-z]{3,8}(_[a-z]{2,6})?", fullmatch=True).filter(
    lambda name: not name.startswith(("nan", "inf")) and name not in ("the", "and", "from", "for", "with", "than")
)
SHAPES = {
    "colons": ("{counter}: {n}, {pairs}", "{name}: {value}", ", "),
    "equals": ("[{counter} {n}] {pairs}", "{name}={value}", " "),
    "words": ("{counter} {n} {pairs}", "{name} {value}", " "),
    "dashes": ("{counter} {n} - {pairs}", "{name} - {value}", " - "),
    "brackets": ("{counter} [{n}/5000] {pairs}", "[{name}] {value}", " "),
    "cells": ("| {counter} | {n} | {pairs} |", "{name} | {value}", " | "),
    "logger": ("2024-01-05 10:20:{n:02d},123 - root - INFO - {counter} {n} | {pairs}", "{name}: {value}", " | "),
}


def known_to_others(names):
    """Names that say something else than a metric."""
    return any(
        naming.counter(n) or naming.is_no_metric(n) or naming.is_identity(n) or naming.is_process(n) or len(n) < 3
        for n in names
    )


VALUES = st.floats(-1e6, 1e6, allow_nan=False).map(lambda x: round(x, 4) + 0.00001)


@given(
    st.sampled_from(sorted(SHAPES)),
    st.sampled_from(["step", "iter", "Epoch", "global_step"]),
    st.lists(WORDS, min_size=1, max_size=4, unique=True).filter(lambda names: not known_to_others(names)),
    st.data(),
)
def test_rows_of_any_names_and_values_are_read_back(shape, counter, names, data):
    line, pair, between = SHAPES[shape]
    table = data.draw(st.lists(st.tuples(*[VALUES] * len(names)), min_size=4, max_size=8))
    lines = [
        line.format(
            counter=counter,
            n=n,
            pairs=between.join(pair.format(name=name, value=repr(v)) for name, v in zip(names, row, strict=True)),
        )
        for n, row in enumerate(table, 10)
    ]
    parsed = read("\n".join(lines) + "\n")
    found = {s.logged_as: s for s in parsed.series}
    assert sorted(found) == sorted(names)
    for i, name in enumerate(names):
        at = found[name].epoch if counter == "Epoch" else found[name].step
        assert at.tolist() == list(range(10, 10 + len(table)))
        assert found[name].value.tolist() == [row[i] for row in table]


TEXT = st.text(st.sampled_from("abc ,:=|[]()/-+.%0123456789\t'\"{}lossepochstepnan"), max_size=60)


@given(st.lists(TEXT, max_size=30))
def test_any_lines_are_read_or_left(lines):
    parsed = read("\n".join(lines).replace("\r", " ") or "x")
    assert parsed.source.points == sum(map(len, parsed.series))


HOSTILE = [
    "-" * 1900 + "1",
    "f" * 1900 + "1",
    "1:" * 900,
    "a/" * 900 + "1",
    "(" * 1900 + "1",
    "a(b" * 600 + "1",
    "1 " * 990,
]


@pytest.mark.parametrize("line", HOSTILE, ids=lambda line: line[:4])
def test_long_lines_are_looked_at_in_time_that_grows_with_their_length(line):
    """Not linear patterns would not come back from these."""
    read("".join(f"step loss {line}{chr(97 + n % 26)}{chr(97 + n // 26)}\n" * 2 for n in range(40)))

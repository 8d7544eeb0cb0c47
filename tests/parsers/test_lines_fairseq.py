"""Lines of fairseq, old and new."""

import pytest
from console_text import by_epoch, points, read
from shared_logs import REAL, needs_shared

from trainvitals.diagnostics.normalisation import normalise
from trainvitals.parsers import read as read_run
from trainvitals.parsers.files import open_log
from trainvitals.parsers.formats import console

OLD = """\
| epoch 001:   1000 / 1637 loss=7.581, nll_loss=0.000, ppl=1.00, wps=320047, num_updates=997, lr=0.00197007, \
gnorm=52846.367, clip=100%, oom=0, loss_scale=8.000, wall=241
| WARNING: overflow detected, setting loss scale to: 4.0
| epoch 001 | loss 6.623 | nll_loss 0.000 | ppl 1.00 | wps 320028 | num_updates 1632 | lr 0.00154677 | \
gnorm 37767.016 | clip 100% | oom 0 | loss_scale 4.000 | wall 389
| epoch 001 | valid on 'valid' subset | loss 4.008 | ppl 16.09 | num_updates 1632 | best_loss 4.00763
"""
NEW = """\
2023-06-13 17:31:54 | INFO | train_inner | epoch 143:    185 / 282 loss=3.153, nll_loss=1.243, ppl=8.89, \
wps=132396, num_updates=40200, lr=0.00015772, gnorm=0.483, clip=0, loss_scale=32768, train_wall=46, wall=0
2023-06-13 17:32:38 | INFO | fairseq_cli.train | begin validation on "valid" subset
2023-06-13 17:32:41 | INFO | valid | epoch 143 | valid on 'valid' subset | loss 12.677 | nll_loss 11.546 | \
length 4.375 | ppl 6550.94 | bleu 29.52 | num_updates 40297 | best_bleu 30.53
2023-06-13 17:32:53 | INFO | train | epoch 143 | loss 3.14 | nll_loss 1.23 | num_updates 40297 | lr 0.00015753 | \
gnorm 0.5
"""


def test_old_rows_within_an_epoch_are_running_means_and_the_epoch_is_the_point():
    parsed = read(OLD)
    assert points(parsed, "loss_running", "train") == [(997, 7.581)]
    assert points(parsed, "loss", "train") == [(1632, 6.623)]
    assert by_epoch(parsed, "loss", "train") == [(1, 6.623)]
    assert points(parsed, "gnorm", "train") == [(1632, 37767.016)]
    assert points(parsed, "clip", "train") == [(1632, 100)]
    assert points(parsed, "lr", "train") == [(997, 0.00197007), (1632, 0.00154677)]
    assert points(parsed, "loss", "eval") == [(1632, 4.008)]


def test_new_rows_within_an_epoch_are_the_points_and_the_epoch_sums_them_up():
    parsed = read(NEW)
    assert points(parsed, "loss", "train") == [(40200, 3.153)]
    assert points(parsed, "loss_epoch", "train") == [(40297, 3.14)]
    assert points(parsed, "loss", "eval") == [(40297, 12.677)]
    assert points(parsed, "bleu", "eval") == [(40297, 29.52)]
    assert parsed.source.unread_lines == 0


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (OLD, [6.623]),
        (OLD.splitlines()[0] + "\n", [7.581]),
        (NEW, [3.153]),
        (NEW.splitlines()[3] + "\n", [3.14]),
    ],
    ids=["old", "old, in its first epoch", "new", "new, without rows within the epoch"],
)
def test_whatever_is_there_is_the_loss_of_the_run(text, expected, tmp_path):
    (tmp_path / "train.log").write_text(text)
    assert normalise(read_run(str(tmp_path / "train.log"))).run.get("loss").value.tolist() == expected


def test_a_subset_of_tests_and_names_of_versions_in_between():
    parsed = read("| epoch 027 | valid on 'test1' subset | valid_loss 1.41304 | valid_ppl 2.66 | num_updates 3726\n")
    assert points(parsed, "valid_loss", "test") == [(3726, 1.41304)]


def test_not_a_number_is_kept():
    (point,) = points(read(OLD.replace("loss 6.623", "loss nan")), "loss", "train")
    assert point == pytest.approx((1632, float("nan")), nan_ok=True)


def test_the_accumulation_is_the_only_item_of_its_list(tmp_path):
    (tmp_path / "train.log").write_text("Namespace(arch='transformer', lr=[0.001976], update_freq=[4])\n" + OLD)
    config = normalise(read_run(str(tmp_path / "train.log"))).run.config
    assert config["gradient_accumulation_steps"].value == 4
    assert config["learning_rate"].value == 0.001976


@pytest.mark.parametrize("damaged", ["loss 6.6.23", "loss 6.623 | ppl 1.0.0"])
def test_a_damaged_line_gives_no_number_at_all(damaged):
    parsed = read(f"| epoch 001 | {damaged} | num_updates 1632 | lr 0.00154677\n")
    assert (parsed.series, parsed.source.unread_lines) == ((), 1)


@needs_shared
def test_the_real_log_has_the_losses_of_its_epochs():
    path = REAL / "fairseq_text" / "chuanli11__training_results_v0.6__transformer_result_8.txt"
    (parsed,) = console.read(open_log(str(path)))
    assert points(parsed, "loss", "train") == [(1632, 6.623), (3269, 4.637), (4906, 4.366), (6542, 4.236)]
    assert [value for _, value in points(parsed, "eval_accuracy")] == pytest.approx(
        [20.80083340406418, 24.3265, 24.838, 25.3958], abs=1e-3
    )
    assert parsed.source.unread_lines == 0

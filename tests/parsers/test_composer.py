"""Blocks of MosaicML Composer's console logger."""

import math

import pytest
from console_text import by_epoch, points, read

from trainvitals.diagnostics.normalisation import normalise
from trainvitals.parsers import read as read_run

BATCHES = """\
[batch=1/100]:
         Train LanguageCrossEntropy: 10.9736
         Train Perplexity: 58312.0586
         Train loss/train/total: 10.9736
[batch=2/100]:
         Train LanguageCrossEntropy: 10.9724
         Train loss/train/total: nan
"""
EPOCHS = """\
[epoch=1][batch=5/5]:
\t Train time/batch: 4
\t Train time/sample: 4096
\t Train loss/train/total: 8.4213
\t Train expert_selection/ffn_layer: <wandb.sdk.data_types.image.Image object at 0x711e4ce7f800>
[Eval batch=1/320] Eval on eval data
[Eval batch=320/320] Eval on eval data:
\t Eval metrics/eval/LanguageCrossEntropy: 8.1000
[epoch=2][batch=3/5]:
\t Train loss/train/total: 7.9
"""
TOKENS = """\
0: [token=32768/300000000]:
0:       Train time/epoch: 0
0:       Train time/batch: 15
0:       Train loss/train/total: 12.0000
"""


def test_a_line_of_a_block_is_a_point_at_the_batch_of_its_header():
    parsed = read(BATCHES)
    assert points(parsed, "Perplexity", "train") == [(1, 58312.0586)]
    (first, second) = points(parsed, "loss/train/total", "train")
    assert first == (1, 10.9736)
    assert second[0] == 2
    assert math.isnan(second[1])
    assert (parsed.source.format, parsed.source.unread_lines) == ("composer", 0)


def test_batches_of_all_epochs_are_counted_and_an_evaluation_stands_at_the_last():
    parsed = read(EPOCHS)
    assert points(parsed, "loss/train/total", "train") == [(5, 8.4213), (8, 7.9)]
    assert by_epoch(parsed, "loss/train/total", "train") == [(1, 8.4213), (2, 7.9)]
    assert points(parsed, "metrics/eval/LanguageCrossEntropy", "eval") == [(5, 8.1)]
    assert "expert_selection/ffn_layer" not in {s.logged_as for s in parsed.series}
    assert parsed.source.unread_lines == 0


def test_a_header_in_tokens_leaves_the_step_to_the_count_of_batches_before():
    assert points(read(TOKENS), "loss/train/total", "train") == [(16, 12)]


@pytest.mark.parametrize("line", ["\t Train loss/train/total: 8.4\n", "[batch=1/3]\nTrain loss/train/total: 8.4\n"])
def test_a_line_without_a_header_or_an_indent_is_no_row(line):
    assert read(line).series == ()


def test_the_losses_of_both_splits_are_called_loss(tmp_path):
    path = tmp_path / "train.log"
    path.write_text(EPOCHS)
    run = normalise(read_run(str(path))).run
    assert run.get("loss").value.tolist() == [8.4213, 7.9]
    assert run.get("loss", "eval").value.tolist() == [8.1]

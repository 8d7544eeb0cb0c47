"""What Ultralytics and YOLOv5 print."""

import math

import pytest
from console_text import by_epoch, read

from trainvitals.parsers.files import LogFile
from trainvitals.parsers.formats import console
from trainvitals.parsers.formats.ultralytics_text import measures

HEAD = "      Epoch    GPU_mem   box_loss   cls_loss    l1_loss  Instances       Size\n"
ROW = "{e:>8}/80      2.46G      {v}      2.523    0.00174         32        960: {bar}"
EVALUATION = (
    "                 Class     Images  Instances      Box(P          R      mAP50  mAP50-95): {bar}\n"
    "                   all        208       2973      0.704      0.429      0.455      {v}\n"
)
NEW, CLOUD, TQDM = (
    "{p}% ━━━━━━━━━━━━ 275/275 4.1it/s 1:07",
    "{p}% 9/9 [00:02<00:00,  3.00it/s]",
    "{p}%|██████████| 274/274 [01:59<00:00,  2.30it/s]",
)
V5 = """\
     Epoch   gpu_mem       box       obj       cls     total    labels  img_size
     0/299        0G    0.1031   0.03668   0.02818    0.1679        16       640: 100% 4/4 [03:03<00:00, 45.95s/it]
               Class      Images      Labels           P           R      mAP@.5  mAP@.5:.95: 100% 2/2 [00:26<00:00]
                 all          66          73      0.0125       0.249      0.0115     0.00203

     Epoch   gpu_mem       box       obj       cls     total    labels  img_size
     1/299        0G       nan   0.03579   0.02888       nan        15       640: 100% 4/4 [02:00<00:00, 30.06s/it]
"""
CLASSIFICATION = """\
      Epoch    GPU_mem       loss  Instances       Size
       1/10     0.374G      2.309         16        224:  10%|█         | 1/10 [00:00<00:00,  2.30it/s]\r\
       1/10     0.374G      2.209         16        224: 100%|██████████| 10/10 [00:01<00:00,  2.30it/s]
               classes   top1_acc   top5_acc: 100%|██████████| 5/5 [00:00<00:00,  9.71it/s]
                   all      0.342      0.883
"""


def epoch(e, v, bar, measure="0.286"):
    drawn = "\r".join(ROW.format(e=e, v=shown, bar=bar.format(p=p)) for p, shown in [(1, v + 1), (100, v)])
    return HEAD + drawn + "\n" + EVALUATION.format(bar=bar.format(p=100), v=measure) + "\n"


@pytest.mark.parametrize("bar", [NEW, CLOUD, TQDM], ids=["own bars", "ascii bars", "tqdm"])
def test_the_last_refresh_of_a_row_and_its_evaluation_are_points_of_the_epoch(bar):
    parsed = read("\x1b[K" + epoch(1, 1.292, bar) + epoch(2, 1.28, bar, "0.296"))
    assert by_epoch(parsed, "box_loss", "train") == [(1, 1.292), (2, 1.28)]
    assert by_epoch(parsed, "l1_loss", "train") == [(1, 0.00174), (2, 0.00174)]
    assert by_epoch(parsed, "metrics/mAP50-95(B)", "eval") == [(1, 0.286), (2, 0.296)]
    assert not {"Size", "Instances", "GPU_mem"} & {s.logged_as for s in parsed.series}
    assert (parsed.source.format, parsed.source.unread_lines) == ("ultralytics_text", 0)


def test_the_evaluation_of_the_best_weights_is_a_number_about_the_run():
    parsed = read(
        epoch(1, 1.292, NEW) + "1 epochs completed in 0.841 hours.\n" + EVALUATION.format(bar="100%", v="0.7")
    )
    assert by_epoch(parsed, "metrics/mAP50-95(B)", "eval") == [(1, 0.286)]
    assert parsed.summary["best/metrics/mAP50-95(B)"].value == 0.7


def test_epochs_that_begin_anew_are_another_run():
    text = epoch(1, 1.5, NEW) + epoch(2, 1.25, NEW) + epoch(1, 1.75, TQDM) + epoch(2, 1.5, TQDM)
    first, second = console.read(LogFile("train.log", text.encode()))
    assert by_epoch(first, "box_loss", "train") == [(1, 1.5), (2, 1.25)]
    assert by_epoch(second, "box_loss", "train") == [(1, 1.75), (2, 1.5)]
    assert [e for e, _ in by_epoch(second, "metrics/mAP50(B)", "eval")] == [1, 2]


def test_rows_of_single_classes_are_left_out():
    text = (
        epoch(1, 1.292, NEW)
        + "                banana        100        120      0.7       0.71      0.779      0.687\n"
    )
    assert by_epoch(read(text), "metrics/precision(B)", "eval") == [(1, 0.704)]


def test_version_5_counts_from_0_and_has_shorter_names():
    parsed = read(V5)
    assert by_epoch(parsed, "obj_loss", "train") == [(0, 0.03668), (1, 0.03579)]
    assert by_epoch(parsed, "total_loss", "train")[0] == (0, 0.1679)
    assert math.isnan(by_epoch(parsed, "box_loss", "train")[1][1])
    assert by_epoch(parsed, "metrics/mAP_0.5:0.95", "eval") == [(0, 0.00203)]


def test_a_short_row_before_a_bar_is_no_description_of_it():
    parsed = read(CLASSIFICATION)
    assert by_epoch(parsed, "loss", "train") == [(1, 2.209)]
    assert by_epoch(parsed, "metrics/accuracy_top1", "eval") == [(1, 0.342)]


def test_masks_and_poses_have_measures_of_their_own():
    assert measures("Box(P R mAP50 mAP50-95) Mask(P R mAP50 mAP50-95)")[::4] == (
        "metrics/precision(B)",
        "metrics/precision(M)",
    )
    assert measures("Box(P R mAP50 mAP50-95) Pose(P R mAP50 mAP50-95)")[-1] == "metrics/mAP50-95(P)"


@pytest.mark.parametrize(
    "row", ["  1/80  2.46G  1.2.92  2.5  0.1  32  960: 100%", "  1/80  2.46G  1.292  2.5  960: 100%"]
)
def test_a_damaged_row_is_none(row):
    assert read(HEAD + row + "\n").series == ()


def test_rows_without_a_header_are_none():
    assert read(ROW.format(e=1, v=1.2, bar="100%") + "\n").series == ()

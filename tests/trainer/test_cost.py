"""The table of what the losses cost."""

import pytest

torch = pytest.importorskip("torch", reason="the reference trainer needs the extra 'trainer'")

from trainvitals.sample_logs.trainer import cost  # noqa: E402 (needs torch)

SMALL = cost.Sizes(bins=20, vocabulary=60, positions=4)


def test_every_loss_is_timed_with_its_gradient():
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in cost.table(SMALL).splitlines()[4:]]
    assert [row[0] for row in rows] == list(cost.terms(SMALL, torch.device("cpu")))
    assert all(float(row[2]) >= float(row[1]) >= 0 for row in rows)
    assert rows[0][3] == "1.0x"


def test_the_gate_looks_at_the_whole_vocabulary():
    gate = cost.terms(SMALL, torch.device("cpu"))["gate"]
    assert gate().item() > 0

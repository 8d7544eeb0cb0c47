"""Which runs are shown beside one another before anybody chooses: those of one folder and one loss type."""

from dataclasses import dataclass

import pytest

from trainvitals.diagnostics.companions import companions, sound_one


@dataclass(frozen=True)
class Row:
    name: str
    verdict: str = "fail"
    loss_type: str = "generic"


SICK = Row("a/sick")
ROWS = (SICK, Row("a/worse"), Row("b/elsewhere"), Row("a/other", "pass", "eos"), Row("a/sound", "pass"), Row("flat"))


def test_companions_share_folder_and_loss_type():
    assert companions(SICK, ROWS) == ["a/worse", "a/sound"]
    assert companions(Row("flat"), ROWS) == []


@pytest.mark.parametrize(
    ("one", "found"), [(SICK, "a/sound"), (Row("a/sound", "pass"), "a/sick"), (Row("b/elsewhere"), None)]
)
def test_a_run_is_held_against_one_that_passed_where_there_is_one(one, found):
    assert sound_one(one, ROWS) == found

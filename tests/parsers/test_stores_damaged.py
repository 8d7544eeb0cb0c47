"""Stores with bytes changed, cut out and repeated are read, or refused with a reason; nothing else happens."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainvitals.parsers import ReadError
from trainvitals.parsers.files import LogFile
from trainvitals.parsers.formats import aim_csv, mlflow_db, mlflow_files, trackio_db, trackio_parquet, wandb_run

STORES = (mlflow_db, mlflow_files, trackio_db, trackio_parquet, wandb_run, aim_csv)
DAMAGE = st.lists(st.tuples(st.floats(0, 0.999), st.binary(max_size=8), st.integers(0, 40)), min_size=1, max_size=5)


@pytest.mark.parametrize("store", STORES, ids=lambda store: store.NAME)
@given(damage=DAMAGE)
def test_a_damaged_store_is_read_or_refused(store, damage):
    data = store.SAMPLE
    for where, inserted, removed in damage:
        at = int(where * len(data))
        data = data[:at] + inserted + data[at + removed :]
    with suppress(ReadError):
        store.read(LogFile("store", data))

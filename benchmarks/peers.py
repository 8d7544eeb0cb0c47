"""The other programs, each one function that reads a workload into columns and returns how many values it found.

    python peers.py NAME PATH

Runs in a virtual environment of its own; every import stands in the function that needs it, so that none pays for
another.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path


def duckdb(path: str) -> int:
    """`read_json_auto` into an Arrow table."""
    import duckdb as database

    table = database.sql(f"select * from read_json_auto('{path}')").to_arrow_table()
    return int(table.num_rows)


def polars(path: str) -> int:
    """With the schema from all rows: by default it drops keys that are first seen after row 100."""
    import polars as pl

    return pl.read_ndjson(path, infer_schema_length=None).height


def orjson(path: str) -> int:
    """Line by line into lists; the standard library for the lines that it refuses."""
    import json

    import orjson as decoder

    columns: dict[str, tuple[list[int], list[object]]] = {}
    number = 0
    with Path(path).open("rb") as file:
        for number, line in enumerate(file, 1):
            try:
                row = decoder.loads(line)
            except decoder.JSONDecodeError:
                row = json.loads(line)
            for key, value in row.items():
                rows, values = columns.setdefault(key, ([], []))
                rows.append(number)
                values.append(value)
    return number


def rustboard(path: str) -> int:
    """TensorBoard's fast loader (`--load_fast`), then all points over its own interface; it checks no data checksum."""
    import subprocess
    import tempfile

    import grpc
    import tensorboard_data_server
    from tensorboard.data import grpc_provider
    from tensorboard.data.proto import data_provider_pb2 as messages

    port = Path(tempfile.mkdtemp()) / "port"
    command = [tensorboard_data_server.server_binary(), "--host=127.0.0.1", f"--logdir={path}", "--reload=once"]
    command += ["--samples-per-plugin=scalars=all", "--port=0", f"--port-file={port}", "--die-after-stdin", "-v"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE) as server:
        assert server.stderr
        assert server.stdin
        next(line for line in server.stderr if b"inished load cycle" in line)
        channel = grpc.insecure_channel(
            f"127.0.0.1:{int(port.read_text())}", options=[("grpc.max_receive_message_length", 1 << 30)]
        )
        query = messages.ReadScalarsRequest(experiment_id="x")
        query.plugin_filter.plugin_name = "scalars"
        query.downsample.num_points = 1 << 30
        answer = grpc_provider.make_stub(channel).ReadScalars(query)
        found = sum(len(tag.data.value) for run in answer.runs for tag in run.tags)
        server.stdin.close()
    return found


def tbparse(path: str) -> int:
    """Scalars and tensors as data frames."""
    from tbparse import SummaryReader

    reader = SummaryReader(path, extra_columns={"dir_name", "wall_time"})
    return len(reader.scalars) + len(reader.tensors)


def event_accumulator(path: str) -> int:
    """TensorBoard's own reader in Python."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    found = 0
    for file in sorted(Path(path).rglob("*tfevents*")):
        reader = EventAccumulator(str(file), size_guidance=dict.fromkeys(("scalars", "tensors", "histograms"), 0))
        reader.Reload()
        tags = reader.Tags()
        found += sum(len(reader.Scalars(tag)) for tag in tags["scalars"])
        found += sum(len(reader.Tensors(tag)) for tag in tags["tensors"])
    return found


_NUMBER = r"([\d.eE+-]+)"
_LINES = (
    rf"^\{{'loss': {_NUMBER}, 'grad_norm': {_NUMBER}, 'learning_rate': {_NUMBER}, 'epoch': {_NUMBER}\}}",
    rf"Step (\d+) \| Loss: {_NUMBER} \| PPL: {_NUMBER}",
    rf"Article Loss: {_NUMBER} \| Other Loss: {_NUMBER} \| Ratio: {_NUMBER}x",
    rf"iter (\d+): loss {_NUMBER}, time {_NUMBER}ms",
    rf"\| (\d+)/\d+ \[.*it/s, loss={_NUMBER}\]",
)


def regex(path: str) -> int:
    """One alternation of five patterns, line by line, as a script for one log has it."""
    import re

    search = re.compile("|".join(f"(?:{line})" for line in _LINES)).search
    groups = [re.compile(line).groups for line in _LINES]
    first = [sum(groups[:i]) for i in range(len(groups))]
    of_last = {
        start + count: (i, start, start + count) for i, (start, count) in enumerate(zip(first, groups, strict=True))
    }
    rows: list[list[tuple[float, ...]]] = [[] for _ in _LINES]
    with Path(path).open() as file:
        for line in file:
            match = search(line)
            if match and match.lastindex:
                i, start, stop = of_last[match.lastindex]
                rows[i].append(tuple(map(float, match.groups()[start:stop])))
    return sum(map(len, rows))


def polars_text(path: str) -> int:
    """The same five patterns by `extract_groups`."""
    import polars as pl

    text = Path(path).read_bytes().replace(b"\r", b"\n")
    lines = pl.DataFrame({"line": text.decode().split("\n")}).lazy()
    queries = [
        lines.filter(pl.col("line").str.contains(p)).select(
            pl.col("line").str.extract_groups(p).struct.unnest().cast(pl.Float64)
        )
        for p in _LINES
    ]
    return sum(frame.height for frame in pl.collect_all(queries))


PEERS: tuple[Callable[[str], int], ...] = (
    duckdb,
    polars,
    orjson,
    rustboard,
    tbparse,
    event_accumulator,
    regex,
    polars_text,
)

if __name__ == "__main__":
    print({peer.__name__: peer for peer in PEERS}[sys.argv[1]](sys.argv[2]))

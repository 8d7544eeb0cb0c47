"""One target per reader: bytes in, and a `ViolationError` or a stray exception where the reader is wrong."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from zlib import crc32

import oracle

from trainvitals.parsers import sidecars
from trainvitals.parsers.errors import ReadError
from trainvitals.parsers.events.crc32c import masked_checksum
from trainvitals.parsers.files import LogFile, decode
from trainvitals.parsers.following.growing import Growing, WholeOnly
from trainvitals.parsers.format import Format
from trainvitals.parsers.formats import FORMATS, console
from trainvitals.parsers.json_lines import rows as json_rows
from trainvitals.parsers.json_lines.row import STEP_KEYS
from trainvitals.parsers.model import Parsed
from trainvitals.parsers.reading import read_log
from trainvitals.parsers.record_log import HEADER as WANDB
from trainvitals.parsers.record_log import RecordLog
from trainvitals.parsers.tables.columns import TableReader, series, when_of
from trainvitals.parsers.tables.rows import EPOCH_NAMES
from trainvitals.parsers.text import config as config_text
from trainvitals.parsers.text import notes

BY_NAME = {form.name: form for form in FORMATS}
JSON_LINES = ("ms_swift", "llamafactory", "detr_log", "detectron2_metrics", "mmcv_json", "jsonl")
TABLES = ("lightning_csv", "keras_csv", "yolo_csv", "wandb_csv", "csv_table")
DOCUMENTS = ("chainer_log", "wandb_summary", "model_card")
DATABASES = ("mlflow_db", "trackio_db")
CONSOLE = tuple(form.name for form in console.FORMATS)


@dataclass(frozen=True, slots=True)
class Target:
    """What is fuzzed: `run` takes the bytes that the fuzzer makes, `seeds` are bytes that it starts from."""

    run: Callable[[bytes], None]
    seeds: Callable[[], list[bytes]]


def read(form: Format, data: bytes, name: str, *, spelled: bool = True) -> tuple[Parsed, ...]:
    """What a format makes of bytes, checked; nothing where it gives up on them."""
    try:
        parsed = form.read(LogFile(name, data))
    except ReadError:
        return ()
    oracle.check(parsed, data if spelled else None)
    return parsed


def each(names: Sequence[str], file: str) -> Callable[[bytes], None]:
    """A target that reads the bytes as every one of these formats."""

    def run(data: bytes) -> None:
        for name in names:
            BY_NAME[name].sniff(LogFile(file, data))
            read(BY_NAME[name], data, file)

    return run


def events(data: bytes) -> None:
    """An event file: the bytes as they are, or (by the first byte) as records whose checksums are put right."""
    if data[:1] and data[0] & 1:
        data = b"".join(map(framed, chunks(data[1:])))
    form, name = BY_NAME["tensorboard_events"], "events.out.tfevents.1.host"
    form.sniff(LogFile(name, data))
    read(form, data, name, spelled=False)


def framed(record: bytes) -> bytes:
    """A record of an event file around these bytes."""
    length = struct.pack("<Q", len(record))
    ends = (struct.pack("<I", masked_checksum(part)) for part in (length, record))
    return length + next(ends) + record + next(ends)


def wandb(data: bytes) -> None:
    """A run file of W&B: the bytes as they are, or (by the first byte) as records whose checksums are put right."""
    if data[:1] and data[0] & 1:
        pieces = (struct.pack("<IHB", crc32(piece, crc32(b"\1")), len(piece), 1) + piece for piece in chunks(data[1:]))
        data = WANDB + b"".join(pieces)
    form = BY_NAME["wandb_run"]
    form.sniff(LogFile("run-1.wandb", data))
    read(form, data, "run-1.wandb", spelled=False)


def wandb_seeds() -> list[bytes]:
    """The sample, and its records as they stand before the checksums are put right."""
    sample = BY_NAME["wandb_run"].sample
    records = [record for _, record in RecordLog().take(sample, last=True) if len(record) < 256]
    return [sample, b"\1" + b"".join(bytes([len(record)]) + record for record in records)]


def chunks(data: bytes) -> Iterator[bytes]:
    """Pieces whose lengths stand before them in a byte."""
    at = 0
    while at < len(data):
        stop = at + 1 + data[at]
        yield data[at + 1 : stop]
        at = stop


def json_lines(data: bytes) -> None:
    """JSON lines: in blocks and line by line must agree, and no format of this kind may fail."""
    file = LogFile("metrics.jsonl", data)
    fast, slow = (json_rows.read(file, "jsonl", fast=way) for way in (True, False))
    oracle.check([fast], data)
    oracle.same(fast, slow)
    each(JSON_LINES, "metrics.jsonl")(data)


def tables(data: bytes) -> None:
    """Delimited tables: column by column and line by line must agree."""
    ways = [TableReader("metrics.csv", fast=fast) for fast in (True, False)]
    try:
        for reader in ways:
            reader.take(data)
        tables = [reader.table() for reader in ways]
    except ReadError:
        tables = []
    parsed = [Parsed(one.source, series(one, {n: n for n in one.numbers}, when_of(one)[0])) for one in tables]
    if parsed:
        oracle.same(*parsed)
    each(TABLES, "metrics.csv")(data)


def text(data: bytes) -> None:
    """Console text, with all line formats at once."""
    file = LogFile("train.log", data)
    for form in console.FORMATS[:1]:
        form.sniff(file)
    # A text need not spell what it says: `1.5k` is a number, and Megatron-LM leaves a loss out that is NaN.
    read(console.FORMATS[-1], data, "train.log", spelled=False)


def settings(name: str) -> Callable[[bytes], None]:
    """A target that reads the bytes as a file of hyperparameters."""

    def run(data: bytes) -> None:
        try:
            found = sidecars.read(LogFile(name, data))
        except ReadError:
            return
        for key, value in found.items():
            key.encode()
            repr(value).encode()

    return run


def anything(data: bytes) -> None:
    """Any file at all, with the choice of its format."""
    names = ("log", "a.json", "b.csv", "events.out.tfevents.1.h", "trainer_state.json", "README.md")
    name = names[data[0] % len(names)] if data else names[0]
    try:
        parsed = read_log(LogFile(name, decode(data[1:])))
    except ReadError:
        return
    oracle.check(parsed, None)


def following(data: bytes) -> None:
    """A log that comes in pieces, whose lengths the first bytes say, as the whole: nobody may tell the difference."""
    if len(data) < 6:
        return
    names = ("log", "a.jsonl", "b.csv", "events.out.tfevents.1.h", "trainer_state.json", "README.md")
    name, cuts, data = names[data[0] % len(names)], sorted(data[1:5]), data[5:]
    edges = [0, *(cut * len(data) // 255 for cut in cuts), len(data)]
    came: list[bytes] = []
    growing = Growing(name, lambda: iter(came))
    try:
        for start, stop in pairwise(edges):
            came.append(data[start:stop])
            growing.take(data[start:stop])
            try:
                found = growing.answer()
            except ReadError:
                found = ()
        if found:
            found = growing.answer(settle=True)
    except WholeOnly:
        return
    try:
        whole = read_log(LogFile(name, decode(data)))
    except ReadError:
        whole = ()
    oracle.require(len(found) == len(whole), f"the same runs: {len(found)} != {len(whole)}")
    for one, other in zip(found, whole, strict=True):
        oracle.same(one, other)


def samples(names: Sequence[str]) -> Callable[[], list[bytes]]:
    """The samples of these formats, whole, torn and with other line ends."""

    def seeds() -> list[bytes]:
        found = [BY_NAME[name].sample for name in names]
        more = [b"NaN", b"Infinity", b"-inf", b"1e999", b"null", b'"nan"', b"1_000", b"0x10"]
        odd = [_with_number(sample, word) for sample in found[:6] for word in more]
        return [*found, *(s[: len(s) * 2 // 3] for s in found), *(s.replace(b"\n", b"\r\n") for s in found), *odd]

    return seeds


def _with_number(sample: bytes, word: bytes) -> bytes:
    """The sample with its last decimal number replaced."""
    at = sample.rfind(b".")
    start, stop = at, at + 1
    while start > 0 and sample[start - 1 : start].isdigit():
        start -= 1
    while stop < len(sample) and sample[stop : stop + 1].isdigit():
        stop += 1
    return sample[:start] + word + sample[stop:]


def event_seeds() -> list[bytes]:
    """The sample with its checksums, and its records as they stand before the checksums are put right."""
    sample = BY_NAME["tensorboard_events"].sample
    records, at = [], 0
    while at < len(sample):
        length = int.from_bytes(sample[at : at + 8], "little")
        records.append(sample[at + 12 : at + 12 + length])
        at += length + 16
    many = records[:1] + records[1:] * 12
    loose = [b"".join(bytes([len(r)]) + r for r in found) for found in (records, many)]
    return [b"\0" + sample, *(b"\1" + one for one in loose), b"\0" + sample[:-5], b"".join(map(framed, many))]


def _short() -> list[bytes]:
    return [form.sample for form in FORMATS if len(form.sample) < 3000]


YAML_SEEDS = [
    b"lr: 1e-5\nbatch: &b [1, 2]\nother: *b\n<<: {a: 1}\n",
    b"wandb_version: 1\nlr:\n  desc: null\n  value: 0.1\nmodel:\n  value: {dropout: 0.1}\n",
    b"a: !!python/object/apply:os.system [x]\nb: ? [1]\n: 2\n--- \nc: |\n  text\n",
]

WORDS = tuple(
    dict.fromkeys(
        (
            *(needle for lines in console.LINE_FORMATS for needle in lines.needles),
            *(needle for needle in (*notes.NEEDLES, *config_text.NEEDLES)),
            *STEP_KEYS,
            *EPOCH_NAMES,
            *("NaN", "Infinity", "-Infinity", "nan", "inf", "1e999", "null", "true", "log_history", "loss"),
            *('{"', '": ', ', "', "}\n", "\r", "\x1b[A", "\x1b[31m", "%|", "1/10 [00:01<00:10, 1.0it/s]", "mode"),
        )
    )
)
"""What the fuzzer puts into its inputs: words that it would hardly find by itself."""

TARGETS: dict[str, Target] = {
    "events": Target(events, event_seeds),
    "json_lines": Target(json_lines, samples(JSON_LINES)),
    "tables": Target(tables, samples(TABLES)),
    "console": Target(text, samples(CONSOLE)),
    "trainer_state": Target(each(("trainer_state",), "trainer_state.json"), samples(("trainer_state",))),
    "documents": Target(each(DOCUMENTS, "log.json"), samples(DOCUMENTS)),
    "yaml": Target(settings("config.yaml"), lambda: list(YAML_SEEDS)),
    "json_settings": Target(settings("args.json"), lambda: [b'{"lr": 1e-5, "model": {"dropout": 0.1, "x": [1, NaN]}}']),
    "wandb": Target(wandb, wandb_seeds),
    "databases": Target(each(DATABASES, "mlflow.db"), lambda: [BY_NAME[name].sample for name in DATABASES]),
    "following": Target(following, lambda: [bytes([i, 30, 90, 150, 220]) + s for s in _short() for i in range(4)]),
    "anything": Target(anything, lambda: [bytes([i]) + form.sample for form in FORMATS for i in (0, 1, 3)]),
}

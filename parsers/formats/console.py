"""Console text: what trainers print, as a `Format` per shape of metric lines.

All formats share one engine that reads every shape in one pass, so that mixed files lose nothing; the format of a file
is the shape that most of its numbers have. `console` is text without any shape that is known: its notes and settings
are read all the same.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import lru_cache, partial

from trainvitals.parsers.errors import ReadError
from trainvitals.parsers.feed import Follow, LineFeed
from trainvitals.parsers.files import LogFile, is_text
from trainvitals.parsers.format import Format
from trainvitals.parsers.formats import learnt
from trainvitals.parsers.formats.allennlp_text import LINES as ALLENNLP
from trainvitals.parsers.formats.article import LINES as ARTICLE
from trainvitals.parsers.formats.ascii_tables import LINES as ASCII_TABLES
from trainvitals.parsers.formats.build_nanogpt import LINES as BUILD_NANOGPT
from trainvitals.parsers.formats.composer import LINES as COMPOSER
from trainvitals.parsers.formats.cyclegan_log import LINES as CYCLEGAN
from trainvitals.parsers.formats.deepspeed import LINES as DEEPSPEED
from trainvitals.parsers.formats.detectron_text import LINES as DETECTRON
from trainvitals.parsers.formats.epoch_blocks import LINES as EOS
from trainvitals.parsers.formats.epoch_losses import LINES as EPOCH_LOSSES
from trainvitals.parsers.formats.espnet import LINES as ESPNET
from trainvitals.parsers.formats.fairseq import LINES as FAIRSEQ
from trainvitals.parsers.formats.fastai_text import LINES as FASTAI
from trainvitals.parsers.formats.gnmt import LINES as GNMT
from trainvitals.parsers.formats.hf_dict import LINES as HF_DICT
from trainvitals.parsers.formats.keras_text import LINES as KERAS
from trainvitals.parsers.formats.llmc import LINES as LLMC
from trainvitals.parsers.formats.megatron import LINES as MEGATRON
from trainvitals.parsers.formats.metric_logger import LINES as METRIC_LOGGER
from trainvitals.parsers.formats.mlperf import LINES as MLPERF
from trainvitals.parsers.formats.mlx_text import LINES as MLX
from trainvitals.parsers.formats.modded_nanogpt import LINES as MODDED_NANOGPT
from trainvitals.parsers.formats.nanogpt import LINES as NANOGPT
from trainvitals.parsers.formats.nemo import LINES as NEMO
from trainvitals.parsers.formats.notebook_table import LINES as NOTEBOOK_TABLE
from trainvitals.parsers.formats.openmmlab_text import LINES as OPENMMLAB
from trainvitals.parsers.formats.paddle import LINES as PADDLE
from trainvitals.parsers.formats.progress_bar import LINES as BAR
from trainvitals.parsers.formats.speechbrain import LINES as SPEECHBRAIN
from trainvitals.parsers.formats.torchtitan import LINES as TORCHTITAN
from trainvitals.parsers.formats.ultralytics_text import LINES as ULTRALYTICS
from trainvitals.parsers.model import Parsed
from trainvitals.parsers.text import user_pattern
from trainvitals.parsers.text.line_format import LineFormat
from trainvitals.parsers.text.reader import ConsoleReader
from trainvitals.parsers.text.template import Template

LINE_FORMATS: tuple[LineFormat, ...] = (
    HF_DICT,
    DETECTRON,
    OPENMMLAB,
    METRIC_LOGGER,
    TORCHTITAN,
    MEGATRON,
    FAIRSEQ,
    GNMT,
    MLPERF,
    COMPOSER,
    PADDLE,
    ESPNET,
    SPEECHBRAIN,
    ALLENNLP,
    DEEPSPEED,
    NANOGPT,
    BUILD_NANOGPT,
    LLMC,
    MLX,
    CYCLEGAN,
    KERAS,
    ASCII_TABLES,
    NEMO,
    ULTRALYTICS,
    FASTAI,
    NOTEBOOK_TABLE,
    ARTICLE,
    EPOCH_LOSSES,
    BAR,
    EOS,
    MODDED_NANOGPT,
)
"""All shapes of metric lines, specific ones before general ones: the first that takes a line has it."""

_BESIDE = frozenset(one.name for one in LINE_FORMATS if one.beside)
FALLBACK, PATTERN = "console", "pattern"
_ANY_TEXT, _LEARNT = 0.05, 0.15
_SOME_LINES, _ALL_LINES = 0.5, 0.9


def read(file: LogFile, patterns: Sequence[Template] = ()) -> tuple[Parsed, ...]:
    """Everything that any line format finds in a file, with notes and hyperparameters.

    `patterns` are the user's own, which go before all line formats.

    Raises:
        ReadError: the file is not text.
    """
    if not is_text(file.head):
        raise ReadError(file.path, "is not text")
    reader = ConsoleReader(file.path, _line_formats(patterns))
    reader.take(file.data)
    return _finished(reader, patterns)


def follow(path: str, patterns: Sequence[Template] = ()) -> LineFeed[ConsoleReader]:
    """Reads text while it grows."""
    return LineFeed(ConsoleReader(path, _line_formats(patterns)), partial(_finished, patterns=patterns))


def _line_formats(patterns: Sequence[Template]) -> tuple[LineFormat, ...]:
    return (*map(user_pattern.line_format, patterns), *LINE_FORMATS)


def _finished(reader: ConsoleReader, patterns: Sequence[Template] = ()) -> tuple[Parsed, ...]:
    counts = _of_trainers(reader.values) or reader.learnt.counts
    name = max(counts, key=lambda name: counts[name]) if counts else FALLBACK
    parsed = reader.parsed(PATTERN if name.startswith(user_pattern.PREFIX) else name)
    idle = [one.text for one in patterns if not reader.values[user_pattern.PREFIX + one.text]]
    told = tuple(f"no line is of the pattern {text!r} in the settings" for text in idle)
    return tuple(replace(one, source=replace(one.source, problems=(*one.source.problems, *told))) for one in parsed)


@lru_cache(maxsize=64)
def with_patterns(known: Format, patterns: tuple[Template, ...]) -> Format:
    """A format of console text that reads lines by these patterns first; other formats as they are."""
    if known.read is not read:
        return known
    return replace(known, read=partial(read, patterns=patterns), follow=_follow_with(patterns))


@lru_cache(maxsize=16)
def _follow_with(patterns: tuple[Template, ...]) -> Follow:
    """One for all formats of console text: whoever follows a log begins anew where this changes."""
    return partial(follow, patterns=patterns)


def matches(file: LogFile, patterns: Sequence[Template]) -> bool:
    """Whether a line at either end of a file is of one of the patterns."""
    if not is_text(file.head):
        return False
    reader = ConsoleReader("", [user_pattern.line_format(one) for one in patterns], learns=False)
    reader.take(_ends(file.head, file.tail))
    return bool(reader.values)


def _of_trainers(counts: Mapping[str, int]) -> dict[str, int]:
    """Numbers per line format, without those that libraries print beside them, if there are others."""
    own = {name: count for name, count in counts.items() if name not in _BESIDE}
    return own or dict(counts)


def sniff(name: str, file: LogFile) -> float:
    """Between 0.5 and 0.9 by the share of a line format among the numbers at both ends of a file; 0 without any."""
    counts = _values(file.head, file.tail)
    return _SOME_LINES + (_ALL_LINES - _SOME_LINES) * counts[name] / sum(counts.values()) if name in counts else 0.0


def sniff_learnt(file: LogFile) -> float:
    """A little more than for any text, if both ends of a file have lines that explain themselves."""
    return _LEARNT if not _values(file.head, file.tail) and _learns(file.head, file.tail) else 0.0


def sniff_text(file: LogFile) -> float:
    """A little, for any text."""
    return _ANY_TEXT if is_text(file.head) and file.head.strip() else 0.0


@lru_cache(maxsize=2)
def _values(head: bytes, tail: bytes) -> dict[str, int]:
    """Numbers per line format in both ends of a file; cached, as every format asks for the same file in turn."""
    if not is_text(head):
        return {}
    reader = ConsoleReader("", LINE_FORMATS, learns=False)
    reader.take(_ends(head, tail))
    return _of_trainers(reader.values)


@lru_cache(maxsize=2)
def _learns(head: bytes, tail: bytes) -> bool:
    """Whether anything is learnt from both ends of a file."""
    if not is_text(head):
        return False
    reader = ConsoleReader("", ())
    reader.take(_ends(head, tail))
    return bool(reader.learnt.series)


def _ends(head: bytes, tail: bytes) -> bytes:
    """The whole lines of both ends of a file."""
    return head if head == tail else head.rpartition(b"\n")[0] + b"\n" + tail.partition(b"\n")[2]


def _format(lines: LineFormat) -> Format:
    sample = lines.sample.encode()
    return Format(
        name=lines.name,
        title=lines.title,
        sample=sample,
        sniff=partial(sniff, lines.name),
        read=read,
        precision=lines.precision,
        origin=lines.origin,
        reads=lines.reads,
        follow=follow,
    )


FORMATS: tuple[Format, ...] = (
    *map(_format, LINE_FORMATS),
    Format(
        learnt.NAME,
        learnt.TITLE,
        learnt.SAMPLE,
        sniff_learnt,
        read,
        precision=4,
        follow=follow,
        origin=learnt.ORIGIN,
        reads=learnt.READS,
        last=True,
    ),
    Format(
        FALLBACK,
        "console text without metric lines that are known; notes and hyperparameters are read",
        b"Loading the model ...\nRuntimeError: CUDA out of memory. Tried to allocate 20.00 MiB\n",
        sniff_text,
        read,
        precision=4,
        follow=follow,
        origin="typed in the words of PyTorch's error",
        reads="settings, versions, warnings and crashes; so do all formats of console lines",
    ),
)

BY_PATTERN = replace(FORMATS[-1], name=PATTERN)
"""What reads a file of any kind in which a line is of one of the user's patterns."""

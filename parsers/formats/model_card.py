"""The model card that the Hugging Face Trainer writes as README.md: hyperparameters, and a row per evaluation.

Its training loss is the last one that was logged before the evaluation. Where none had been, the cell is `No log`;
where none has been since the row above, that number stands there again, and is not taken a second time.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from trainvitals.parsers.columns import NAN, Columns
from trainvitals.parsers.errors import ReadError
from trainvitals.parsers.files import LogFile, is_text
from trainvitals.parsers.format import Format
from trainvitals.parsers.limits import MAX_EXAMPLES
from trainvitals.parsers.model import ConfigValue, Parsed, Source, UnreadLine
from trainvitals.parsers.numbers import number
from trainvitals.parsers.patterns import pattern
from trainvitals.parsers.text.literals import literal

NAME = "model_card"
SAMPLE = b"""\
### Training hyperparameters

The following hyperparameters were used during training:
- learning_rate: 5e-05
- train_batch_size: 32
- gradient_accumulation_steps: 4
- total_train_batch_size: 128

### Training results

| Training Loss | Epoch  | Step | Validation Loss | Accuracy |
|:-------------:|:------:|:----:|:---------------:|:--------:|
| No log        | 1.4944 | 100  | 1.4847          | 0.3597   |
| 5.2724        | 7.4644 | 500  | 1.2249          | 0.4659   |
| 5.2724        | 8.9588 | 600  | 1.2205          | 0.4623   |

### Framework versions

- Transformers 4.47.1
- Pytorch 2.5.1+cu121
"""

_HEAD = pattern(rb"^\|\s*Training Loss\s*\|\s*Epoch\s*\|\s*Step\s*\|", re.MULTILINE)
_HYPERPARAMETERS = b"hyperparameters were used during training"
_SETTING = pattern(r"- ([a-z_][a-z0-9_]{0,80}): (\S.{0,500})", re.ASCII)
_RESULT = pattern(r"- ([A-Z][^:]{0,80}): (\S{1,40})", re.ASCII)
_VERSION = pattern(r"- (Transformers|Pytorch|Datasets|Tokenizers|Tensorflow|PEFT|TRL) (\d\S{0,40})", re.IGNORECASE)
_RULER = pattern(r"[|:\s-]+")
_TRAIN, _EPOCH, _STEP, _VALIDATION = "Training Loss", "Epoch", "Step", "Validation Loss"
_NO_LOG = "no log"


def sniff(file: LogFile) -> float:
    """Sure by the Trainer's table together with its list of hyperparameters."""
    if not is_text(file.head) or (not _HEAD.search(file.head) and not _HEAD.search(file.tail)):
        return 0.0
    return 0.95 if _HYPERPARAMETERS in file.head else 0.8


def read(file: LogFile) -> tuple[Parsed, ...]:
    """The table as series, the lists as hyperparameters, versions and summary.

    Raises:
        ReadError: it has no such table.
    """
    card = _Card(file.path)
    for line, data in file.lines():
        card.read(line, data.decode("utf-8", "replace").strip())
    if not card.header:
        raise ReadError(file.path, "has no table with the training loss")
    series = card.rows.series()
    points = sum(map(len, series))
    source = Source(
        file.path,
        NAME,
        lines=file.data.count(b"\n") + file.ends_in_line,
        points=points,
        unread_lines=card.unread_lines,
        unread_examples=tuple(card.unread),
    )
    return (Parsed(source, series, card.config, card.summary),)


class _Card:
    """What has been read of a card, line by line."""

    def __init__(self, path: str) -> None:
        self._path = path
        self.rows = Columns()
        self.header: list[str] = []
        self.config: dict[str, ConfigValue] = {}
        self.summary: dict[str, ConfigValue] = {}
        self.unread: list[UnreadLine] = []
        self.unread_lines = 0
        self._in_table = False
        self._logged = ""

    def read(self, line: int, text: str) -> None:
        """Take a line."""
        if not text.startswith("|"):
            self._in_table = False
            for target, name, value in _listed(text):
                (self.config if target else self.summary)[name] = ConfigValue(value, self._path, line)
            return
        cells = [cell.strip() for cell in text.strip("|").split("|")]
        if _HEAD.match(text.encode()) and not self.header:
            self.header, self._in_table = cells, True
        elif self._in_table and not _RULER.fullmatch(text):
            self._row(line, text, cells)

    def _row(self, line: int, text: str, cells: list[str]) -> None:
        numbers = {name: number(cell) for name, cell in zip(self.header, cells, strict=False)}
        logged = cells[0]
        # Some metrics are dicts, one for each class: only what every table has must be a number.
        strange = any(numbers.get(name, 0.0) is None for name in (_EPOCH, _STEP, _VALIDATION))
        if strange or len(cells) != len(self.header) or (numbers[_TRAIN] is None and logged.lower() != _NO_LOG):
            self.unread_lines += 1
            if len(self.unread) < MAX_EXAMPLES:
                self.unread.append(UnreadLine(line, text[:300]))
            return
        values = {name: value for name, value in numbers.items() if value is not None}
        step, epoch = values.pop(_STEP, NAN), values.pop(_EPOCH, NAN)
        trained = values.pop(_TRAIN, None)
        if trained is not None and logged != self._logged:
            self.rows.add(line, {_TRAIN: trained}, step=step, epoch=epoch, split="train")
        self._logged = logged
        self.rows.add(line, values, step=step, epoch=epoch, split="eval")


def _listed(text: str) -> Iterator[tuple[bool, str, object]]:
    """(whether it is a setting, name, value) of an item of one of the card's lists."""
    if match := _SETTING.fullmatch(text):
        yield True, match[1], literal(match[2])
    elif match := _VERSION.fullmatch(text):
        yield True, f"{match[1].lower().replace('pytorch', 'torch')}_version", match[2]
    elif (match := _RESULT.fullmatch(text)) and (value := number(match[2])) is not None:
        yield False, match[1], value


FORMAT = Format(
    NAME,
    "Hugging Face Trainer: the model card (README.md)",
    SAMPLE,
    sniff,
    read,
    precision=4,
    origin="a public model card, quoted in part",
    reads="step, epoch, settings, versions, final results",
)

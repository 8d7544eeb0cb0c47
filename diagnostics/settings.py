"""What the user decides: which rules run, their thresholds and severities, and loss types of the user's own.

Read from `trainvitals.toml`, or from `[tool.trainvitals]` in `pyproject.toml`:

    fail-on = "warn"
    select = ["R", "N101"]
    ignore = ["V104"]
    patterns = ["it {step} of {} loss {loss} val {eval_loss}"]

    [severity]
    S101 = "fail"

    [rules.L104]
    z = 10.0

    [loss_types.mine]
    title = "contrastive loss with a temperature"

    [tolerances]
    "eval loss" = 0.02
    "article_loss / other_loss" = { end = [0.6, 0.9], 3 = 0.2 }
"""

from __future__ import annotations

import dataclasses
import difflib
import json
import math
import os
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal

from trainvitals.diagnostics.loss_type import LossType
from trainvitals.diagnostics.loss_type_toml import LossTypeError, builtin
from trainvitals.diagnostics.loss_type_toml import parse as parse_loss_type
from trainvitals.diagnostics.report import SEVERITIES, Severity
from trainvitals.diagnostics.tolerance import Tolerance, ToleranceError
from trainvitals.diagnostics.tolerance import parse as parse_tolerance
from trainvitals.parsers.errors import TrainvitalsError
from trainvitals.parsers.text.template import MAX_TEMPLATES, Template, TemplateError, template

if TYPE_CHECKING:
    from trainvitals.diagnostics.rule import Rule

Level = Literal["warn", "fail"]
LEVELS: tuple[Level, ...] = ("warn", "fail")

FILE_NAME = "trainvitals.toml"
MAX_SETTINGS_BYTES = 1 << 20
"""Settings are some kilobytes; a larger file is not read."""

MAX_SHOWN = 60
"""Characters of a pattern that an error quotes."""

KEYS = ("fail-on", "select", "ignore", "patterns", "webhook-hosts", "severity", "rules", "loss_types", "tolerances")


class SettingsError(TrainvitalsError):
    """Settings that cannot be used; the text names the file and the key."""

    def __init__(self, origin: str, key: str, problem: str) -> None:
        self.origin, self.key, self.problem = origin, key, problem
        super().__init__(f"{origin}: {key}: {problem}" if key else f"{origin}: {problem}")

    def __reduce__(self) -> tuple[type[SettingsError], tuple[str, str, str]]:
        return SettingsError, (self.origin, self.key, self.problem)


@dataclass(frozen=True, slots=True)
class Settings:
    """The user's decisions; without any, everything runs as it comes.

    `select` and `ignore` hold codes or their beginnings (`R` is every rule of that family); an empty `select` is all.
    `thresholds` maps a code to keyword arguments of its rule, `severities` a code to the severity of its findings.
    `webhook_hosts` are the hosts that may be told of findings. `patterns` are lines of logs, with names in the place of
    their numbers, that are read before all others. `tolerances` say how far a run may be from its baselines. `origin`
    is the file that they were read from, empty if none.
    """

    fail_on: Level = "fail"
    select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    severities: Mapping[str, Severity] = field(default_factory=dict)
    thresholds: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    loss_types: tuple[LossType, ...] = ()
    webhook_hosts: tuple[str, ...] = ()
    patterns: tuple[Template, ...] = ()
    tolerances: tuple[Tolerance, ...] = ()
    origin: str = ""

    def runs(self, code: str) -> bool:
        """Whether the rule with this code is to be run."""
        return (not self.select or code.startswith(self.select)) and not code.startswith(self.ignore)

    def all_loss_types(self) -> tuple[LossType, ...]:
        """The user's loss types, then the built-in ones that they do not replace by name."""
        own = {t.name for t in self.loss_types}
        return (*self.loss_types, *(t for t in builtin() if t.name not in own))


def parse(table: Mapping[str, Any], rules: Sequence[Rule], origin: str) -> Settings:
    """Settings from a TOML table; `origin` names the file in errors.

    Raises:
        SettingsError: an unknown key or code, or a value of the wrong type.
    """
    for key in table:
        if key not in KEYS:
            raise SettingsError(origin, key, "unknown key" + _hint(key, KEYS))
    return Settings(
        fail_on=_fail_on(table.get("fail-on", "fail"), origin),
        select=codes(_strings(table.get("select", ()), origin, "select"), rules, origin, "select"),
        ignore=codes(_strings(table.get("ignore", ()), origin, "ignore"), rules, origin, "ignore"),
        severities=_severities(_table(table, "severity", origin), rules, origin),
        thresholds=_thresholds(_table(table, "rules", origin), rules, origin),
        loss_types=_loss_types(_table(table, "loss_types", origin), origin),
        webhook_hosts=tuple(
            host.lower() for host in _strings(table.get("webhook-hosts", ()), origin, "webhook-hosts", "hosts")
        ),
        patterns=_patterns(_strings(table.get("patterns", ()), origin, "patterns", "lines"), origin),
        tolerances=_tolerances(_table(table, "tolerances", origin), origin),
        origin=origin,
    )


def codes(given: Iterable[str], rules: Sequence[Rule], origin: str, key: str) -> tuple[str, ...]:
    """Codes, or beginnings of codes, in upper case, each of which some rule has.

    Raises:
        SettingsError: no rule has a code that begins like this.
    """
    known = tuple(rule.code for rule in rules)
    found = tuple(code.strip().upper() for code in given)
    for code in found:
        if not code or not any(k.startswith(code) for k in known):
            raise SettingsError(origin, key, f"no rule {code!r}" + _hint(code, known))
    return found


def load(path: str, rules: Sequence[Rule]) -> Settings | None:
    """Settings of a file; None for a `pyproject.toml` without `[tool.trainvitals]`.

    Raises:
        SettingsError: the file cannot be read, is no TOML, or says something that is not understood.
    """
    table = _read(path)
    if os.path.basename(path) == FILE_NAME:
        return parse(table, rules, path)
    tool = _table(table, "tool", path)
    return parse(_table(tool, "trainvitals", f"{path}: tool"), rules, path) if "trainvitals" in tool else None


def find(start: str, rules: Sequence[Rule], logs: Iterable[str] = ()) -> tuple[Settings, tuple[str, ...]]:
    """Settings of the nearest folder from `start` upwards, and the files that were passed over on purpose.

    The search ends at the root of a repository. `logs` are the folders to be judged: whoever wrote the logs must not
    decide how they are judged, so settings in one of them, or below it, are passed over.

    Raises:
        SettingsError: the nearest settings cannot be used.
    """
    untrusted = tuple(os.path.realpath(path) for path in logs if os.path.isdir(path))
    passed_over: list[str] = []
    for folder in _ancestors(os.path.realpath(start)):
        for path in (os.path.join(folder, FILE_NAME), os.path.join(folder, "pyproject.toml")):
            if not os.path.isfile(path):
                continue
            if any(_is_within(folder, root) for root in untrusted):
                passed_over += [path] if os.path.basename(path) == FILE_NAME else []
            elif settings := load(path, rules):
                return settings, tuple(passed_over)
    return Settings(), tuple(passed_over)


def override(settings: Settings, **changes: Any) -> Settings:
    """The settings with those changes that are not None: what the command line says wins."""
    return replace(settings, **{name: value for name, value in changes.items() if value is not None})


def assigned(settings: Settings, given: Sequence[str], rules: Sequence[Rule]) -> Settings:
    """The settings with assignments such as `rules.L104.z=10` or `severity.S101="fail"`, later ones winning.

    A value that is no TOML is taken as text, so that quotes need not survive a shell.

    Raises:
        SettingsError: no assignment, or one that a settings file could not hold.
    """
    origin = "command line"
    for text in given:
        key, equals, value = text.partition("=")
        if not equals or not key.strip():
            raise SettingsError(origin, "--config", f"{text!r} is not of the form key=value")
        table = _assignment(key.strip(), value.strip(), origin)
        settings = _merged(settings, parse(table, rules, origin), table)
    return settings


def _assignment(key: str, value: str, origin: str) -> dict[str, Any]:
    for attempt in (f"{key} = {value}", f"{key} = {_quoted(value)}"):
        try:
            return tomllib.loads(attempt)
        except (tomllib.TOMLDecodeError, RecursionError):
            continue
    raise SettingsError(origin, "--config", f"{key!r} is no key")


def _quoted(text: str) -> str:
    """A TOML string; JSON's escapes are a part of TOML's."""
    return json.dumps(text)


def _merged(settings: Settings, over: Settings, table: Mapping[str, Any]) -> Settings:
    """What `over`, parsed from `table`, says, and `settings` for all else."""
    thresholds = {**settings.thresholds}
    for code, values in over.thresholds.items():
        thresholds[code] = {**thresholds.get(code, {}), **values}
    own = {t.name for t in over.loss_types}
    return replace(
        settings,
        fail_on=over.fail_on if "fail-on" in table else settings.fail_on,
        select=over.select if "select" in table else settings.select,
        ignore=over.ignore if "ignore" in table else settings.ignore,
        patterns=over.patterns if "patterns" in table else settings.patterns,
        severities={**settings.severities, **over.severities},
        thresholds=thresholds,
        tolerances=(
            *over.tolerances,
            *(t for t in settings.tolerances if t.name not in {o.name for o in over.tolerances}),
        ),
        loss_types=(*over.loss_types, *(t for t in settings.loss_types if t.name not in own)),
    )


def _ancestors(folder: str) -> Iterable[str]:
    while True:
        yield folder
        parent = os.path.dirname(folder)
        if parent == folder or os.path.exists(os.path.join(folder, ".git")):
            return
        folder = parent


def _is_within(folder: str, root: str) -> bool:
    return folder == root or folder.startswith(root.rstrip(os.sep) + os.sep)


def _read(path: str) -> dict[str, Any]:
    try:
        with open(path, "rb") as file:
            data = file.read(MAX_SETTINGS_BYTES + 1)
        if len(data) > MAX_SETTINGS_BYTES:
            raise SettingsError(path, "", f"larger than {MAX_SETTINGS_BYTES} bytes")
        return tomllib.loads(data.decode("utf-8"))
    except OSError as error:
        raise SettingsError(path, "", f"cannot be read: {error.strerror}") from error
    except (UnicodeDecodeError, tomllib.TOMLDecodeError, RecursionError) as error:
        raise SettingsError(path, "", f"is not TOML: {error}") from error


def _hint(wrong: str, known: Iterable[str]) -> str:
    close = difflib.get_close_matches(wrong, tuple(known), n=1)
    return f"; did you mean {close[0]}?" if close else ""


def _fail_on(value: Any, origin: str) -> Level:
    if value not in LEVELS:
        raise SettingsError(origin, "fail-on", f'must be "warn" or "fail", not {value!r}')
    level: Level = value
    return level


def _strings(value: Any, origin: str, key: str, what: str = "codes") -> Sequence[str]:
    if not isinstance(value, list | tuple) or not all(isinstance(v, str) for v in value):
        raise SettingsError(origin, key, f"must be a list of {what}")
    return value


def _table(table: Mapping[str, Any], key: str, origin: str) -> Mapping[str, Any]:
    value = table.get(key, {})
    if not isinstance(value, dict):
        raise SettingsError(origin, key, "must be a table")
    return value


def _rule(code: str, rules: Sequence[Rule], origin: str, section: str) -> Rule:
    for rule in rules:
        if rule.code == code:
            return rule
    raise SettingsError(origin, f"{section}.{code}", "no such rule" + _hint(code, [r.code for r in rules]))


def _severities(table: Mapping[str, Any], rules: Sequence[Rule], origin: str) -> dict[str, Severity]:
    for code, value in table.items():
        _rule(code, rules, origin, "severity")
        if value not in SEVERITIES:
            raise SettingsError(origin, f"severity.{code}", f'must be "fail", "warn" or "info", not {value!r}')
    return dict(table)


def _thresholds(table: Mapping[str, Any], rules: Sequence[Rule], origin: str) -> dict[str, Mapping[str, Any]]:
    for code in table:
        known = _rule(code, rules, origin, "rules").thresholds
        for name, value in _table(table, code, f"{origin}: rules").items():
            key = f"rules.{code}.{name}"
            if name not in known:
                raise SettingsError(origin, key, f"unknown threshold; {code} has {', '.join(known) or 'none'}")
            if not _fits(value, known[name]):
                raise SettingsError(origin, key, f"must be like its default {known[name]!r}, not {value!r}")
    return {code: dict(values) for code, values in table.items()}


def _fits(value: Any, default: Any) -> bool:
    """Whether a value can stand for a default: a finite number for a number, else the same type."""
    if isinstance(default, bool) or not isinstance(default, int | float):
        return default is None or type(value) is type(default)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return math.isfinite(value) and (isinstance(default, float) or isinstance(value, int))


def _patterns(texts: Sequence[str], origin: str) -> tuple[Template, ...]:
    if len(texts) > MAX_TEMPLATES:
        raise SettingsError(origin, "patterns", f"more than {MAX_TEMPLATES}")
    found = []
    for i, text in enumerate(texts):
        try:
            found.append(template(text))
        except TemplateError as error:
            raise SettingsError(origin, f"patterns[{i}]", f"{text[:MAX_SHOWN]!r} {error}") from error
    return tuple(found)


def _tolerances(table: Mapping[str, Any], origin: str) -> tuple[Tolerance, ...]:
    found: list[Tolerance] = []
    for name, value in table.items():
        try:
            found += parse_tolerance(name, value)
        except ToleranceError as error:
            raise SettingsError(origin, f"tolerances.{name}", str(error)) from error
    return tuple(found)


def _loss_types(table: Mapping[str, Any], origin: str) -> tuple[LossType, ...]:
    known = {f.name for f in dataclasses.fields(LossType)} - {"name"}
    found = []
    for name in table:
        fields = _table(table, name, f"{origin}: loss_types")
        for key in fields:
            if key not in known:
                raise SettingsError(origin, f"loss_types.{name}.{key}", "unknown key" + _hint(key, known))
        try:
            found.append(parse_loss_type(name, fields))
        except LossTypeError as error:
            raise SettingsError(origin, f"loss_types.{name}", str(error)) from error
    return tuple(found)

"""A ratio, kept in the user's settings: in `trainvitals.toml`, with everything else in it as it was."""

from __future__ import annotations

import math
import os
import tempfile
import tomllib
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from trainvitals.diagnostics import loss_type_toml, toml_text
from trainvitals.diagnostics.loss_type import GENERIC, Band, Ratio, Reading
from trainvitals.diagnostics.rules import RULES
from trainvitals.diagnostics.settings import FILE_NAME, MAX_SETTINGS_BYTES, Settings, SettingsError, load, parse

LOSS_TYPES, RATIOS = "loss_types", "ratios"


@dataclass(frozen=True, slots=True)
class Place:
    """Where settings are kept.

    Attributes:
        path: the file to write; empty where none may be written, and then `why`.
        holds: the file that holds settings now, if any.
        prefix: the table of that file in which they stand.
    """

    path: str
    why: str = ""
    holds: str = ""
    prefix: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Edit:
    """What saving does: `text` is the whole file afterwards, `snippet` what a user would add by hand instead."""

    place: Place
    text: str
    snippet: str


def place(settings: Settings, folder: str, judged: str) -> Place:
    """Where settings are kept: the file that holds them, else a new one in `folder`.

    Never a file inside the folder that is judged: whoever writes logs must not decide how they are judged, so the
    settings there are passed over.
    """
    if settings.origin and os.path.basename(settings.origin) != FILE_NAME:
        held = settings.origin.partition(": ")[0]
        return Place("", f"your settings stand in {held}: add this there", held, ("tool", "trainvitals"))
    path = os.path.realpath(settings.origin or os.path.join(folder, FILE_NAME))
    root = os.path.realpath(judged)
    why = ""
    if os.path.commonpath([root, path]) == root:
        why = f"{os.path.dirname(path)} lies inside the folder that is judged: settings there are passed over"
    elif os.path.exists(path) and not os.path.isfile(path):
        why = f"{path} is not a file"
    elif not os.access(path if os.path.exists(path) else os.path.dirname(path), os.W_OK):
        why = f"{path} cannot be written"
    return Place("" if why else path, why, settings.origin)


def edit(kind: str, ratio: Ratio, at: Place, new_name: str = "mine") -> Edit:
    """How the ratio comes into the settings, for runs of a loss type.

    A loss type of the user's own gets the ratio, or its bands anew. A built-in one is copied first, as a type of the
    same name replaces it. Runs without a loss type get a new one, named `new_name`, that is known by the two metrics.

    Raises:
        SettingsError: the settings cannot be read, or would not be understood afterwards.
    """
    before = _read(at.holds)
    table = _inner(_parsed(before, at.holds), at.prefix)
    name = new_name if kind == GENERIC.name else kind
    if kind == GENERIC.name and name in {one.name for one in loss_type_toml.builtin()}:
        raise SettingsError(at.path, name, "is the name of a built-in loss type: choose another one")
    known = table.get(LOSS_TYPES, {}).get(name)
    wanted = _with_ratio(known if known is not None else _template(name, kind, ratio), ratio)
    after = {**table, LOSS_TYPES: {**table.get(LOSS_TYPES, {}), name: wanted}}
    parse(after, RULES, at.holds or FILE_NAME)
    path = (*at.prefix, LOSS_TYPES, name)
    try:
        if known is None:
            snippet = toml_text.section(path, wanted, _comment(name, kind))
        else:
            snippet = toml_text.list_item((*path, RATIOS), ratio_table(ratio))
        snippet.encode()
    except ValueError as error:
        raise SettingsError(at.holds, name, f"cannot be written as TOML: {error}") from error
    if not at.path:
        return Edit(at, "", snippet)
    text = _appended(before, snippet) if known is None else _changed(before, name, ratio, wanted)
    if text and _parsed(text, at.path) == after:
        return Edit(at, text, snippet)
    return Edit(replace(at, path="", why=f"{at.path} is written in a way that cannot be changed in place"), "", snippet)


def save(done: Edit) -> None:
    """Write the file, all of it or nothing.

    Raises:
        SettingsError: it cannot be written, or its settings are not understood; then it is as it was.
    """
    folder, name = os.path.split(done.place.path)
    try:
        with tempfile.NamedTemporaryFile(
            "w", encoding="utf-8", dir=folder, prefix=".", suffix=name, delete=False
        ) as file:
            file.write(done.text)
        try:
            with suppress(FileNotFoundError):
                os.chmod(file.name, os.stat(done.place.path).st_mode & 0o7777)
            os.replace(file.name, done.place.path)
        except OSError:
            os.unlink(file.name)
            raise
    except OSError as error:
        raise SettingsError(done.place.path, "", f"cannot be written: {error.strerror}") from error
    load(done.place.path, RULES)


def ratio_table(ratio: Ratio) -> dict[str, Any]:
    """The ratio as a settings file holds it; what is as usual is left out."""
    table: dict[str, Any] = {"name": ratio.name, "numerator": ratio.numerator, "denominator": ratio.denominator}
    usual = {
        "reference": ratio.denominator,
        "weighted": ratio.numerator,
        "split": "train",
        "denominator_split": "train",
        "logged_as": "",
        "early_steps": 0.0,
    }
    table |= {key: found for key, default in usual.items() if (found := getattr(ratio, key)) != default}
    table["bands"] = [_band_table(band) for band in ratio.bands]
    if ratio.targets:
        table["targets"] = [
            {"epoch": t.epoch, "low": t.low, "high": t.high}
            | ({"success_high": t.success_high} if t.success_high != t.high else {})
            for t in ratio.targets
        ]
    return table


def _band_table(band: Band) -> dict[str, Any]:
    ends = {key: v for key, v in (("low", band.low), ("high", band.high)) if math.isfinite(v)}
    stuck = {"stuck": _reading_table(band.stuck)} if band.stuck != band.falling else {}
    return {**ends, "falling": _reading_table(band.falling), **stuck}


def _reading_table(reading: Reading) -> dict[str, Any]:
    return {"status": reading.status} | ({"severity": reading.severity} if reading.severity else {})


def _template(name: str, kind: str, ratio: Ratio) -> Mapping[str, Any]:
    """The table of a built-in type, or of a new one that no other type gives way to."""
    file = Path(loss_type_toml.__file__).parent / LOSS_TYPES / f"{kind}.toml"
    if kind != GENERIC.name and kind in {one.name for one in loss_type_toml.builtin()}:
        return tomllib.loads(file.read_text("utf-8"))
    metrics = list(dict.fromkeys((ratio.numerator, ratio.denominator)))
    return {"title": f"{name}: {' and '.join(metrics)}", "recognise": [metrics], "weak": True}


def _with_ratio(table: Mapping[str, Any], ratio: Ratio) -> dict[str, Any]:
    ratios = list(table.get(RATIOS, ()))
    at = _place_of(ratios, ratio)
    new = ratio_table(ratio)
    if at is None:
        ratios.append(new)
    else:
        ratios[at] = {**ratios[at], "bands": new["bands"]}
    return {**table, RATIOS: ratios}


def _place_of(ratios: list[dict[str, Any]], ratio: Ratio) -> int | None:
    """Which of the ratios divides the same series."""
    wanted = (ratio.numerator, ratio.denominator, ratio.split, ratio.denominator_split)
    for at, one in enumerate(ratios):
        splits = one.get("split", "train"), one.get("denominator_split", "train")
        if (one.get("numerator"), one.get("denominator"), *splits) == wanted:
            return at
    return None


def _comment(name: str, kind: str) -> str:
    if kind == GENERIC.name:
        return f"Runs that no other loss type knows, and that log these metrics, are of the type {name}."
    return f"A copy of the built-in loss type {name}, which it replaces, with bands of your own."


def _appended(text: str, more: str) -> str:
    gap = "" if not text else "\n" if text.endswith("\n") else "\n\n"
    return text + gap + more


def _changed(text: str, name: str, ratio: Ratio, wanted: Mapping[str, Any]) -> str:
    """The text with new bands in the block of this ratio, or with a new block at its end; empty where that fails."""
    path = (LOSS_TYPES, name, RATIOS)
    at = _place_of(list(_parsed(text, "")[LOSS_TYPES][name].get(RATIOS, ())), ratio)
    if at is None:
        return _appended(text, toml_text.list_item(path, wanted[RATIOS][-1]))
    block = -1
    for one in toml_text.statements(text):
        block += one.is_list and one.path == path
        if block == at and one.path == path and one.key == "bands":
            bands = f"bands = {toml_text.value(wanted[RATIOS][at]['bands'])}\n"
            return text[: one.start] + bands + text[one.end :]
    return ""


def _read(path: str) -> str:
    if not path or not os.path.exists(path):
        return ""
    try:
        with open(path, encoding="utf-8", newline="") as file:
            return file.read(MAX_SETTINGS_BYTES)
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(path, "", f"cannot be read: {error}") from error


def _inner(table: dict[str, Any], prefix: tuple[str, ...]) -> dict[str, Any]:
    for name in prefix:
        table = table.get(name, {})
    return table


def _parsed(text: str, path: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(path, "", f"is not TOML: {error}") from error

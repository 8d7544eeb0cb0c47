"""Trackio's store: one SQLite file for each project, with a row of JSON for every call of `trackio.log`."""

from __future__ import annotations

import base64
import json
import zlib
from typing import Any

from trainvitals.parsers import sidecars
from trainvitals.parsers.database import Database, opened, pending
from trainvitals.parsers.errors import ReadError
from trainvitals.parsers.files import SQLITE, LogFile
from trainvitals.parsers.format import Format
from trainvitals.parsers.json_lines.row import interpret
from trainvitals.parsers.limits import MAX_POINTS, MAX_RUNS
from trainvitals.parsers.model import ConfigValue, Parsed
from trainvitals.parsers.stored_runs import StoredRun, parsed_runs, told_apart

NAME = "trackio_db"

_SCHEMA = (b"CREATE TABLE metrics", b"run_name TEXT NOT NULL", b"metrics TEXT NOT NULL")
_MEDIA = "_type"
_OWN = "_"
"""What begins with it is Trackio's own: `_Username`, `_Created`."""


def sniff(file: LogFile) -> float:
    """Sure if the schema has Trackio's table of metrics."""
    return 0.95 if file.data.startswith(SQLITE) and all(part in file.data for part in _SCHEMA) else 0.0


def read(file: LogFile) -> tuple[Parsed, ...]:
    """Every run of the project, with the identifiers of the rows as lines.

    Raises:
        ReadError: a damaged database, or none with Trackio's table.
    """
    with opened(file) as database:
        if not database.has("metrics", "id", "timestamp", "run_name", "step", "metrics"):
            raise ReadError(file.path, "has no table of metrics as Trackio writes it")
        runs, problems = _runs(database)
        _settings(database, runs)
    return parsed_runs(runs.values(), file.path, NAME, (*problems, *pending(file.path)))


def _identity(database: Database, table: str) -> str:
    """The column that tells runs apart: the name in older versions, in which it was unique."""
    return "run_id" if database.has(table, "run_id") else "run_name"


def _runs(database: Database) -> tuple[dict[Any, StoredRun], tuple[str, ...]]:
    runs: dict[Any, StoredRun] = {}
    names: set[str] = set()
    left_out = points = 0
    query = f"SELECT id, {_identity(database, 'metrics')}, run_name, step, timestamp, metrics FROM metrics ORDER BY id"  # noqa: S608
    for row, identity, name, step, time, content in database.rows(query):
        if identity not in runs:
            if len(runs) >= MAX_RUNS:
                left_out += 1
                continue
            runs[identity] = StoredRun(told_apart(name, identity, names))
        fields = _object(content)
        if fields is None:
            runs[identity].unread += 1
            continue
        points += add_row(runs[identity], row, step, time, fields)
        if points >= MAX_POINTS:
            return runs, (f"reading stopped after {points} values; the limit is {MAX_POINTS}",)
    return runs, (f"rows of runs over the limit of {MAX_RUNS} left out: {left_out}",) if left_out else ()


def add_row(run: StoredRun, row: int, step: Any, time: Any, fields: dict[str, Any]) -> int:
    """Add what one call of `trackio.log` was given; returns the number of values. Media are left out."""
    plain = {key: value for key, value in fields.items() if not (isinstance(value, dict) and _MEDIA in value)}
    seen = interpret({**plain, "_step": step, "_timestamp": time})
    run.rows.add(row, seen.values, step=seen.step, epoch=seen.epoch, time=seen.time, split=seen.split)
    return len(seen.values)


def _object(content: Any) -> dict[str, Any] | None:
    """The JSON object in a cell of text or bytes."""
    try:
        found = json.loads(content, parse_int=_integer)
    except (TypeError, ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _integer(digits: str) -> float:
    return int(digits) if len(digits) < 20 else float(digits)


def _settings(database: Database, runs: dict[Any, StoredRun]) -> None:
    if not database.has("configs", "id", "run_name", "config"):
        return
    query = f"SELECT id, {_identity(database, 'configs')}, config FROM configs ORDER BY id"  # noqa: S608
    for row, identity, content in database.rows(query):
        for key, value in (_object(content) or {}).items() if identity in runs else ():
            if not key.startswith(_OWN):
                found = {name: ConfigValue(one, database.path, row) for name, one in sidecars.settings((key,), value)}
                runs[identity].config.update(found)


SAMPLE = zlib.decompress(
    base64.b85decode(
        "c-rk(OLNmY6qcOQHf3N%r_;$s_-@*%6Xds@)eVd<lS>nzBr|luWMo-xeR1qyJ2PcET?Cf=qPxAngFQchC7UZh3T-HF7CiD<mUNEJk&Z`4I>!(0"
        "?*<t|ew>U+hEyN`2*IBSff9A_4mJKRouMK4OkB!^;hVg>QZ@_x7+4n0>`i^KH@_QJg)6)k;41)M^J;-#6>CDRQKxa_2M6h8SZlyB%aVYm>sN~N"
        "uL52c_&m)1hAW`A`E0p|iBFj)d#-L`O~Wd2u|g@MD%LF1!&=Ii*TlzSn22rM!dR9>Hx=8KBp&*sEPl))v7L8`OFiZv90vb94n;{E4O5mxWX!~N"
        "Gz~+}xRo%HF^@|tSTUNi+*IU&thN=kt=TQxG7MYW!MKfau6{d-r;}3m<UM(v8=~sAZItqB#s0qpye#mG;g4Fc{wWtN?tkzffY*5Sf<G6dxwO2|"
        "X+RJ}9y>~(ggj>)k!cne^r*U6Msn53lZw?`?Vhl_v9kmBGvbD<Qu~<2=2v{>MQfz&$&^KOo~+&4b2<YD4LUb>9W*z%m7h3?Q`@ruu52_K@cDKz"
        "XLVIpjc{&`iix&R;Gu4R;M{ih(7nBGud}z0?l}9XGaTIQ_PI{a=?^57OrsH(95@dLsDGEg!`)p8Wx<%G85vLJ2XgV;ta*N#vB}%z-my=uIVX)I"
        "6vhXqt8(25q3o30F5~|yfF@l1ozKb_I{56bTHzwkXyGCiyK0usxk$zQMi=>zCzP|l$1UT<i2u^fjSTzU`$K1|Tx1)S`w#vF@DZ<mswjM2sDoZ_"
        "6GlDosY~wSplR!dT?WB2P7B9kmXIL25ymNx(n?F0L^g@(VII5{NsRaz&13MfNW`|>!Y3ylF?_B{bspL^PxdWCH)KmCmTVcsGW8jPg^l&^X5)Di"
        "^%g#3qI{8wzOMVOrMkZF>Y7Oy(QMDArb#GPJWH3${O=CnWr1(>NM(Jk@W|QK@3r0Q$KpXkyipV<W1jr=NuTF;N4(eNr#=d@r<{Ds$>te4V@Fw@"
        "R<baR#S_n0nC(((x>VC#+q6~NHBH$ym_lV=H~t5T7Oo-"
    )
)
"""A database of two of Trackio's tables, with one run of three rows."""

FORMAT = Format(
    name=NAME,
    title="Trackio: <project>.db, a SQLite store of many runs",
    sample=SAMPLE,
    sniff=sniff,
    read=read,
    precision=16,
    origin="made with trackio 0.43.0",
    reads="step, epoch, time, config and names of several runs",
)

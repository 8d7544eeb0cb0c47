"""MLflow's SQLite store, `mlflow.db`: the metrics and parameters of all runs of all experiments."""

from __future__ import annotations

import base64
import zlib
from collections import Counter
from dataclasses import replace
from typing import Any

import numpy as np

from trainvitals.parsers.columns import NAN
from trainvitals.parsers.database import Database, opened, pending
from trainvitals.parsers.errors import ReadError
from trainvitals.parsers.files import SQLITE, LogFile
from trainvitals.parsers.format import Format
from trainvitals.parsers.formats.mlflow_files import steps
from trainvitals.parsers.limits import MAX_POINTS, MAX_RUNS
from trainvitals.parsers.mlflow_folder import label
from trainvitals.parsers.model import ConfigValue, Parsed
from trainvitals.parsers.secret_names import may_be_secret
from trainvitals.parsers.stored_runs import StoredRun, parsed_runs
from trainvitals.parsers.text.literals import literal

NAME = "mlflow_db"

_TABLE = (b'CREATE TABLE "metrics"', b"CREATE TABLE metrics")
_COLUMN = b"run_uuid"

_INFINITY = 1.7976931348623157e308
"""What MLflow stores for an infinity, for which SQL has no name."""


def sniff(file: LogFile) -> float:
    """Sure if the schema has MLflow's table of metrics; by its name if the schema lies too far into a large file."""
    if not file.data.startswith(SQLITE):
        return 0.0
    if _COLUMN in file.data and any(table in file.data for table in _TABLE):
        return 0.95
    return 0.3 if file.name.startswith("mlflow") else 0.0


def read(file: LogFile) -> tuple[Parsed, ...]:
    """Every run that has metrics and was not deleted, with the numbers of the rows of its table as lines.

    Raises:
        ReadError: a damaged database, or none with MLflow's tables.
    """
    with opened(file) as database:
        _require(database)
        runs, problems = _runs(database)
        problems += _fill(database, runs)
        _settings(database, runs)
    problems += pending(file.path)
    return tuple(map(_stepped, parsed_runs(runs.values(), file.path, NAME, problems)))


def _require(database: Database) -> None:
    wanted = {"metrics": ("run_uuid", "key", "value", "timestamp", "step", "is_nan"), "runs": ("run_uuid", "name")}
    missing = [table for table, columns in wanted.items() if not database.has(table, *columns)]
    if missing:
        raise ReadError(database.path, f"has no table of {' and '.join(missing)} as MLflow 1.0 and later write it")


def _runs(database: Database) -> tuple[dict[str, StoredRun], tuple[str, ...]]:
    experiments: dict[Any, object] = {}
    if database.has("experiments", "experiment_id", "name"):
        experiments = dict(database.rows("SELECT experiment_id, name FROM experiments"))
    runs: dict[str, StoredRun] = {}
    left_out: Counter[str] = Counter()
    for identifier, name, experiment, stage in database.rows(
        "SELECT run_uuid, name, experiment_id, lifecycle_stage FROM runs ORDER BY start_time, run_uuid"
    ):
        if stage == "deleted" or len(runs) >= MAX_RUNS:
            left_out["deleted" if stage == "deleted" else f"over the limit of {MAX_RUNS}"] += 1
        else:
            runs[str(identifier)] = StoredRun(label(experiments.get(experiment, experiment), name, str(identifier)))
    return runs, tuple(f"runs left out, as they are {why}: {count}" for why, count in left_out.items())


def _fill(database: Database, runs: dict[str, StoredRun]) -> tuple[str, ...]:
    query = "SELECT rowid, run_uuid, key, value, timestamp, step, is_nan FROM metrics ORDER BY rowid"
    for count, (row, identifier, key, value, stamp, step, is_nan) in enumerate(database.rows(query)):
        if count >= MAX_POINTS:
            return (f"reading stopped after {MAX_POINTS} values, the limit",)
        run = runs.get(identifier)
        if run is None:
            continue
        if _is_number(value):
            logged = {str(key): NAN if is_nan else _value(value)}
            run.rows.add(row, logged, step=_number(step), time=_number(stamp) / 1e3)
        else:
            run.unread += 1
    return ()


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float))


def _number(value: Any) -> float:
    return float(value) if _is_number(value) else NAN


def _value(value: float) -> float:
    return float(np.copysign(np.inf, value)) if abs(value) == _INFINITY else float(value)


def _settings(database: Database, runs: dict[str, StoredRun]) -> None:
    if not database.has("params", "run_uuid", "key", "value"):
        return
    for row, identifier, key, value in database.rows("SELECT rowid, run_uuid, key, value FROM params ORDER BY rowid"):
        if identifier in runs and not may_be_secret(str(key)):
            runs[identifier].config[str(key)] = ConfigValue(literal(str(value)), database.path, row)


def _stepped(parsed: Parsed) -> Parsed:
    return replace(parsed, series=tuple(replace(one, step=steps(one.step)) for one in parsed.series))


SAMPLE = zlib.decompress(
    base64.b85decode(
        "c-rk4U2hvjaM$+vBgH_FA}g{`Hi<-Rkv2{oheUlyF3ve|W1m~cF6z_iVz0xI^GEL^X`T>DBUD9|D#0J%jaPmGFI3_UAt50l-g!X0p-M=U-Mh2B"
        "=hj?P0foqu_1)gg&CJfu+{{k)ZWR;*qefe6$_7dUAAk^SAOvi99rS@CzX0<L!3zRq^ugaOdGL38GJ;nOSEyIU0#WKn_&p$F1eXR9Fbv|+Nsfyf"
        "O6vrvO}S<$M;Lzo$L6)4?Q0!3WK%W9EdT!k$QZ$8hqnUpc*JqM6Bra-5m1HSEC^@@-|JvaY2ucl&!7bAKT1j+<;9AyEtHX1svxmiD9odl+{EZM"
        "U(W9E<-}5ECCSia%}^R7>?E~alMSWaa=kc@RHcDyCp8sIx*;F*#iW-Av8G{*M>2?Zw3*)~x(SP{8<N?n%LaB6j@#Oy-jQp4DJ$tD+7fbnwNOEG"
        "j>U7#>arzquTtg-H)~|)5Zx^2i+uSG+7<4ggv<Wq5H4LBG$p$uWOq?w5S<rMV$S{$=jQ3ERBYh-T+%JryeqM?d!|X&W>>}ht*U?$J+$qFBuc(y"
        "NZ9%R3qZyQ{=;w^zEPZvN2AfVIW9UGjexqmvY&43udUQG>E*?=yq``t<ji}^cy%?iTwAT_7}u|+s^YF#dSA@t#r)omutih<!kgChGdmLP{Qn~$"
        "V+5BBX8py8SD4WE>h5f+w@r=Yn<K30Y}(GG{vvBHQDQIUo0`H<DCxPCWF9#=(5;_IhML)WCMi>#X%6ONg8iElv9k@vNv9`>MOi{fK@m1frCloK"
        "Mro7Y3Z*PxpcCiQqtlz^(hVV7u{7jLWg)*UQd<V<3n~jap)815VUH~@&nZLBY7E&hb$cOu1h-W!2wPNLj?Z^z&Ua7e<*F#=#cev>%@^nkNm4dw"
        "{tto&0DcYc!veelz9A2<0@j0}sSsC$;R8*sOD)omu0L`5Oq#A9c?EJ{of{PJ^w*~rSOOk;3GlB61_gY?3OM%?;9K#Brovn?66p!B7$0~sZumme"
        "mSRJbmDYmV*7c15WBaV9=2aM)hD0+XfwNeryjaI9|KA7jF+77=()&Lq5C1Z3hNn4L425BT^|swU&z*C&$+t#CM92<C21Iz;&+*|YTe;h5j{;tt"
        "-S7+!k?_#(C7~Oi!`5)_X@56B1FJ+rq!^CC3x=LQ3ZH-gI0o=j_!T&YAA%jQ^MOAUo0x#-X+z#uG0m*>$7Ra`-)|KtiuMRjIwoQkF5vRBm(fvY"
        "n}p$Q2(344rgqgRhu~t#*d?lEXeUyqt&lW3KqgdE$C|{fz;0rk6x>Cw*(l9$7c|@=7Ki2n!PxZ)2$WVG-_!4^3h82G(`Z}Il2yMJ={0z&!cc5>"
        "7Jf2i?F~~3n5mEM6#a)>#utp`XNQSpTZu*H!B1Gjz4JdX0U0?kPX6e5;Gh2BPs3a&7LUWT1IxlDHZ-NCJGZbq1{^F6gPB8oGUIYI69h-HYGRZt"
        "l=upRrG6kDX?7fEFeHzl(hb~W>UEMSwue-75+^N0>VHAt#UU>-2MXJgXU;R0Rm@6l)&2E3rgilV93gtAA@=k@!^nM5vQG@ois^|VHIEj%^&i6T"
        "02w2=9Plm-jK_+qmb#WoExt(ohwukL#t1GGyb~BNMpVtq|MdI!gD(O67W_nR|AXib2V?7#!|Gi}*5oEBb@n~_aVHdtO-{no>sFz$vG(;fcbTz~"
        "FIZ)|#MM;FMfE5tOf9g~4J!pq;=X9AN6D+fV2qCs+aITzN{h}U@+VP#=%o"
    )
)
"""A database of four of MLflow's tables, with one run of six values."""

FORMAT = Format(
    name=NAME,
    title="MLflow: mlflow.db, a SQLite store of many runs",
    sample=SAMPLE,
    sniff=sniff,
    read=read,
    precision=16,
    origin="made with mlflow 3.17.2",
    reads="step, time, params and names of several runs",
)

"""Trackio's project as Parquet, as it is kept beside a Space: a row for each call of `trackio.log`."""

from __future__ import annotations

import base64
import zlib
from collections.abc import Iterator
from typing import Any

from trainvitals.parsers.errors import ReadError
from trainvitals.parsers.files import LogFile
from trainvitals.parsers.format import Format
from trainvitals.parsers.formats.trackio_db import add_row
from trainvitals.parsers.limits import FREE_EXPANSION, MAX_EXPANSION, MAX_METRICS, MAX_RUNS
from trainvitals.parsers.model import Parsed
from trainvitals.parsers.stored_runs import StoredRun, parsed_runs, told_apart

NAME = "trackio_parquet"

_MAGIC = b"PAR1"
_OWN = ("id", "run_id", "run_name", "timestamp", "step", "log_id", "space_id")
_SCHEMA = (b"run_name", b"timestamp", b"step")
_ROWS = 4096
"""Rows that are converted at once."""


def sniff(file: LogFile) -> float:
    """Sure if the schema, which stands at the end, has Trackio's columns; those of system metrics have no step."""
    parquet = file.head.startswith(_MAGIC) and file.tail.endswith(_MAGIC)
    return 0.9 if parquet and all(name in file.tail for name in _SCHEMA) else 0.0


def read(file: LogFile) -> tuple[Parsed, ...]:
    """Every run of the project, with the numbers of the rows as lines.

    Raises:
        ReadError: no Parquet, none of Trackio, or one that unpacks to more than a log has.
    """
    runs: dict[Any, StoredRun] = {}
    names: set[str] = set()
    left_out = 0
    for number, row in enumerate(_rows(file), start=1):
        identity = row.get("run_id") or row["run_name"]
        if identity not in runs:
            if len(runs) >= MAX_RUNS:
                left_out += 1
                continue
            runs[identity] = StoredRun(told_apart(row["run_name"], identity, names))
        fields = {key: value for key, value in row.items() if value is not None and key not in _OWN}
        add_row(runs[identity], number, row["step"], row["timestamp"], fields)
    problems = (f"rows of runs over the limit of {MAX_RUNS} left out: {left_out}",) if left_out else ()
    return parsed_runs(runs.values(), file.path, NAME, problems)


def _rows(file: LogFile) -> Iterator[dict[str, Any]]:
    # Late: pyarrow takes longer to import than most logs to read.
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table = pq.ParquetFile(pa.BufferReader(file.data))
        names = table.schema_arrow.names
        if not {"run_name", "timestamp", "step"}.issubset(names) or len(set(names)) < len(names):
            raise ReadError(file.path, "has not the columns of Trackio's metrics")
        cells = table.metadata.num_rows * table.metadata.num_columns
        if table.metadata.num_columns > MAX_METRICS or 8 * cells > max(FREE_EXPANSION, MAX_EXPANSION * len(file.data)):
            raise ReadError(file.path, f"has {len(file.data)} bytes and says it holds {cells} cells: no log does")
        for batch in table.iter_batches(_ROWS):
            yield from batch.to_pylist()
    except (pa.ArrowException, OSError, ValueError, OverflowError) as error:
        raise ReadError(file.path, f"is a Parquet file that cannot be read: {error}") from error


SAMPLE = zlib.decompress(
    base64.b85decode(
        "c-pO2O>7fK6rSBUPHaM&q?y5%tSX0el?Z}&{qKkt*7+qkC9y(6xX|78Iu3CX*9j!_0zwEO#GyhQC?`&wD90*AsH&=}Qmd*$sH!+|s!$Ica^O%^"
        "6?ES0k2hN<i`tHooi}gZd*6F+-n{XYT#&F2i}-LJ`!VW5DCFZ%fIGq?V_<v6-8giJ3U$zbKSIG?5b<+-Q!k<x#&JH6d1j&aW)IyFm6E0xrJ|Zl"
        "i;097S5z^kX}T5{6Pa{TOi+Vem^cgudJKb{zoEUD7)uRE(m+g_k>Z1~_+TP?IGf2PQ`v)}I4Fu9_Neogy<jihMQgfV9PrZm?|FH~;pd!Xqq4mO"
        "p_G!zlA4LDrIMOVq!nFBWQ$oXomMn4R?H+NkSQvu67^6^ilUS#N~KIHnUXSbB_m~0N+z9TGNqWFRW&WGYKerJO=sg-HJz5!lpfQhQZnV`8^U~^"
        "e!w$`qaAlSWLrW^7J*<7?#+Wd73?@-#NB<&n0?1~NnukH*TlPZ?|u&BtE0yJ!%+|24%}@WT5H6>+dkSLswU70BF={zEB$e4Hy|I!@1nE)Z*<;x"
        "=+He&C(zSOH_CdYvbvX2xRVcuS~;`YC}|fSA10_@peMvcdc5x2TZp(#dR@7<5OJCG8@J9TT-$FGr`N@xB3}2)jcQf0O?Dpx5x!sGeWr+2xHd^^"
        "*Ck@rr-L*^Qap0WTyl^g<LeiE{7#WK4$>vk%!<aE9h(tSz=H(R7a^}WoS|fxe8a)=cGHgKWuLk1h1Hd2TkTN`BQ3dGtvF%sTnjK2AYa$X7eQO~"
        "$v&IA)n=3T_S@u*b`vy6uR{2*jwGUGpq2Gy1xG07eLlo577=cvguixv<?LedeUyir#aMy$#bteMU0JR=xve0$qAcqc6U_M5*7d4ssIt1?FvNq("
        "T2;|>%B(yFR*<rS>osL@C0bcsTQeBVdUaJRqa-!3LP7N+=8X+bG3LNRO(~vTS*<Ob{7rMdXyE$R_04q?mH5Mv@Jj(jXw*sM?+8Pjm?wU6g(Fuv"
        "p&+zI>h)f~1O)Xp;C6PR@FAmlL(}e{(~*9E7^)eOI|pz#`L-R8B7kc%;mm9@$U7Xl#|f`E;U*VJp+3)^;N3MEIYi4RZ29!y0Dg~Le+S>^b~sf("
        "PlsQ(n}i2E^UJHTc()!ezkUS29(K6>vMY+YRU{SRvQPM_37j&Umesr(0`%JUe?NdD<d;tTA#xr)t4+t@UuhP$eE-++UkzbGZgshj-?#$|^dV2S"
        "c;Qit@VJ?!*{fB0_gk+t-wn|;KkKs6%v));ZXt6kPYS}VR^e4kf1}vo=Nj3fu`vrl(}LsDG8<L0DO?K(-@|3H+IYRU6TYtjceiZPrjE$Zkj>Zc"
        "n%T5qjn-fzz77aq2O{-Xq5f0=;y<~2BK`)5-*xXq>@!;sr!Y{JoD*IIg)f7V`a4sn>R~#$yMVHX36Vbm^#;b{JL0T&I0pMMDGN{b3HSCzQohC!"
        "&=&}i&%&-#;x=vdtv2C$TixqRb&B}<8gO?@6$83Yfyh(rIvnnzjdpLpu<by5Q>Pqg4(^_4j{)rtaa}Cd<n2Sb(JnmOPqWi!yvyeE-0*q?!<ONv"
        "VcH~~6Fi8>ultE#XeE!@>023UlM98DbA!h77<$keg|WFXEX(q=Y>X4Kydmcn<WX5(kcSo+FPD?$Ng#$~`8Z?LXF3wFvq8mW4cH?fM(xpcoG#=%"
        "hz&7>0<3e>u+D(yB78<S;Jabln>d$^Mqztobc8XP6C<)cz}1|1=5$$P%gGrkAC;pe`T-N0jC-o?pKOyls7|Q|4g1IC)Kokg1?1^T7XPSi-vKqw"
        "@O4NPOF?ef)E^l({M&H(w*<@;ZFzL*bS!y6TLw3CCvE)^TmPd`w>}Gv;g7*bU7r24I5xWkLeUG+s5+JQ_IC_S4K3Pu6EiM<-T8!6<to}(_MF1<"
        "Niod)Y`E|yTzITL#tRqc=PKv(vCRuwd{Q<cXd%p-P;@K|C%}Jp4h6>1T<62;NsH&o^Rd~IGG}0%n4+#+oQdvT5A(oWQ)5L#Z*-W-XD7}0b8^`h"
        "a^j5`c!i2)mWL^CRZhmz&+X;!%ItZ1#$|PmDakePH+9bCZ^QZ!l{u+G@yqII;0@0Mo&@?V-=|mt#$EYlp^r~UY9(7eWB4;-?oUJA46(Y=<YC#~"
        "H0$DcLwj&X<*~|=5zhwbj~h$_&LQ~$3iVW#+9&7r^#QF~9Z+hu)s3DDdTniSb)_ekIxHTR!Y}C$)3^LXU+hC@N-ju$1MuxU@c"
    )
)
"""The rows of the sample of `trackio_db`, as Trackio converts them."""

FORMAT = Format(
    name=NAME,
    title="Trackio: <project>.parquet, a store of many runs",
    sample=SAMPLE,
    sniff=sniff,
    read=read,
    precision=16,
    origin="made with trackio 0.43.0",
    reads="step, epoch, time and names of several runs",
)

"""Fuzzes one target with libFuzzer, through atheris: `fuzz.py TARGET FOLDER [libFuzzer's options]`.

An exception does not end the run: the input is kept under `FOLDER/findings`, one for each place in the code, with its
traceback beside it. So does an input that takes longer than `SECONDS` of processor time.
"""

from __future__ import annotations

import hashlib
import signal
import sys
import traceback
from pathlib import Path
from types import FrameType

import atheris

with atheris.instrument_imports(include=["trainvitals"]):
    from targets import TARGETS, WORDS

SECONDS = 5.0


class SlowError(Exception):
    """An input took longer than `SECONDS`."""


def main() -> None:
    """Fuzz until libFuzzer's options end it."""
    target, folder = TARGETS[sys.argv[1]], Path(sys.argv[2])
    corpus, findings = folder / "corpus", folder / "findings"
    for path in (corpus, findings):
        path.mkdir(parents=True, exist_ok=True)
    for seed in target.seeds():
        (corpus / hashlib.sha1(seed).hexdigest()).write_bytes(seed)
    signal.signal(signal.SIGVTALRM, _too_slow)

    def once(data: bytes) -> None:
        signal.setitimer(signal.ITIMER_VIRTUAL, SECONDS)
        try:
            target.run(data)
        except Exception as error:  # noqa: BLE001 (whatever it is, it is a finding)
            _keep(findings, data, error)
        finally:
            signal.setitimer(signal.ITIMER_VIRTUAL, 0)

    # Atheris could watch regular expressions itself, but its stand-ins for patterns lack half of their methods.
    words = folder / "words.txt"
    words.write_text("".join(f'"{_escaped(word)}"\n' for word in WORDS), "ascii")
    atheris.Setup([sys.argv[0], *sys.argv[3:], f"-dict={words}", str(corpus)], once)
    atheris.Fuzz()


def _escaped(word: str) -> str:
    return "".join(f"\\x{byte:02x}" for byte in word.encode())


def _too_slow(_number: int, _frame: FrameType | None) -> None:
    raise SlowError


def _keep(findings: Path, data: bytes, error: Exception) -> None:
    """Write the input down, unless one that fails at the same place is already there and is shorter."""
    frames = traceback.extract_tb(error.__traceback__)
    at = "" if isinstance(error, SlowError) else "".join(f"{f.filename}:{f.lineno}" for f in frames[-2:])
    name = f"{type(error).__name__}-{hashlib.sha1((type(error).__name__ + at).encode()).hexdigest()[:8]}"
    path = findings / f"{name}.bin"
    if not path.exists() or path.stat().st_size > len(data):
        path.write_bytes(data)
        (findings / f"{name}.txt").write_text("".join(traceback.format_exception(error)), "utf-8", "backslashreplace")


if __name__ == "__main__":
    main()

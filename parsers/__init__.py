"""From bytes on disk to a `Run`: discovery, one small module per format, and the data model.

from trainvitals.parsers import discover, read

for files in discover(["runs/"]):
    run = read(files)
"""

from trainvitals.parsers.discover import RunFiles, discover
from trainvitals.parsers.errors import ReadError
from trainvitals.parsers.model import Run, Series
from trainvitals.parsers.reading import read, read_all

__all__ = ["ReadError", "Run", "RunFiles", "Series", "discover", "read", "read_all"]

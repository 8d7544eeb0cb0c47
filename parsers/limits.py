"""Budgets for input that nobody vouches for. Each is far above real logs and far below what hurts the machine."""

MAX_FILE_BYTES = 2 << 30
"""A log is held in memory while it is read; real ones stay below some hundred megabytes."""

MAX_EXPANSION = 200
"""How many times its size a compressed log may have when it is unpacked; real ones reach twenty, bombs a thousand."""

FREE_EXPANSION = 64 << 20
"""Bytes to which a compressed log may grow whatever its ratio: short logs of equal lines pack as well as bombs do."""

MAX_LINE_BYTES = 1 << 20
"""The longest real lines are summary rows that repeat a whole series; lines over the limit are dropped and counted."""

MAX_SIDECAR_BYTES = 1 << 20
"""Hyperparameter files are some kilobytes; a YAML file of megabytes is no configuration."""

MAX_JSON_DEPTH = 64
"""Deeper nesting is never a metric row, and recursion in a JSON decoder is a known way to crash it."""

MAX_METRICS = 20_000
"""Distinct metric names of one source; the first ones are kept and the rest counted."""

MAX_POINTS = 50_000_000
"""Scalars of one source: what is left of a file of the greatest size when every number takes forty bytes."""

MAX_RUNS = 10_000
"""Runs of one database; the first ones are kept and the rest counted."""

MAX_DATABASE_SECONDS = 60
"""Time that queries on one database may take; a million metrics take two."""

MAX_NAME_LENGTH = 256
"""Characters of a metric name; longer ones are cut."""

MAX_NOTES = 5_000
"""Noted lines (warnings, tracebacks) kept per source; the count goes on."""

MAX_EXAMPLES = 5
"""Lines quoted per source as examples of what was not understood."""

MAX_FILES = 100_000
"""Logs below one folder; more of them than anybody reads at once."""

PEEK_BYTES = 1 << 20
"""Bytes of a compressed file or of a database that are looked at to recognise its format."""

SNIFF_BYTES = 64 << 10
"""Bytes from the start and from the end of a file by which its format is recognised."""

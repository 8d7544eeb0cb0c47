"""One run in parts: verdict, cards of findings, tables, corrections, the log, what was read, what one takes away."""

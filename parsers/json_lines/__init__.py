"""Reading JSON lines: rows to columns, in blocks where that is safe."""

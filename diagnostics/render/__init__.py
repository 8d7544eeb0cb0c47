"""One module per output format; all of them render the same `Report`."""

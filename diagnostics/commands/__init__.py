"""One module per group of commands; `trainvitals.diagnostics.cli` puts them together."""

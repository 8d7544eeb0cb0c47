"""One TOML file per loss type; `trainvitals.diagnostics.loss_type` says what stands in them."""

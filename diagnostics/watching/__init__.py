"""Watching a run while it trains: what is found, as it appears, and whom to tell."""

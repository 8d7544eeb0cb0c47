"""Runs side by side: matched first, then compared on blocks, with the tier of evidence in every verdict."""

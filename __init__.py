"""trainvitals: is a training run healthy, since when not, why, and what to change."""

__version__ = "0.1.0"

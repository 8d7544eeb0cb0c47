"""Following the files of a run while they are written: what is appended is read once."""

from trainvitals.parsers.following.follower import Follower

__all__ = ["Follower"]

"""What the user can mend when the loss around weights is to be measured."""

from trainvitals.parsers.errors import TrainvitalsError


class CheckpointError(TrainvitalsError):
    """A checkpoint that cannot be read as weights, or that does not fit the model."""


class TaskError(TrainvitalsError):
    """A model or data that cannot be had, or that do not go together."""

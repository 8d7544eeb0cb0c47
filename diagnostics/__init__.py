"""From a `Run` to a `Report`: normalise, judge, render."""

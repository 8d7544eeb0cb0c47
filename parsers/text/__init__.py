"""Reading console text: lines, progress bars, notes and hyperparameters."""

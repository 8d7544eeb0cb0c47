"""Reference logs, one folder per loss type and case, and in `trainer` the programs that made them."""

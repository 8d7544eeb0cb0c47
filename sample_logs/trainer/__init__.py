"""The reference trainer: a small real training for each loss type, healthy and with each fault.

`faults` and `corpus` are lists that need no torch. `article`, `spatial`, `eos`, `causal_lm` and `softce` are one
training each, read from top to bottom; they share `loop`, `writers`, `seeds` and `losses`.
"""

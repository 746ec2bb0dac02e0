"""Figures, each a ratio to a floor measured in the same run. `python -m benchmarks` prints them and writes
docs/performance.md."""

"""Figures of speed, each beside what it should reach and, where there is one, a floor measured in the same run.

`python -m benchmarks` measures them all, prints them and writes docs/performance.md; with names, it measures those
and only prints. The programs that are measured are in `sides/`, each a process of its own.
"""

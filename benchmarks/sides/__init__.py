"""The programs that are measured, ours and the floors, each a process of its own that prints one JSON object.

They know nothing of targets or ratios.
"""

"""How an agent thinks: one turn loop, its context, its effects, its limits. Read `turn.py` first."""

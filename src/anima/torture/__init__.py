"""Torture: the real program, killed again and again, and an audit of what is left.

workload.py   what the agent is given to do, and what its scripted model says
ledger.py     the outside world, a process of its own: the model's server, and a record of every effect
door.py       how the child and its commands tell the ledger
child.py      the program that is killed
plan.py       where it is killed, drawn from a seed
life.py       one life of the child, and what is on disk after it
audit.py      what must hold, however often it died
torture.py    all of it together
"""

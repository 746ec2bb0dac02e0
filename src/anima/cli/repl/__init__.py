"""The REPL: a line typed becomes something meant, a session does it, a screen shows it.

`lines.py` is its language, `session.py` a person's conversation with the agents of a home, `orders.py` what `/words`
do, `company.py` the way to the agents. It does not know how an agent thinks.
"""

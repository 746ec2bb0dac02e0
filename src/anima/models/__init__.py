"""Language models, one file for each that can be chosen: `openai`, `anthropic`, `ollama`, `local`.

`model` is what a model is, `providers` opens them, `fallback` puts several in a row. Only `x.py` knows x's wire format.
"""

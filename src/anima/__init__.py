"""Anima: the home an AI agent lives in."""

__version__ = "0.1.0"

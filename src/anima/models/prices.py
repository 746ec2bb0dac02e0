"""What a model call costs, in dollars, where that is known.

A small dated table of list prices; `price` in the settings overrides it. A model that is not in it has no price: None,
never a guess. It does not know who adds the dollars up.
"""

import re
from collections.abc import Mapping
from dataclasses import replace

from anima.settings import ModelRef, Price
from anima.vocabulary import Usage

DATED = "2026-11"
FREE = Price(0.0, 0.0, 0.0)
PRICES: Mapping[str, Price] = {
    "openai/gpt-5.4": Price(2.50, 15.0, 0.25),
    "openai/gpt-5.4-mini": Price(0.75, 4.50, 0.075),
    "openai/gpt-5.1": Price(1.25, 10.0, 0.125),
    "openai/gpt-5": Price(1.25, 10.0, 0.125),
    "openai/gpt-5-mini": Price(0.25, 2.0, 0.025),
    "openai/gpt-5-nano": Price(0.05, 0.40, 0.005),
    "openai/gpt-4.1": Price(2.0, 8.0, 0.50),
    "openai/gpt-4.1-mini": Price(0.40, 1.60, 0.10),
    "openai/gpt-4o": Price(2.50, 10.0, 1.25),
    "openai/gpt-4o-mini": Price(0.15, 0.60, 0.075),
    "anthropic/claude-opus-5-5": Price(4.0, 20.0, 0.20),
    "anthropic/claude-opus-5": Price(5.0, 25.0, 0.50),
    "anthropic/claude-opus-4-8": Price(5.0, 25.0, 0.50),
    "anthropic/claude-opus-4-7": Price(5.0, 25.0, 0.50),
    "anthropic/claude-opus-4-6": Price(5.0, 25.0, 0.50),
    "anthropic/claude-opus-4-5": Price(5.0, 25.0, 0.50),
    "anthropic/claude-sonnet-5-5": Price(2.0, 10.0, 0.10),
    "anthropic/claude-sonnet-5": Price(2.0, 10.0, 0.20),
    "anthropic/claude-sonnet-4-6": Price(3.0, 15.0, 0.30),
    "anthropic/claude-sonnet-4-5": Price(3.0, 15.0, 0.30),
    "anthropic/claude-haiku-4-5": Price(1.0, 5.0, 0.10),
}
"""By model: dollars per million tokens of input, output, and input the provider had cached."""

_SNAPSHOT = re.compile(r"-(\d{4}-\d{2}-\d{2}|\d{8}|latest)$")
_WRITTEN = 1.25


def price_of(ref: ModelRef, official: bool) -> Price | None:
    """The price of a model at its maker's own server (`official`), or as the settings give it."""
    if ref.price is not None:
        return ref.price
    return PRICES.get(_SNAPSHOT.sub("", f"{ref.provider}/{ref.model}")) if official else None


def priced(usage: Usage, price: Price | None, written: int = 0) -> Usage:
    """`usage` with its dollars. `written`: the part of the input that went into a cache, which costs a quarter more."""
    if price is None:
        return usage
    fresh = usage.input - usage.cached + (_WRITTEN - 1) * written
    cached = usage.cached * (price.input if price.cached is None else price.cached)
    dollars = (fresh * price.input + cached + usage.output * price.output) / 1e6
    return replace(usage, dollars=dollars)

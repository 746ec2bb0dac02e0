"""Metrics: what happened since the start, counted from progress, in one object.

This module does not know where the numbers are shown.
"""

from bisect import bisect_left
from collections import Counter

from anima.vocabulary import Closed, Progress, Retried, StepDone, ToolReturned, TurnOpened, Usage

BOUNDS = (0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 10.0, 60.0)
"""Upper bounds of the latency buckets, seconds; the last bucket has none."""


class Histogram:
    """Latencies in seconds: how many, their sum, and how many up to each bound."""

    def __init__(self) -> None:
        self.counts = [0] * (len(BOUNDS) + 1)
        self.total = 0.0

    def add(self, seconds: float) -> None:
        self.counts[bisect_left(BOUNDS, seconds)] += 1
        self.total += seconds

    @property
    def mean(self) -> float:
        return self.total / (sum(self.counts) or 1)


class Metrics:
    """Turns by end, steps, tool calls by outcome, tokens, money, retries; latencies of turns, models, tools."""

    def __init__(self) -> None:
        self.turns: Counter[str] = Counter()
        self.tool_calls: Counter[tuple[str, str]] = Counter()
        self.steps = 0
        self.retries = 0
        self.usage = Usage()
        self.model_seconds = Histogram()
        self.tool_seconds = Histogram()
        self.turn_seconds = Histogram()
        self._opened: dict[str, float] = {}

    def take(self, news: Progress) -> None:
        """Count one piece of news."""
        match news:
            case TurnOpened():
                self._opened[news.turn] = news.time
            case StepDone():
                self.steps += 1
                self.usage += news.usage
                self.model_seconds.add(news.seconds)
            case ToolReturned() if news.state != "intended":
                self.tool_calls[news.tool, news.state.value] += 1
                self.tool_seconds.add(news.seconds)
            case Retried():
                self.retries += 1
            case Closed():
                self.turns[news.result.state.value] += 1
                self.turn_seconds.add(news.time - self._opened.pop(news.turn, news.time))

    def report(self) -> str:
        """Lines of `name value`, for a person or a scraper."""
        rows: list[tuple[str, float]] = [(f'turns{{state="{state}"}}', n) for state, n in sorted(self.turns.items())]
        rows += [("steps", self.steps), ("retries", self.retries)]
        rows += [
            (f'tool_calls{{tool="{tool}",state="{state}"}}', n) for (tool, state), n in sorted(self.tool_calls.items())
        ]
        rows += [
            ("tokens_input", self.usage.input),
            ("tokens_output", self.usage.output),
            ("tokens_cached", self.usage.cached),
        ]
        if self.usage.dollars is not None:
            rows.append(("dollars", self.usage.dollars))
        for name, histogram in self._histograms():
            rows += [
                (f'{name}_bucket{{le="{bound:g}"}}', sum(histogram.counts[: place + 1]))
                for place, bound in enumerate(BOUNDS)
            ]
            rows += [(f"{name}_count", sum(histogram.counts)), (f"{name}_sum", round(histogram.total, 3))]
        return "\n".join(f"anima_{name} {value:g}" for name, value in rows)

    def _histograms(self) -> list[tuple[str, Histogram]]:
        return [
            ("turn_seconds", self.turn_seconds),
            ("model_seconds", self.model_seconds),
            ("tool_seconds", self.tool_seconds),
        ]

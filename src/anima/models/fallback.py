"""Several models in a row: each is tried again while that can help, then the next is asked.

It does not know any provider. Why it waits by itself and not by a library: docs/decisions/0010.
"""

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

from anima.clock import Clock
from anima.errors import ModelError, NoModelReachable
from anima.models.model import NamedModel
from anima.settings import RetrySettings
from anima.vocabulary import Chunk, Context, Fallback, Retry

PATIENCE = 60.0
"""Seconds a provider may ask to wait; for longer, the next model is asked instead."""


class FallbackModel:
    """The first of `models` that answers. A Retry or a Fallback says that what was streamed before it is void."""

    def __init__(self, models: Sequence[NamedModel], retry: RetrySettings, clock: Clock) -> None:
        self._models = models
        self._retry = retry
        self._clock = clock

    @property
    def name(self) -> str:
        return self._models[0].name

    async def stream(self, context: Context) -> AsyncGenerator[Chunk, None]:
        """Raises NoModelReachable if nobody could be reached, else the first error that was about the call itself."""
        errors: list[ModelError] = []
        for place, model in enumerate(self._models):
            if errors:
                yield Fallback(self._models[place - 1].name, errors[-1].message, model.name)
            async with aclosing(self._persist(model, context, errors)) as chunks:
                async for chunk in chunks:
                    yield chunk
            if len(errors) == place:
                return
        raise self._verdict(errors)

    async def _persist(
        self, model: NamedModel, context: Context, errors: list[ModelError]
    ) -> AsyncGenerator[Chunk, None]:
        """One model's answer, tried again as often as the settings say; the last error is added to `errors`."""
        attempt = 0
        while True:
            try:
                async with aclosing(model.stream(context)) as chunks:
                    async for chunk in chunks:
                        yield chunk
                return
            except ModelError as error:
                delay = self._delay(error, attempt)
                if delay is None:
                    errors.append(error)
                    return
                attempt += 1
                yield Retry(model.name, error.message, delay, attempt)
            await self._clock.sleep(delay)

    def _delay(self, error: ModelError, attempt: int) -> float | None:
        """Seconds until the next try: exponential, half of it by chance, never less than asked for. None: give up."""
        asked = error.retry_after or 0.0
        if not error.retryable or attempt >= self._retry.max_retries or asked > PATIENCE:
            return None
        steps = self._retry.initial_delay_ms * self._retry.exponential_base**attempt
        backoff = min(steps, self._retry.max_delay_ms) / 1000
        return max(asked, backoff / 2) + backoff / 2 * self._clock.chance()

    def _verdict(self, errors: Sequence[ModelError]) -> ModelError:
        about_the_call = next((error for error in errors if not error.unavailable), None)
        if about_the_call is not None:
            return about_the_call
        waits = [error.retry_after for error in errors if error.retry_after is not None]
        return NoModelReachable(
            "no model could be reached: " + "; ".join(error.message for error in errors),
            next((error.hint for error in errors if error.hint), ""),
            retry_after=min(waits, default=None),
        )

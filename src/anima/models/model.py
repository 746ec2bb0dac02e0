"""What a language model is to the house: one method that takes a context and streams its answer.

Nothing here knows a provider.
"""

from collections.abc import AsyncGenerator, AsyncIterator
from typing import Protocol

from anima.vocabulary import Chunk, Context


class Model(Protocol):
    """A language model. Yours needs nothing but this method."""

    def stream(self, context: Context) -> AsyncIterator[Chunk]:
        """The answer to `context`, piece by piece, ended by exactly one Finish.

        Text and Reasoning come as they are made, a ToolCall when it is complete: one per call, several for parallel
        calls, `unparsed` holding arguments that were no JSON object. Raises a ModelError, also in the middle. Closing
        the stream, or cancelling the task that reads it, ends the request.
        """
        ...


class NamedModel(Protocol):
    """A model that can be one of several: `name` is its `provider/model`."""

    @property
    def name(self) -> str: ...

    def stream(self, context: Context) -> AsyncGenerator[Chunk, None]: ...

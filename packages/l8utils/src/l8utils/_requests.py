# SPDX-License-Identifier: Apache-2.0
"""Requests that wait for their answers, by who asked and under which number."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final, Generic, TypeVar

from l8types.errors import BusyError, ConflictError, OverloadedError, RequestTimeoutError

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType
    from typing import Self

T = TypeVar("T")

MAX_PENDING: Final = 100_000
"""Requests that wait at once; each holds a future and whoever waits for it."""

_Key = tuple[str, int]


class PendingRequest(Generic[T]):
    """One request that waits. A context manager: leaving the block forgets it.

    A request that is forgotten takes no answer any more, so a late one does no harm.
    """

    def __init__(self, owner: PendingRequests[T], source: str, sequence: int) -> None:
        self._owner = owner
        self._future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._waiting = False
        self.source = source
        """Who asked."""
        self.sequence = sequence
        """Under which number."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._owner._forget(self)  # noqa: SLF001 - the two classes are one thing
        if self._future.done() and not self._future.cancelled():
            # An error that nobody waited for is not worth a warning of the event loop.
            self._future.exception()

    @property
    def done(self) -> bool:
        """Whether the answer is there."""
        return self._future.done()

    async def wait(self, timeout: float | None = None) -> T:
        """Wait for the answer.

        Args:
            timeout: Seconds, ``None`` for no limit.

        Raises:
            RequestTimeoutError: No answer in time.
            BusyError: Another task waits for this answer already.
            L8Error: What the request was failed with.
        """
        if self._waiting:
            raise BusyError(f"request {self.sequence} of {self.source!r} is waited for already")
        self._waiting = True
        try:
            async with asyncio.timeout(timeout):
                return await self._future
        except TimeoutError as error:
            # A failure may be a time-out itself; only our own limit cancels the future.
            if not self._future.cancelled():
                raise
            raise RequestTimeoutError(
                f"no answer to request {self.sequence} of {self.source!r} within {timeout} s"
            ) from error
        finally:
            self._waiting = False


class PendingRequests(Generic[T]):
    """All requests of a node that wait.

    Args:
        is_final: Whether an answer ends the request; others, such as the steps of a transaction,
            are ignored. By default every answer does.
        max_pending: Requests that may wait at once.

    Example:
        >>> import asyncio
        >>> async def ask() -> str:
        ...     requests = PendingRequests[str]()
        ...     with requests.open("node-1", 7) as request:
        ...         requests.resolve("node-1", 7, "answer")
        ...         return await request.wait(timeout=1)
        >>> asyncio.run(ask())
        'answer'
    """

    def __init__(
        self,
        *,
        is_final: Callable[[T], bool] = lambda _: True,
        max_pending: int = MAX_PENDING,
    ) -> None:
        self._is_final = is_final
        self._max_pending = max_pending
        self._pending: dict[_Key, PendingRequest[T]] = {}

    def __len__(self) -> int:
        return len(self._pending)

    def open(self, source: str, sequence: int) -> PendingRequest[T]:
        """Begin to wait; to be used in a ``with`` statement, before the request is sent.

        Raises:
            ConflictError: A request of this source and number waits already.
            OverloadedError: Too many requests wait.
        """
        key = source, sequence
        if key in self._pending:
            raise ConflictError(f"request {sequence} of {source!r} waits already")
        if len(self._pending) >= self._max_pending:
            raise OverloadedError(f"{len(self._pending)} requests wait already, try again later")
        request = self._pending[key] = PendingRequest(self, source, sequence)
        return request

    def resolve(self, source: str, sequence: int, answer: T) -> bool:
        """Give a request its answer.

        Returns:
            Whether the answer ended a request; a late, second or intermediate one does not.
        """
        request = self._pending.get((source, sequence))
        if request is None or request.done or not self._is_final(answer):
            return False
        request._future.set_result(answer)  # noqa: SLF001 - the two classes are one thing
        return True

    def fail(self, source: str, sequence: int, error: Exception) -> bool:
        """End a request with an error; whether one was waiting."""
        request = self._pending.get((source, sequence))
        if request is None or request.done:
            return False
        request._future.set_exception(error)  # noqa: SLF001 - the two classes are one thing
        return True

    def fail_all(self, make_error: Callable[[], Exception]) -> int:
        """End all requests, each with an error of its own; how many there were."""
        return sum(self.fail(*key, make_error()) for key in list(self._pending))

    def _forget(self, request: PendingRequest[T]) -> None:
        key = request.source, request.sequence
        if self._pending.get(key) is request:
            del self._pending[key]

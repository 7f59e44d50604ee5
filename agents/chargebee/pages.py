"""Pages of a listing, fetched ahead while those before are being looked at and written."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Generic, Protocol, TypeVar


class Listed(Protocol):
    """A page of any kind."""

    @property
    def next_offset(self) -> str | None:
        """Where the next one is; None on the last."""
        ...


Fetched = TypeVar("Fetched", bound=Listed)

#: What is made of a page.
Made = TypeVar("Made")

#: The page at an offset; None is the first.
Fetch = Callable[[str | None], Awaitable[Fetched]]


class Pages(Generic[Made]):
    """The pages of one listing in order. An error of a fetch is raised where its page would have come."""

    def __init__(self, *, ahead: int) -> None:
        self._queue: asyncio.Queue[tuple[Made, bool] | Exception] = asyncio.Queue(maxsize=ahead)
        self._ended = False

    async def next(self, *, at_most: int) -> list[Made]:
        """The next pages: one at least, and of those that are there already so many; none when all have been given."""
        if self._ended:
            return []
        pages = [self._page(await self._queue.get())]
        while len(pages) < at_most and not self._ended and not self._queue.empty():
            waiting = self._queue.get_nowait()
            if isinstance(waiting, Exception):
                # First the pages before it: put back, it is the next one's.
                self._queue.put_nowait(waiting)
                break
            pages.append(self._page(waiting))
        return pages

    def _page(self, waiting: tuple[Made, bool] | Exception) -> Made:
        if isinstance(waiting, Exception):
            self._ended = True
            raise waiting
        made, self._ended = waiting
        return made

    async def fill(self, fetch: Fetch[Fetched], make: Callable[[Fetched], Made], offset: str | None) -> None:
        """Fetch all pages from the offset on, as fast as they are taken; each is looked at while the next one comes."""
        coming = asyncio.ensure_future(fetch(offset))
        try:
            while True:
                page = await coming
                if page.next_offset is not None:
                    coming = asyncio.ensure_future(fetch(page.next_offset))
                    # So that it is under way.
                    await asyncio.sleep(0)
                await self._queue.put((make(page), page.next_offset is None))
                if page.next_offset is None:
                    return
        except Exception as error:
            # Raised by `next`, in the task that can do something about it.
            await self._queue.put(error)
        finally:
            coming.cancel()
            await asyncio.gather(coming, return_exceptions=True)


@asynccontextmanager
async def pages_from(
    fetch: Fetch[Fetched], make: Callable[[Fetched], Made], offset: str | None, *, ahead: int
) -> AsyncIterator[Pages[Made]]:
    """What `make` makes of the pages from an offset on; up to `ahead` wait. Fetching ends with the block."""
    pages: Pages[Made] = Pages(ahead=ahead)
    filling = asyncio.create_task(pages.fill(fetch, make, offset))
    try:
        yield pages
    finally:
        filling.cancel()
        with suppress(asyncio.CancelledError):
            await filling

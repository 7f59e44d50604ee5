"""Pages of a listing, fetched ahead while those before are being written."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Generic, Protocol, TypeVar


class Linked(Protocol):
    """What says where the next one is."""

    @property
    def next_offset(self) -> str | None:
        """Its offset; None for the last one."""
        ...


#: A page, or what has been made of it.
Page = TypeVar("Page", bound=Linked)

#: The page at an offset; None is the first.
Fetch = Callable[[str | None], Awaitable[Page]]


class Pages(Generic[Page]):
    """The pages of one listing in order. An error of a fetch is raised where its page would have come."""

    def __init__(self, *, ahead: int) -> None:
        self._queue: asyncio.Queue[Page | Exception] = asyncio.Queue(maxsize=ahead)
        self._ended = False

    async def next(self, *, at_most: int) -> list[Page]:
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

    def _page(self, waiting: Page | Exception) -> Page:
        if isinstance(waiting, Exception):
            self._ended = True
            raise waiting
        self._ended = waiting.next_offset is None
        return waiting

    async def fill(self, fetch: Fetch[Page], offset: str | None) -> None:
        """Fetch all pages from the offset on, as fast as they are taken."""
        try:
            while True:
                page = await fetch(offset)
                await self._queue.put(page)
                offset = page.next_offset
                if offset is None:
                    return
        except Exception as error:
            # Raised by `next`, in the task that can do something about it.
            await self._queue.put(error)


@asynccontextmanager
async def pages_from(fetch: Fetch[Page], offset: str | None, *, ahead: int) -> AsyncIterator[Pages[Page]]:
    """The pages from an offset on; up to `ahead` of them wait. Fetching ends with the block."""
    pages: Pages[Page] = Pages(ahead=ahead)
    filling = asyncio.create_task(pages.fill(fetch, offset))
    try:
        yield pages
    finally:
        filling.cancel()
        with suppress(asyncio.CancelledError):
            await filling

"""sse-starlette as its docs show it: a queue for each client, one route that puts a message into all of them."""

import asyncio
from collections.abc import AsyncIterator

from sse_starlette.sse import EventSourceResponse
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

queues: set[asyncio.Queue[str]] = set()


async def stream(request: Request) -> EventSourceResponse:
    async def events() -> AsyncIterator[dict[str, str]]:
        queue: asyncio.Queue[str] = asyncio.Queue()
        queues.add(queue)
        try:
            while True:
                yield {"event": "change", "data": await queue.get()}
        finally:
            queues.discard(queue)

    return EventSourceResponse(events())


async def publish(request: Request) -> PlainTextResponse:
    text = (await request.body()).decode()
    for queue in queues:
        queue.put_nowait(text)
    return PlainTextResponse("published")


app = Starlette(routes=[Route("/stream", stream), Route("/publish", publish, methods=["POST"])])

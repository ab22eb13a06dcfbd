"""The event loop: what the web process asks of gevent, and does without where gevent isn't patched in."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

import gevent
from gevent import monkey

T = TypeVar("T")


def is_gevent() -> bool:
    """Tell whether this process runs on gevent: its threads are greenlets."""
    return bool(monkey.is_module_patched("threading"))


def off_the_loop(work: Callable[[], T]) -> T:
    """Run what takes long in a thread of gevent's pool, so that viewers are served meanwhile."""
    if is_gevent():
        return gevent.get_hub().threadpool.apply(work)  # type: ignore[no-any-return]
    return work()


@contextmanager
def deadline(seconds: float) -> Iterator[None]:
    """Raise `TimeoutError` when the block waits longer: a sender of one byte a minute must not hold a connection.

    Without gevent the server's own time-outs must do.
    """
    if not is_gevent():
        yield
        return
    with gevent.Timeout(seconds, TimeoutError(f"it took longer than {seconds:g} s")):
        yield


def others_first() -> None:
    """Let everybody else who is ready run before what comes next, which takes long."""
    gevent.sleep(0) if is_gevent() else time.sleep(0)


def soon(work: Callable[[], None]) -> None:
    """Run something beside what runs now; may be called from a signal handler, which must not wait."""
    if is_gevent():
        gevent.spawn(work)
    else:
        threading.Thread(target=work, daemon=True).start()

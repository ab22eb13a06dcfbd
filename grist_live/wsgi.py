"""The WSGI entry: `gunicorn -k gevent grist_live.wsgi:app`."""

import signal
import sys
import threading
from types import FrameType

from grist_live.app import create_app
from grist_live.logs import configure
from grist_live.loop import soon
from grist_live.settings import SettingsError, load_or_fail

try:
    _settings = load_or_fail()
except SettingsError as error:
    # One line a problem; gunicorn's traceback would bury it.
    print(error, file=sys.stderr)
    sys.exit(3)
configure(_settings, "web")
app = create_app(_settings)


def _drain_on_sigterm() -> None:
    """Say goodbye to the viewers when the server is told to end: closed without a word, all would come back at once."""
    before = signal.getsignal(signal.SIGTERM)

    def end(number: int, frame: FrameType | None) -> None:
        soon(app.extensions["grist_live"].stop)
        if callable(before):
            before(number, frame)

    signal.signal(signal.SIGTERM, end)


if threading.current_thread() is threading.main_thread():
    _drain_on_sigterm()

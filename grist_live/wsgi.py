"""The WSGI entry: `gunicorn -k gevent grist_live.wsgi:app`."""

import sys

from grist_live.app import create_app
from grist_live.logs import configure
from grist_live.settings import SettingsError, load_or_fail

try:
    _settings = load_or_fail()
except SettingsError as error:
    # One line a problem; gunicorn's traceback would bury it.
    print(error, file=sys.stderr)
    sys.exit(3)
configure(_settings, "web")
app = create_app(_settings)

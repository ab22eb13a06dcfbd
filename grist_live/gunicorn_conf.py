"""gunicorn's configuration for `serve`; plain `gunicorn -k gevent grist_live.wsgi:app` works without it."""

worker_class = "gevent"
# Streams are handed over and don't count; this is for requests in flight.
worker_connections = 2000
graceful_timeout = 10
timeout = 60
keepalive = 5
limit_request_line = 8190
# It would write a socket into the home folder, which a service may not have.
control_socket_disable = True

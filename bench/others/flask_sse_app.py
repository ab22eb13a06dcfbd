"""flask-sse as its README shows it, with a POST route that publishes."""

import os

from flask import Flask, request
from flask_sse import sse

app = Flask(__name__)
app.config["REDIS_URL"] = os.environ["REDIS_URL"]
app.register_blueprint(sse, url_prefix="/stream")


@app.post("/publish")
def publish() -> str:
    sse.publish(request.get_json(), type="change")
    return "published"

"""The page of an address that leads nowhere, for people; programs get a line of JSON."""

from __future__ import annotations

import base64
import hashlib
import html

from flask import Response, request

STYLE = """:root{color-scheme:light dark}body{font:1rem/1.5 system-ui,sans-serif;max-width:32rem;margin:20vh auto 0;
padding:0 1rem}h1{font-size:1.25rem}"""
PAGE = """<!doctype html><html lang="{language}"><head><meta charset="utf-8"><title>{title}</title>
<meta name="viewport" content="width=device-width, initial-scale=1"><link rel="icon" href="data:,">
<style>{style}</style>
</head><body><main><h1>{title}</h1><p>{advice}</p><p><a href="{home}">{start}</a></p></main></body></html>
"""
TEXTS = {
    "fr": {
        "title": "Il n’y a rien à cette adresse",
        "advice": "Aucun tableau ni page ne porte ce nom. Vérifiez l’adresse, ou demandez-la à qui vous l’a donnée.",
        "start": "Aller au premier tableau",
    },
    "en": {
        "title": "There is nothing at this address",
        "advice": "No board and no page has this name. Check the address, or ask whoever gave it to you.",
        "start": "Go to the first board",
    },
}
HASH = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()


def is_wanted() -> bool:
    """Tell whether somebody with a browser asks, and no program: one that takes everything gets JSON."""
    accepted = request.accept_mimetypes
    return request.method == "GET" and accepted["text/html"] > accepted["application/json"]


def nothing_here(language: str) -> Response:
    """Make the page; its link is relative, because a proxy may have put us under a path."""
    language = language if language in TEXTS else request.accept_languages.best_match(TEXTS, "fr") or "fr"
    home = "../" * (request.path.count("/") - 1) or "./"
    texts = {name: html.escape(text) for name, text in TEXTS[language].items()}
    answer = Response(PAGE.format(language=language, style=STYLE, home=home, **texts), 404, mimetype="text/html")
    answer.headers["Content-Security-Policy"] = (
        f"default-src 'none'; style-src 'sha256-{HASH}'; img-src data:; base-uri 'none'; frame-ancestors 'none'"
    )
    return answer

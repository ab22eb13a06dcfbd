"""Grist by REST, on grist-api.

What grist-api lacks is added in `Document.call`, which every request goes through: time-outs, one session,
retries that end, and errors that say in one line what happened and what to do. `GristError` is the only
thing raised for what Grist, the network or the API key do.
"""

from grist_live.actions import State
from grist_live.grist.address import parse_address
from grist_live.grist.document import MAX_IDS, Document, Entry, Webhook
from grist_live.grist.errors import GristError
from grist_live.grist.live import Live, LiveError
from grist_live.grist.reader import Reads, expiry, reads

__all__ = [
    "MAX_IDS",
    "Document",
    "Entry",
    "GristError",
    "Live",
    "LiveError",
    "Reads",
    "State",
    "Webhook",
    "expiry",
    "parse_address",
    "reads",
]

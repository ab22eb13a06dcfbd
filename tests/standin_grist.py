"""The stand-in Grist that tests start: `with StandinGrist() as grist: doc = grist.add_document()`."""

from tests.standin import EDITOR, OUTSIDER, OWNER, VIEWER, Receiver, StandinDocument, StandinGrist

__all__ = ["EDITOR", "OUTSIDER", "OWNER", "VIEWER", "Receiver", "StandinDocument", "StandinGrist"]

"""A stand-in Grist for the tests, with the rules and the traps of the real one.

It is checked against recorded exchanges with a real server in `test_standin_grist.py`.
"""

from .document import StandinDocument
from .receiver import Receiver
from .server import EDITOR, OUTSIDER, OWNER, VIEWER, StandinGrist

__all__ = ["EDITOR", "OUTSIDER", "OWNER", "VIEWER", "Receiver", "StandinDocument", "StandinGrist"]

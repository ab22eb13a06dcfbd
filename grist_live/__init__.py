"""grist_live makes a Grist table live: every change reaches every open dashboard."""

__version__ = "0.1.0"

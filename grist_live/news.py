"""News: what the journal published, as it reaches a hub."""

from __future__ import annotations

from typing import Any

from grist_live.feed import Feed, Recent
from grist_live.journal import Id


class News:
    """One message of the journal: changes from `before` to `after`, a reset, a test event; or another app's event."""

    __slots__ = ("after", "at", "before", "body", "changes", "epoch", "feed", "kind")

    def __init__(self, feed: Feed, message: bytes) -> None:
        head, _, self.body = message.partition(b"\n")
        self.feed = feed
        self.epoch, before, after, self.kind, *at = head.decode().split(" ")
        self.before, self.after = int(before), int(after)
        self.at = float(at[0]) if at else 0.0
        self.changes: list[Recent] = []
        if self.kind == "changes":
            *frames, texts = self.body.split(b"\n\n")
            first = self.after - len(frames) + 1
            for i, (frame, text) in enumerate(zip(frames, texts.split(b"\n"), strict=False)):
                self.changes.append(Recent(Id(self.epoch, first + i), frame + b"\n\n", text))

    def goes_on_with(self, other: News) -> bool:
        """Take in the changes that come right after ours; False when `other` is something else."""
        if not (self.feed is other.feed and self.kind == other.kind == "changes" and self.epoch == other.epoch):
            return False
        if self.after != other.before:
            return False
        self.changes += other.changes
        self.after = other.after
        return True

    def facts(self) -> dict[str, Any]:
        """Tell for our own logs what this was, and how many saw it."""
        span = [str(Id(self.epoch, n)) for n in (self.before + 1, self.after)]
        return {"board": self.feed.board.name, "changes": span, "viewers": self.feed.viewers}

"""The command line: `python -m grist_live COMMAND`. Each command is a docstring and a call, filed by its topic."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from grist_live import __version__
from grist_live.cli import configuration, doctor, document, operators, publish, server
from grist_live.cli.common import fail
from grist_live.errors import UserError

TOPICS = (document, publish, server, operators, doctor, configuration)
"""A new topic is a file with its COMMANDS, and its name here."""


class Group(click.Group):
    """Turns the errors that our rooms raise into one line that says what to do."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except UserError as error:
            fail(str(error))
        except BrokenPipeError:
            os._exit(0)
        except OSError as error:
            fail(str(error))
        except Exception as error:
            from grist_live.journal import Unavailable  # not before: `serve` has no use for Redis

            if not isinstance(error, Unavailable):
                raise
            fail(f"Redis doesn't answer ({error}): start it, or correct redis_url")


@click.group(cls=Group, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="grist_live")
@click.option("--config", type=click.Path(dir_okay=False), help="Configuration file (default: grist-live.toml).")
def main(config: str | None) -> None:
    """Make a Grist table live: each change reaches every open dashboard.

    \b
    python -m grist_live bootstrap DOC_ID    prepare the document
    python -m grist_live serve               start the server
    python -m grist_live status              see how it is
    """
    if config:
        os.environ["GRIST_LIVE_CONFIG"] = config


for topic in TOPICS:
    for command in topic.COMMANDS:
        main.add_command(command)


def _shortcut(command: str) -> Callable[[], None]:
    return lambda: main.main(args=[command, *sys.argv[1:]], prog_name=Path(sys.argv[0]).name)


status_main = _shortcut("status")
test_main = _shortcut("test")
logs_main = _shortcut("logs")

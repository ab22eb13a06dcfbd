"""Write the reference tables of the docs: settings, commands and the doctor's findings, from the program itself.

    python docs/reference.py [--check]

A table stands between `<!-- NAME: … -->` and `<!-- /NAME -->` in each language's page. `--check` changes nothing
and answers 1 when a table is not current.
"""

from __future__ import annotations

import inspect
import json
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import click

from grist_live.cli import main as cli
from grist_live.doctor import KINDS
from grist_live.settings import Settings

DOCS = Path(__file__).parent
LANGUAGES = ("en", "fr")

# The program speaks English; French for each of its texts. A text that changes there needs a new one here.
FRENCH = {
    # settings
    "Address that `serve` listens on.": "Adresse sur laquelle `serve` écoute.",
    "Port that `serve` listens on; also PORT.": "Port sur lequel `serve` écoute ; aussi PORT.",
    "Web processes that `serve` starts; each has one Redis reader.": (
        "Nombre de processus web que `serve` lance ; chacun a un seul lecteur Redis."
    ),
    "Our address as Grist and browsers see it; empty: http://host:port.": (
        "Notre adresse, telle que Grist et les navigateurs la voient ; vide : http://host:port."
    ),
    "Reverse proxies in front of us whose X-Forwarded-* headers are believed.": (
        "Nombre de serveurs mandataires (reverse proxies) devant nous dont les en-têtes X-Forwarded-* font foi."
    ),
    "Redis (6.2 or later) or Valkey.": "Redis (6.2 ou plus récent) ou Valkey.",
    "What Grist must send in Authorization; several while you change it.": (
        "Ce que Grist doit envoyer dans Authorization ; plusieurs valeurs le temps d'en changer."
    ),
    "Keys that sign viewer tokens; the first signs, all verify; remove one to revoke.": (
        "Clés qui signent les jetons de lecture ; la première signe, toutes vérifient ; en retirer une, c'est révoquer."
    ),
    "The Grist server.": "Le serveur Grist.",
    "API key for reconcile and bootstrap; also GRIST_API_KEY, ~/.grist-api-key.": (
        "Clé d'API pour reconcile et bootstrap ; aussi GRIST_API_KEY, ~/.grist-api-key."
    ),
    "Document of the default board; boards.<name>.doc wins.": (
        "Document du tableau par défaut ; boards.<nom>.doc l'emporte."
    ),
    "Board of `/`, /webhook/grist-realtime and /sse-stream.": (
        "Tableau servi par `/`, /webhook/grist-realtime et /sse-stream."
    ),
    "Origins whose pages may read our streams; * for any.": (
        "Origines dont les pages peuvent lire nos flux ; * pour toutes."
    ),
    "Sites that may embed the widget; empty: the origin of grist_url.": (
        "Sites qui peuvent intégrer le widget ; vide : l'origine de grist_url."
    ),
    "fr or en for pages that we serve; empty: the browser's choice.": (
        "fr ou en pour les pages servies ; vide : le choix du navigateur."
    ),
    "Seconds between two pings to a viewer.": "Secondes entre deux pings envoyés à un lecteur.",
    "Bytes a viewer may lag behind before it is cut off (it resumes by itself).": (
        "Retard, en octets, au-delà duquel un lecteur est déconnecté (il reprend de lui-même)."
    ),
    "Streams of a board in one process; who comes on top is told to come back.": (
        "Flux d'un tableau dans un processus ; qui vient en plus est prié de revenir."
    ),
    "Streams of a board from one address in one process; 0: any number (many share an office's).": (
        "Flux d'un tableau venant d'une même adresse dans un processus ; 0 : sans limite (un bureau partage la sienne)."
    ),
    "Bytes that a webhook body may have.": "Taille maximale, en octets, du corps d'un webhook.",
    "Minutes between two comparisons with the Grist table; 0: never.": (
        "Minutes entre deux comparaisons avec la table Grist ; 0 : jamais."
    ),
    "Folder of our log files; empty: ~/.local/state/grist-live.": (
        "Dossier de nos journaux ; vide : ~/.local/state/grist-live."
    ),
    "DEBUG, INFO, WARNING or ERROR.": "DEBUG, INFO, WARNING ou ERROR.",
    # commands
    "Prepare a Grist document: table, columns, webhook, page with the widget. DOC_ID may be its address.": (
        "Prépare un document Grist : table, colonnes, webhook, page avec le widget. DOC_ID peut être son adresse."
    ),
    "Put the widgets on another web server, and let a document use them there.": (
        "Met les widgets sur un autre serveur web, et les y fait chercher par un document."
    ),
    "Start the web process and the work process.": "Lance le processus web et le processus de travail.",
    "Run the work process alone (beside your own gunicorn): it reconciles the boards and sends alerts.": (
        "Lance le seul processus de travail (à côté de votre gunicorn) : il réconcilie les tableaux et envoie les "
        "alertes."
    ),
    "Show everything on this machine: embedded Redis, sample rows, agents that edit them.": (
        "Montre tout sur cette machine : Redis embarqué, lignes d'exemple, agents qui les modifient."
    ),
    "Compare a board (default: all) with its Grist table now.": (
        "Compare maintenant un tableau (par défaut : tous) avec sa table Grist."
    ),
    "Show Redis, processes, boards, viewers, alerts; exit code 1 when something is wrong.": (
        "Montre Redis, les processus, les tableaux, les lecteurs, les alertes ; code de sortie 1 si quelque chose ne "
        "va pas."
    ),
    "Send a test event from the webhook door to the stream, and a test alert through every outlet.": (
        "Envoie un événement d'essai de la porte du webhook au flux, et une alerte d'essai par chaque canal."
    ),
    "Send dead alerts again (default: of all outlets), after what kept them back was mended.": (
        "Renvoie les alertes mortes (par défaut : de tous les canaux), une fois réparé ce qui les retenait."
    ),
    "Show a log.": "Montre un journal.",
    "Print the configuration with secrets masked, and all its problems with hints.": (
        "Affiche la configuration, secrets masqués, et tous ses problèmes avec leur remède."
    ),
    "Make a viewer token: whoever has it may look at the board, and do no more than it says.": (
        "Fabrique un jeton de lecture : qui le possède peut regarder le tableau, et rien de plus que ce qu'il dit."
    ),
    "Look for what goes wrong in real life, and say what to do; exit code 1 on an error. It changes nothing.": (
        "Cherche ce qui va mal en pratique, et dit que faire ; code de sortie 1 en cas d'erreur. Ne change rien."
    ),
}
HEADINGS = {
    "en": {
        "settings": ("Setting", "Type", "Default", "What it does"),
        "commands": ("Command", "What it does", "Example"),
        "findings": ("Finding", "Severity", "What it means", "What to do"),
    },
    "fr": {
        "settings": ("Réglage", "Type", "Défaut", "À quoi il sert"),
        "commands": ("Commande", "Ce qu'elle fait", "Exemple"),
        "findings": ("Constat", "Gravité", "Ce qu'il signifie", "Que faire"),
    },
}
TYPES = {
    "en": {"str": "text", "int": "whole number", "float": "number", "tuple[str, ...]": "list of texts"},
    "fr": {"str": "texte", "int": "entier", "float": "nombre", "tuple[str, ...]": "liste de textes"},
}
FINDINGS: dict[str, str] = json.loads((DOCS / "findings.fr.json").read_text("utf-8"))
"""French for what the doctor says."""
SEVERITIES = {
    "en": {"ok": "in order", "info": "to know", "warning": "warning", "error": "error"},
    "fr": {"ok": "en ordre", "info": "à savoir", "warning": "avertissement", "error": "erreur"},
}
SECRET = {"en": "secret", "fr": "secret"}


def translate(text: str, language: str) -> str:
    """Return a text of the program in a language. Raises `KeyError` when it lacks there."""
    return text if language == "en" else (FRENCH | FINDINGS)[text]


def settings_rows(language: str) -> Iterator[tuple[str, ...]]:
    for setting in Settings.table():
        kind = TYPES[language][str(setting.type)]
        if setting.metadata["secret"]:
            kind += f", {SECRET[language]}"
        yield f"`{setting.name}`", kind, _default(setting.default), translate(setting.metadata["help"], language)


def _default(value: Any) -> str:
    if isinstance(value, str):
        return f"`{value}`" if value else ""
    if isinstance(value, tuple):
        return ", ".join(f"`{v}`" for v in value)
    return f"`{value:g}`" if isinstance(value, float) else f"`{value}`"


def commands() -> dict[str, click.Command]:
    return dict(sorted(cli.commands.items()))


def summary(command: click.Command) -> str:
    """Return the first sentence of a command's help."""
    return inspect.cleandoc(command.help or "").split("\n\n")[0].replace("\n", " ")


def examples(command: click.Command) -> list[str]:
    """Return the examples in a command's help: the lines after its `\\b`."""
    _, _, shown = inspect.cleandoc(command.help or "").partition("\b\n")
    return [line.strip() for line in shown.split("\n\n")[0].splitlines() if line.strip()]


def commands_rows(language: str) -> Iterator[tuple[str, ...]]:
    for name, command in commands().items():
        shown = " · ".join(f"`{example}`" for example in examples(command))
        yield f"`{name}`", translate(summary(command), language), shown


def findings_rows(language: str) -> Iterator[tuple[str, ...]]:
    for id, kind in KINDS.items():
        hint = translate(kind.hint, language) if kind.hint else ""
        yield f"`{id}`", SEVERITIES[language][kind.severity], translate(kind.meaning, language), hint


TABLES: dict[str, tuple[str, Callable[[str], Iterator[tuple[str, ...]]]]] = {
    "settings": ("configuration.md", settings_rows),
    "commands": ("operations.md", commands_rows),
    "findings": ("doctor.md", findings_rows),
}


def table(name: str, language: str) -> str:
    """Write one table as Markdown."""
    heading = HEADINGS[language][name]
    rows = [heading, ("---",) * len(heading), *TABLES[name][1](language)]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in rows)


def page(name: str, language: str) -> tuple[Path, str, str]:
    """Return a page's path, its text, and the text that it should have."""
    path = DOCS / language / TABLES[name][0]
    text = path.read_text("utf-8")
    between = re.compile(rf"(<!-- {name}:[^>]*-->\n).*?(\n<!-- /{name} -->)", re.DOTALL)
    if not between.search(text):
        raise SystemExit(f"{path} has no place for the table: <!-- {name}: … --> and <!-- /{name} -->")
    return path, text, between.sub(lambda m: m[1] + table(name, language) + m[2], text)


def main(check: bool) -> int:
    stale = 0
    for name in TABLES:
        for language in LANGUAGES:
            path, text, wanted = page(name, language)
            if text != wanted:
                stale += 1
                print(f"{path.relative_to(DOCS.parent)}: {'not current' if check else 'written'}")
                if not check:
                    path.write_text(wanted, "utf-8")
    return 1 if check and stale else 0


if __name__ == "__main__":
    sys.exit(main("--check" in sys.argv[1:]))

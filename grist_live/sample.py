"""Sample interventions: real towns, invented people, believable edits. Keyed by column role, so any board
fits.

`bootstrap --sample-data` fills a table with them, and the demo's field agents edit them.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from grist_live.board import Board

ROLES = (
    "title", "assignee", "place", "kind", "status", "priority", "comment", "latitude", "longitude",
)  # fmt: skip

KINDS = ("Voirie", "Signalisation", "Bâtiment", "Autre")
STATUSES = ("En attente", "En cours", "Terminé", "Bloqué")
PRIORITIES = ("Basse", "Normale", "Haute", "Urgente")
CHOICES: Mapping[str, Sequence[str]] = {"kind": KINDS, "status": STATUSES, "priority": PRIORITIES}

AGENTS = (
    "Camille Aubanel", "Farid Belkadi", "Élodie Castagnier", "Moussa Diarra", "Hélène Estournel",
    "Tomás Fernandes", "Maëlle Garrigou", "Yanis Hadjeri", "Joséphine Issartel", "Bastien Jourdanet",
    "Inès Kerbrat", "Loïc Lestrade",
)  # fmt: skip


class Town(NamedTuple):
    """A real place, with its centre in degrees."""

    name: str
    latitude: float
    longitude: float


TOWNS = (
    Town("Marseille", 43.2965, 5.3698), Town("Aix-en-Provence", 43.5297, 5.4474),
    Town("Toulon", 43.1242, 5.9280), Town("Nice", 43.7102, 7.2620), Town("Avignon", 43.9493, 4.8055),
    Town("Gap", 44.5594, 6.0786), Town("Digne-les-Bains", 44.0925, 6.2356), Town("Arles", 43.6766, 4.6278),
    Town("Draguignan", 43.5380, 6.4645), Town("Montpellier", 43.6108, 3.8767), Town("Nîmes", 43.8367, 4.3601),
    Town("Lyon", 45.7640, 4.8357), Town("Grenoble", 45.1885, 5.7245), Town("Toulouse", 43.6047, 1.4442),
    Town("Bordeaux", 44.8378, -0.5792), Town("Nantes", 47.2184, -1.5536), Town("Rennes", 48.1173, -1.6778),
    Town("Lille", 50.6292, 3.0573), Town("Strasbourg", 48.5734, 7.7521), Town("Orléans", 47.9030, 1.9093),
)  # fmt: skip
STREETS = (
    "rue de la République", "avenue Jean-Jaurès", "place de la Mairie", "quai du Port", "boulevard Gambetta",
    "chemin des Écoles", "rond-point de la Gare", "rue du Général-Leclerc", "allée des Platanes",
    "route départementale 7",
)  # fmt: skip
PROBLEMS: Mapping[str, Sequence[str]] = {
    "Voirie": ("Nid-de-poule à reboucher", "Affaissement de la chaussée", "Arbre tombé sur la route"),
    "Signalisation": ("Feu tricolore en panne", "Panneau arraché par le vent", "Marquage au sol effacé"),
    "Bâtiment": ("Fuite d'eau au sous-sol", "Porte d'entrée bloquée", "Chauffage en panne à l'école"),
    "Autre": ("Éclairage public éteint", "Dépôt sauvage à enlever", "Mobilier urbain dégradé"),
}
REMARKS: Mapping[str, Sequence[str]] = {
    "En attente": ("Équipe prévenue", "En attente de la météo", "Repris demain matin"),
    "En cours": ("Arrivé sur place", "Balisage posé", "Réparation en cours, une voie fermée"),
    "Terminé": ("Réparé, voie rendue", "Terminé et vérifié", "Photo jointe au dossier"),
    "Bloqué": ("Pièce manquante, commande faite", "Accès impossible, propriétaire absent", "Réseau à couper"),
}
NEXT: Mapping[str, Sequence[str]] = {
    "En attente": ("En cours", "En cours", "En cours", "Bloqué"),
    "En cours": ("Terminé", "Terminé", "Bloqué", "En attente"),
    "Bloqué": ("En cours", "En attente"),
    "Terminé": ("En attente",),
}


def interventions(
    n: int, seed: int = 2026, start: int = 1, choices: Mapping[str, Sequence[str]] = CHOICES
) -> list[dict[str, object]]:
    """Make `n` rows, role → value, numbered from `start`. The same arguments give the same rows.

    `choices` replaces the values of kind, status and priority by another board's.
    """
    return [_row(number, random.Random(f"{seed}-{number}"), choices) for number in range(start, start + n)]


def _row(number: int, rng: random.Random, choices: Mapping[str, Sequence[str]]) -> dict[str, object]:
    town = rng.choice(TOWNS)
    kind = rng.choice(choices["kind"])
    return {
        "title": f"INT-{number:04d}",
        "assignee": rng.choice(AGENTS),
        "place": f"{town.name}, {rng.choice(STREETS)}",
        "kind": kind,
        "status": _weighted(rng, choices["status"], (4, 4, 3, 1)),
        "priority": _weighted(rng, choices["priority"], (2, 5, 3, 1)),
        "comment": rng.choice(PROBLEMS.get(kind, PROBLEMS["Autre"])),
        # Within 1 km of the centre, so that the map shows points and not a pile.
        "latitude": round(town.latitude + rng.uniform(-0.008, 0.008), 5),
        "longitude": round(town.longitude + rng.uniform(-0.008, 0.008), 5),
    }


def _weighted(rng: random.Random, values: Sequence[str], weights: Sequence[int]) -> str:
    return rng.choices(values, [*weights, *[1] * len(values)][: len(values)])[0]


def edit(row: Mapping[str, object], rng: random.Random) -> dict[str, object]:
    """Return what an agent might change next in a row (role → new value), never nothing.

    Mostly the status moves on, with a remark; now and then priority or assignee changes. `row` is role →
    value.
    """
    throw = rng.random()
    if throw < 0.15:
        return {"priority": _other(rng, PRIORITIES, row.get("priority"))}
    if throw < 0.25:
        return {"assignee": _other(rng, AGENTS, row.get("assignee"))}
    status = str(row.get("status", ""))
    if throw < 0.45:
        remarks = REMARKS.get(status, REMARKS["En cours"])
        return {"comment": _other(rng, remarks, row.get("comment"))}
    after = _other(rng, NEXT.get(status, ("En cours",)), status)
    return {"status": after, "comment": _other(rng, REMARKS[after], row.get("comment"))}


def _other(rng: random.Random, values: Sequence[str], now: object) -> str:
    return rng.choice([v for v in values if v != now])


def board_choices(board: Board) -> dict[str, Sequence[str]]:
    """Return the board's own values of kind, status and priority, ours where it declares none."""
    declared = {role: board.column(role) for role in CHOICES}
    return {
        role: tuple(c.value for c in column.choices) if column and column.choices else CHOICES[role]
        for role, column in declared.items()
    }


def counts_before(counts: Mapping[str, int], slots: int, seed: int = 7) -> list[dict[str, int]]:
    """Invent what the counts were, slot by slot back in time: now and then a row had another status.

    What is no status (the urgent rows) goes a little up and down; the total stays.
    """
    source, now, found = random.Random(seed), dict(counts), []
    for _ in range(slots):
        now = dict(now)
        here, there = source.sample([name for name in now if name in STATUSES], 2)
        if now[here] and source.random() < 0.4:
            now[here], now[there] = now[here] - 1, now[there] + 1
        for name in now.keys() - {*STATUSES, ""}:
            now[name] = min(6, max(0, now[name] + source.choice((-1, 0, 0, 0, 1))))
        found.append(now)
    return found

"""Is the configuration whole?"""

from __future__ import annotations

from collections.abc import Iterator

from grist_live.doctor.finding import Finding, found
from grist_live.doctor.patient import Patient

TOLD = ("no-api-key", "no-doc")
"""Problems that the check of the key tells in its own words."""


def check_configuration(patient: Patient) -> Iterator[Finding]:
    problems = [p for p in patient.problems if p.id not in TOLD]
    for problem in problems:
        yield found("configuration-problem", f"{problem.message} ({problem.id})", problem.severity, problem.hint)
    if not problems:
        yield found("configuration", f"configuration: {patient.settings.path or 'from the environment alone'}")

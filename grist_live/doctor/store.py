"""Redis: is it there, does it keep what it is given? And do our processes live?"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, cast

from grist_live.doctor.finding import Finding, found
from grist_live.doctor.patient import Patient, Unknown
from grist_live.journal import WEB, WORK, Unavailable, connect

OLDEST = (6, 2)
FULL = 0.9
LIVING = 15.0
"""Seconds after which a process that didn't tell that it lives counts as gone."""


def check_redis(patient: Patient) -> Iterator[Finding]:
    client = connect(patient.settings.redis_url)
    try:
        info: dict[str, Any] = client.info()
    except Unavailable as error:
        yield found("redis-away", f"Redis doesn't answer: {error}")
        return
    finally:
        client.close()
    wrong = list(_read(patient, info))
    yield from wrong
    if not wrong:
        yield found("redis", f"Redis {info.get('redis_version', '?')}")


def _read(patient: Patient, info: dict[str, Any]) -> Iterator[Finding]:
    version = str(info.get("redis_version", ""))
    if _numbers(version) < OLDEST:
        yield found("redis-old", f"Redis is {version or 'of an unknown version'}")
    if info.get("role") in ("slave", "replica"):
        yield found("redis-replica", f"this Redis copies {info.get('master_host', 'another one')}")
    limit, policy = int(info.get("maxmemory", 0)), str(info.get("maxmemory_policy", "noeviction"))
    if policy != "noeviction":
        there = f"at {limit:,} bytes" if limit else "as soon as maxmemory is set"
        yield found("redis-evicts", f"Redis evicts by {policy} {there}", None if limit else "warning")
    if limit and int(info.get("used_memory", 0)) > FULL * limit:
        yield found("redis-full", f"{info['used_memory']:,} of {limit:,} bytes are in use")
    yield from _read_disk(patient, info)


def _read_disk(patient: Patient, info: dict[str, Any]) -> Iterator[Finding]:
    aof = bool(info.get("aof_enabled"))
    failing = [
        what
        for what, key, on in (
            ("append-only file", "aof_last_write_status", aof),
            ("snapshot", "rdb_last_bgsave_status", True),
        )
        if on and info.get(key, "ok") != "ok"
    ]
    if failing:
        yield found("redis-save-failing", f"Redis failed to write its {' and its '.join(failing)}")
    elif not aof and not _snapshots(patient):
        yield found("redis-forgets", "Redis has neither an append-only file nor snapshots")


def _snapshots(patient: Patient) -> bool:
    """Tell whether Redis saves by itself; yes where a hosted Redis doesn't let us ask."""
    client = connect(patient.settings.redis_url)
    try:
        return bool(cast(dict[str, str], client.config_get("save")).get("save", "?"))
    except Unavailable:
        return True
    finally:
        client.close()


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".")[:2] if part.isdigit())


def check_processes(patient: Patient) -> Iterator[Finding]:
    web, work = (len(states) for states in living(patient))
    if not web:
        yield found("web-missing", "no web process runs")
    if not work:
        yield found("work-missing", "no work process runs")
    if web and work:
        yield found("processes", f"{web} web and {work} work process(es) run")


def living(patient: Patient) -> tuple[dict[bytes, bytes], dict[bytes, bytes]]:
    """Return what the web and the work processes that live told of themselves; strikes out nothing."""
    client, since = connect(patient.settings.redis_url), patient.clock() - LIVING
    try:
        told = [cast(dict[bytes, bytes], client.hgetall(kind)) for kind in (WEB, WORK)]
    except Unavailable:
        raise Unknown from None
    finally:
        client.close()
    web, work = ({name: s for name, s in states.items() if json.loads(s)["at"] >= since} for states in told)
    return web, work

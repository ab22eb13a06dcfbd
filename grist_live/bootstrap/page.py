"""The page with the dashboard: found or created, its widget's address and options repaired."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from grist_live.bootstrap import link
from grist_live.bootstrap.plan import Job, Plan
from grist_live.grist import Entry

WIDGET = "/widgets/dashboard.html"
OUR_FILES = (WIDGET, "/grist-realtime-dashboard-widget.html")
NEW_PAGE = "New page"
"""What Grist calls a page until we name it: one that an interrupted run left."""


FULL = 'Leave it out unless you need it: for a board with access = "grist", and to take rows inside Grist'


@dataclass
class Section:
    """A custom widget on a page: where it is, and what it is set to."""

    id: int
    page: int
    page_name: str
    options: dict[str, Any]
    view: dict[str, Any]

    @property
    def url(self) -> str:
        """The widget's address; a widget from the gallery has it in its definition."""
        return self.view.get("url") or (self.view.get("widgetDef") or {}).get("url") or ""


def look(job: Job, plan: Plan) -> None:
    """Find the widget, or the page it belongs on, and plan what is missing."""
    if job.access == "full":
        what = "the widget may do in the document whatever its reader may, in every table"
        plan.note("trap", f"access full: {what}", FULL)
    names = _pages(job)
    sections = _sections(job, names)
    ours = [s for s in sections if _is_ours(job, s)]
    if job.board.access == "grist" and any(_access(job, view) != "full" for view in [s.view for s in ours] or [{}]):
        what = 'the board\'s access is "grist", but Grist gives tokens only to a widget with access full'
        plan.note("trap", what, 'Run this again with --access full, or give the board access = "token"')
    if ours:
        _look_at_widgets(job, ours, plan)
        return
    # A run that was interrupted leaves our widget without an address, on a page without a name of its own.
    blank = next((s for s in sections if not s.url and s.page_name in (NEW_PAGE, job.board.page)), None)
    named = next((id for id, name in names.items() if name == job.board.page), 0)
    if blank or not named:
        plan.note("add", f'page "{job.board.page}" with the dashboard (access: {_access(job, {})})')
    else:
        plan.note("add", f'dashboard on the page "{job.board.page}" (access: {_access(job, {})})')
    plan.step(f'made the page "{job.board.page}"', lambda: _create(job, blank, named))


def look_at_dashboards(job: Job, plan: Plan) -> bool:
    """Plan what the dashboards that are there lack; tell whether there is one."""
    ours = dashboards(job)
    if ours:
        _look_at_widgets(job, ours, plan)
    return bool(ours)


def dashboards(job: Job) -> list[Section]:
    """Return the dashboards on the document's pages."""
    return [s for s in _sections(job, _pages(job)) if _is_ours(job, s)]


def _look_at_widgets(job: Job, ours: list[Section], plan: Plan) -> None:
    link.know(job, ours[0].page)
    for section in ours:
        _look_at_widget(job, section, plan)


def _is_ours(job: Job, section: Section) -> bool:
    """Tell a dashboard by its address: a file of ours, or where it was published."""
    published = {job.board.widget, job.given.widget} - {""}
    return urlsplit(section.url).path.endswith(OUR_FILES) or section.url in published


def _pages(job: Job) -> dict[int, str]:
    views = job.document.records("_grist_Views") if job.table_ref else []
    return {v["id"]: str(v["fields"]["name"]) for v in views}


def _sections(job: Job, names: dict[int, str]) -> list[Section]:
    found = []
    for entry in job.document.records("_grist_Views_section") if job.table_ref else ():
        fields = entry["fields"]
        if fields["parentKey"] == "custom" and fields["tableRef"] == job.table_ref and fields["parentId"]:
            found.append(_section(entry, names))
    return found


def _section(entry: Entry, names: dict[int, str]) -> Section:
    options = _parse(entry["fields"]["options"])
    page = entry["fields"]["parentId"]
    return Section(entry["id"], page, names.get(page, ""), options, _parse(options.get("customView")))


def _parse(text: object) -> dict[str, Any]:
    """Read Grist's JSON in a text cell; {} for an empty or broken one."""
    try:
        value = json.loads(text) if isinstance(text, str) and text else text
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def _look_at_widget(job: Job, section: Section, plan: Plan) -> None:
    wanted = _wanted(job, section.view)
    name = f'page "{section.page_name}" with the dashboard'
    if wanted == section.view:
        plan.note("ok", name)
        return
    now, then = _shown(section.view), _shown(wanted)
    changes = [f"{k} {now[k]} → {then[k]}" for k in then if now[k] != then[k]]
    if _token(section.view) != _token(wanted):
        changes.append(
            "a new viewer token" if _token(wanted) else f"no viewer token: the board's access is {job.board.access}"
        )
    plan.note("repair", f"{name}: {', '.join(changes) or 'its settings'}")
    plan.step(f'set up the dashboard on "{section.page_name}"', lambda: _set_up(job, section))


def _shown(view: dict[str, Any]) -> dict[str, Any]:
    """Return what of a widget's settings may be shown."""
    options = view.get("widgetOptions") or {}
    return {k: view.get(k) for k in ("url", "access")} | {k: options.get(k) for k in ("stream", "language")}


def _token(view: dict[str, Any]) -> object:
    return (view.get("widgetOptions") or {}).get("token")


def _wanted(job: Job, view: dict[str, Any]) -> dict[str, Any]:
    """Return the widget's settings as they should be; what else the user set stays."""
    base = job.settings.url
    options = dict(view.get("widgetOptions") or {})
    options["stream"] = f"{base}/boards/{job.board.name}/stream"
    # So that the widget can show Grist's rows before the stream has told it of the board, and when it can't.
    options["board"] = job.board.describe()
    options["language"] = job.settings.language or options.get("language") or job.language
    if job.board.access != "token":
        options.pop("token", None)
    elif not (options.get("token") and job.token_ok(str(options["token"]))):
        options["token"] = job.token
    wanted = view | {"access": _access(job, view), "widgetOptions": options}
    if view.get("widgetId") and not job.board.widget:
        return wanted  # from the gallery, which gives the address
    if view.get("widgetId"):  # it would win over the address
        wanted = {k: v for k, v in wanted.items() if k not in ("widgetId", "widgetDef")}
    fixed = {"mode": "url", "pluginId": "", "sectionId": "", "renderAfterReady": False}
    return wanted | fixed | {"url": job.board.widget or base + WIDGET}


def _access(job: Job, view: dict[str, Any]) -> str:
    there = view.get("access")
    return job.access or (there if there in ("read table", "full") else "read table")


def _create(job: Job, blank: Section | None, named: int) -> None:
    """Make the widget (on a new page unless the page is there), then name and set it up in one bundle."""
    if blank is None:
        made = job.document.apply([["CreateViewSection", job.table_ref, named, "custom", None, None]])[0]
        blank = Section(made["sectionRef"], made["viewRef"], "", {}, {})
    link.know(job, blank.page)
    title = job.board.title.get(job.language) or job.board.page
    page = [] if named else [["UpdateRecord", "_grist_Views", blank.page, {"name": job.board.page}]]
    job.document.apply([*page, _action(job, blank, title)])


def _set_up(job: Job, section: Section) -> None:
    job.document.apply([_action(job, section)])


def _action(job: Job, section: Section, title: str = "") -> list[Any]:
    # customView is JSON within JSON; sort_keys is off, so that what the user set keeps its order.
    view = json.dumps(_wanted(job, section.view), ensure_ascii=False)
    options = json.dumps(section.options | {"customView": view}, ensure_ascii=False)
    fields = {"options": options} | ({"title": title} if title else {})
    return ["UpdateRecord", "_grist_Views_section", section.id, fields]

from collections.abc import Iterable, Mapping

from caseway_contracts.sheets import CaseSheet, Evidenced, Recipient, UpdateSheet
from caseway_contracts.views import AnalysisView, CaseView, NotificationView, TimelineItem
from portal.page import CasePage, Entry
from portal.summary import summary_of
from portal.timeline import ordered

Sheets = Mapping[int, Evidenced]
"""The words of the case by the revision of the event that brought them; none where they were erased."""


def view_of(page: CasePage, sheets: Sheets, analysis: AnalysisView) -> CaseView:
    opened = sheets.get(1)
    words = opened if isinstance(opened, CaseSheet) else None
    summary = summary_of(page)
    return CaseView(
        **{**dict(summary), "subject": words.subject if words else summary.subject},
        description=words.description if words else "",
        business_impact=_business_impact(sheets),
        cc=tuple(one.address for one in _recipients(sheets) if not one.submitter),
        fields=words.fields if words else {},
        analysis=analysis,
        notifications=notifications_of(page, sheets),
        timeline=timeline_of(page, sheets),
    )


def timeline_of(page: CasePage, sheets: Sheets) -> tuple[TimelineItem, ...]:
    return tuple(timeline_item(one, sheets) for one in ordered(page.history))


def timeline_item(entry: Entry, sheets: Sheets) -> TimelineItem:
    sheet = sheets.get(entry.revision) if entry.service == "intake" else None
    comment = sheet.comment if isinstance(sheet, UpdateSheet) else None
    says = f"{entry.says} {comment}" if comment else entry.says
    return TimelineItem(at=entry.at, service=entry.service, event=entry.event, says=says)


def notifications_of(page: CasePage, sheets: Sheets) -> tuple[NotificationView, ...]:
    """Mails that were sent or failed, and the confirmations that are still to be sent."""
    addresses = {one.id: one.address for one in _recipients(sheets)}
    views = [
        NotificationView(
            kind=one.kind,
            to=addresses.get(one.recipient_id, ""),
            status="sent" if one.sent else "failed",
            at=one.at,
        )
        for one in page.mails
    ]
    opened = sheets.get(1)
    confirmed = {one.recipient_id for one in page.mails if one.kind == "confirmation"}
    views += [
        NotificationView(kind="confirmation", to=one.address, status="waiting", at=page.submitted_at())
        for one in (opened.recipients if opened else ())
        if one.id not in confirmed
    ]
    return tuple(sorted(views, key=lambda one: (one.at, one.kind, one.to)))


def _recipients(sheets: Sheets) -> Iterable[Recipient]:
    return (one for revision in sorted(sheets) for one in sheets[revision].recipients)


def _business_impact(sheets: Sheets) -> str | None:
    said = [
        sheet.business_impact
        for _, sheet in sorted(sheets.items())
        if isinstance(sheet, CaseSheet | UpdateSheet) and sheet.business_impact is not None
    ]
    return said[-1] if said else None

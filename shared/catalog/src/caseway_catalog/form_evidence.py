"""Checks attachments and typed URLs against what a category takes."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence

from caseway_catalog.catalog import Catalog
from caseway_catalog.categories import CaseRules, EvidenceRules, UrlRule
from caseway_catalog.field_errors import (
    FieldError,
    check_choice,
    check_keys,
    check_text,
    must_be_list,
    must_be_object,
    pointer,
)

UrlCheck = Callable[[str], str | None]
KIND_NAMES = {"file": "files", "email": "e-mails", "attk_log": "ATTK logs"}
LONGEST_ID = 64


def check_kinds(rules: CaseRules, kinds: Sequence[str], *, adding: bool = False) -> list[FieldError]:
    """Faults of attachments whose kinds are known, in their order; ``adding`` to a case that has evidence."""
    evidence = rules.evidence
    errors = [
        not_accepted(f"/attachments/{index}", f"This request takes no {kind_name(kind)}.", evidence)
        for index, kind in enumerate(kinds)
        if kind not in evidence.attachment_kinds
    ]
    counts = Counter(kinds)
    for rule in evidence.attachments:
        name = kind_name(rule.kind)
        if counts[rule.kind] > rule.max:
            errors.append(not_accepted("/attachments", f"At most {rule.max} {name} are taken.", evidence))
        if counts[rule.kind] < rule.min and not adding:
            errors.append(too_little("/attachments", f"At least {rule.min} of the {name} is needed.", evidence))
    return errors


def check_evidence(
    catalog: Catalog,
    evidence: EvidenceRules,
    source: Mapping[str, object],
    check_url: UrlCheck | None,
    *,
    adding: bool = False,
) -> Iterator[FieldError]:
    attachments, urls = source.get("attachments"), source.get("urls")
    counts = 0
    for value, field, label in ((attachments, "/attachments", "Attachments"), (urls, "/urls", "URLs")):
        if value is not None and not isinstance(value, list | tuple):
            yield must_be_list(field, label)
            return
        counts += len(value or ())
    files = attachments if isinstance(attachments, list | tuple) else ()
    typed = urls if isinstance(urls, list | tuple) else ()
    yield from check_attachments(catalog, evidence, files, adding=adding)
    yield from check_urls(catalog, evidence, typed, check_url, adding=adding)
    if counts < evidence.min_total and not adding:
        message = "A file, an e-mail or a URL is needed." if evidence.urls else "An attachment is needed."
        yield too_little("/attachments", message, evidence)


def check_attachments(
    catalog: Catalog, evidence: EvidenceRules, items: Sequence[object], *, adding: bool
) -> Iterator[FieldError]:
    most = min(catalog.limits.files_per_case, sum(rule.max for rule in evidence.attachments))
    if items and not evidence.attachments:
        yield not_accepted("/attachments", "This request takes no attachments.", evidence)
        return
    if len(items) > most:
        yield not_accepted("/attachments", f"{len(items)} attachments are too many; {most} are taken.", evidence)
        return
    if len(items) < sum(rule.min for rule in evidence.attachments) and not adding:
        yield too_little("/attachments", "An attachment is needed.", evidence)
    for index, item in enumerate(items):
        at = f"/attachments/{index}"
        if not isinstance(item, Mapping):
            yield must_be_object(at, "An attachment")
            continue
        yield from check_keys(item, ("upload_id", "password"), at)
        yield from check_text(item.get("upload_id"), f"{at}/upload_id", "The upload", most=LONGEST_ID, required=True)
        longest = catalog.limits.password_characters
        yield from check_text(item.get("password"), f"{at}/password", "The password", most=longest)


def check_urls(
    catalog: Catalog,
    evidence: EvidenceRules,
    items: Sequence[object],
    check_url: UrlCheck | None,
    *,
    adding: bool,
) -> Iterator[FieldError]:
    rule = evidence.urls
    if rule is None:
        if items:
            yield not_accepted("/urls", "This request takes no URLs.", evidence)
        return
    if len(items) > rule.max:
        message = f"{len(items)} URLs are too many; a case takes {rule.max}."
        yield FieldError(field="/urls", code="urls.too_many", message=message, help="Open another case for the rest.")
        return
    if len(items) < rule.min and not adding:
        yield too_little("/urls", "A URL is needed.", evidence)
    for index, item in enumerate(items):
        at = f"/urls/{index}"
        if isinstance(item, Mapping):
            yield from check_url_item(catalog, rule, item, at, check_url)
        else:
            yield must_be_object(at, "A URL")


def check_url_item(
    catalog: Catalog, rule: UrlRule, item: Mapping[str, object], at: str, check_url: UrlCheck | None
) -> Iterator[FieldError]:
    known = ["url"]
    known += ["requested_rating"] if rule.requested_ratings else []
    known += ["requested_categories"] if rule.requested_categories else []
    # What a page sends empty is as good as absent.
    yield from check_keys({key: value for key, value in item.items() if value is not None}, known, at)
    url = item.get("url")
    faults = list(check_text(url, f"{at}/url", "The URL", most=catalog.limits.url_characters, required=True))
    yield from faults
    if not faults and check_url and isinstance(url, str) and (says := check_url(url)):
        help_text = "Write it as the browser shows it, beginning with http:// or https://."
        yield FieldError(field=f"{at}/url", code="url.invalid", message=says, help=help_text)
    if rule.requested_ratings:
        rating = item.get("requested_rating")
        field = f"{at}/requested_rating"
        yield from check_choice(rating, field, "The requested rating", rule.requested_ratings, required=False)
    if rule.requested_categories:
        yield from check_url_categories(catalog, item.get("requested_categories"), f"{at}/requested_categories")


def check_url_categories(catalog: Catalog, value: object, at: str) -> Iterator[FieldError]:
    if value is None:
        return
    if not isinstance(value, list | tuple):
        yield must_be_list(at, "The requested categories")
        return
    if len(value) > len(catalog.url_categories):
        message = "More categories are requested than there are."
        yield FieldError(field=at, code="choice.invalid", message=message, help="Name each once.")
        return
    for index, number in enumerate(value):
        if not isinstance(number, int) or isinstance(number, bool) or number not in catalog.url_categories:
            message = "There is no such URL category."
            help_text = "Take the ids from url_categories of the catalogue."
            yield FieldError(field=at + pointer(index), code="choice.invalid", message=message, help=help_text)


def kind_name(kind: str) -> str:
    return KIND_NAMES.get(kind, kind.replace("_", " "))


def takes(evidence: EvidenceRules) -> str:
    if evidence.original_mails_in_protected_zip:
        return "Put the original .eml or .msg files into a password-protected zip and attach it."
    names = [kind_name(kind) for kind in evidence.attachment_kinds] + (["URLs"] if evidence.urls else [])
    if not names:
        return "Leave it out, or choose a category that takes samples."
    return f"It takes {', '.join(names)}; choose another category for anything else."


def not_accepted(field: str, message: str, evidence: EvidenceRules) -> FieldError:
    return FieldError(field=field, code="evidence.not_accepted", message=message, help=takes(evidence))


def too_little(field: str, message: str, evidence: EvidenceRules) -> FieldError:
    return FieldError(field=field, code="evidence.missing", message=message, help=takes(evidence))

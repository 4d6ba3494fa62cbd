"""Checks a submission and an update; the page and the API refuse the same things in the same words.

Any JSON is answered with errors, never with an exception.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from caseway_catalog.addresses import check_recipients
from caseway_catalog.catalog import Catalog
from caseway_catalog.categories import CaseRules
from caseway_catalog.field_errors import (
    FieldError,
    check_choice,
    check_keys,
    check_text,
    is_blank,
    missing,
    must_be_object,
    one_of,
)
from caseway_catalog.form_choices import check_operating_systems, chosen_rules
from caseway_catalog.form_evidence import UrlCheck, check_evidence
from caseway_catalog.form_fields import check_fields

SUBMISSION_KEYS = (
    "profile_id",
    "profile_revision",
    "affected_operating_systems",
    "issue_type",
    "category",
    "subject",
    "description",
    "severity",
    "business_impact",
    "cc",
    "contact",
    "catalog_version",
    "fields",
    "attachments",
    "urls",
)
UPDATE_KEYS = ("comment", "attachments", "urls", "add_cc", "severity", "business_impact")
LONGEST_ID = 64
LARGEST_REVISION = 2**53


def check_submission(
    catalog: Catalog,
    submission: Mapping[str, Any],
    profile: Mapping[str, Any] | None,
    *,
    check_url: UrlCheck | None = None,
) -> list[FieldError]:
    """All faults of a new case. Without a profile, what depends on the product is not judged.

    ``check_url`` says what is wrong with a URL, or None.
    """
    if not isinstance(submission, Mapping):
        return [must_be_object("", "A submission")]
    return list(submission_errors(catalog, submission, profile, check_url))


def submission_errors(
    catalog: Catalog, submission: Mapping[str, Any], profile: Mapping[str, Any] | None, check_url: UrlCheck | None
) -> Iterator[FieldError]:
    limits = catalog.limits
    yield from check_keys(submission, SUBMISSION_KEYS)
    yield from check_text(
        submission.get("profile_id"), "/profile_id", "Product Profile", most=LONGEST_ID, required=True
    )
    yield from check_revision(submission.get("profile_revision"))
    yield from check_operating_systems(catalog, submission.get("affected_operating_systems"), profile)
    rules, faults = chosen_rules(catalog, submission, profile)
    yield from faults
    subject, description = submission.get("subject"), submission.get("description")
    yield from check_text(subject, "/subject", "Subject", most=limits.subject_characters, required=True)
    yield from check_text(description, "/description", "Description", most=limits.text_characters, required=True)
    yield from check_severity(catalog, submission, required=True)
    yield from check_recipients(submission.get("cc"), "/cc", limits.cc)
    yield from check_contact(catalog, submission.get("contact"))
    yield from check_text(submission.get("catalog_version"), "/catalog_version", "The version", most=LONGEST_ID)
    if rules is not None:
        yield from check_fields(rules.form, submission.get("fields"))
        yield from check_evidence(catalog, rules.evidence, submission, check_url)


def check_update(
    catalog: Catalog,
    update: Mapping[str, Any],
    rules: CaseRules,
    *,
    business_impact_known: bool,
    check_url: UrlCheck | None = None,
) -> list[FieldError]:
    """All faults of an update of a case that was submitted under these rules."""
    if not isinstance(update, Mapping):
        return [must_be_object("", "An update")]
    errors = list(check_keys(update, UPDATE_KEYS))
    if all(is_blank(update.get(key)) or update.get(key) == [] for key in UPDATE_KEYS):
        errors.append(missing("", "Something to update", "Write a comment, or add evidence or recipients."))
    errors += check_text(update.get("comment"), "/comment", "The comment", most=catalog.limits.text_characters)
    errors += check_severity(catalog, update, required=False, impact_known=business_impact_known)
    errors += check_recipients(update.get("add_cc"), "/add_cc", catalog.limits.cc)
    errors += check_evidence(catalog, rules.evidence, update, check_url, adding=True)
    return errors


def check_revision(value: object) -> Iterator[FieldError]:
    is_number = isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= LARGEST_REVISION
    if value is not None and not is_number:
        message, help_text = "The revision of a profile is a whole number.", "Send it as the profile shows it."
        yield FieldError(field="/profile_revision", code="choice.invalid", message=message, help=help_text)


def check_severity(
    catalog: Catalog, source: Mapping[str, Any], *, required: bool, impact_known: bool = False
) -> Iterator[FieldError]:
    severities = {entry.slug: entry for entry in catalog.severities}
    value, impact = source.get("severity"), source.get("business_impact")
    faults = list(check_choice(value, "/severity", "Severity", severities, required=required))
    yield from faults
    needed = not faults and value is not None and severities[str(value)].needs_business_impact and not impact_known
    if needed and is_blank(impact):
        label = severities[str(value)].label
        message = f"Business Impact is required when the severity is {label}."
        help_text = "Say what your business cannot do, or choose a lower severity."
        yield FieldError(field="/business_impact", code="required", message=message, help=help_text)
    yield from check_text(impact, "/business_impact", "Business Impact", most=catalog.limits.text_characters)


def check_contact(catalog: Catalog, value: object) -> Iterator[FieldError]:
    methods = {entry.slug: entry for entry in catalog.contact_methods}
    if value is None:
        yield missing("/contact", "Contact Method", one_of(methods))
        return
    if not isinstance(value, Mapping):
        yield must_be_object("/contact", "Contact Method")
        return
    limits = catalog.limits
    yield from check_keys(value, ("method", "phone", "preferred_time"), "/contact")
    chosen = value.get("method")
    faults = list(check_choice(chosen, "/contact/method", "Contact Method", methods))
    yield from faults
    requires = () if faults else methods[str(chosen)].requires
    for key, label, most in (
        ("phone", "Phone", limits.phone_characters),
        ("preferred_time", "Preferred Time", limits.preferred_time_characters),
    ):
        yield from check_text(value.get(key), f"/contact/{key}", label, most=most, required=key in requires)

import email
from collections.abc import Callable
from email import policy
from typing import Any

import mail_variants
import pytest

Examine = Callable[..., Any]


def test_there_are_variants_enough() -> None:
    assert len(mail_variants.VARIANTS) >= 40


@pytest.mark.parametrize("variant", list(mail_variants.VARIANTS))
def test_attachment_is_found_however_the_mail_is_written(examine: Examine, variant: str) -> None:
    report = examine(mail_variants.VARIANTS[variant], "mail.eml", "email")
    assert report.root.kind == "email"
    assert report.root.verdict == "malicious"


@pytest.mark.parametrize("chosen", [policy.compat32, policy.default], ids=["compat32", "default"])
def test_no_reading_of_the_standard_library_finds_more(examine: Examine, chosen: Any) -> None:
    """What it finds must be among what is found; how much it misses shows why it is not asked alone."""
    missed = 0
    for name, raw in mail_variants.VARIANTS.items():
        if name.startswith("10,000"):
            continue
        try:
            parts = list(email.message_from_bytes(raw, policy=chosen).walk())
            found = any(mail_variants.EICAR in (part.get_payload(decode=True) or b"") for part in parts)
        except (AttributeError, ValueError, LookupError, TypeError, RecursionError):
            found = False
        missed += not found
    assert missed > 10


def test_piece_of_a_mail_is_named_as_one(examine: Examine) -> None:
    report = examine(mail_variants.VARIANTS["message/partial"], "mail.eml")
    assert "partial-mail" in {limit.limit for limit in report.root.limits}

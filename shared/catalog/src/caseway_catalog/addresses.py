"""Addresses that a customer types: e-mail recipients, and hosts of reputation entries."""

import ipaddress
import re
from collections.abc import Iterator

import email_validator

from caseway_catalog.field_errors import FieldError, must_be_list

# Company networks and tests use these names; whether mail reaches them is for the mail server to say.
for name in ("local", "test"):
    if name in email_validator.SPECIAL_USE_DOMAIN_NAMES:
        email_validator.SPECIAL_USE_DOMAIN_NAMES.remove(name)

LONGEST_ADDRESS = 254
DNS_NAME = re.compile(r"([a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]\.?", re.IGNORECASE)


def check_recipients(value: object, field: str, most: int) -> Iterator[FieldError]:
    if value is None:
        return
    if not isinstance(value, list | tuple):
        yield must_be_list(field, "CC Emails")
        return
    if len(value) > most:
        message = f"{len(value)} recipients are too many; a case takes {most}."
        yield FieldError(field=field, code="address.invalid", message=message, help="Use a distribution list.")
    for index, address in enumerate(value[:most]):
        if not is_email(address):
            message = "This is not an e-mail address."
            help_text = "Write one address for each recipient, such as name@example.com."
            yield FieldError(field=f"{field}/{index}", code="address.invalid", message=message, help=help_text)


def is_email(address: object) -> bool:
    if not isinstance(address, str) or len(address) > LONGEST_ADDRESS:
        return False
    try:
        # Addresses that need SMTPUTF8 are refused here, not bounced later.
        email_validator.validate_email(address, check_deliverability=False, allow_smtputf8=False)
    except email_validator.EmailNotValidError:
        return False
    return True


def is_reputation_address(address: str) -> bool:
    try:
        return "%" not in address and bool(ipaddress.ip_address(address))
    except ValueError:
        return len(address) <= LONGEST_ADDRESS and DNS_NAME.fullmatch(address) is not None

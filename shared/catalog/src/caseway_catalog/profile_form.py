"""Checks a product profile."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from caseway_catalog.catalog import Catalog
from caseway_catalog.field_errors import (
    FieldError,
    check_choice,
    check_choices,
    check_keys,
    check_text,
    missing,
    must_be_object,
    one_of,
)
from caseway_catalog.products import Product

PROFILE_KEYS = (
    "id",
    "revision",
    "name",
    "product",
    "version",
    "operating_systems",
    "language",
    "activation_code",
    "settings",
    "toolbox_guid",
)
GUID = re.compile(r"(\{)?[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}(?(1)\})", re.IGNORECASE)
LONGEST_CODE = 64


def check_profile(catalog: Catalog, profile: Mapping[str, Any]) -> list[FieldError]:
    """All faults of a profile that the catalogue can see; whether the activation code is registered is not asked."""
    if not isinstance(profile, Mapping):
        return [must_be_object("", "A product profile")]
    return list(profile_errors(catalog, profile))


def profile_errors(catalog: Catalog, profile: Mapping[str, Any]) -> Iterator[FieldError]:
    yield from check_keys(profile, PROFILE_KEYS)
    longest = catalog.limits.profile_name_characters
    yield from check_text(profile.get("name"), "/name", "Profile Name", most=longest, required=True)
    products = {entry.slug: entry for entry in catalog.products}
    value = profile.get("product")
    faults = list(check_choice(value, "/product", "Product", products))
    yield from faults
    systems, known = profile.get("operating_systems"), [entry.slug for entry in catalog.operating_systems]
    if systems is None or systems == []:
        yield missing("/operating_systems", "Operating System", one_of(known))
    else:
        yield from check_choices(systems, "/operating_systems", "Operating System", known)
    yield from check_text(profile.get("activation_code"), "/activation_code", "Activation Code", most=LONGEST_CODE)
    if not faults:
        yield from check_for_product(products[str(value)], profile)


def check_for_product(product: Product, profile: Mapping[str, Any]) -> Iterator[FieldError]:
    yield from check_choice(profile.get("version"), "/version", "Product Version", product.versions)
    yield from check_choice(profile.get("language"), "/language", "Product Language", product.languages)
    if profile.get("settings") is not None:
        yield from check_choices(profile.get("settings"), "/settings", "Product Settings", product.settings)
    guid = profile.get("toolbox_guid")
    if guid is None or guid == "":
        return
    if not product.toolbox_guid:
        message = f"{product.label} has no Toolbox GUID."
        yield FieldError(field="/toolbox_guid", code="field.unknown", message=message, help="Leave it empty.")
    elif not isinstance(guid, str) or not GUID.fullmatch(guid):
        message = "This is not a GUID."
        help_text = "Copy it from the toolbox; it looks like 01234567-89ab-cdef-0123-456789abcdef."
        yield FieldError(field="/toolbox_guid", code="choice.invalid", message=message, help=help_text)

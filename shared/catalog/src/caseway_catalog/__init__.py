from caseway_catalog.catalog import Catalog
from caseway_catalog.categories import CaseRules, Category, EvidenceRules, IssueType
from caseway_catalog.entries import UnknownEntry
from caseway_catalog.field_errors import FieldError
from caseway_catalog.form_evidence import check_kinds
from caseway_catalog.forms import check_submission, check_update
from caseway_catalog.loading import CatalogError, load
from caseway_catalog.profile_form import check_profile
from caseway_catalog.teams import Route

__all__ = [
    "CaseRules",
    "Catalog",
    "CatalogError",
    "Category",
    "EvidenceRules",
    "FieldError",
    "IssueType",
    "Route",
    "UnknownEntry",
    "check_kinds",
    "check_profile",
    "check_submission",
    "check_update",
    "load",
]

"""Bodies of the HTTP interface (design section 6). The edge is strict: an unknown key is an error."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from caseway_contracts.kinds import IssueType, Rating, Severity


class Body(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


Text255 = Annotated[str, Field(max_length=255)]
Text32k = Annotated[str, Field(max_length=32_000)]


class Contact(Body):
    method: Literal["email", "phone"] = "email"
    phone: Text255 | None = None
    preferred_time: Text255 | None = None


class AttachmentIn(Body):
    upload_id: Annotated[str, Field(max_length=64)]
    password: Annotated[str, Field(max_length=1024)] | None = None


class UrlIn(Body):
    url: str
    requested_rating: Rating | None = None
    requested_categories: list[int] | None = None


class Submission(Body):
    """A new case."""

    profile_id: Annotated[str, Field(max_length=64)]
    profile_revision: int | None = None
    affected_operating_systems: list[str] = []
    issue_type: IssueType
    category: str | None = None
    subject: Annotated[str, Field(min_length=1, max_length=255)]
    description: Annotated[str, Field(min_length=1, max_length=32_000)]
    severity: Severity
    business_impact: Text32k | None = None
    cc: Annotated[list[str], Field(max_length=50)] = []
    contact: Contact = Contact()
    catalog_version: str | None = None
    fields: dict[str, Any] = Field(default_factory=dict)
    attachments: list[AttachmentIn] = []
    urls: list[UrlIn] = []


class CaseUpdate(Body):
    comment: Text32k | None = None
    attachments: list[AttachmentIn] = []
    urls: list[UrlIn] = []
    add_cc: Annotated[list[str], Field(max_length=50)] = []
    severity: Severity | None = None
    business_impact: Text32k | None = None


class Close(Body):
    comment: Text32k | None = None


class Reopen(Body):
    comment: Annotated[str, Field(min_length=1, max_length=32_000)]


class Escalate(Body):
    type: str
    comment: Annotated[str, Field(min_length=1, max_length=32_000)]
    evidence_ids: list[str] = []


class Promote(Body):
    evidence_ids: Annotated[list[str], Field(min_length=1, max_length=20)]
    submission: Submission


class SignIn(Body):
    email: Annotated[str, Field(max_length=320)]
    password: Annotated[str, Field(max_length=1024)]


class ProfileIn(Body):
    """A product profile as a customer saves it."""

    name: Annotated[str, Field(min_length=1, max_length=255)]
    product: str
    version: str
    operating_systems: list[str]
    language: str
    activation_code: str | None = None
    settings: list[str] = []
    toolbox_guid: str | None = None


class RatingLookup(Body):
    urls: Annotated[list[str], Field(min_length=1, max_length=500)]

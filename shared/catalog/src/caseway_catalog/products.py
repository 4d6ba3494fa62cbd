"""Products and what a product profile may say about them."""

from typing import Annotated

from pydantic import Field

from caseway_catalog.entries import Data, Entry, Label, Slug


class OperatingSystem(Entry):
    pass


class Language(Entry):
    pass


class ProductSetting(Entry):
    """A tick box of a product profile."""


class Product(Entry):
    """A product with its versions; ``operating_systems`` are those offered first."""

    aliases: tuple[Label, ...] = ()
    versions: Annotated[tuple[Label, ...], Field(min_length=1)]
    operating_systems: Annotated[tuple[Slug, ...], Field(min_length=1)]
    languages: Annotated[tuple[Slug, ...], Field(min_length=1)]
    settings: tuple[Slug, ...] = ()
    toolbox_guid: bool = False


class ContactMethod(Entry):
    """A way to reach the submitter, with the keys of ``contact`` that it requires."""

    requires: tuple[str, ...] = ()


class Limits(Data):
    """The limits that the page shows and intake keeps."""

    file_bytes: Annotated[int, Field(gt=0)]
    case_bytes: Annotated[int, Field(gt=0)]
    files_per_case: Annotated[int, Field(gt=0)]
    urls_per_case: Annotated[int, Field(gt=0)]
    url_characters: Annotated[int, Field(gt=0)]
    subject_characters: Annotated[int, Field(gt=0)]
    text_characters: Annotated[int, Field(gt=0)]
    cc: Annotated[int, Field(gt=0)]
    phone_characters: Annotated[int, Field(gt=0)]
    preferred_time_characters: Annotated[int, Field(gt=0)]
    password_characters: Annotated[int, Field(gt=0)]
    profile_name_characters: Annotated[int, Field(gt=0)]


class Samples(Data):
    """Passwords that are tried on every archive, in order, and the types of files never taken bare."""

    passwords: tuple[str, ...]
    susceptible: tuple[Slug, ...]

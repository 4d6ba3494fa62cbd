"""Archives read through libarchive, member by member, under one budget; nothing is ever written by a member's name."""

from caseway_kit.archives.budget import Budget, LimitReached, Limits
from caseway_kit.archives.content import Content, Spool
from caseway_kit.archives.filetypes import FileType, detect, named_susceptible
from caseway_kit.archives.passwords import PasswordNeeded
from caseway_kit.archives.reader import Unreadable
from caseway_kit.archives.reading import Member, NotAnArchive, open_archive, open_members
from caseway_kit.archives.writing import ZipOfOne, protected_zip

__all__ = [
    "Budget",
    "Content",
    "FileType",
    "LimitReached",
    "Limits",
    "Member",
    "NotAnArchive",
    "PasswordNeeded",
    "Spool",
    "Unreadable",
    "ZipOfOne",
    "detect",
    "named_susceptible",
    "open_archive",
    "open_members",
    "protected_zip",
]

"""Contacts that may not come in any more; what the kit keeps of them for every service that checks tokens."""

from caseway_kit.contacts import ContactRepository, DisabledContacts

__all__ = ["ContactRepository", "DisabledContacts"]

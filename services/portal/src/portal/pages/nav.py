"""Where the top navigation and the profile menu lead, and for whom."""

from collections.abc import Sequence
from dataclasses import dataclass

from caseway_kit.tokens import ROLES, Role

_CUSTOMERS: tuple[Role, ...] = ("customer", "account_admin")


@dataclass(frozen=True)
class Item:
    key: str
    """Of its text: ``nav.<key>``."""
    path: str
    roles: tuple[Role, ...] = ROLES


@dataclass(frozen=True)
class Menu:
    top: tuple[Item, ...]
    profile: tuple[Item, ...]


TOP = (
    Item("my_support", "/"),
    Item("new_request", "/requests/new", _CUSTOMERS),
    Item("support_requests", "/requests"),
    Item("reclassify", "/reclassify", _CUSTOMERS),
    Item("operations", "/operations", ("operator",)),
)
PROFILE = (
    Item("my_profile", "/profile"),
    Item("my_products", "/products", _CUSTOMERS),
    Item("contacts", "/contacts"),
    Item("threat_requests", "/threat-requests"),
    Item("interface", "/docs"),
)


def menu_of(role: Role | None) -> Menu:
    return Menu(_for(TOP, role), _for(PROFILE, role))


def _for(items: Sequence[Item], role: Role | None) -> tuple[Item, ...]:
    return tuple(item for item in items if role in item.roles)

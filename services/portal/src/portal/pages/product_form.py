"""The form of a product profile, for its own page and for the window inside a request's form."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from caseway_catalog import Catalog
from caseway_catalog.products import Product
from caseway_kit.problems import FieldError
from portal.pages.backends import Profiles
from portal.pages.forms import Form

FIELDS = (
    "/name",
    "/product",
    "/version",
    "/operating_systems",
    "/activation_code",
    "/toolbox_guid",
    "/settings",
    "/language",
)
Choices = Sequence[tuple[str, str]]


@dataclass(frozen=True)
class ProductChoices:
    """What may be chosen once the product is; without a product only those of the product itself."""

    products: Choices
    product: Product | None = None
    versions: Choices = ()
    systems: Choices = ()
    more_systems: Choices = ()
    codes: Choices = ()
    settings: Choices = ()
    languages: Choices = ()


class ProductForm:
    """``prefix`` stands before its fields' pointers where the form shares a page with another one."""

    def __init__(self, catalog: Catalog, profiles: Profiles, prefix: str = "") -> None:
        self._catalog = catalog
        self._profiles = profiles
        self.prefix = prefix
        self.fields = tuple(f"{prefix}{field}" for field in FIELDS)

    async def choices(self, token: str, form: Form) -> ProductChoices:
        catalog = self._catalog
        products = _pairs(sorted(catalog.products, key=lambda one: one.label.casefold()))
        product = self._product(form)
        if product is None:
            return ProductChoices(products)
        codes = await self._profiles.activation_codes(token, product.slug)
        systems = {one.slug: one for one in catalog.operating_systems}
        offered = product.operating_systems
        return ProductChoices(
            products,
            product,
            versions=[(version, version) for version in product.versions],
            systems=_pairs(systems[slug] for slug in offered),
            more_systems=_pairs(one for slug, one in systems.items() if slug not in offered),
            codes=[(one["code"], one["code"]) for one in codes],
            settings=_pairs(one for one in catalog.settings if one.slug in product.settings),
            languages=_pairs(one for one in catalog.languages if one.slug in product.languages),
        )

    def body(self, form: Form) -> dict[str, Any]:
        """What profiles takes. What another product than the chosen one has is left out, as the page leaves it out."""
        product = self._product(form)
        body: dict[str, Any] = {
            "name": self._one(form, "/name"),
            "product": self._one(form, "/product"),
            "version": self._one(form, "/version"),
            "operating_systems": list(form.many(f"{self.prefix}/operating_systems")),
            "language": self._one(form, "/language"),
            "activation_code": self._one(form, "/activation_code") or None,
            "settings": [
                one for one in form.many(f"{self.prefix}/settings") if product is None or one in product.settings
            ],
        }
        if product is not None and product.toolbox_guid and self._one(form, "/toolbox_guid").strip():
            body["toolbox_guid"] = self._one(form, "/toolbox_guid").strip()
        revision = self._one(form, "/revision")
        return body | ({"revision": int(revision)} if revision.isdecimal() and len(revision) < 10 else {})

    def filled(self, profile: dict[str, Any]) -> Form:
        return Form(
            {
                f"{self.prefix}/{name}": [str(one) for one in value] if isinstance(value, list) else str(value)
                for name, value in profile.items()
                if value is not None
            }
        )

    def placed(self, errors: Iterable[FieldError]) -> list[FieldError]:
        """The service's errors at the fields of this page."""
        return [
            FieldError(f"{self.prefix}{one.field}" if one.field else "", one.code, one.message, one.help)
            for one in errors
        ]

    def _product(self, form: Form) -> Product | None:
        chosen = self._one(form, "/product")
        return next((one for one in self._catalog.products if one.slug == chosen), None)

    def _one(self, form: Form, field: str) -> str:
        return form.one(f"{self.prefix}{field}")


def _pairs(entries: Iterable[Any]) -> list[tuple[str, str]]:
    return [(one.slug, one.label) for one in entries]

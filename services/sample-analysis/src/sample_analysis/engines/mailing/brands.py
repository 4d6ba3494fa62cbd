"""Names that phishing borrows, and the domains that may use them."""

import idna

_BRANDS: dict[str, tuple[str, ...]] = {
    "microsoft": ("microsoft.com", "office.com", "outlook.com", "live.com", "microsoftonline.com", "azure.com"),
    "paypal": ("paypal.com", "paypal.de", "paypal.fr", "paypal.co.uk"),
    "amazon": ("amazon.com", "amazon.de", "amazon.co.uk", "amazon.fr", "amazon.it", "amazon.es", "amazonaws.com"),
    "apple": ("apple.com", "icloud.com"),
    "google": ("google.com", "youtube.com", "googlegroups.com"),
    "netflix": ("netflix.com",),
    "docusign": ("docusign.com", "docusign.net"),
    "dropbox": ("dropbox.com", "dropboxmail.com"),
    "facebook": ("facebook.com", "facebookmail.com", "meta.com"),
    "instagram": ("instagram.com",),
    "linkedin": ("linkedin.com",),
    "whatsapp": ("whatsapp.com",),
    "dhl": ("dhl.com", "dhl.de"),
    "fedex": ("fedex.com",),
    "adobe": ("adobe.com", "adobesign.com"),
    "wetransfer": ("wetransfer.com",),
    "sparkasse": ("sparkasse.de",),
    "commerzbank": ("commerzbank.de", "commerzbank.com"),
    "deutsche bank": ("deutsche-bank.de", "db.com"),
    "wells fargo": ("wellsfargo.com",),
    "bank of america": ("bankofamerica.com",),
    "american express": ("americanexpress.com", "aexp.com"),
    "hsbc": ("hsbc.com", "hsbc.co.uk"),
    "santander": ("santander.com", "santander.co.uk"),
    "trend micro": ("trendmicro.com",),
    "coinbase": ("coinbase.com",),
    "binance": ("binance.com",),
}
_LIKE = str.maketrans({"0": "o", "1": "l", "3": "e", "5": "s", "i": "l", "-": None})
_CYRILLIC = str.maketrans("асеорхуіјѕԁӏκνοραтмквһ", "aceopxyijsdlkvopatmkbh")


def named(display: str) -> str:
    """The brand that a name shows as a word of its own."""
    words = f" {' '.join(''.join(c if c.isalnum() else ' ' for c in display.casefold()[:500]).split())} "
    return next((brand for brand in _BRANDS if f" {brand} " in words), "")


def owns(brand: str, domain: str) -> bool:
    return domain in _BRANDS[brand]


def imitated(domain: str) -> str:
    """The brand whose name the registered domain is written like, without being it."""
    label = domain.partition(".")[0]
    if label.startswith("xn--"):
        try:
            label = idna.decode(label[:63])
        except (idna.IDNAError, UnicodeError):
            return ""
    latin = label.translate(_CYRILLIC)
    for brand, domains in _BRANDS.items():
        name = brand.replace(" ", "")
        if domain not in domains and label != name and len(name) >= 5 and _shape(latin) == _shape(name):
            return brand if label != brand.replace(" ", "-") else ""
    return ""


def _shape(label: str) -> str:
    return label.translate(_LIKE).replace("rn", "m").replace("vv", "w")

"""Product profiles of the demo account, and one example case for each kind of evidence."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from caseway_embedded.data_dir import DataDir, write_atomically
from caseway_embedded.demo.samples import ASSESS_REPORT, EICAR, SCAN_REPORT, mail
from caseway_embedded.demo.users import CODES, CUSTOMER, USERS_FILE, checked, post, sign_in
from caseway_kit.archives.writing import protected_zip

CASES_FILE = "demo-cases.json"
PATTERN = {"virus_pattern_type": "virus-pattern-cpr"}


@dataclass(frozen=True)
class Example:
    """A case to submit; attachments by file name, all under the password ``infected`` but for logs."""

    kind: str
    category: str
    subject: str
    description: str
    fields: dict[str, Any] = field(default_factory=dict)
    attachment: tuple[str, bytes, str | None] | None = None
    urls: tuple[dict[str, Any], ...] = ()


def examples() -> list[Example]:
    attk = {"irobot/Log/scanreport.xml": SCAN_REPORT, "irobot/Log/assessreport.xml": ASSESS_REPORT}
    return [
        Example(
            "file",
            "collected-threat-sample-analysis",
            "Suspicious files from a USB stick",
            "Found on a stick in the car park. Please have a look.",
            PATTERN,
            ("stick.zip", protected_zip({"eicar.com": EICAR, "readme.txt": b"Hello.\n"}, "infected"), "infected"),
        ),
        Example(
            "email",
            "spam",
            "This got through the filter",
            "A false invoice reached our accounting.",
            {},
            ("mails.zip", protected_zip({"invoice.eml": mail()}, "infected"), "infected"),
        ),
        Example(
            "attk_log",
            "infected-or-possibly-infected",
            "A PC that behaves strangely",
            "The toolkit's log of the machine is attached.",
            PATTERN,
            ("20260105-demo.zip", protected_zip(attk, None), None),
        ),
        Example(
            "url",
            "url-reclassification",
            "Our shop is rated wrongly",
            "Please review these addresses.",
            {},
            None,
            ({"url": "http://shop.demo.example/", "requested_rating": "safe"}, {"url": "http://phishing.test/login"}),
        ),
    ]


async def seed_cases(data: DataDir, url: str, demo: bool) -> None:
    """Profiles and example cases, once: a later start finds the file that names them."""
    if not demo or (data / CASES_FILE).exists():
        return
    password = data.read_json(USERS_FILE)["customer"]["password"]
    async with httpx.AsyncClient(base_url=f"{url}/api/v1", timeout=60) as http:
        await sign_in(http, CUSTOMER, password)
        catalog = checked(await http.get("/catalog"))
        profile = await post(
            http, "/profiles", _profile(catalog, "officescan", "Office PCs"), "demo-profile-officescan"
        )
        await post(http, "/profiles", _profile(catalog, "deep-security", "Data center"), "demo-profile-deep-security")
        submitted = {}
        for example in examples():
            case = await _submit(http, example, profile)
            submitted[example.kind] = case["sr_number"]
    write_atomically(data / CASES_FILE, json.dumps(submitted, indent=2))


def _profile(catalog: dict[str, Any], slug: str, name: str) -> dict[str, Any]:
    product = next(one for one in catalog["products"] if one["slug"] == slug)
    body = {
        "name": name,
        "product": slug,
        "version": product["versions"][-1],
        "operating_systems": list(product["operating_systems"][:2]),
        "language": product["languages"][0],
        "activation_code": CODES["Demo Manufacturing"][slug],
    }
    if slug == "officescan":
        body["toolbox_guid"] = "6ba7b810-9dad-11d1-80b4-00c04fd430c8"
    return body


async def _submit(http: httpx.AsyncClient, example: Example, profile: dict[str, Any]) -> dict[str, Any]:
    attachments = []
    if example.attachment:
        name, content, password = example.attachment
        disposition = {"Content-Disposition": f'attachment; filename="{name}"'}
        upload = checked(await http.post("/uploads", content=content, headers=disposition))
        attachments = [{"upload_id": upload["upload_id"], **({"password": password} if password else {})}]
    body = {
        "profile_id": profile["id"],
        "affected_operating_systems": profile["operating_systems"],
        "issue_type": "threat",
        "category": example.category,
        "subject": example.subject,
        "description": example.description,
        "severity": "medium",
        "cc": ["helpdesk@demo.example"],
        "contact": {"method": "email"},
        "fields": example.fields,
        "attachments": attachments,
        "urls": list(example.urls),
    }
    # No idempotency key: the zip of another start has other bytes, and would be another submission.
    return checked(await http.post("/cases", json=body))


def demo_cases(data: DataDir) -> dict[str, str]:
    """SR numbers by kind of evidence."""
    return dict(data.read_json(CASES_FILE)) if Path(data / CASES_FILE).exists() else {}

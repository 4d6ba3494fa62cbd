"""The environment that services are started with: where everything is, and what each one needs besides."""

import json
from collections.abc import Mapping
from pathlib import Path

from caseway_embedded.data_dir import DataDir

REGION = "01"
OPERATOR_EMAIL = "operator@caseway.example"
OPERATOR_SECRET = "operator"  # noqa: S105 - the name that the password is kept under


def shared_settings(data: DataDir, *, url: str, kafka: str, smtp: str, urls: Mapping[str, str]) -> dict[str, str]:
    addresses = {f"CASEWAY_{service.upper().replace('-', '_')}_URL": address for service, address in urls.items()}
    return {
        **addresses,
        "CASEWAY_KAFKA": kafka,
        "CASEWAY_OBJECTS": (data / "objects").as_uri(),
        "CASEWAY_SMTP": f"smtp://{smtp}",
        "CASEWAY_REGION": REGION,
        "CASEWAY_URL": url,
        "CASEWAY_JWKS": f"{urls.get('profiles', url)}/api/v1/.well-known/jwks.json",
    }


def own_settings(service: str, data: DataDir, urls: Mapping[str, str], scratch: Path) -> dict[str, str]:
    match service:
        case "intake":
            return {"INTAKE_SCRATCH": str(scratch / service)}
        case "sample-analysis":
            return {
                "SAMPLE_ANALYSIS_SCRATCH": str(scratch / service),
                "SAMPLE_ANALYSIS_RULES": str(data / "rules"),
            }
        case "profiles":
            return {
                "PROFILES_BOOTSTRAP_OPERATOR_EMAIL": OPERATOR_EMAIL,
                "PROFILES_BOOTSTRAP_OPERATOR_PASSWORD": data.secret(OPERATOR_SECRET),
            }
        case "url-rating":
            # No parser works there, and lists of a gigabyte are nothing for a folder in memory.
            return {"URL_RATING_SCRATCH": str(data.emptied("list-scratch"))}
        case "portal":
            return {
                "PORTAL_INTAKE_URL": urls["intake"],
                "PORTAL_SERVICES": json.dumps({name: url for name, url in urls.items() if name != "portal"}),
            }
        case _:
            return {}

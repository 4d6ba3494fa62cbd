"""The services of the system and which calls of the one address go to which of them."""

from dataclasses import dataclass

API = "/api/v1"


@dataclass(frozen=True)
class Route:
    """Calls that go to one service: Caddy path patterns (a star ends at nothing), all methods unless named."""

    paths: tuple[str, ...]
    methods: tuple[str, ...] = ()


@dataclass(frozen=True)
class Service:
    name: str
    package: str
    routes: tuple[Route, ...] = ()

    @property
    def prefix(self) -> str:
        """How the service's own settings start: ``SAMPLE_ANALYSIS`` for sample-analysis."""
        return self.name.upper().replace("-", "_")


def _api(*paths: str, methods: tuple[str, ...] = ()) -> Route:
    return Route(tuple(f"{API}{path}" for path in paths), methods)


# Earlier routes win. The portal comes last: it has the pages, the case reads and whatever is left.
SERVICES = (
    Service(
        "intake",
        "intake",
        (
            _api("/uploads", "/uploads/*", "/catalog"),
            _api("/cases", "/cases/bulk", "/cases/check", "/legacy-requests", methods=("POST",)),
            _api(
                *(f"/cases/*/{verb}" for verb in ("updates", "close", "reopen", "escalate", "promote")),
                methods=("POST",),
            ),
        ),
    ),
    Service(
        "profiles",
        "profiles",
        (
            _api("/session", "/profiles", "/profiles/*", "/contacts", "/contacts/*", "/case-recipients"),
            _api("/activation-codes", "/activation-codes/*", "/accounts", "/accounts/*", "/users", "/users/*"),
            _api("/.well-known/*"),
        ),
    ),
    Service(
        "sample-analysis",
        "sample_analysis",
        (_api("/engines", "/engines/*", "/analyses/*", "/reanalyses", "/reanalyses/*"),),
    ),
    Service(
        "url-rating",
        "url_rating",
        (_api("/ratings", "/ratings/*", "/reclassifications", "/reclassifications/*"),),
    ),
    Service("routing", "routing", (_api("/queues", "/queues/*", "/desk", "/desk/*"),)),
    Service("notifier", "notifier", (_api("/notifications", "/notifications/*"),)),
    Service("portal", "portal", (Route(("/*",)),)),
)

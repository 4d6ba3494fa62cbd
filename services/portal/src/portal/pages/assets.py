"""Style, scripts and htmx: our own files and one of an installed package."""

import hashlib
from functools import lru_cache
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path

_OWN = Path(str(files("portal"))) / "static"
_TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}


def find(name: str) -> Path | None:
    if name == "htmx.js":
        return _htmx()
    path = _OWN / name
    inside = path.parent == _OWN and path.suffix in _TYPES
    return path if inside and path.is_file() else None


def media_type(path: Path) -> str:
    return _TYPES[path.suffix]


def version_of(path: Path) -> str:
    return _digest(path, path.stat().st_mtime_ns)


def address_of(name: str) -> str:
    """``/static/base.css?v=…``: what is named so may be kept by the browser for ever."""
    path = find(name)
    if path is None:
        raise LookupError(name)
    return f"/static/{name}?v={version_of(path)}"


@lru_cache(maxsize=256)
def _digest(path: Path, _: int) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()[:12]


@lru_cache(maxsize=1)
def _htmx() -> Path:
    # The package is found, not imported: it would import Django, which is not here.
    spec = find_spec("django_htmx")
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parent / "static" / "django_htmx" / "htmx-2.min.js"

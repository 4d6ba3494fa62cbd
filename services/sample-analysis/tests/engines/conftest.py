import io
import json
import zipfile
from collections.abc import Callable, Iterator
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest

from caseway_contracts.results import EvidenceReport
from caseway_kit.archives import Budget, Content, Limits, detect
from caseway_kit.testing.corpora import corpora as find_corpora
from sample_analysis.engines import analyze, team_rules, versions, yara
from sample_analysis.engines.files import Job
from sample_analysis.engines.inspection import Inspection
from sample_analysis.engines.tree import Node

EVIDENCE_ID = "11111111-1111-4111-8111-111111111111"


class Report:
    """A finished analysis, with what tests ask of it."""

    def __init__(self, plain: dict[str, Any]) -> None:
        self.plain = plain
        missing = {"salt": "0" * 32, "sr_number": "SR01-000000042-4", "revision": 1}
        self.parsed = EvidenceReport.model_validate(plain | missing)

    @property
    def root(self) -> Any:
        return self.parsed.files[0]

    def file(self, name: str) -> Any:
        [found] = [file for file in self.parsed.files if file.name == name]
        return found

    def names(self) -> list[str]:
        return [file.name for file in self.parsed.files]

    def rules(self, name: str) -> list[str]:
        return [reason.rule for reason in self.file(name).reasons]

    def limits(self) -> set[str]:
        return {limit.limit for file in self.parsed.files for limit in file.limits}


@pytest.fixture
def eicar() -> bytes:
    return b"X5O!P%@AP[4\\PZX54(P^)7CC)7}$" + b"EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"


@pytest.fixture
def examine(tmp_path: Path) -> Callable[..., Report]:
    def examine(
        data: bytes, name: str = "sample", kind: str = "file", passwords: tuple[str, ...] = (), **limits: Any
    ) -> Report:
        path = tmp_path / "sample"
        path.write_bytes(data)
        assert set(limits) <= set(Limits.__dataclass_fields__)
        return Report(analyze(path, EVIDENCE_ID, name, kind, passwords, limits))

    return examine


@pytest.fixture
def team_set(tmp_path: Path) -> Iterator[Callable[[dict[str, str]], None]]:
    """Puts files of the teams' folder in force, as it happens in the process that the sandbox's children come from."""

    def load(files: dict[str, str]) -> None:
        snapshot = tmp_path / "team-set.json"
        snapshot.write_text(json.dumps(files))
        team_rules.load(str(snapshot))
        yara.scanners.cache_clear()
        versions.cache_clear()

    yield load
    load({})


@pytest.fixture
def make_zip() -> Callable[[dict[str, bytes]], bytes]:
    def make(members: dict[str, bytes]) -> bytes:
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, data in members.items():
                archive.writestr(name, data)
        return out.getvalue()

    return make


@pytest.fixture
def make_mail() -> Callable[..., bytes]:
    def make(text: str = "hello", html: str = "", attachments: dict[str, bytes] | None = None, **headers: str) -> bytes:
        mail = EmailMessage()
        mail["Received"] = "from mx.example.net by mail.example.com; Mon, 5 Jan 2026 09:00:00 +0000"
        mail["From"] = headers.pop("sender", "Sender <sender@example.net>")
        mail["To"] = "victim@example.com, Other <other@example.com>"
        mail["Subject"] = headers.pop("subject", "Your invoice")
        mail["Date"] = "Mon, 05 Jan 2026 09:00:00 +0000"
        for header, value in headers.items():
            mail[header.replace("_", "-")] = value
        mail.set_content(text)
        if html:
            mail.add_alternative(html, subtype="html")
        for name, data in (attachments or {}).items():
            if name.endswith(".eml"):
                mail.add_attachment(message_from_bytes(data, policy=policy.default), filename=name)
            else:
                mail.add_attachment(data, maintype="application", subtype="octet-stream", filename=name)
        return mail.as_bytes()

    return make


@pytest.fixture
def corpora() -> Path:
    return find_corpora()


@pytest.fixture
def inspection() -> Callable[..., Inspection]:
    """A look into bytes for one inspector alone."""

    def inspection(data: bytes, name: str = "sample") -> Inspection:
        content = Content.of_bytes(data)
        job = Job(Budget(piece_bytes=len(data)), ())
        node = Node(id=EVIDENCE_ID, parent_id=None, name=name)
        return Inspection(job, node, content, detect(content, name), 0, 0, "caseway-documents", "1")

    return inspection

"""Whatever a customer types is kept as it was typed, or refused; nothing in between, and never a 5xx."""

import asyncio
import json
from typing import Any

import httpx
import pytest
from intake_fakes import InMemoryCaseRepository, Make

from caseway_kit.testing.corpora import corpora


@pytest.fixture(scope="module")
def strings() -> list[str]:
    found: list[str] = json.loads((corpora("strings-blns") / "blns.json").read_text("utf-8"))
    return found


async def test_words_are_kept_as_they_were_typed(
    http: httpx.AsyncClient, make_submission: Make, cases: InMemoryCaseRepository, strings: list[str]
) -> None:
    async def submit(text: str) -> None:
        answer = await http.post("/api/v1/cases", json=make_submission(subject=text, description=text))
        assert answer.status_code in (201, 422), answer.text
        if answer.status_code == 201:
            sheet = cases.cases[answer.json()["sr_number"]].sheet()
            assert (sheet.subject, sheet.description, answer.json()["subject"]) == (text, text, text)

    await asyncio.gather(*(submit(text) for text in strings))
    assert len(cases.cases) > 480


async def test_no_field_can_be_made_to_fail(http: httpx.AsyncClient, make_submission: Make, strings: list[str]) -> None:
    async def submit(**changes: Any) -> None:
        answer = await http.post("/api/v1/cases", json=make_submission(**changes))
        assert answer.status_code in (201, 409, 422), answer.text

    for text in strings[::7]:
        await submit(profile_id=text)
        await submit(issue_type=text)
        await submit(category=text)
        await submit(severity=text)
        await submit(cc=[text])
        await submit(catalog_version=text)
        await submit(contact={"method": "phone", "phone": text, "preferred_time": text})
        await submit(fields={text: text})
        await submit(attachments=[{"upload_id": text, "password": text}])
        await submit(urls=[{"url": text}])
        await submit(**{text: text})


async def test_names_of_uploads_are_kept_without_what_could_mislead(
    http: httpx.AsyncClient, strings: list[str]
) -> None:
    for text in strings[::5]:
        name = f"attachment; filename*=UTF-8''{''.join(f'%{byte:02x}' for byte in text.encode())}"
        answer = await http.post("/api/v1/uploads", content=b"x", headers={"Content-Disposition": name})
        assert answer.status_code == 201


@pytest.mark.parametrize("path", ["/api/v1/cases", "/api/v1/cases/bulk"])
async def test_any_json_is_answered(http: httpx.AsyncClient, path: str) -> None:
    for file in sorted(corpora("json-nst").glob("*.json")):
        answer = await http.post(path, content=file.read_bytes(), headers={"Content-Type": "application/json"})
        assert answer.status_code < 500, file.name
        if path.endswith("cases"):
            assert answer.status_code in (400, 422), file.name

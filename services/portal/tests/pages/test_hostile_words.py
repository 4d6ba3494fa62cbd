"""Whatever is typed into whichever text field comes back as it was, and no page takes it for anything else (S14, X23).

The fields are those that the pages have and the categories' manifests ask for: a new one is here by itself, or fails.
What changes on the way is what HTML changes: line ends are one character, and an input has one line.
"""

import string
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import product

import httpx
import pytest
from case_fakes import FakeCaseDesk
from hostile_words import HOSTILE, naughty
from page_fakes import PASSWORD, PRODUCT_PROFILE, FakeProfiles, Tab, fields_of, texts_of
from page_forms import elements_of, text_fields
from page_matrix import PEOPLE, ROWS
from portal_fakes import OPENED, SR, InMemoryLegacyRepository, Make
from request_fakes import FakeIntake

from caseway_catalog import Catalog
from caseway_catalog.categories import CaseRules
from caseway_catalog.form_schema import IntegerField, ListField, RowField, TextField
from caseway_contracts.clients import Refused
from caseway_contracts.routes import CaseStatusChanged
from caseway_kit.testing.corpora import corpora
from portal.legacy import LegacyRow, LegacyView
from portal.projection import Projection

CASE = f"/requests/{SR}"
PIECE = "1b1f6a3e-5a0c-4a37-9b42-2f0b6a1f7f10"
DRAFT = "0123456789abcdef"
LONGEST_SEARCH = 255


@pytest.fixture(scope="module")
def words() -> str:
    """One to a line."""
    lines = [*HOSTILE, *naughty(corpora("strings-blns"))]
    return "\n".join(" ".join(text.replace("\r", "\n").split("\n")) for text in lines)


def one_line(text: str) -> str:
    return text.replace("\n", " ")


def harmless(text: str) -> str:
    """Of the same shape: blanks and line ends stay where they are."""
    letters = string.ascii_lowercase
    return "".join(one if one.isspace() else letters[ord(one) % 26] for one in text)


def filled(fields: Mapping[str, str], text: str) -> dict[str, str]:
    return {name: text if kind == "textarea" else one_line(text) for name, kind in fields.items()}


def as_sent(values: Mapping[str, str]) -> dict[str, str]:
    return {name: value.replace("\n", "\r\n") for name, value in values.items()}


def assert_shown(answer: httpx.Response, typed: Mapping[str, str]) -> None:
    shown = fields_of(answer)
    assert {name: shown.get(name) for name in typed} == {name: [value] for name, value in typed.items()}


# ---- A request's form, with each category and each of its answers that brings other fields


def _rules(catalog: Catalog) -> Iterator[tuple[str, str, str, CaseRules]]:
    """Issue type, category, a product that it is offered for, and what is asked there."""
    for issue_type in catalog.issue_types:
        if issue_type.rules is not None:
            yield issue_type.slug, "", (issue_type.products or ["officescan"])[0], issue_type.rules
    for category in catalog.categories:
        yield category.issue_type, category.slug, (category.products or ["officescan"])[0], category


def _texts(rules: CaseRules) -> set[str]:
    """The names of the fields in which something is typed."""
    found = set()
    for name, field in rules.form.fields.items():
        cells = {name: field}
        if isinstance(field, ListField):
            row = field.items
            cells = (
                {f"{name}/0/{key}": cell for key, cell in row.properties.items()}
                if isinstance(row, RowField)
                else {f"{name}/0": row}
            )
        found |= {
            f"fields/{name}"
            for name, cell in cells.items()
            if isinstance(cell, IntegerField) or (isinstance(cell, TextField) and cell.enum is None)
        }
    return found


def _answers(rules: CaseRules) -> Iterator[dict[str, str]]:
    deciding: dict[str, set[str]] = {}
    for rule in rules.form.show_when:
        deciding.setdefault(f"fields/{rule.when}", set()).update(str(one).lower() for one in rule.values)
    for chosen in product(*(sorted(values) for values in deciding.values())):
        yield dict(zip(deciding, chosen, strict=True))


FIXED = {"subject", "description", "business_impact", "cc", "contact/phone", "contact/preferred_time"}


@pytest.fixture
def a_profile_of_each_product(profiles: FakeProfiles, catalog: Catalog) -> None:
    profiles.saved["a1"] = {
        one.slug: {**PRODUCT_PROFILE, "id": one.slug, "product": one.slug} for one in catalog.products
    }


async def post_request(tab: Tab, path: str, typed: Mapping[str, str]) -> httpx.Response:
    form = {"csrf_token": tab.csrf, "draft": DRAFT, "action": "update", **as_sent(typed)}
    return await tab.http.post(path, data=form, files=[("files", ("", b""))])


async def test_every_text_of_a_request_comes_back_with_every_category(
    tab: Tab, catalog: Catalog, intake: FakeIntake, a_profile_of_each_product: None, words: str
) -> None:
    intake.errors = [
        {"field": field, "code": "wrong", "message": HOSTILE[0], "help": HOSTILE[1]} for field in ("/cc/1", "/subject")
    ]
    urgent = next(one.slug for one in catalog.severities if one.needs_business_impact)
    by_phone = next(one.slug for one in catalog.contact_methods if "phone" in one.requires)
    for issue_type, category, sold, rules in _rules(catalog):
        asked = set()
        for answers in _answers(rules):
            chosen = {
                **answers,
                "profile_id": sold,
                "issue_type": issue_type,
                "category": category,
                "severity": urgent,
                "contact/method": by_phone,
                "attachments/0/upload_id": "upload-ours",
            }
            name = {"attachments/0/name": one_line(words)}
            first = await post_request(tab, "/requests/new", chosen)
            fields = text_fields(first)["/requests/new"]
            fields = {name: kind for name, kind in fields.items() if name != "new_password"}
            asked |= {*fields}
            typed = filled(fields, words)
            answer = await post_request(tab, "/requests/new", {**chosen, **name, **typed})
            assert answer.status_code == 200
            assert_shown(answer, {**typed, **name})
            assert texts_of(answer)[0] == one_line(words)
        # As a draft, and with other choices, which ask for other things.
        assert_shown(await tab.get(f"/requests/new?draft={DRAFT}"), {**typed, **name})
        elsewhere = {"issue_type": "product", "category": "product-issues", "severity": "low"}
        assert_shown(await post_request(tab, "/requests/new", {**chosen, **typed, **elsewhere}), typed)
        plain = {field: harmless(text) for field, text in {**name, **typed}.items()}
        assert elements_of(answer) == elements_of(await post_request(tab, "/requests/new", {**chosen, **plain}))
        assert FIXED | _texts(rules) | {"attachments/0/password"} <= asked, category
        assert ("urls" in asked) == (rules.evidence.urls is not None), category


async def test_urls_of_a_reclassification_come_back_with_their_ratings(tab: Tab, seeded: None, words: str) -> None:
    typed = {"profile_id": "prof-ours", "urls": "\n".join(words.split("\n")[:40]), "rated": "1"}
    answer = await post_request(tab, "/reclassify", typed)
    assert_shown(answer, {"urls": typed["urls"]})
    plain = await post_request(tab, "/reclassify", {**typed, "urls": harmless(typed["urls"])})
    assert elements_of(answer) == elements_of(plain)
    rated = [value for name, values in fields_of(answer).items() if name.endswith("/url") for value in values]
    assert len(rated) > 10
    assert rated == texts_of(answer)
    assert {*rated} <= {line.strip() for line in typed["urls"].splitlines()}


# ---- All other forms


@dataclass(frozen=True)
class Sent:
    """Where a form stands, and what is sent beside what is typed."""

    page: str
    form: Mapping[str, str]


NEW_PROFILE = {"product": "officescan", "version": "XG", "form_key": "k"}
QUICK = {f"quick/{name}": value for name, value in NEW_PROFILE.items()} | {"draft": DRAFT}
FORMS = {
    "/profile": Sent("/profile", {}),
    "/products/new": Sent("/products/new", {**NEW_PROFILE, "action": "refresh"}),
    "/products/prof-ours": Sent("/products/prof-ours", {**NEW_PROFILE, "revision": "1"}),
    "/requests/new/profile": Sent("/requests/new/profile?profile_id=prof-ours", {**QUICK, "profile_id": "prof-ours"}),
    "/reclassify/profile": Sent("/reclassify/profile?profile_id=prof-ours", {**QUICK, "profile_id": "prof-ours"}),
    f"{CASE}/updates": Sent(CASE, {}),
    f"{CASE}/recipients": Sent(CASE, {}),
    f"{CASE}/urgency": Sent(CASE, {"severity": "high"}),
    f"{CASE}/escalate": Sent(CASE, {"type": "slow-response"}),
    f"{CASE}/close": Sent(CASE, {}),
    f"{CASE}/reopen": Sent(CASE, {}),
    f"{CASE}/promote": Sent(f"{CASE}/promote?evidence={PIECE}", {"evidence": PIECE}),
}
SEARCHES = ("/requests", "/threat-requests")
ELSEWHERE = ("/requests/new", "/reclassify", "/sign-in", *SEARCHES)


async def test_every_form_in_which_something_is_typed_is_known_here(tabs: Make, seeded: None) -> None:
    found: set[str] = set()
    for person in PEOPLE.values():
        tab = await tabs(person)
        for route, row in ROWS.items():
            if route.startswith("GET ") and not route.endswith((".zip", ".csv", "/live", "/static/{name}")):
                found |= text_fields(await tab.get(row.path)).keys()
    assert found == {*FORMS, *ELSEWHERE} - {f"{CASE}/reopen"}


@pytest.mark.parametrize("path", FORMS)
async def test_what_a_form_refuses_stands_there_as_it_was_typed(
    tab: Tab,
    seeded: None,
    profiles: FakeProfiles,
    case_desk: FakeCaseDesk,
    projection: Projection,
    make_event: Make,
    path: str,
    words: str,
) -> None:
    sent = FORMS[path]
    if path.endswith("/reopen"):
        await projection.apply([make_event(CaseStatusChanged, status="closed")])
    said = Refused(422, {"errors": [{"field": "", "code": "x", "message": HOSTILE[0], "help": HOSTILE[3]}]})
    profiles.refusal = case_desk.refusal = said
    fields = text_fields(await tab.get(sent.page))[path]
    typed = filled(fields, words)
    answer = await tab.post(path, {**sent.form, **as_sent(typed)})
    assert answer.status_code in (200, 422)
    assert_shown(answer, typed)
    plain = await tab.post(path, {**sent.form, **as_sent({name: harmless(text) for name, text in typed.items()})})
    assert elements_of(answer) == elements_of(plain)


@pytest.mark.parametrize("path", SEARCHES)
async def test_what_is_searched_for_stands_in_its_field(tab: Tab, seeded: None, path: str, words: str) -> None:
    text = one_line(words)
    plain = elements_of(await tab.get(path, params={"q": "nowhere"}))
    for at in range(0, len(text), LONGEST_SEARCH):
        searched = text[at : at + LONGEST_SEARCH]
        answer = await tab.get(path, params={"q": searched})
        assert fields_of(answer)["q"] == [searched]
        assert elements_of(answer) == plain


async def test_an_address_of_a_sign_in_stays_and_its_password_is_never_shown(tabs: Make, words: str) -> None:
    stranger: Tab = await tabs(None)
    secret = f"{PASSWORD} but not quite"
    for password in (secret, ""):
        answer = await stranger.post("/sign-in", {"email": one_line(words), "password": password})
        assert answer.status_code == 422
        assert_shown(answer, {"email": one_line(words)})
        assert fields_of(answer)["password"] == [""]
        assert secret not in answer.text


# ---- Where words are shown that are kept


async def test_what_a_case_keeps_is_text_wherever_it_is_shown_and_no_password_is(
    tab: Tab, projection: Projection, submit: Make, update: Make, analyze: Make, words: str
) -> None:
    line = one_line(words)
    secret = "open-sesame-4711"

    async def pages(text: str, sr_number: str) -> list[httpx.Response]:
        flat = one_line(text)
        piece = {"evidence_id": PIECE, "name": flat, "password": secret}
        sheet = {
            "description": text,
            "business_impact": text,
            "attachments": [piece],
            "fields": {"note": flat},
            "profile": {"name": flat},
        }
        opened = await submit(
            sr_number=sr_number, subject=flat, files={PIECE: flat}, urls={"u1": flat}, cc=[flat], sheet=sheet
        )
        await projection.apply([opened])
        if sr_number == SR:
            said = await update(2, sheet={"comment": text, "business_impact": text})
            await projection.apply([said, await analyze(PIECE, flat, flat, urls=[flat])])
        return [await tab.get(path) for path in (f"/requests/{sr_number}", f"/requests?q={sr_number}", "/")]

    case, *lists = await pages(words, SR)
    shown = texts_of(case)
    assert shown.count(line) >= 5  # subject, impact, recipient, file, URL
    assert texts_of(case, "said") == [words, words]
    for page in lists:
        assert texts_of(page)[0] == line
    for page in (case, *lists):
        assert page.status_code == 200
        assert secret not in page.text


async def test_what_an_old_record_says_is_text(tab: Tab, memory_legacy: InMemoryLegacyRepository, words: str) -> None:
    line = one_line(words)
    texts = ("subject", "kind", "status", "product", "submitter", "description", "result")
    record = LegacyView(ref_id="REF-7", submitted_at=OPENED, **dict.fromkeys(texts, line))
    await memory_legacy.save([LegacyRow(account_id="a1", view=record)])
    assert texts_of(await tab.get("/threat-requests/REF-7")).count(line) == len(texts)
    assert texts_of(await tab.get("/threat-requests"))[:3] == [line] * 3

"""The form of every category, and that what it says is what intake accepts."""

from typing import Any

import pytest

from caseway_catalog import Catalog, check_submission, load
from portal.requests.form import Form, form_state
from portal.requests.submission import Said, placed, submission
from portal.requests.typed import Pair, Typed

CATALOG = load()
VIRUS_PATTERN = "fields/virus_pattern_type"
EVERY_CASE: list[Pair] = [
    ("profile_id", "p1"),
    ("affected_operating_systems", "windows-10"),
    ("subject", "S"),
    ("description", "D"),
    ("severity", "low"),
]


def a_profile(product: str = "officescan", *systems: str) -> dict[str, Any]:
    return {
        "id": "p1",
        "revision": 3,
        "name": "Head office",
        "product": product,
        "version": "XG",
        "operating_systems": list(systems or ("windows-10", "windows-server-2016")),
        "language": "en",
    }


def form_for(
    issue_type: str, category: str = "", product: str = "officescan", *more: Pair, catalog: Catalog = CATALOG
) -> Form:
    pairs = [*EVERY_CASE, ("issue_type", issue_type), ("category", category), *more]
    return form_state(Typed(pairs), catalog, a_profile(product))


def faults(form: Form) -> dict[str, str]:
    body = submission(form, CATALOG.version)
    return {error.field: error.code for error in check_submission(CATALOG, body, form.profile)}


def names(form: Form) -> list[str]:
    return [field.name for field in form.fields]


def test_an_empty_form_asks_for_a_product_issue_and_starts_with_the_case_recipients() -> None:
    form = form_state(Typed(), CATALOG, None, ["a@example.com", "b@example.com"])
    assert [(one.label, one.chosen) for one in form.issue_types] == [("Product Issue", True), ("Threat Issue", False)]
    assert [one.label for one in form.categories] == ["Product Issues", "Activation and Registration Issues"]
    assert form.category == ""
    assert form.cc == "a@example.com\nb@example.com"
    assert form.contact_method == "email"
    assert form.operating_systems == ()
    assert not form.asks_impact


def test_recipients_that_were_taken_out_do_not_come_back() -> None:
    assert form_state(Typed([("cc", "")]), CATALOG, None, ["a@example.com"]).cc == ""


def test_affected_operating_systems_are_those_of_the_profile_and_only_those() -> None:
    typed = Typed([("affected_operating_systems", "windows-10"), ("affected_operating_systems", "solaris")])
    form = form_state(typed, CATALOG, a_profile("officescan", "windows-10", "aix"))
    assert [(one.value, one.chosen) for one in form.operating_systems] == [("windows-10", True), ("aix", False)]


def test_the_only_operating_system_is_chosen() -> None:
    assert form_state(Typed(), CATALOG, a_profile("officescan", "aix")).operating_systems[0].chosen


def test_change_control_is_offered_for_deep_security_alone_and_takes_no_category() -> None:
    form = form_for("change-control", "product-issues", "deep-security")
    assert [one.value for one in form.issue_types] == ["product", "threat", "change-control"]
    assert (form.takes_category, form.categories, form.fields) == (False, (), ())
    assert form.takes_attachments
    assert submission(form, "v")["category"] is None
    assert faults(form) == {}

    elsewhere = form_for("change-control", "", "officescan")
    assert [one.value for one in elsewhere.issue_types] == ["product", "threat"]
    assert elsewhere.issue_type == "product"


@pytest.mark.parametrize("category", [one.slug for one in CATALOG.categories])
def test_what_the_form_of_a_category_shows_is_what_is_accepted(category: str) -> None:
    manifest = CATALOG.category(category)
    product = manifest.products[0] if manifest.products else "officescan"
    example: list[Pair] = []
    for name, value in manifest.example.items():
        if isinstance(value, list):
            example += [(f"fields/{name}/{n}/{k}", str(v)) for n, row in enumerate(value) for k, v in row.items()]
        else:
            example.append((f"fields/{name}", str(value)))
    if manifest.evidence.urls is not None:
        example.append(("urls", "http://odd.example/"))
    elif manifest.evidence.attachments:
        example += [("attachments/0/upload_id", "u1"), ("attachments/0/password", "infected")]
    form = form_for(manifest.issue_type, category, product, *example)
    assert form.category == category
    assert form.help == manifest.help
    assert faults(form) == {}
    assert form.kept == ()


@pytest.mark.parametrize(
    "category", ["infected-or-possibly-infected", "file-false-positive", "collected-threat-sample-analysis"]
)
def test_samples_ask_for_the_virus_pattern_type(category: str) -> None:
    form = form_for("threat", category)
    field = form.fields[0]
    assert (field.name, field.label, field.widget, field.required) == (
        VIRUS_PATTERN,
        "Virus Pattern Type",
        "select",
        True,
    )
    assert [one.label for one in field.choices] == [
        "Smart Scan Agent Pattern",
        "Virus Pattern OPR",
        "Virus Pattern CPR",
    ]
    assert faults(form)["/fields/virus_pattern_type"] == "required"


@pytest.mark.parametrize("category", ["product-issues", "activation-and-registration-issues", "threat-inquiry", "spam"])
def test_others_have_no_fields_of_their_own(category: str) -> None:
    assert form_for(CATALOG.category(category).issue_type, category).fields == ()


def test_an_inquiry_takes_no_samples_and_says_so_when_there_is_one() -> None:
    form = form_for("threat", "threat-inquiry", "officescan", ("attachments/0/upload_id", "u1"))
    assert not form.takes_attachments
    assert faults(form) == {"/attachments": "evidence.not_accepted"}


def test_a_digital_vaccine_profile_has_its_category_chosen_and_asks_what_the_kind_of_request_needs() -> None:
    product = "tippingpoint-digital-vaccine"
    assert form_for("product", "", product).category == "digital-vaccine-filter"
    assert names(form_for("product", "", product))[0] == "fields/request_kind"
    wanted = form_for("product", "", product, ("fields/request_kind", "new-filter"))
    verified = form_for("product", "", product, ("fields/request_kind", "verification"))
    assert "fields/threat" in names(wanted)
    assert "fields/filter_number" not in names(wanted)
    assert {"fields/filter_number", "fields/filter_name"} <= set(names(verified))
    assert wanted.fields[0].decides
    assert faults(verified) == {"/fields/filter_number": "required"}


def test_the_filter_categories_are_offered_for_their_products_alone() -> None:
    offered = {one.value for one in form_for("product").categories}
    assert offered == {"product-issues", "activation-and-registration-issues"}


def test_repdv_entries_have_an_address_a_tag_and_a_direction_each() -> None:
    product, kind = "tippingpoint-threatdv", ("fields/request_kind", "repdv-entries")
    entry = [
        ("fields/repdv_entries/4/address", "192.0.2.7"),
        ("fields/repdv_entries/4/tag", "botnet"),
        ("fields/repdv_entries/4/direction", "remove"),
        ("fields/repdv_entries/9/address", ""),
    ]
    form = form_for("product", "", product, kind, *entry)
    table = form.fields[-1]
    assert (table.name, table.widget, table.required) == ("fields/repdv_entries", "table", True)
    assert [[cell.name.rpartition("/")[2] for cell in row] for row in table.rows] == [
        ["address", "tag", "direction"]
    ] * 2
    assert [cell.value for cell in table.rows[0]] == ["192.0.2.7", "botnet", "remove"]
    assert submission(form, "v")["fields"] == {
        "request_kind": "repdv-entries",
        "repdv_entries": [{"address": "192.0.2.7", "tag": "botnet", "direction": "remove"}],
    }
    assert faults(form) == {}
    assert faults(form_for("product", "", product, kind)) == {"/fields/repdv_entries": "required"}


def test_what_is_hidden_by_another_choice_is_kept_and_not_said() -> None:
    typed = (("fields/request_kind", "new-filter"), ("fields/filter_number", "77"), ("fields/threat", "X"))
    form = form_for("product", "", "tippingpoint-threatdv", *typed)
    assert form.kept == (("fields/filter_number", "77"),)
    assert submission(form, "v")["fields"] == {"request_kind": "new-filter", "threat": "X"}


@pytest.mark.parametrize(("severity", "asked"), [("low", False), ("medium", False), ("high", True), ("critical", True)])
def test_high_and_critical_ask_for_the_business_impact(severity: str, *, asked: bool) -> None:
    form = form_state(Typed([("severity", severity), ("business_impact", "all")]), CATALOG, None)
    assert form.asks_impact is asked
    assert ("business_impact" in submission(form, "v")) is asked
    assert (("business_impact", "all") in form.kept) is not asked


def test_phone_asks_for_a_number_and_a_time() -> None:
    form = form_for("product", "product-issues", "officescan", ("contact/method", "phone"))
    assert form.contact_asks == ("phone", "preferred_time")
    assert faults(form) == {"/contact/phone": "required", "/contact/preferred_time": "required"}


def test_picked_contacts_join_the_lines_once() -> None:
    typed = Typed([("cc", "a@example.com\n\nodd line"), ("cc_pick", "A@example.com"), ("cc_pick", "b@example.com")])
    assert form_state(typed, CATALOG, None).cc == "a@example.com\n\nodd line\nb@example.com"


def test_a_reclassification_keeps_what_was_asked_for_a_url_when_lines_move() -> None:
    more = [
        ("urls", "http://new.example/\nhttp://odd.example/"),
        ("urls/0/url", "http://odd.example/"),
        ("urls/0/requested_rating", "safe"),
        ("urls/0/requested_categories", "37"),
        ("urls/0/requested_categories", "38"),
        ("rated", "1"),
    ]
    form = form_for("threat", "url-reclassification", "officescan", *more)
    assert form.reclassifies
    assert submission(form, "v")["urls"] == [
        {"url": "http://new.example/"},
        {"url": "http://odd.example/", "requested_rating": "safe", "requested_categories": [37, 38]},
    ]
    assert faults(form) == {}


def test_eleven_urls_are_all_said_so_that_intake_can_refuse_them() -> None:
    lines = "\n".join(f"http://{n}.example/" for n in range(11))
    form = form_for("threat", "url-reclassification", "officescan", ("urls", lines))
    assert faults(form) == {"/urls": "urls.too_many"}


def test_faults_come_back_to_where_the_words_stand() -> None:
    more = [
        ("cc", "a@example.com\n\nnobody"),
        ("urls", "http://a.example\nnot a url"),
        ("attachments/0/upload_id", "u"),
    ]
    form = form_for("threat", "collected-threat-sample-analysis", "officescan", *more)

    def error(field: str) -> dict[str, str]:
        return {"field": field, "code": "c", "message": field, "help": "h"}

    pointers = [
        "/subject",
        "/cc/1",
        "/urls/1/url",
        "/urls",
        "/attachments",
        "/attachments/0",
        "/attachments/0/upload_id",
        "/attachments/0/password",
        "/attachments/7",
        "/fields/virus_pattern_type",
        "/affected_operating_systems/3",
        "/profile_revision",
        "/contact/method",
        "/business_impact",
        "/nonsense",
        "",
    ]
    found = {
        name: [(said.message, said.about) for said in all_said]
        for name, all_said in placed(map(error, pointers), form).items()
    }
    assert found == {
        "subject": [("/subject", "")],
        "cc": [("/cc/1", "nobody")],
        "urls": [("/urls/1/url", "not a url"), ("/urls", "")],
        "attachments": [("/attachments", ""), ("/attachments/7", "")],
        "attachments/0": [("/attachments/0", ""), ("/attachments/0/upload_id", "")],
        "attachments/0/password": [("/attachments/0/password", "")],
        "fields/virus_pattern_type": [("/fields/virus_pattern_type", "")],
        "affected_operating_systems": [("/affected_operating_systems/3", "")],
        "profile_id": [("/profile_revision", "")],
        "contact/method": [("/contact/method", "")],
        "": [("/business_impact", ""), ("/nonsense", ""), ("", "")],
    }


def test_a_fault_is_said_once() -> None:
    error = {"field": "/subject", "code": "required", "message": "m", "help": "h"}
    assert placed([error, error], form_for("product")) == {"subject": [Said("m", "h", "required")]}


def test_a_category_that_a_team_adds_needs_no_line_of_code_here() -> None:
    content = CATALOG.model_dump()
    new = {
        **CATALOG.category("threat-inquiry").model_dump(),
        "routing": {"team": "threat-research"},
        "slug": "packet-capture",
        "label": "Packet Capture",
        "aliases": [],
        "form": {
            "fields": {
                "port": {"title": "Port", "type": "integer", "minimum": 1, "maximum": 65535},
                "inside": {"title": "Inside", "type": "boolean"},
                "hosts": {
                    "title": "Hosts",
                    "type": "array",
                    "maxItems": 3,
                    "items": {"title": "Host", "type": "string", "maxLength": 20},
                },
            },
            "required": ["port"],
        },
        "example": {"port": 443},
    }
    old = [{**one.model_dump(), "routing": one.routing} for one in CATALOG.categories]
    issue_types = [
        {**one.model_dump(exclude={"takes_category", "rules"}), "rules": one.rules} for one in CATALOG.issue_types
    ]
    catalog = Catalog.model_validate({**content, "categories": [*old, new], "issue_types": issue_types})
    typed = [("fields/port", "443"), ("fields/inside", "true"), ("fields/hosts/0", "a"), ("fields/hosts/2", "b")]
    form = form_for("threat", "packet-capture", "officescan", *typed, catalog=catalog)
    assert [(field.label, field.widget) for field in form.fields] == [
        ("Port", "number"),
        ("Inside", "checkbox"),
        ("Hosts", "table"),
    ]
    body = submission(form, catalog.version)
    assert body["fields"] == {"port": 443, "inside": True, "hosts": ["a", "b"]}
    assert check_submission(catalog, body, form.profile) == []

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from caseway_catalog import CatalogError, load
from caseway_catalog.loading import BUNDLED

Edit = Callable[[str, str, str], Path]


@pytest.fixture
def edited(tmp_path: Path) -> Edit:
    """A copy of the catalogue in which one text is another."""

    def edit(file: str, old: str, new: str) -> Path:
        copy = tmp_path / "data"
        shutil.copytree(BUNDLED, copy)
        text = (copy / file).read_text(encoding="utf-8")
        assert old in text
        (copy / file).write_text(text.replace(old, new, 1), encoding="utf-8")
        return copy

    return edit


@pytest.mark.parametrize(
    ("file", "old", "new", "says"),
    [
        ("categories/spam.yaml", "team: mail-security", "team: nobody", "categories/spam.yaml: routing.team"),
        ("categories/spam.yaml", "slug: spam", "slug: junk", "categories/spam.yaml: slug"),
        ("categories/spam.yaml", "issue_type: threat", "issue_type: change-control", "spam.yaml: issue_type"),
        ("categories/spam.yaml", "max: 20", "max: twenty", "categories/spam.yaml: evidence.attachments.0.max"),
        ("categories/spam.yaml", "max: 20", "max: 21", "categories/spam.yaml: evidence.attachments: max"),
        ("categories/spam.yaml", "order: 50", "order: 50\norder: 51", "spam.yaml: can't be read"),
        ("categories/spam.yaml", "label: Spam", "label: Virus False Positive", "'virus false positive' names two"),
        ("categories/spam.yaml", "example: {}", "example: {size: 1}", "categories/spam.yaml: example/size"),
        ("categories/threatdv-filter.yaml", "products: [tippingpoint-threatdv]", "products: [x]", ": products"),
        ("categories/threatdv-filter.yaml", "maxLength: 9", "minLength: 9", "form.fields.filter_number"),
        ("categories/threatdv-filter.yaml", "^[0-9]{1,9}$", "[0-9]", "form.fields.filter_number.string.pattern"),
        ("categories/threatdv-filter.yaml", "when: request_kind", "when: threat", "show-when: threat must stand"),
        ("categories/url-reclassification.yaml", "max: 10", "max: 11", "url-reclassification.yaml: evidence.urls"),
        ("categories/url-reclassification.yaml", "[safe", "[fine", "evidence.urls.requested_ratings"),
        ("products.yaml", "slug: apex-one", "slug: officescan", "products.yaml: slug: 'officescan' stands twice"),
        ("products.yaml", 'versions: ["10.6"', "versions: [10.6", "products.yaml: officescan: versions.0"),
        ("products.yaml", "settings: [smart-scan-server", "settings: [warp", "products.yaml: officescan: settings"),
        ("teams.yaml", "Europe/Dublin", "Europe/Atlantis", "teams.yaml: technical-support: hours.time_zone"),
        ("teams.yaml", 'opens: "09:00"', 'opens: "19:00"', "teams.yaml: technical-support: hours"),
        ("routing.yaml", "products: [deep-security", "products: [deep", "routing.yaml: server-products: when.products"),
        ("ratings.yaml", "min: 51", "min: 50", "ratings.yaml: min and max: the score 50 is held by 2 bands"),
        ("severities.yaml", "business_hours: 2", "business_days: 1, business_hours: 2", "critical: target"),
        ("issue-types.yaml", "default: true", "default: false", "issue-types.yaml: default"),
        ("contact-methods.yaml", "[phone,", "[fax,", "contact-methods.yaml: phone: requires"),
        ("limits.yaml", "cc: 50", "cc: 0", "limits.yaml: cc"),
        ("limits.yaml", "cc: 50", "cc: 50\nfaxes: 1", "limits.yaml: faxes"),
    ],
)
def test_error_names_file_and_field(edited: Edit, file: str, old: str, new: str, says: str) -> None:
    with pytest.raises(CatalogError) as refused:
        load(edited(file, old, new))
    assert says in str(refused.value)


def test_missing_file_is_named(edited: Edit) -> None:
    directory = edited("limits.yaml", "cc: 50", "cc: 49")
    (directory / "teams.yaml").unlink()
    with pytest.raises(CatalogError, match=r"teams\.yaml: can't be read"):
        load(directory)


def test_empty_file_is_named(edited: Edit) -> None:
    directory = edited("limits.yaml", "cc: 50", "cc: 49")
    (directory / "limits.yaml").write_text("# nothing\n")
    with pytest.raises(CatalogError, match=r"limits\.yaml: is empty"):
        load(directory)


def test_version_changes_with_what_a_customer_sees(edited: Edit) -> None:
    assert load(edited("limits.yaml", "cc: 50", "cc: 49")).version != load().version


def test_version_stays_when_only_a_comment_or_the_routing_changes(edited: Edit) -> None:
    directory = edited("routing.yaml", "# Exceptions", "# Other exceptions")
    (directory / "categories/spam.yaml").write_text(
        (BUNDLED / "categories/spam.yaml").read_text().replace("team: mail-security", "team: threat-research")
    )
    assert load(directory).version == load().version


def test_added_category_is_data_alone(edited: Edit) -> None:
    directory = edited("limits.yaml", "cc: 50", "cc: 49")
    manifest = (BUNDLED / "categories/threat-inquiry.yaml").read_text()
    manifest = manifest.replace("evidence: {}", "evidence: {attachments: [{kind: packet_capture, max: 1}]}")
    manifest = manifest.replace("threat-inquiry", "packet-captures").replace("Threat Inquiry", "Packet Captures")
    (directory / "categories/packet-captures.yaml").write_text(manifest)
    assert load(directory).category("packet-captures").evidence.attachment_kinds == ("packet_capture",)


def test_category_of_the_readme_can_be_added_as_it_stands(edited: Edit) -> None:
    directory = edited("limits.yaml", "cc: 50", "cc: 49")
    readme = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
    manifest = readme.partition("```yaml\n")[2].partition("```")[0]
    (directory / "categories/packet-capture.yaml").write_text(manifest)
    assert load(directory).category("packet-capture").evidence.min_total == 1

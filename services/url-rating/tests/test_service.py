from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from pydantic import TypeAdapter
from url_rating_fakes import InMemoryRatingRepository, InMemoryReclassificationRepository

from caseway_contracts.analyses import EvidenceAnalyzed
from caseway_contracts.cases import CaseErased, CaseSubmitted, CaseUpdated
from caseway_contracts.ratings import RatingsEvent, UrlReclassified, UrlsRated
from caseway_contracts.results import UrlReport, UrlResult
from caseway_contracts.sheets import SheetUrl
from caseway_kit.errors import InvalidEvent
from caseway_kit.messaging import Encoded
from caseway_kit.objects import ObjectMissing, Objects
from caseway_kit.testing.clock import FixedClock
from url_rating.expressions import digest, site
from url_rating.imports import ListImport
from url_rating.popularity import ACCOUNTS
from url_rating.ratings import Sighting
from url_rating.service import UrlRating, tombstone

MakeCase = Callable[..., Awaitable[CaseSubmitted | CaseUpdated]]
MakeAnalyzed = Callable[..., Awaitable[EvidenceAnalyzed]]
SR = "SR01-000000042-4"
DIGEST = "d" * 64


def typed(url: str, name: str = "one", **wanted: object) -> SheetUrl:
    return SheetUrl.model_validate({"evidence_id": f"url-{name}", "url": url, **wanted})


def said(statements: tuple[Encoded, ...]) -> list[Any]:
    union: TypeAdapter[RatingsEvent] = TypeAdapter(RatingsEvent)
    return [union.validate_json(one.body) for one in statements]


def rated_in(statements: tuple[Encoded, ...]) -> UrlsRated:
    [rated] = [one for one in said(statements) if isinstance(one, UrlsRated)]
    return rated


async def results(objects: Objects, statements: tuple[Encoded, ...]) -> tuple[UrlResult, ...]:
    return (await objects.get_json(rated_in(statements).report, UrlReport)).urls


async def test_typed_urls_are_rated_as_one_lot(rating: UrlRating, make_case: MakeCase, objects: Objects) -> None:
    case = await make_case(
        typed("HXXP://Phishing[.]example/login", "bad"),
        typed("https://nowhere.example/", "new"),
        typed("http://", "no"),
    )
    statements = await rating.rate_case_urls(case, DIGEST)

    rated = rated_in(statements)
    assert (rated.subject_id, rated.revision, rated.case_revision) == (f"{SR}/urls/1", 1, 1)
    assert (rated.key, rated.account_id, rated.caused_by) == (case.key, case.account_id, case.event_id)
    assert (rated.urls, rated.counts, rated.worst) == (3, {"dangerous": 1, "untested": 2}, "dangerous")
    assert rated.lists == ("seed/1", "url-rating/2")
    assert rated.report.key.startswith(f"cases/{SR}/ratings/1-")
    bad, new, no = await results(objects, statements)
    assert (bad.id, bad.canonical, bad.rating, bad.score) == (
        "url-bad",
        "http://phishing.example/login",
        "dangerous",
        49,
    )
    assert bad.reasons[0].says == "The list seed has it under Phishing."
    assert (new.rating, new.score, new.canonical) == ("untested", 71, "https://nowhere.example/")
    assert (no.rating, no.canonical, no.reasons[0].rule) == ("untested", None, "url-invalid")


async def test_urls_of_an_update_are_a_lot_of_their_own(rating: UrlRating, make_case: MakeCase) -> None:
    statements = await rating.rate_case_urls(await make_case(typed("http://safe.test/"), revision=4), DIGEST)
    assert rated_in(statements).subject_id == f"{SR}/urls/4"
    assert rated_in(statements).case_revision == 4


async def test_found_urls_are_rated_under_the_piece_that_held_them(
    rating: UrlRating, make_analyzed: MakeAnalyzed, objects: Objects
) -> None:
    long = "http://malware.test/?" + "a" * 3_000
    analyzed = await make_analyzed(long, "mailto:somebody@example.com", revision=2)
    statements = await rating.rate_found_urls(analyzed, DIGEST)
    rated = rated_in(statements)
    assert (rated.subject_id, rated.revision, rated.case_revision) == ("piece-1", 2, 3)
    assert rated.report.key.startswith(f"cases/{SR}/ratings/piece-1/2-")
    assert [(one.id, one.parent_id, one.rating) for one in await results(objects, statements)] == [
        ("url-0", "mail-1", "dangerous"),
        ("url-1", "mail-1", "untested"),
    ]


async def test_what_brings_no_urls_says_nothing(
    rating: UrlRating, make_case: MakeCase, make_analyzed: MakeAnalyzed
) -> None:
    assert await rating.rate_case_urls(await make_case(), DIGEST) == ()
    assert await rating.rate_found_urls(await make_analyzed(), DIGEST) == ()


async def test_redelivery_says_the_same_again_without_a_second_rating(
    rating: UrlRating, make_case: MakeCase, objects: Objects
) -> None:
    case = await make_case(typed("http://safe.test/"))
    first = await rating.rate_case_urls(case, DIGEST)
    await objects.delete(case.sheet.key)
    assert await rating.rate_case_urls(case, DIGEST) == first


async def test_same_id_with_another_payload_is_refused(rating: UrlRating, make_analyzed: MakeAnalyzed) -> None:
    analyzed = await make_analyzed("http://safe.test/")
    await rating.rate_found_urls(analyzed, DIGEST)
    with pytest.raises(InvalidEvent):
        await rating.rate_found_urls(analyzed, "e" * 64)


async def test_words_of_another_case_are_not_read(
    rating: UrlRating, make_case: MakeCase, make_analyzed: MakeAnalyzed
) -> None:
    other = await make_case(typed("http://safe.test/"), sr_number="SR01-000000043-5")
    with pytest.raises(InvalidEvent):
        await rating.rate_case_urls(other.model_copy(update={"key": SR}), DIGEST)
    with pytest.raises(InvalidEvent):
        await rating.rate_found_urls(await make_analyzed("http://safe.test/", report_of=other.key), DIGEST)


async def test_erased_words_are_nothing_to_rate_and_lost_ones_are_a_bug(
    rating: UrlRating, make_case: MakeCase, objects: Objects
) -> None:
    case = await make_case(typed("http://safe.test/"))
    await objects.delete(case.sheet.key)
    with pytest.raises(ObjectMissing):
        await rating.rate_case_urls(case, DIGEST)
    await objects.put(case.sheet.model_copy(update={"key": tombstone(SR)}), b"{}")
    assert await rating.rate_case_urls(case, DIGEST) == ()


async def test_request_for_what_is_so_already_is_kept_by_rule(
    rating: UrlRating, make_case: MakeCase, objects: Objects
) -> None:
    case = await make_case(typed("http://phishing.test/", requested_rating="dangerous", requested_categories=[75]))
    statements = await rating.rate_case_urls(case, DIGEST)
    [decided] = [one for one in said(statements) if isinstance(one, UrlReclassified)]
    assert (decided.subject_id, decided.outcome, decided.decided_by) == ("url-one", "kept", "rule:already-so")
    assert (decided.rating, decided.score, decided.categories) == ("dangerous", 49, (75,))
    assert decided.caused_by == case.event_id
    [result] = await results(objects, statements)
    assert result.outcome == "kept"
    assert result.requested is not None
    assert (result.requested.rating, result.requested.categories) == ("dangerous", (75,))


async def test_request_for_something_else_waits_for_an_analyst(
    rating: UrlRating,
    make_case: MakeCase,
    objects: Objects,
    memory_reclassifications: InMemoryReclassificationRepository,
) -> None:
    case = await make_case(typed("http://phishing.test/", requested_rating="safe"), typed("http://safe.test/", "plain"))
    statements = await rating.rate_case_urls(case, DIGEST)
    assert [type(one) for one in said(statements)] == [UrlsRated]
    wanted, plain = await results(objects, statements)
    assert wanted.requested is not None
    assert wanted.outcome is None
    assert plain.requested is None
    [waiting] = await memory_reclassifications.waiting(after=None, limit=10)
    assert (waiting.id, waiting.requested_rating, waiting.score) == ("url-one", "safe", 49)
    assert rated_in(statements).waiting == ("url-one",)


async def test_lists_that_agree_keep_a_rating_without_an_analyst(
    rating: UrlRating, make_case: MakeCase, imports: ListImport
) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        yield b"malware\tphishing.test\n"

    async for _ in imports.run("other", "1", "ut1", chunks()):
        pass
    case = await make_case(typed("http://phishing.test/", requested_rating="safe"))
    _, decided = said(await rating.rate_case_urls(case, DIGEST))
    assert (decided.outcome, decided.decided_by, decided.rating) == ("kept", "rule:several-lists", "dangerous")


async def test_name_that_imitates_a_brand_is_rated_worse_without_an_analyst(
    rating: UrlRating,
    make_case: MakeCase,
    objects: Objects,
    memory_reclassifications: InMemoryReclassificationRepository,
) -> None:
    case = await make_case(typed("http://p\u0430ypal.com/", requested_rating="dangerous"))
    statements = await rating.rate_case_urls(case, DIGEST)
    _, decided = said(statements)
    assert (decided.outcome, decided.decided_by) == ("changed", "rule:imitates-a-brand")
    assert (decided.rating, decided.score, decided.categories) == ("dangerous", 49, (75,))
    [match] = await memory_reclassifications.overrides([digest("xn--pypal-4ve.com/")])
    assert match.score == 49
    assert (await results(objects, statements))[0].outcome == "changed"


async def test_name_that_imitates_a_brand_waits_for_analysts_where_many_go(
    rating: UrlRating,
    make_case: MakeCase,
    memory_ratings: InMemoryRatingRepository,
    memory_reclassifications: InMemoryReclassificationRepository,
    clock: FixedClock,
) -> None:
    name = site("xn--pypal-4ve.com")
    await memory_ratings.add_sightings(
        [
            Sighting("piece", f"url-{number}", "SR01-000000043-5", f"acc-{number}", name, name, 71, clock.now())
            for number in range(ACCOUNTS)
        ]
    )
    case = await make_case(typed("http://p\u0430ypal.com/", requested_rating="dangerous"))
    assert rated_in(await rating.rate_case_urls(case, DIGEST)).waiting == ("url-one",)
    assert memory_reclassifications.requests["url-one"].outcome is None


async def test_erased_case_is_forgotten(
    rating: UrlRating, make_case: MakeCase, memory_ratings: InMemoryRatingRepository
) -> None:
    case = await make_case(typed("http://safe.test/"))
    first = await rating.rate_case_urls(case, DIGEST)
    assert len(memory_ratings.sightings) == 1
    erased = CaseErased.model_validate({**case.model_dump(), "type": "CaseErased", "revision": 2})
    await rating.forget(erased)
    assert memory_ratings.sightings == {}
    assert await rating.rate_case_urls(case, DIGEST) == first


async def test_parked_event_delays_the_lot_that_it_owes(
    rating: UrlRating, make_case: MakeCase, make_analyzed: MakeAnalyzed
) -> None:
    case, analyzed = await make_case(typed("http://safe.test/")), await make_analyzed("http://safe.test/", revision=2)
    stated = [await rating.delayed(case, "bug"), await rating.delayed(analyzed, "bug")]
    typed_lot, found_lot = said(tuple(one for one in stated if one))
    assert typed_lot is not None
    assert found_lot is not None
    assert (typed_lot.subject_id, typed_lot.revision, typed_lot.reason) == (f"{SR}/urls/1", 1, "bug")
    assert (found_lot.subject_id, found_lot.revision) == ("piece-1", 2)
    assert await rating.delayed(await make_case(), "bug") is None


@pytest.mark.parametrize(
    ("url", "rating_name"),
    [
        ("http://safe.test/", "safe"),
        ("http://suspicious.test/", "suspicious"),
        ("http://highly-suspicious.test/a/b?c", "highly-suspicious"),
        ("http://phishing.test/", "dangerous"),
        ("http://shop.example/", "safe"),
        ("http://shop.example/account/verify?id=1", "dangerous"),
        ("http://unheard-of.example/", "untested"),
    ],
)
async def test_seed_shows_every_rating(
    rating: UrlRating, make_case: MakeCase, objects: Objects, url: str, rating_name: str
) -> None:
    [result] = await results(objects, await rating.rate_case_urls(await make_case(typed(url)), DIGEST))
    assert result.rating == rating_name


async def test_what_an_operator_gives_up_is_stated_as_untested(
    rating: UrlRating, make_case: MakeCase, objects: Objects
) -> None:
    case = await make_case(typed("http://phishing.example/login", "bad"))
    statements = await rating.dropped(case, DIGEST)
    [given_up] = await results(objects, statements)
    assert (given_up.id, given_up.rating, given_up.score) == ("url-bad", "untested", 71)
    assert given_up.reasons[0].rule == "dropped"
    assert rated_in(statements).subject_id == f"{SR}/urls/1"
    assert await rating.dropped(case, DIGEST) == statements


async def test_a_forgery_under_the_id_of_an_answered_event_delays_nothing(
    rating: UrlRating, make_case: MakeCase
) -> None:
    case = await make_case(typed("http://phishing.example/login", "bad"))
    await rating.rate_case_urls(case, DIGEST)
    assert await rating.delayed(case, "invalid") is None
    assert await rating.dropped(case, "f" * 64) == ()

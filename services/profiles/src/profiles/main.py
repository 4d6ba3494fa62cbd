from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from caseway_catalog import load as load_catalog
from caseway_kit.app import ServiceApp, build_app
from caseway_kit.auth import TokenVerifier, check_tokens
from caseway_kit.messaging import Consumers, Encoded, emit
from caseway_kit.outbox import Relay
from caseway_kit.parts import Parts
from caseway_kit.serving import serve
from caseway_kit.settings import load
from profiles.api import TITLE, VERSION, UseCases, build_routes
from profiles.directory import Directory
from profiles.handlers import events, inlet
from profiles.mongo_claims import MongoClaimRepository
from profiles.mongo_records import (
    MongoAccountRepository,
    MongoCodeRepository,
    MongoContactRepository,
    MongoProfileRepository,
)
from profiles.mongo_sign_in import MongoAttemptRepository, MongoKeyRepository, MongoSessionRepository
from profiles.once import Once
from profiles.passwords import Passwords
from profiles.product_profiles import ProductProfiles
from profiles.settings import Settings
from profiles.sign_in import LiveTokens, SignIn
from profiles.signing_keys import SigningKeys
from profiles.throttle import Throttle


async def publish(stated: Sequence[Encoded]) -> None:
    await emit(events, *stated)


def build(settings: Settings) -> ServiceApp:
    parts = Parts("profiles", settings)
    database, clock = parts.database, parts.clock
    relays = {
        name: Relay(database.collection(name), publish, clock=clock)
        for name in ("accounts", "contacts", "product_profiles")
    }
    accounts = MongoAccountRepository(database.collection("accounts"), relays["accounts"])
    contacts = MongoContactRepository(database.collection("contacts"), relays["contacts"])
    records = MongoProfileRepository(database.collection("product_profiles"), relays["product_profiles"])
    codes = MongoCodeRepository(database.collection("activation_codes"))
    sessions = MongoSessionRepository(database.collection("sessions"))
    attempts = MongoAttemptRepository(database.collection("sign_in_attempts"))

    catalog, passwords = load_catalog(), Passwords()
    keys = SigningKeys(
        MongoKeyRepository(database.collection("keys")),
        clock=clock,
        token_lifetime=settings.token_lifetime,
        own=settings.signing_key.get_secret_value() if settings.signing_key else None,
    )
    directory = Directory(
        accounts=accounts,
        contacts=contacts,
        codes=codes,
        sessions=sessions,
        passwords=passwords,
        catalog=catalog,
        clock=clock,
    )
    profiles = ProductProfiles(records, codes=codes, catalog=catalog, clock=clock)
    sign_in = SignIn(
        contacts=contacts,
        sessions=sessions,
        throttle=Throttle(attempts, clock),
        passwords=passwords,
        keys=keys,
        clock=clock,
        issuer=settings.issuer,
        audience=settings.audience,
        token_lifetime=settings.token_lifetime,
        session_lifetime=settings.session_lifetime,
    )
    once = Once(MongoClaimRepository(database.collection("idempotency")))
    api = build_routes(UseCases(sign_in, keys, directory, profiles, once))
    verifier = TokenVerifier(keys, issuer=settings.issuer, audience=settings.audience, clock=clock)
    check_tokens(api, LiveTokens(verifier, contacts))

    @asynccontextmanager
    async def start(app: ServiceApp) -> AsyncIterator[None]:
        for kept in (accounts, contacts, records, codes, sessions, attempts):
            await kept.prepare()
        await keys.load()
        if settings.bootstrap_operator_email and settings.bootstrap_operator_password:
            password = settings.bootstrap_operator_password.get_secret_value()
            await directory.bootstrap(settings.bootstrap_operator_email, password)
        for name, relay in relays.items():
            app.relay(f"relay of {name}", relay)
        app.supervise("signing keys", keys.run())
        app.supervise("tombstones", profiles.run_sweep())
        yield
        passwords.close()
        await parts.close()

    return build_app(
        "profiles",
        title=TITLE,
        version=VERSION,
        start=start,
        api=api,
        needs=[parts.needs_mongo],
        messaging=Consumers(parts.broker, inlet, parts.delivery, in_background=True),
        deadline=settings.start_deadline,
    )


def main() -> None:
    settings = load(Settings)
    serve(build(settings), host=settings.host, port=settings.port)


if __name__ == "__main__":
    main()

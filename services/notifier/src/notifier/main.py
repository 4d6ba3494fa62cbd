from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from email.headerregistry import Address
from importlib.metadata import version

from caseway_kit.app import ServiceApp, build_app
from caseway_kit.messaging import Consumers, Encoded, emit
from caseway_kit.outbox import Relay
from caseway_kit.parts import Parts
from caseway_kit.serving import serve
from caseway_kit.settings import load
from notifier.delivery import WORKERS, Delivery
from notifier.handlers import inlet, notifications
from notifier.mongo_notifications import INDEXES, MongoCorrespondenceRepository, MongoLetters
from notifier.service import Notifier
from notifier.settings import Settings
from notifier.smtp import SmtpMailer


def build(settings: Settings) -> ServiceApp:
    parts = Parts("notifier", settings)
    collection = parts.database.collection("notifications")

    async def publish(events: Sequence[Encoded]) -> None:
        await emit(notifications, *events)

    relay = Relay(collection, publish, clock=parts.clock)
    letters = MongoLetters(collection, relay, parts.clock)
    sender = Address(settings.from_name, addr_spec=settings.from_address)
    mailers = [SmtpMailer(settings.smtp.get_secret_value(), sender=sender) for _ in range(WORKERS)]
    delivery = Delivery(letters, mailers, clock=parts.clock)
    letters.on_added = delivery.wake
    notifier = Notifier(
        MongoCorrespondenceRepository(parts.database.collection("cases")),
        letters,
        parts.objects,
        portal_url=settings.portal_url,
    )

    @asynccontextmanager
    async def start(app: ServiceApp) -> AsyncIterator[None]:
        await parts.prepare()
        await collection.ensure_indexes(INDEXES)
        app.relay("relay", relay)
        app.supervise("sender", delivery.run())
        yield
        await parts.close()

    return build_app(
        "notifier",
        title="Caseway notifier",
        version=version("caseway-notifier"),
        start=start,
        needs=[parts.needs_mongo, parts.needs_kafka],
        messaging=Consumers(parts.broker, inlet, parts.delivery, notifier=notifier),
        deadline=settings.start_deadline,
    )


def main() -> None:
    settings = load(Settings)
    serve(build(settings), host=settings.host, port=settings.port)


if __name__ == "__main__":
    main()

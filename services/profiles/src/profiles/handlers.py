from faststream.kafka import KafkaRouter

from caseway_contracts.profiles import ProfilesEvent
from caseway_kit.messaging import Inlet
from caseway_kit.messaging.drain import InFlight


class Outlet(Inlet):
    """Profiles takes no messages, so it has no retry topic to read either."""

    def __init__(self, service: str) -> None:
        self.service = service
        self.in_flight = InFlight()
        self.router = KafkaRouter()

    def close(self) -> None:
        return


inlet = Outlet("profiles")
events = inlet.publisher("profiles", schema=ProfilesEvent)

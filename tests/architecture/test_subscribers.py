from importlib import import_module
from pathlib import Path
from typing import Any

from faststream import AckPolicy

from caseway_kit.messaging.drain import DRAIN_SECONDS


def test_every_subscriber_has_the_policies_that_lose_no_message(service: Path) -> None:
    inlet = import_module(f"{service.name.replace('-', '_')}.handlers").inlet

    groups = []
    for subscriber in inlet.router.subscribers:
        options: dict[str, Any] = subscriber._connection_args  # noqa: SLF001 - the only place that says how it connects
        assert subscriber.ack_policy is AckPolicy.NACK_ON_ERROR
        assert options["enable_auto_commit"] is False
        assert options["auto_offset_reset"] == "earliest"
        assert options["rebalance_timeout_ms"] > DRAIN_SECONDS * 1000
        groups.append(subscriber.group_id)
    assert all(groups)
    assert len(groups) == len(set(groups))

"""The service as a process of its own, with its real sandbox, on real Kafka and MongoDB."""

import pytest
from example_service_fakes import MakeCase

from caseway_kit.objects import Objects, open_objects
from caseway_kit.testing.service_process import MakeService, ServiceProcess
from caseway_kit.testing.topic_log import OpenLog, TopicLog

pytestmark = [pytest.mark.integration, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def service(make_service: MakeService) -> ServiceProcess:
    return make_service("example-service")


@pytest.fixture
def objects(service: ServiceProcess) -> Objects:
    return open_objects(service.objects)


@pytest.fixture
async def log(open_log: OpenLog, service: ServiceProcess) -> TopicLog:
    return await open_log("analyses-example-service")


async def test_a_piece_has_its_result_which_a_killed_service_states_again(
    service: ServiceProcess, log: TopicLog, make_case: MakeCase
) -> None:
    service.start()
    case = await make_case()
    await log.state(case)
    [stated] = await log.stated(key=case.key)
    assert (stated["type"], stated["verdict"], stated["caused_by"]) == (
        *("EvidenceAnalyzed", "unknown"),
        str(case.event_id),
    )

    service.kill()
    await log.state(case)
    service.start()
    await log.repeated(stated, 2)

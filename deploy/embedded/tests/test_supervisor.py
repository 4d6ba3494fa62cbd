import smtplib
from collections.abc import Callable
from email import message_from_bytes
from subprocess import CompletedProcess
from typing import Any

import httpx
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from embedded_stand_in.stack import Stack, Until
from pymongo import MongoClient
from pymongo.errors import OperationFailure

pytestmark = [pytest.mark.integration, pytest.mark.timeout(300)]


def test_status_has_the_shape_that_scripts_rely_on(stack: Stack, status: Callable[[Stack], dict[str, Any]]) -> None:
    seen = status(stack)

    assert list(seen) == ["ready", "url", "mailbox", "users", "services", "parts"]
    assert (seen["ready"], seen["users"]) == (True, {})
    assert seen["url"] == f"http://127.0.0.1:{stack.port}"
    assert seen["mailbox"] == str(stack.data / "mailbox")
    assert set(seen["parts"]) == {"kafka", "mongo", "caddy", "mailbox"}
    assert all(set(row) == {"pid", "port", "ready"} for row in (*seen["parts"].values(), *seen["services"].values()))


def test_a_service_is_given_every_address_it_needs(stack: Stack) -> None:
    settings = httpx.get(f"http://127.0.0.1:{stack.port}/any").json()

    assert settings["CASEWAY_KAFKA"] == f"127.0.0.1:{stack.row('kafka')['port']}"
    assert settings["CASEWAY_SMTP"] == f"smtp://127.0.0.1:{stack.row('mailbox')['port']}"
    assert settings["CASEWAY_OBJECTS"] == (stack.data / "objects").as_uri()
    assert settings["CASEWAY_REGION"] == "01"


def test_a_service_reads_and_writes_its_own_database_only(stack: Stack) -> None:
    url = httpx.get(f"http://127.0.0.1:{stack.port}/any").json()["CASEWAY_MONGO"]
    with MongoClient[dict[str, Any]](url) as client:
        own = client.get_default_database()
        assert own.name == "stand_in"
        own.things.create_index("name", unique=True)
        own.things.insert_one({"name": "kept"})
        with pytest.raises(OperationFailure):
            client["intake"].cases.find_one()
        with pytest.raises(OperationFailure):
            client["intake"].cases.insert_one({})


def test_the_database_answers_nobody_without_a_password(stack: Stack) -> None:
    with (
        MongoClient[dict[str, Any]]("127.0.0.1", stack.row("mongo")["port"], directConnection=True) as client,
        pytest.raises(OperationFailure),
    ):
        client["stand_in"].things.find_one()


def test_the_mailbox_keeps_what_it_accepted(stack: Stack) -> None:
    with smtplib.SMTP("127.0.0.1", stack.row("mailbox")["port"]) as smtp:
        smtp.sendmail("caseway@example.com", ["a@example.com", "b@example.com"], "Subject: SR01\r\n\r\n.hello\r\n")

    [kept] = (stack.data / "mailbox").glob("*.eml")
    message = message_from_bytes(kept.read_bytes())
    assert message["X-RcptTo"] == "a@example.com, b@example.com"
    assert message["Subject"] == "SR01"
    assert message.get_payload() == ".hello\r\n"


def test_an_upload_reaches_the_service_while_it_is_still_being_sent(stack: Stack, until: Until) -> None:
    address = f"http://127.0.0.1:{stack.port}"

    def body() -> Any:
        yield b"x"
        until(lambda: httpx.get(f"{address}/uploading").json() is True)
        for _ in range(64):
            yield b"x" * (1 << 20)

    answer = httpx.post(
        f"{address}/upload", content=body(), headers={"Content-Length": str(1 + (64 << 20))}, timeout=60
    )

    assert answer.json() == "all of it"


def test_a_line_of_a_live_result_arrives_before_the_next_exists(stack: Stack) -> None:
    with httpx.stream("GET", f"http://127.0.0.1:{stack.port}/drip", timeout=60) as answer:
        assert next(answer.iter_lines()) == "data: first"


def test_a_second_start_on_the_same_folder_says_who_holds_it(
    stack: Stack, caseway: Callable[..., CompletedProcess[str]]
) -> None:
    for extra in ([], ["--detach"]):
        refused = caseway("up", "--data", str(stack.data.root), *extra)
        assert refused.returncode == 1
        assert f"in use by process {stack.process.pid}" in refused.stderr
        assert "--data" in refused.stderr


async def test_kafka_comes_back_from_kill_9_with_its_messages(stack: Stack) -> None:
    address = f"127.0.0.1:{stack.row('kafka')['port']}"
    async with AIOKafkaProducer(bootstrap_servers=address, acks="all") as producer:
        await producer.send_and_wait("stand-ins", b"kept", partition=3)

    stack.kill("kafka")

    async with AIOKafkaConsumer(bootstrap_servers=address) as consumer:
        partition = TopicPartition("stand-ins", 3)
        consumer.assign([partition])
        await consumer.seek_to_beginning(partition)
        assert (await consumer.getone()).value == b"kept"
        assert len(consumer.partitions_for_topic("stand-ins")) == 8


def test_mongod_comes_back_from_kill_9_with_its_documents(stack: Stack) -> None:
    url = httpx.get(f"http://127.0.0.1:{stack.port}/any").json()["CASEWAY_MONGO"]
    with MongoClient[dict[str, Any]](url, w="majority", journal=True) as client:
        things = client.get_default_database().survivors
        things.insert_one({"_id": "kept"})

        stack.kill("mongo")

        assert things.find_one() == {"_id": "kept"}


def test_a_service_that_is_killed_is_started_again(stack: Stack) -> None:
    stack.kill("stand-in")

    assert httpx.get(f"http://127.0.0.1:{stack.port}/any").status_code == 200

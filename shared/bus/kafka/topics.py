"""Topics as we need them: created when missing, refused when their partitions differ.

A record must be gone when its retention is over, so segments are short: Kafka forgets only whole
segments, and only once their youngest record is old enough. The broker unpacks what is compressed.
"""

# mypy: disallow-untyped-calls=False
# (aiokafka is only partly annotated)

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import KafkaError, NoError, TopicAlreadyExistsError, for_code

from shared.bus.kafka.connection import KafkaSettings, bounded, secured
from shared.bus.port import BusUnavailableError, Topic
from shared.bus.size import MAX_RECORD_BYTES

MAX_MESSAGE_BYTES = MAX_RECORD_BYTES + 65_536
"""The broker counts its own framing too."""
_LONGEST_SEGMENT_SECONDS = 86_400
_SET_ON_TOPIC = 1
_STORED = "uncompressed"
"""A record of somebody else's in a codec that is not installed here would end every fetch."""


async def ensure_topics(settings: KafkaSettings, topics: Sequence[Topic]) -> None:
    """Raises BusUnavailableError: no broker, a refusal, or another number of partitions."""
    admin = AIOKafkaAdminClient(
        bootstrap_servers=list(settings.servers),
        client_id="inbound-desk-topics",
        request_timeout_ms=int(settings.start_seconds * 1000),
        **secured(settings),
    )
    try:
        async with asyncio.timeout(settings.start_seconds):
            await admin.start()
            await _create_missing(admin, settings, topics)
            await _wait_for_leaders(admin, topics)
            await _correct(admin, topics)
    except TimeoutError as error:
        raise BusUnavailableError("Kafka did not make the topics ready in time") from error
    except (KafkaError, OSError) as error:
        raise BusUnavailableError(f"Kafka did not make the topics ready: {error!r}") from error
    finally:
        await bounded(admin.close())


async def _create_missing(
    admin: AIOKafkaAdminClient, settings: KafkaSettings, topics: Sequence[Topic]
) -> None:
    known = await _leaders(admin)
    missing = [topic for topic in topics if topic.name not in known]
    if not missing:
        return
    answer: Any = await admin.create_topics(
        [
            NewTopic(
                topic.name,
                num_partitions=topic.partitions,
                replication_factor=settings.replication,
                topic_configs=_configuration(topic, settings.replication),
            )
            for topic in missing
        ]
    )
    for name, code, message in answer.topic_errors:
        # Another instance may have been faster.
        if for_code(code) not in {NoError, TopicAlreadyExistsError}:
            raise BusUnavailableError(
                f"Kafka refuses to create topic {name}: {message or for_code(code).__name__}"
            )


async def _wait_for_leaders(admin: AIOKafkaAdminClient, topics: Sequence[Topic]) -> None:
    while True:
        known = await _leaders(admin)
        for topic in topics:
            leaders = known.get(topic.name)
            if leaders is not None and len(leaders) != topic.partitions:
                raise BusUnavailableError(
                    f"topic {topic.name} has {len(leaders)} partitions, the configuration says"
                    f" {topic.partitions}; the number cannot change, because keys would move"
                )
        if all(_all_led(known.get(topic.name)) for topic in topics):
            return
        await asyncio.sleep(0.1)


async def _correct(admin: AIOKafkaAdminClient, topics: Sequence[Topic]) -> None:
    """Bring retention and size limit of topics that were there before to what we promise."""
    resources = [ConfigResource(ConfigResourceType.TOPIC, topic.name) for topic in topics]
    wanted = {topic.name: topic for topic in topics}
    changes: list[ConfigResource] = []
    descriptions: Sequence[Any] = await admin.describe_configs(resources)
    for answer in descriptions:
        for code, message, _, name, entries in answer.resources:
            if for_code(code) is not NoError:
                raise BusUnavailableError(
                    f"Kafka did not return the settings of topic {name}: {message}"
                )
            change = _change(wanted[name], entries)
            if change is not None:
                changes.append(ConfigResource(ConfigResourceType.TOPIC, name, change))
    if not changes:
        return
    alterations: Sequence[Any] = await admin.alter_configs(changes)
    for answer in alterations:
        for code, message, _, name in answer.resources:
            if for_code(code) is not NoError:
                raise BusUnavailableError(f"Kafka refuses the settings of topic {name}: {message}")


def _change(topic: Topic, entries: Sequence[Sequence[Any]]) -> dict[str, str] | None:
    """All settings of the topic as they must be (an alteration replaces all); None if they are."""
    now = {str(entry[0]): str(entry[1]) for entry in entries}
    wanted = {"retention.ms": _retention(topic), "compression.type": _STORED}
    if int(now["max.message.bytes"]) < MAX_MESSAGE_BYTES:
        wanted["max.message.bytes"] = str(MAX_MESSAGE_BYTES)
    if all(now[name] == value for name, value in wanted.items()):
        return None
    own = {str(entry[0]): str(entry[1]) for entry in entries if entry[3] == _SET_ON_TOPIC}
    return own | wanted | {"segment.ms": _segment(topic)}


async def _leaders(admin: AIOKafkaAdminClient) -> Mapping[str, Sequence[int]]:
    # Asking for all topics by no name, because asking for one by name may create it.
    return {
        topic["topic"]: [partition["leader"] for partition in topic["partitions"]]
        for topic in await admin.describe_topics()
        if for_code(topic["error_code"]) is NoError
    }


def _all_led(leaders: Sequence[int] | None) -> bool:
    return leaders is not None and all(leader >= 0 for leader in leaders)


def _configuration(topic: Topic, replication: int) -> dict[str, str]:
    configuration = {
        "cleanup.policy": "delete",
        "retention.ms": _retention(topic),
        "segment.ms": _segment(topic),
        "max.message.bytes": str(MAX_MESSAGE_BYTES),
        "compression.type": _STORED,
    }
    if replication > 2:
        configuration["min.insync.replicas"] = "2"
    return configuration


def _retention(topic: Topic) -> str:
    return str(topic.retention_seconds * 1000)


def _segment(topic: Topic) -> str:
    seconds = max(1, min(topic.retention_seconds // 14, _LONGEST_SEGMENT_SECONDS))
    return str(seconds * 1000)

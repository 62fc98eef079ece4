"""A process that publishes until it is killed and says which records were confirmed.

python -m tests.contracts.bus_publisher URL TOPIC
"""

from __future__ import annotations

import asyncio
import sys

from shared.bus.port import Topic
from tests.contracts.bus_support import PARTITIONS, Home


async def publish_for_ever(url: str, topic: str) -> None:
    home = Home(url, Topic(topic, PARTITIONS, 14 * 86_400))
    async with home.running() as bus:
        number = 0
        while True:
            await bus.publish([home.record(f"key-{i}", f"{number + i}") for i in range(7)])
            number += 7
            sys.stdout.write(f"{number}\n")
            sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(publish_for_ever(sys.argv[1], sys.argv[2]))

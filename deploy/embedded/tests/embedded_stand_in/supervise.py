"""The supervisor with one stand-in instead of the services: ``python -m embedded_stand_in.supervise DATA PORT``."""

import asyncio
import sys
from pathlib import Path

from caseway_embedded.data_dir import DataDir, StackError
from caseway_embedded.services import Route, Service
from caseway_embedded.supervisor import Supervisor
from caseway_embedded.topics import Topic

SERVICES = (Service("stand-in", "embedded_stand_in", (Route(("/*",)),)),)


def main() -> None:
    def report(name: str, what: str, detail: str) -> None:
        sys.stdout.write(f"{name} {what} {detail}\n")
        sys.stdout.flush()

    supervisor = Supervisor(
        DataDir(Path(sys.argv[1])),
        report,
        port=int(sys.argv[2]),
        services=SERVICES,
        seeds=(),
        topics=lambda: [Topic("stand-ins", 8, {"retention.ms": "-1"})],
    )
    try:
        asyncio.run(supervisor.run())
    except StackError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()

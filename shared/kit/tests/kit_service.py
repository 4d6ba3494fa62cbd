"""A service of nothing but the kit, run as a process by test_app."""

import contextlib
import os
from collections.abc import AsyncIterator

from starlette.responses import StreamingResponse

from caseway_kit import logs
from caseway_kit.app import ServiceApp, build_api, build_app
from caseway_kit.health import Need
from caseway_kit.serving import serve


async def check() -> None:
    if os.environ.get("SAMPLE_NEED") == "away":
        raise ConnectionError("db-7.internal")


async def die() -> None:
    raise RuntimeError


@contextlib.asynccontextmanager
async def start(app: ServiceApp) -> AsyncIterator[None]:
    if "SAMPLE_DEATH" in os.environ:
        app.supervise("relay", die())
    yield


def main() -> None:
    logs.configure("sample")
    api = build_api(title="Sample", version="1")
    app = build_app(
        "sample",
        title="Sample",
        version="1",
        start=start,
        api=api,
        needs=[Need("MongoDB", check)],
        deadline=float(os.environ.get("SAMPLE_DEADLINE", "60")),
    )

    @api.get("/bug")
    async def bug() -> None:
        raise RuntimeError

    @api.get("/until-stopped")
    async def until_stopped() -> StreamingResponse:
        async def parts() -> AsyncIterator[str]:
            yield "first"
            await app.stopping.wait()
            yield "last"

        return StreamingResponse(parts())

    serve(app, port=int(os.environ["SAMPLE_PORT"]))


if __name__ == "__main__":
    main()

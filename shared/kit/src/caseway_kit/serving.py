import asyncio
import signal
from types import FrameType

import structlog
import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from caseway_kit.app import ServiceApp

_log = structlog.stdlib.get_logger("caseway.serving")

GRACEFUL_SECONDS = 15
# Longer than a proxy keeps an idle connection (Caddy: 120 s), so that it never writes into one that we just closed.
KEEP_ALIVE_SECONDS = 130

LIVENESS_TICKS = 50
DEAD_INSIDE = 70  # EX_SOFTWARE of sysexits.h

READER_SECONDS = 30.0
# Who takes less than this in a second is given up: what waits for them would wait here for as long as they like.
READER_PACE = 1024


class Connection(HttpToolsProtocol):
    seconds = READER_SECONDS

    def pause_writing(self) -> None:
        super().pause_writing()
        self._look_again_after(self.transport.get_write_buffer_size())

    def resume_writing(self) -> None:
        super().resume_writing()
        self._next_look.cancel()

    def _look_again_after(self, waiting: int) -> None:
        self._next_look: asyncio.TimerHandle = self.loop.call_later(self.seconds, self._look, waiting)

    def _look(self, waited: int) -> None:
        waiting = self.transport.get_write_buffer_size()
        if waiting > waited - self.seconds * READER_PACE:
            self.transport.abort()
        else:
            self._look_again_after(waiting)


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, app: ServiceApp) -> None:
        super().__init__(config)
        self.asked_to_end = False
        self.dead_inside = False
        self._app = app

    async def on_tick(self, counter: int) -> bool:
        """uvicorn's, ten times a second. A part that died stays dead, whatever else still answers: end with it."""
        if counter % LIVENESS_TICKS == 0 and not self.should_exit and not self._app.health.live():
            _log.critical("ends, for a part of it has died", checks=self._app.health.running())
            self.dead_inside = True
            self._app.stop()
        return self.dead_inside or await super().on_tick(counter)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        super().handle_exit(sig, frame)
        self.asked_to_end = True
        self._app.stop_soon()


def serve(app: ServiceApp, *, port: int, host: str = "127.0.0.1", trusted_proxies: str = "127.0.0.1") -> None:
    """Run until SIGTERM or SIGINT; a start that fails ends the process non-zero, an orderly end with 0, the death of a
    subscriber or background task with 70, for whoever keeps the service to start it again."""
    server = _Server(
        uvicorn.Config(
            app,
            host=host,
            port=port,
            loop="asyncio",  # uvloop ends aiokafka: docs/decisions/0031
            http=Connection,
            ws="none",
            lifespan="on",
            log_config=None,
            access_log=False,
            server_header=False,
            forwarded_allow_ips=trusted_proxies,
            timeout_keep_alive=KEEP_ALIVE_SECONDS,
            timeout_graceful_shutdown=GRACEFUL_SECONDS,
        ),
        app,
    )
    # uvicorn raises the signal once more when it is done; caught here, the process can end with 0.
    for caught in (signal.SIGTERM, signal.SIGINT):
        signal.signal(caught, server.handle_exit)
    try:
        server.run()
    except SystemExit:
        if not server.asked_to_end:
            raise
    if server.dead_inside:
        raise SystemExit(DEAD_INSIDE)

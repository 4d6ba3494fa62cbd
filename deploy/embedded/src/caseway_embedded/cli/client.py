"""HTTP calls of the commands, and what becomes of their errors: a sentence and an exit code."""

import json
import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NoReturn

import httpx
import typer

from caseway_embedded.cli import session as sessions

# A part that is being started again: reads are tried for some seconds more.
_AWAY = frozenset({502, 503, 504})
_WAITS = (0.5, 1, 2, 4, 8)

PATIENCE_SECONDS = 60.0

FAILURE, NOT_FOUND, REFUSED, TIMED_OUT = 1, 3, 4, 5


class Api:
    """The system's one address, as the signed-in user."""

    def __init__(self) -> None:
        with explained():
            session = sessions.renewed(sessions.load())
        headers = {"Authorization": f"Bearer {session.token}"} if session.token else {}
        self.url = session.url
        self.http = httpx.Client(base_url=f"{session.url}/api/v1", headers=headers, timeout=PATIENCE_SECONDS)

    def get(self, path: str, *, until: float | None = None, **params: Any) -> Any:
        """``until`` is a time of the monotonic clock; TimeoutError when there is no answer by then."""
        given = {name: value for name, value in params.items() if value is not None}
        return self.call("GET", path, until=until, params=given)

    def post(self, path: str, body: Any = None, *, key: str | None = None) -> Any:
        return self.call("POST", path, json=body, headers={"Idempotency-Key": key} if key else {})

    def pages(self, path: str, **params: Any) -> Iterator[Any]:
        """Every item of a paged list."""
        cursor = None
        while True:
            page = self.get(path, cursor=cursor, **params)
            yield from page["items"]
            cursor = page["next_cursor"]
            if cursor is None:
                return

    def call(self, method: str, path: str, *, until: float | None = None, **options: Any) -> Any:
        with explained():
            answer = self._request(method, path, until, options)
            for wait in _WAITS if method == "GET" else ():
                if answer.status_code not in _AWAY:
                    break
                time.sleep(min(wait, _left(until)))
                answer = self._request(method, path, until, options)
            check(answer)
        return answer.json() if answer.content else None

    def _request(self, method: str, path: str, until: float | None, options: dict[str, Any]) -> httpx.Response:
        try:
            return self.http.request(method, path, timeout=min(PATIENCE_SECONDS, _left(until)), **options)
        except httpx.TimeoutException:
            _left(until)
            raise


def _left(until: float | None) -> float:
    """Seconds, endless without ``until``; TimeoutError when none is left."""
    left = math.inf if until is None else until - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left


def check(answer: httpx.Response) -> None:
    """End the command with the server's own words where it refused."""
    if answer.is_success:
        return
    answer.read()
    try:
        problem = answer.json()
    except ValueError:
        problem = {}
    lines = [problem.get("detail") or problem.get("title") or f"The server answered {answer.status_code}."]
    for error in problem.get("errors", ()):
        lines.append(
            f"  {error['field'] or '/'}: {error['message']} {error.get('help') or ''} [{error['code']}]".rstrip()
        )
    if answer.status_code == httpx.codes.UNAUTHORIZED:
        lines.append("Sign in with `caseway login`.")
    codes = {404: NOT_FOUND, 401: FAILURE, 403: FAILURE}
    refused = 400 <= answer.status_code < 500
    stop("\n".join(lines), codes.get(answer.status_code, REFUSED if refused else FAILURE))


@contextmanager
def explained() -> Iterator[None]:
    """Turn a connection that fails into a sentence."""
    try:
        yield
    except httpx.HTTPStatusError as error:
        check(error.response)
        raise
    except httpx.HTTPError as error:
        stop(f"{error} - is the system running? `caseway status` tells, `caseway up` starts it.", FAILURE)


def stop(says: str, code: int) -> NoReturn:
    typer.echo(says, err=True)
    raise typer.Exit(code)


def show(value: Any) -> None:
    typer.echo(json.dumps(value, indent=2, ensure_ascii=False))

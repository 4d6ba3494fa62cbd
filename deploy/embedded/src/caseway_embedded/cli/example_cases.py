"""Prints the example cases' results as they arrive."""

import asyncio
from typing import Any

import httpx
from rich.console import Console

from caseway_embedded.cli import session as sessions
from caseway_embedded.cli.results import print_case
from caseway_embedded.data_dir import DataDir
from caseway_embedded.demo.cases import demo_cases

POLL_SECONDS = 0.3


async def follow(console: Console, data: DataDir, url: str) -> None:
    """Until every example case is complete; each is printed once, the quickest first."""
    waiting = demo_cases(data)
    if not waiting:
        return
    console.print("\nExample cases, as their analysis completes:", highlight=False)
    headers = {"Authorization": f"Bearer {sessions.load().token}"}
    async with httpx.AsyncClient(base_url=f"{url}/api/v1", headers=headers, timeout=30, trust_env=False) as http:
        while waiting:
            for kind, sr in list(waiting.items()):
                case = await _read(http, sr)
                if case is not None and case["analysis"]["complete"]:
                    del waiting[kind]
                    console.print()
                    print_case(console, case)
            await asyncio.sleep(POLL_SECONDS)
    console.print("\nCtrl-C stops it. In another shell: `caseway --help`.", highlight=False)


async def _read(http: httpx.AsyncClient, sr: str) -> dict[str, Any] | None:
    try:
        answer = await http.get(f"/cases/{sr}")
    except httpx.HTTPError:
        return None
    found: dict[str, Any] | None = answer.json() if answer.is_success else None
    return found

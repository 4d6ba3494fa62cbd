"""A look at a health route of our own, many times a second: an HTTP client a look would cost twenty milliseconds."""

import asyncio

PATIENCE = 2.0


async def http_status(port: int, path: str) -> int | None:
    """Status of ``GET path`` on loopback; None when nothing answers."""
    try:
        async with asyncio.timeout(PATIENCE):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            try:
                request = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n\r\n"
                writer.write(request.encode())
                await writer.drain()
                line = await reader.readline()
            finally:
                writer.close()
    except (OSError, TimeoutError):
        return None
    parts = line.split()
    return int(parts[1]) if len(parts) > 1 and parts[1].isdigit() else None

"""Runs parsers in children that can do nothing but compute, and survives whatever they do."""

import asyncio
import contextlib
import itertools
import os
import signal
import socket
import stat
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Self

import structlog

from caseway_kit.sandbox import kernel, scratch
from caseway_kit.sandbox.answers import Answer, read_answer
from caseway_kit.sandbox.budget import Budget
from caseway_kit.sandbox.children import Preload, Worker, ZygoteProcess, receive_frame
from caseway_kit.sandbox.deadline import within
from caseway_kit.sandbox.errors import SandboxCrash, SandboxLimit, SandboxUnavailable
from caseway_kit.sandbox.isolation import Isolation
from caseway_kit.sandbox.patrol import patrol
from caseway_kit.sandbox.watch import Watch, cpu_seconds
from caseway_kit.sandbox.wire import NotPlain, length_prefix, pack

_log = structlog.get_logger(__name__)
_DEFAULT = Budget()
_EXIT_SECONDS = 10


class Sandbox:
    """A pool of locked-down child processes.

    ``run`` names a function as ``"package.module:function"``. It is called in a child as ``function(sample, *args)``
    (without ``sample`` when none is given; with ``budget=`` when it takes one) and must return plain JSON data.
    Arguments and result pass as JSON. One child works for many jobs, one after the other; ``recycle_after=1`` gives
    each job a child of its own, at about five times the cost of a small call. ``preload`` names modules to import, or
    functions to call with plain arguments (``("package.module:function", "argument")``), before the children are made
    and while files can still be read; ``paths`` are further folders to import from. No budget may exceed ``ceiling``.
    """

    def __init__(
        self,
        *,
        workers: int,
        scratch: Path,
        preload: Sequence[Preload] = (),
        paths: Sequence[Path] = (),
        recycle_after: int = 200,
        ceiling: Budget = _DEFAULT,
        skip_layers: Iterable[str] = (),
    ) -> None:
        self._workers = workers
        self._scratch = scratch.resolve()
        self._preload = list(preload)
        self._paths = [str(path.resolve()) for path in paths]
        self._recycle_after = recycle_after
        self._ceiling = ceiling
        # For tests, and for a machine where one of "namespaces", "landlock", "uid" breaks a library.
        self._skip = frozenset(skip_layers)
        self._zygote: ZygoteProcess | None = None
        self._retired: set[ZygoteProcess] = set()
        self._zygote_lock = asyncio.Lock()
        self._slots: asyncio.LifoQueue[int] = asyncio.LifoQueue()
        self._ready: dict[int, Worker] = {}
        self._tending: set[asyncio.Task[None]] = set()
        self._jobs = itertools.count()
        self._closed = False
        self.isolation = Isolation()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def start(self) -> None:
        """Raises ``SandboxUnavailable`` with a sentence when children can't be locked in on this machine."""
        try:
            workers = await self._fork_all()
        except BaseException:
            await self.close()
            raise
        self.isolation = Isolation(**workers[0].isolation)
        if not self.isolation.hides_files:
            # The least that can be done for the secrets in this process: /proc shows them to nobody but root.
            kernel.prctl(kernel.PR_SET_DUMPABLE, 0)
            _log.warning("sandbox cannot hide this user's files from parsers", missing=self.isolation.missing)
        for slot, worker in enumerate(workers):
            self._put_ready(slot, worker)
            self._slots.put_nowait(slot)
        self._keep(asyncio.create_task(patrol(self._ready)))
        _log.info("sandbox started", workers=self._workers, isolation=self.isolation.sentences())

    async def renew(self, preload: Sequence[Preload]) -> None:
        """Have every job from now on done by children that are born with ``preload``; jobs at work end as they are.

        Raises ``SandboxUnavailable``, and goes on with what it had, when ``preload`` can't be loaded.
        """
        zygote = self._make_zygote(list(preload))
        await zygote.start()
        try:
            async with self._zygote_lock:
                if self._closed:
                    raise SandboxUnavailable("the sandbox is closed")
                old, self._zygote, self._preload = self._zygote, zygote, list(preload)
        except BaseException:  # cancelled while it waited for the lock: nobody else knows of this process
            await zygote.close()
            raise
        for slot in list(self._ready):
            self._ready.pop(slot).connection.close()
        if old:
            self._retired.add(old)
            self._keep(asyncio.create_task(self._retire(old)))

    async def _retire(self, zygote: ZygoteProcess) -> None:
        await zygote.retire()
        self._retired.discard(zygote)

    async def close(self) -> None:
        self._closed = True
        for task in self._tending:
            task.cancel()
        await asyncio.gather(*self._tending, return_exceptions=True)
        for zygote in self._retired:
            await zygote.close()
        for worker in self._ready.values():
            worker.connection.close()
        self._ready.clear()
        if self._zygote:
            await self._zygote.close()

    async def run(
        self,
        function: str,
        *args: object,
        sample: Path | int | None = None,
        output: int | None = None,
        budget: Budget = _DEFAULT,
    ) -> Any:
        """The function's result, or ``ParserError``, ``SandboxLimit``, ``SandboxCrash``: a result about the sample.

        The wall clock starts when a child takes the job. A cancelled run costs its child, nothing else.
        ``sample`` may be a descriptor of a regular file or memfd; the child gets one of its own, read-only. ``output``
        is a descriptor that the child may write to; the function gets it as a file, ``output=``.
        """
        if not budget.within(self._ceiling):
            raise ValueError("the budget must be positive and not above the sandbox's ceiling")
        job = next(self._jobs)
        opened = None if sample is None else _open_read_only(sample)
        given = {"sample": opened, "output": output}
        files = {name: fd for name, fd in given.items() if fd is not None}
        message = {"function": function, "args": args, "budget": budget.plain(), "job": job, "files": list(files)}
        try:
            answer = await self._run(job, pack(message), files, budget)
        finally:
            if opened is not None:
                os.close(opened)
        return answer.result()

    async def _run(self, job: int, request: bytes, files: dict[str, int], budget: Budget) -> Answer:
        slot = await self._slots.get()
        worker = None
        clean = False
        try:
            worker = await self._take(slot)
            answer = read_answer(await self._exchange(worker, request, list(files.values()), budget), job)
            written_to: list[Path | int] = [self._scratch, *(fd for name, fd in files.items() if name == "output")]
            if answer.found_no_space and scratch.lacks_space(written_to, wanted=budget.written_bytes):
                raise SandboxUnavailable("no space is left for what parsers write; the sample was not looked at")
            clean = not answer.spent
        finally:
            self._give_back(slot, worker, clean=clean)
        return answer

    async def _take(self, slot: int) -> Worker:
        worker = self._ready.pop(slot, None)
        if worker and worker.alive and worker.zygote is self._zygote:
            return worker
        if worker:
            worker.connection.close()
        return await self._fork(slot)

    def _give_back(self, slot: int, worker: Worker | None, *, clean: bool) -> None:
        if worker is None:
            self._slots.put_nowait(slot)
            return
        if self._closed:
            worker.connection.close()
            self._slots.put_nowait(slot)  # a job that waits for it hears that the sandbox is closed
            return
        worker.jobs += 1
        keep = clean and worker.jobs < self._recycle_after and worker.zygote is self._zygote
        if keep and worker.alive and scratch.is_ready(worker.folder):
            self._put_ready(slot, worker)
            self._slots.put_nowait(slot)
            return
        task = asyncio.create_task(self._tend(slot, worker, keep=keep))
        self._keep(task)
        task.add_done_callback(lambda _: self._tended(slot, worker))  # also of a task cancelled before its first step

    async def _tend(self, slot: int, worker: Worker, *, keep: bool) -> None:
        """Empties the scratch folder and replaces the child, before the slot takes another job."""
        usable = keep  # an ended child may seem alive for longer than anybody waits
        try:
            if not keep:
                await _end(worker)
            try:
                await asyncio.to_thread(scratch.empty, worker.folder)
            except OSError:  # a child that still writes there; or with nothing to write in any more
                usable = False
                await _end(worker)
                with contextlib.suppress(OSError):
                    await asyncio.to_thread(scratch.empty, worker.folder)
            if not usable:
                with contextlib.suppress(SandboxUnavailable):  # the next job tries again, and says so
                    worker = await self._fork(slot)
                    usable = True
            if usable and worker.alive and worker.zygote is self._zygote:
                self._put_ready(slot, worker)
        finally:
            if self._ready.get(slot) is not worker:
                worker.connection.close()

    def _tended(self, slot: int, worker: Worker) -> None:
        if self._ready.get(slot) is not worker:
            worker.connection.close()
        self._slots.put_nowait(slot)

    def _put_ready(self, slot: int, worker: Worker) -> None:
        worker.cpu_when_idle = cpu_seconds(worker.pid)
        self._ready[slot] = worker

    def _keep(self, task: asyncio.Task[None]) -> None:
        self._tending.add(task)
        task.add_done_callback(self._tending.discard)

    async def _fork_all(self) -> list[Worker]:
        started = await asyncio.gather(*(self._fork(slot) for slot in range(self._workers)), return_exceptions=True)
        workers = [worker for worker in started if isinstance(worker, Worker)]
        for failure in started:
            if isinstance(failure, BaseException):
                for worker in workers:
                    worker.connection.close()
                raise failure
        return workers

    async def _fork(self, slot: int) -> Worker:
        async with self._zygote_lock:
            if self._closed:
                raise SandboxUnavailable("the sandbox is closed")
            if self._zygote and not self._zygote.alive:
                await self._zygote.close()
                self._zygote = None
            if not self._zygote:
                zygote = self._make_zygote(self._preload)
                await zygote.start()
                self._zygote = zygote
            zygote = self._zygote
        return await zygote.fork(slot)

    def _make_zygote(self, preload: list[Preload]) -> ZygoteProcess:
        return ZygoteProcess(
            scratch_root=self._scratch,
            paths=self._paths,
            preload=preload,
            ceiling=self._ceiling,
            skip=self._skip,
        )

    async def _exchange(self, worker: Worker, request: bytes, files: list[int], budget: Budget) -> dict[str, Any]:
        watch = Watch(worker, budget, files)
        try:
            async with watch:
                return await within(budget.wall_seconds, _asked(worker, request, files, budget))
        except TimeoutError:
            raise SandboxLimit("wall_seconds", f"stopped after {budget.wall_seconds:g} seconds") from None
        except OverflowError:
            raise SandboxLimit("result_bytes", "the result is larger than allowed") from None
        except NotPlain as error:
            raise SandboxCrash(None, f"the parser's process gave no plain data: {error}") from None
        except (EOFError, ConnectionError):
            watch.raise_if_tripped()
            raise await _reason_of_end(worker) from None


async def _asked(worker: Worker, request: bytes, files: list[int], budget: Budget) -> dict[str, Any]:
    socket.send_fds(worker.connection, [length_prefix(request)], files)
    await asyncio.get_running_loop().sock_sendall(worker.connection, request)
    return await receive_frame(worker.connection, at_most=budget.result_bytes + 64)


async def _reason_of_end(worker: Worker) -> Exception:
    """What the end of a child says about its job."""
    await asyncio.wait([worker.exited], timeout=_EXIT_SECONDS)
    status = worker.exited.result() if worker.exited.done() else 0
    if status is None:
        return SandboxUnavailable("the sandbox's helper process has ended; it is started again")
    if status == -signal.SIGXCPU:
        return SandboxLimit("cpu_seconds", "stopped after its CPU time")
    return SandboxCrash(-status if status < 0 else None)


async def _end(worker: Worker) -> None:
    worker.kill()
    worker.connection.close()
    await asyncio.wait([worker.exited], timeout=_EXIT_SECONDS)


def _open_read_only(sample: Path | int) -> int:
    # By /proc a descriptor gives an open file of its own: with its own position, and never writable.
    path = f"/proc/self/fd/{sample}" if isinstance(sample, int) else sample
    opened = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    if not stat.S_ISREG(os.fstat(opened).st_mode):
        os.close(opened)
        raise ValueError("a sample must be a regular file")
    return opened

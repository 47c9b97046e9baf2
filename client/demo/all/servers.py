"""The five servers as processes: started, watched, killed and restarted. One event loop calls it all."""

import asyncio
import time
from collections.abc import Mapping
from pathlib import Path

import aiohttp
from pydantic import ValidationError

from client.demo.all.columns import Column, LiveAnswer
from client.demo.all.models import WatchedModels
from client.demo.all.watched import Watched
from client.demo.children import Child
from client.demo.circumstances import Circumstance, wipe_disk

POLL_S = 0.5
ASK_TIMEOUT_S = 2.0


class Server:
    """One of them."""

    def __init__(
        self,
        number: int,
        url: str,
        child: Child,
        environment: Mapping[str, str],
        state: Path,
        models: WatchedModels,
    ) -> None:
        """Remember what to start; nothing happens before ``start``.

        Args:
            number: from 1 on, as the audience counts.
            url: where its page is.
            child: its process.
            environment: the process's.
            state: its state directory, which is no other server's.
            models: the topic that all servers learn their models from.
        """
        self.number = number
        self.name = child.name
        self.child = child
        self._url = url
        self._environment = environment
        self._state = state
        self._models = models
        self._watched = Watched(number, child.name, url, time.monotonic())
        self._process = 0  # counts processes: an answer of the last one is not this one's
        self._changing = asyncio.Lock()

    def column(self) -> Column:
        """What to show of it."""
        return self._watched.column(time.monotonic())

    async def start(self) -> None:
        """Start it, for the first time or after it has ended.

        Raises:
            DataDirectoryUnusable: its output cannot be written.
        """
        await asyncio.to_thread(self.child.start, self._environment)
        self._process += 1
        self._watched.started(time.monotonic())

    async def kill_and_start(self, circumstance: Circumstance = "killed") -> bool:
        """``kill -9``, take away what the circumstance names, and restart it; False if that is in progress already.

        A server that has ended by itself is not killed; the rest is the same.

        Raises:
            StateNotWiped, ModelTopicUnusable: something could not be removed; the server was restarted.
            DataDirectoryUnusable: its output cannot be written.
        """
        if self._changing.locked():
            return False
        async with self._changing:
            if self.child.exit_code is None:
                self._process += 1
                self._watched.killed(circumstance, time.monotonic())
                await asyncio.to_thread(self.child.kill)
            try:
                await self._take_away(circumstance)
            finally:
                await self.start()
        return True

    async def _take_away(self, circumstance: Circumstance) -> None:
        if circumstance == "disk_wiped":
            await asyncio.to_thread(wipe_disk, self._state)
        elif circumstance == "model_topic_emptied":
            await self._models.empty()

    async def stop(self) -> None:
        """Stop it in good order."""
        async with self._changing:
            await asyncio.to_thread(self.child.stop)

    async def watch(self) -> None:
        """Ask it at intervals what it does, until cancelled."""
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(ASK_TIMEOUT_S)) as session:
            while True:
                process = self._process
                answer = await self._answer(session)
                now_s = time.monotonic()
                self._watched.passed(now_s)
                if answer is not None and process == self._process and not self._changing.locked():
                    self._watched.answered(answer, now_s)
                elif self.child.exit_code is not None and not self._changing.locked():
                    self._watched.ended("".join(self.child.last_lines()[-1:]), now_s)
                await asyncio.sleep(POLL_S)

    async def _answer(self, session: aiohttp.ClientSession) -> LiveAnswer | None:
        try:
            async with session.get(f"{self._url}live") as answer:
                return LiveAnswer.model_validate(await answer.json())
        except (aiohttp.ClientError, TimeoutError, ValidationError, ValueError):
            return None

"""Many people on one server: sessions over the websocket, each moving the window slider.

1, 10, 30 and 100 of them, with seeds of their own every five seconds, then all at once, with seeds
of their own and alike. Clients and server share the machine; its load average is reported.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from page_reaction import ADDRESS, serve
from streamlit.proto.Alert_pb2 import Alert
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.WidgetStates_pb2 import WidgetState
from websockets.asyncio.client import connect

__all__ = ["Session", "load"]

_PEOPLE = (1, 10, 30, 100)
_PAUSE = 5.0  # seconds between two moves of a person
_LONGEST = 120.0  # seconds that a run of the page may take
_LEFT = 120.0  # seconds after all have left, in which memory is to be given back
_WINDOWS = range(6, 31)
_DONE = (ForwardMsg.FINISHED_SUCCESSFULLY, ForwardMsg.FINISHED_WITH_COMPILE_ERROR)


def load(people: tuple[int, ...] = _PEOPLE, moves: int = 3, left: float = _LEFT) -> dict[str, Any]:
    """Seconds to the end of the page's run, errors and memory, with ever more people."""
    with tempfile.TemporaryFile() as log:
        address, server = serve(log)
        try:
            return asyncio.run(_measure(address, server, people, moves, left))
        finally:
            server.terminate()
            server.wait(40)


async def _measure(
    address: str,
    server: subprocess.Popen[bytes],
    people: tuple[int, ...],
    moves: int,
    left: float,
) -> dict[str, Any]:
    rows: list[dict[str, Any]] = []
    first = await _open(address, 1, 0, alike=False)  # wakes everything up
    await _move(first, moves, apart=0.0)
    await _close(first)
    empty = _memory(server)
    for count in people:
        for way in ("every 5 s", "at once", "at once, alike"):
            before = _memory(server)
            first_seed = 1000 * (len(rows) + 1)  # nothing was computed before
            sessions = await _open(address, count, first_seed, alike=way.endswith("alike"))
            waits = await _move(sessions, moves, apart=_PAUSE * (way == "every 5 s"))
            row = {
                "people": count,
                "way": way,
                "p50": float(np.percentile(waits, 50)),
                "p95": float(np.percentile(waits, 95)),
                "errors": sum(session.errors for session in sessions),
                "memory": (_memory(server) - before) / count,
                "load": os.getloadavg()[0],
            }
            rows.append(row)
            print(row, flush=True)
            await _close(sessions)
    full = _memory(server)
    await asyncio.sleep(left)
    return {"rows": rows, "empty": empty, "full": full, "left": _memory(server)}


class Session:
    """One person's page, by its websocket.

    Args:
        query: settings in the address.
        number: of the person; where the slider goes first.
        cookie: of the browser, where people are told apart.

    Attributes:
        errors: exceptions on the page, and pages that never came.
        refusals: sentences on the page that refuse something.
        progress: what stood over the page's progress bar last.
    """

    def __init__(self, query: str, number: int, cookie: str = "") -> None:
        self.errors = 0
        self.refusals: list[str] = []
        self.progress = ""
        self._query = query
        self._number = number
        self._headers = {"Cookie": cookie} if cookie else {}
        self._slider = ""
        self._button = ""
        self._socket: Any = None

    async def open(self, address: str) -> None:
        """Open the page and wait until it stands."""
        self._socket = await connect(
            f"ws{address[4:]}/_stcore/stream",
            subprotocols=["streamlit", "placeholder"],  # type: ignore[list-item]
            origin=address,  # type: ignore[arg-type]
            additional_headers=self._headers,
            max_size=None,
            ping_interval=None,  # a person who reads nothing for a minute is still there
            compression=None,
        )
        await self._rerun(None)

    async def move(self, move: int) -> float:
        """Move the slider; returns the seconds to the end of the page's run."""
        state = WidgetState(id=self._slider)
        state.double_array_value.data.append(_WINDOWS[(7 * move + self._number) % len(_WINDOWS)])
        return await self._act(state)

    async def press(self) -> float:
        """Press Train; returns the seconds to the end of the page's run.

        Raises:
            RuntimeError: the page has no such button.
        """
        if not self._button:
            raise RuntimeError("the page trains by itself")
        return await self._act(WidgetState(id=self._button, trigger_value=True))

    async def _act(self, state: WidgetState) -> float:
        began = time.perf_counter()
        await self._rerun(state)
        return time.perf_counter() - began

    async def close(self) -> None:
        """Leave."""
        await self._socket.close()

    async def _rerun(self, state: WidgetState | None) -> None:
        message = BackMsg()
        message.rerun_script.query_string = self._query
        if state is not None:
            message.rerun_script.widget_states.widgets.append(state)
        await self._socket.send(message.SerializeToString())
        try:
            async with asyncio.timeout(_LONGEST):
                while not self._read(await self._socket.recv()):
                    pass
        except Exception as error:
            print(f"{type(error).__name__}: {error}", flush=True)
            self.errors += 1

    def _read(self, content: bytes) -> bool:
        """Read a message; returns whether the run of the page has ended."""
        message = ForwardMsg()
        message.ParseFromString(content)
        kind = message.WhichOneof("type")
        if kind == "script_finished":
            return message.script_finished in _DONE
        if kind == "delta":
            element = message.delta.new_element
            which = element.WhichOneof("type")
            if which == "exception":
                print(element.exception.message, flush=True)
                self.errors += 1
            if which == "alert" and element.alert.format == Alert.ERROR:
                self.refusals.append(element.alert.body)
            if which == "progress":
                self.progress = element.progress.text
            if which == "slider" and element.slider.id.endswith("-window"):
                self._slider = element.slider.id
            if which == "button" and element.button.id.endswith("-train"):
                self._button = element.button.id
        return False


async def _open(address: str, count: int, first_seed: int, *, alike: bool) -> list[Session]:
    """So many people open the page, a few at a time."""
    base = ADDRESS.partition("?")[2]
    sessions = []
    for number in range(count):
        own = number * (not alike)
        sessions.append(Session(f"{base}&seed={first_seed + own}", own))
    for start in range(0, count, 5):
        await asyncio.gather(*(one.open(address) for one in sessions[start : start + 5]))
    return sessions


async def _move(sessions: list[Session], moves: int, *, apart: float) -> list[float]:
    """Everybody moves so many times; with a pause, each at a moment of its own."""

    async def act(session: Session, number: int) -> list[float]:
        waits = []
        await asyncio.sleep(apart * number / len(sessions))
        for move in range(1, moves + 1):
            waits.append(await session.move(move))
            await asyncio.sleep(max(0.0, apart - waits[-1]))
        return waits

    async def act_together(move: int) -> list[float]:
        return list(await asyncio.gather(*(session.move(move) for session in sessions)))

    if apart:
        every = await asyncio.gather(*(act(one, n) for n, one in enumerate(sessions)))
    else:
        every = [await act_together(move) for move in range(1, moves + 1)]
    return [wait for waits in every for wait in waits]


async def _close(sessions: list[Session]) -> None:
    await asyncio.gather(*(session.close() for session in sessions))


def _memory(server: subprocess.Popen[bytes]) -> float:
    """Resident memory of the server, MB."""
    pages = int(Path(f"/proc/{server.pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, nargs="*", default=_PEOPLE)
    parser.add_argument("--moves", type=int, default=3)
    parser.add_argument("--left", type=float, default=_LEFT)
    chosen = parser.parse_args()
    print(load(tuple(chosen.people), chosen.moves, chosen.left))

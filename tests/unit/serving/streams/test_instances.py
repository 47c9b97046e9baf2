"""Asking instances that are slow, lying, or broken."""

import asyncio
import gzip
import json

import pytest

from serving.streams.instances import LOCAL_PATH, MAX_ANSWER_BYTES, LocalAnswer
from serving.streams.local_state import Part
from tests.support.instances import (
    DEADLINE_S,
    OK,
    PART,
    TRUE,
    Handler,
    asked,
    like_true,
    reason,
    saying,
    silent,
    with_body,
)


def test_an_answer_comes_back_as_it_was_said() -> None:
    heads: list[bytes] = []

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heads.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(like_true())

    (answer,) = asyncio.run(asked(handler))
    assert answer == LocalAnswer(application_id="app", partitions=[0], stores=["counters"], parts=[Part(**PART)])
    assert heads[0].startswith(f"GET {LOCAL_PATH}?data_type=wine HTTP/1.1\r\n".encode())


def test_all_are_asked_at_once() -> None:
    async def run() -> None:
        everyone = asyncio.Barrier(3)

        async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await everyone.wait()  # answers when all of them have been asked, not before
            await saying(like_true())(reader, writer)

        answers = await asked(handler, handler, handler, time_limit_s=2.0)
        assert [type(answer) for answer in answers] == [LocalAnswer] * 3

    asyncio.run(run())


async def dripping(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(f"{OK}Content-Length: 1000000\r\n\r\n".encode())
    while not writer.is_closing():
        writer.write(b" ")
        await writer.drain()
        await asyncio.sleep(0.01)  # the pace of the drip, always faster than a limit between two reads would notice


@pytest.mark.parametrize("slow", [silent, dripping])
def test_one_that_does_not_come_to_an_end_is_left_when_its_time_is_up_and_the_others_count(slow: Handler) -> None:
    async def run() -> None:
        hung_up = asyncio.Event()

        async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            try:
                await slow(reader, writer)
            finally:
                hung_up.set()

        late, good = await asked(handler, saying(like_true()), time_limit_s=0.5)
        assert reason(late) == "no answer within 0.5 s"
        assert isinstance(good, LocalAnswer)
        async with asyncio.timeout(DEADLINE_S):
            await hung_up.wait()

    asyncio.run(run())


def test_an_endless_answer_is_cut_off() -> None:
    chunk, total = bytes(64 * 1024), 200 * 1024 * 1024
    sent = 0

    async def handler(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        writer.write(f"{OK}Content-Length: {total}\r\n\r\n".encode())
        while sent < total:
            writer.write(chunk)
            await writer.drain()
            sent += len(chunk)

    (answer,) = asyncio.run(asked(handler))
    assert reason(answer) == f"its answer is longer than {MAX_ANSWER_BYTES} bytes"
    assert MAX_ANSWER_BYTES <= sent < total / 2, "what is above the limit lay in the connection's buffers"


HUGE = b'{"application_id": "app", "partitions": [' + b"9" * 5000 + b'], "stores": [], "parts": []}'


@pytest.mark.parametrize(
    "answer",
    [
        with_body(b""),
        with_body(b"\xff\xfe garbage"),
        with_body(b"[]"),
        with_body(b"{}"),
        with_body(b"[" * 100_000),
        with_body(HUGE),
        like_true(parts=[{**PART, "duration": float("nan")}]),
        like_true(parts=[{**PART, "max": float("inf")}]),
        with_body(json.dumps({**TRUE, "parts": [PART]}).replace("0.0", "1e400").encode()),
        like_true(parts=[{**PART, "usage": "7"}]),
        like_true(partitions=[-1]),
        like_true(partitions=None),
        like_true(stores=[{}]),
    ],
)
def test_an_answer_that_no_instance_gives_is_not_believed(answer: bytes) -> None:
    (got,) = asyncio.run(asked(saying(answer)))
    assert reason(got) == "its answer is not what an instance says"


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (b"", "cannot talk to it (ServerDisconnectedError)"),
        (b"\x00\x01 no HTTP\r\n\r\n", "cannot talk to it (ClientResponseError)"),
        (b"HTTP/1.1 200 OK\r\nX: " + b"x" * 100_000 + b"\r\n\r\n", "cannot talk to it (ClientResponseError)"),
        (like_true()[:-10], "cannot talk to it (ClientPayloadError)"),
        (b"HTTP/1.1 500 Oh\r\nContent-Length: 0\r\n\r\n", "it answered with HTTP status 500"),
        (b"HTTP/1.1 503 Oh\r\nContent-Length: 0\r\n\r\n", "it is still restoring its state"),
        (like_true(application_id="other"), "it belongs to another application"),
    ],
)
def test_why_there_is_no_answer_is_said_in_our_words(answer: bytes, why: str) -> None:
    (got,) = asyncio.run(asked(saying(answer)))
    assert reason(got) == why


def test_a_compressed_answer_is_not_unpacked() -> None:
    packed = gzip.compress(json.dumps(TRUE).encode())
    (got,) = asyncio.run(asked(saying(with_body(packed, "Content-Encoding: gzip\r\n"))))
    assert reason(got) == "its answer is not what an instance says"

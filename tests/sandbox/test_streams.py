"""Moving bytes: nothing lost, nothing waited for that may never come."""

import os
import threading

from sandbox.streams import Streams


def pipe() -> tuple[int, int]:
    return os.pipe()


def test_everything_written_before_the_end_is_taken() -> None:
    streams, taken = Streams(), bytearray()
    reader, writer = pipe()
    stop_read, stop_write = pipe()
    streams.watch(reader, taken.extend)
    data = os.urandom(300_000)

    def write() -> None:
        view = memoryview(data)
        while view:
            view = view[os.write(writer, view) :]
        os.write(stop_write, b".")

    thread = threading.Thread(target=write)
    thread.start()
    streams.pump(stop_read)
    thread.join()
    streams.drain()
    streams.close()
    assert bytes(taken) == data
    for descriptor in (writer, stop_read, stop_write):
        os.close(descriptor)


def test_draining_does_not_wait_for_who_holds_the_pipe_open() -> None:
    streams, taken = Streams(), bytearray()
    reader, writer = pipe()
    streams.watch(reader, taken.extend)
    os.write(writer, b"last words")
    streams.drain()  # the writer is still open: waiting for its end would hang
    assert bytes(taken) == b"last words"
    streams.close()
    os.close(writer)


def test_input_is_fed_and_then_closed() -> None:
    streams = Streams()
    reader, writer = pipe()
    stop_read, stop_write = pipe()
    data = os.urandom(200_000)
    got = bytearray()

    def read() -> None:
        while chunk := os.read(reader, 65536):
            got.extend(chunk)
        os.write(stop_write, b".")

    thread = threading.Thread(target=read)
    thread.start()
    streams.feed(writer, data)
    streams.pump(stop_read)
    thread.join()
    streams.close()
    assert bytes(got) == data
    for descriptor in (reader, stop_read, stop_write):
        os.close(descriptor)


def test_input_that_nobody_reads_ends_quietly() -> None:
    streams = Streams()
    reader, writer = pipe()
    stop_read, stop_write = pipe()
    os.close(reader)
    streams.feed(writer, bytes(1_000_000))
    os.write(stop_write, b".")
    streams.pump(stop_read)
    streams.close()
    for descriptor in (stop_read, stop_write):
        os.close(descriptor)


def test_empty_input_is_an_end_of_file_at_once() -> None:
    streams = Streams()
    reader, writer = pipe()
    streams.feed(writer, b"")
    assert os.read(reader, 1) == b""
    os.close(reader)
    streams.close()


def test_a_source_is_relayed_to_its_end() -> None:
    streams = Streams()
    source, fill = pipe()
    reader, writer = pipe()
    os.write(fill, b"some input")
    os.close(fill)
    streams.relay(source, writer)
    while_reading = bytearray()
    stop_read, stop_write = pipe()

    def read() -> None:
        while chunk := os.read(reader, 100):
            while_reading.extend(chunk)
        os.write(stop_write, b".")

    thread = threading.Thread(target=read)
    thread.start()
    streams.pump(stop_read)
    thread.join()
    assert bytes(while_reading) == b"some input"
    for descriptor in (source, reader, stop_read, stop_write):
        os.close(descriptor)
    streams.close()


def test_pumping_stops_when_the_caller_has_enough() -> None:
    streams, taken = Streams(), bytearray()
    reader, writer = pipe()
    stop_read, stop_write = pipe()
    streams.watch(reader, taken.extend)
    os.write(writer, b"x")
    streams.pump(stop_read, until=lambda: bool(taken))
    assert bytes(taken) == b"x"
    streams.close()
    for descriptor in (writer, stop_read, stop_write):
        os.close(descriptor)

"""Who waits for another's connection waits a bounded time; nobody's options lengthen it."""

from __future__ import annotations

import socket
import threading
import time

import pytest

from credits_core import AsyncCredits, BackendError, Credits, InvalidRequestError


def test_threads_that_meet_a_silent_cluster_node_are_all_told_in_time():
    took: list[float] = []
    with socket.create_server(("127.0.0.1", 0)) as silent:
        credits = Credits.from_url(f"redis+cluster://127.0.0.1:{silent.getsockname()[1]}")

        def work() -> None:
            began = time.monotonic()
            with pytest.raises(BackendError):
                credits.get_balance("someone")
            took.append(time.monotonic() - began)

        threads = [threading.Thread(target=work) for _ in range(20)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(took) == 20
    assert max(took) < 10  # and not 20 times as long as one, which would be 20


@pytest.mark.parametrize("scheme", ["redis://h:1/0", "rediss://h:1/0", "unix:///tmp/x.sock"])
@pytest.mark.parametrize(
    "option",
    [
        "socket_timeout=6",
        "socket_connect_timeout=",
        "retry_on_timeout=1",
        "retry_on_error=x",
        "retry=3",
    ],
)
def test_waits_and_retries_are_no_options_of_a_url(scheme, option):
    for maker in (Credits, AsyncCredits):
        with pytest.raises(InvalidRequestError, match="timeout=") as refused:
            maker.from_url(f"{scheme}?client_name=x&{option}")
        assert str(refused.value).startswith(option.partition("=")[0])

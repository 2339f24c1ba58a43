"""The journal of an outage: who is admitted, and what is written down, on real files."""

from __future__ import annotations

import json
import logging
import os
import resource
import stat
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from credits_core import BackendUnavailableError, Credits, InvalidRequestError, disk
from credits_core.outage import OutageJournal, lines
from credits_core.outage.lines import Served


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "journal"


@pytest.fixture
def journal(folder):
    with OutageJournal(folder) as journal:
        yield journal


@pytest.fixture
def credits(server):
    with Credits.from_url(server.url, auto_initialize=True) as credits:
        yield credits


def files(folder):
    return sorted(folder.glob("served-*.jsonl"))


def admit(journal, user="alice", amount=10, limit=30, route="/chat", **more):
    return journal.admit(route, user, amount, limit, **more)


def serve(journal, user="alice", amount=10, limit=10**6, **more):
    admission = admit(journal, user, amount, limit, **more)
    admission.serve(amount, "chat")
    return admission.key


def written(folder):
    (path,) = files(folder)
    return [json.loads(line) for line in path.read_text().splitlines()]


# --- Who is admitted


def test_admits_up_to_the_limit_a_route_and_a_user(journal):
    for _ in range(3):
        assert admit(journal) is not None
    assert admit(journal, amount=1) is None
    assert admit(journal, user="bob") is not None
    assert admit(journal, route="/image") is not None
    assert admit(journal, route="/image", amount=21) is None
    assert admit(journal, limit=31, amount=1) is not None


@pytest.mark.parametrize("limit", [0, 9])
def test_admits_nobody_where_the_limit_is_less_than_the_work(journal, folder, limit):
    assert admit(journal, limit=limit) is None
    assert files(folder) == []


def test_what_failed_gives_its_allowance_back_once_and_leaves_nothing(journal, folder):
    admissions = [admit(journal) for _ in range(3)]
    admissions[0].void()
    admissions[0].void()
    assert admit(journal) is not None
    assert admit(journal, amount=1) is None
    assert files(folder)[0].read_bytes() == b""
    assert journal.pending == 0


def test_what_was_served_counts_until_it_is_collected(journal, credits, user):
    for _ in range(3):
        serve(journal, user, limit=30)
    assert admit(journal, user, amount=1) is None
    assert journal.collect_sync(credits).collected == 3
    assert admit(journal, user, amount=30) is not None


def test_work_that_cost_less_gives_the_difference_back(journal, credits, user):
    admit(journal, user, amount=30).serve(4, "chat")
    assert admit(journal, user, amount=27) is None
    rest = admit(journal, user, amount=26)
    assert rest is not None
    rest.void()
    assert journal.collect_sync(credits).credits == 4
    assert admit(journal, user, amount=30) is not None
    assert admit(journal, user, amount=1) is None


def test_void_after_serve_does_nothing(journal):
    admission = admit(journal, limit=10)
    admission.serve(10, "chat")
    admission.void()
    assert admit(journal, amount=1, limit=10) is None
    assert journal.pending == 1


def test_an_admission_ends_once(journal):
    admission = admit(journal)
    admission.serve(10, "chat")
    with pytest.raises(InvalidRequestError, match="has ended"):
        admission.serve(10, "chat")
    failed = admit(journal)
    failed.void()
    with pytest.raises(InvalidRequestError, match="has ended"):
        failed.serve(10, "chat")
    assert journal.pending == 1


def test_more_than_was_admitted_is_not_served(journal):
    admission = admit(journal)
    with pytest.raises(InvalidRequestError, match="only 10"):
        admission.serve(11, "chat")
    assert journal.pending == 0
    admission.serve(10, "chat")


def test_keys_are_fresh_and_long_or_those_handed_in(journal):
    keys = {admit(journal, amount=1, limit=1000).key for _ in range(100)}
    assert len(keys) == 100
    assert all(len(key) == len("outage_") + 32 for key in keys)
    assert admit(journal, user="bob", key="request-7").key == "request-7"


def test_one_key_serves_once_until_it_is_collected(journal, credits, new_user):
    user, other = new_user(), new_user()
    first = admit(journal, user, key="k")
    assert admit(journal, user, key="k") is None
    assert admit(journal, other, key="k") is not None
    first.void()
    serve(journal, user, key="k")
    assert admit(journal, user, key="k") is None
    journal.collect_sync(credits)
    assert admit(journal, user, key="k") is not None


def test_threads_get_together_what_the_limit_allows_and_write_all_of_it(journal, folder):
    start = threading.Barrier(8)

    def work(_):
        start.wait()
        mine = [admit(journal, amount=1, limit=100) for _ in range(50)]
        for admission in filter(None, mine):
            admission.serve(1, "chat")
        return sum(admission is not None for admission in mine)

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(work, range(8))) == 100
    assert journal.pending == 100
    assert len({line["key"] for line in written(folder)}) == 100


BAD = [
    ({"route": ""}, "route"), ({"route": 7}, "route"), ({"route": "a\nb"}, "route"),
    ({"user": ""}, "user_id"), ({"user": None}, "user_id"),
    ({"amount": 0}, "amount"), ({"amount": True}, "amount"), ({"amount": 1.0}, "amount"),
    ({"limit": -1}, "limit"), ({"limit": 1.5}, "limit"), ({"limit": None}, "limit"),
    ({"key": ""}, "idempotency_key"), ({"key": 7}, "idempotency_key"),
]  # fmt: skip


def test_a_route_has_the_length_that_a_request_may_name(journal):
    assert admit(journal, route="r" * 512) is not None
    with pytest.raises(InvalidRequestError, match="route"):
        admit(journal, route="r" * 513)


@pytest.mark.parametrize(("bad", "told"), BAD)
def test_bad_input_is_refused_and_counts_nothing(journal, bad, told):
    with pytest.raises(InvalidRequestError, match=told):
        admit(journal, **bad)
    assert admit(journal, amount=30) is not None


@pytest.mark.parametrize("bad", [
    (0, "chat"), (True, "chat"), (5, ""), (5, "user_initialized"), (5, "chat", {1: 2}),
    (5, "chat", {"x": float("nan")}), (5, "chat", {"x": "y" * 5000}),
])  # fmt: skip
def test_what_could_not_be_charged_is_not_served(journal, bad):
    admission = admit(journal)
    with pytest.raises(InvalidRequestError):
        admission.serve(*bad)
    assert journal.pending == 0
    admission.void()
    assert admit(journal, amount=30) is not None


# --- What is written down


def test_what_was_served_is_one_line_that_only_its_owner_reads(journal, folder):
    admission = admit(journal, user="ünï 🦊", key="k")
    assert files(folder)[0].read_bytes() == b""
    admission.serve(7, 'say "hi"\\', {"a": [1, "\u2028"]})
    (line,) = written(folder)
    assert line.pop("served_at") > 1_700_000_000_000
    assert line == {
        "key": "k", "route": "/chat", "user_id": "ünï 🦊", "amount": 7,
        "action": 'say "hi"\\', "metadata": {"a": [1, "\u2028"]},
    }  # fmt: skip
    assert stat.S_IMODE(files(folder)[0].stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_a_line_is_on_the_disk_before_serve_returns(journal, monkeypatch):
    seen = []
    real = os.fsync
    monkeypatch.setattr(os, "fsync", lambda fd: (seen.append(os.fstat(fd).st_size), real(fd)))
    admission = admit(journal)
    del seen[:]
    admission.serve(10, "chat")
    assert len(seen) == 1
    assert seen[0] > 100


def test_a_journal_that_is_collected_is_empty(journal, folder, credits, user):
    for _ in range(3):
        serve(journal, user)
    assert journal.pending == 3
    report = journal.collect_sync(credits)
    assert (report.collected, report.credits, report.left, report.error) == (3, 30, 0, None)
    assert files(folder)[0].read_bytes() == b""
    assert journal.pending == 0
    serve(journal, user)
    assert journal.pending == 1
    assert journal.collect_sync(credits).collected == 1
    journal.close()
    assert files(folder) == []
    assert credits.get_balance(user) == 60


def test_closing_leaves_what_waits_to_another_journal(journal, folder, credits, user):
    serve(journal, user)
    with OutageJournal(folder) as other:
        assert other.pending == 0  # its process lives
        assert other.collect_sync(credits).collected == 0
        journal.close()
        assert other.pending == 1
        assert other.collect_sync(credits).collected == 1
        assert (other.pending, files(folder)) == (0, [])
    assert credits.get_balance(user) == 90


def test_what_another_left_counts_not_against_the_limits_here(journal, folder, credits, user):
    serve(journal, user, amount=30)
    journal.close()
    with OutageJournal(folder) as other:
        assert admit(other, user, amount=30) is not None
        assert other.collect_sync(credits).credits == 30
        assert admit(other, user, amount=1) is None


@pytest.mark.parametrize("cut", [1, 2, 40, "all"])
def test_a_line_that_was_never_finished_is_left_out_with_a_warning(
    journal, folder, credits, user, caplog, cut
):
    serve(journal, user)
    (path,) = files(folder)
    whole = path.read_bytes()
    serve(journal, user)
    last = path.read_bytes()[len(whole) :]
    journal.close()
    path.write_bytes(whole + (last[:1] if cut == "all" else last[:-cut]))
    with caplog.at_level(logging.WARNING), OutageJournal(folder) as other:
        report = other.collect_sync(credits)
    assert (report.collected, report.refused) == (1, 0)
    assert any("never finished" in record.message for record in caplog.records)
    assert (files(folder), credits.get_balance(user)) == ([], 90)


def test_what_is_struck_out_behind_a_torn_line_stands_alone(journal, folder, credits, user):
    for _ in range(70):  # more than a batch
        serve(journal, user, amount=1)
    (path,) = files(folder)
    journal.close()
    path.write_bytes(path.read_bytes() + b'{"key": "tor')
    with OutageJournal(folder) as other:
        steps = other._steps()
        batch = next(steps)
        steps.send([credits.collect(user, 1, "chat", idempotency_key=e.key) for e in batch])
        steps.close()
    entries, whole = lines.waiting(path.read_bytes())
    assert (len(entries), whole) == (6, path.stat().st_size)


@pytest.mark.parametrize("line", [
    b"not json", b"[]", b"{}", b'{"key": 1}', b"\xff\xfe", b"[" * 100_000,
    b'{"key": "k", "route": "r", "user_id": "u", "amount": "1", "action": "a", '
    b'"metadata": null, "served_at": 1}',
], ids=str)  # fmt: skip
def test_a_whole_line_that_cannot_be_read_is_set_aside(journal, folder, credits, user, line):
    serve(journal, user)
    (path,) = files(folder)
    journal.close()
    path.write_bytes(line + b"\n" + path.read_bytes())
    with OutageJournal(folder) as other:
        report = other.collect_sync(credits)
        assert (report.collected, report.refused, other.pending) == (1, 1, 0)
    (kept,) = [json.loads(one) for one in (folder / "refused.jsonl").read_text().splitlines()]
    assert kept["entry"] == line.decode(errors="replace")
    assert files(folder) == []


def test_lines_say_what_waits():
    first, second = (Served(key, "r", "u", 1, "a", None, 1) for key in "ab")
    one, two = lines.served(first), lines.served(second)
    assert lines.waiting(b"") == ({}, 0)
    assert lines.waiting(one + two) == ({0: first, len(one): second}, len(one + two))
    struck = lines.struck([0])
    assert lines.waiting(one + two + struck)[0] == {len(one): second}
    assert lines.waiting(one + two + struck[:-1]) == (
        {0: first, len(one): second},
        len(one + two),
    )


def test_a_file_that_others_took_for_a_dead_ones_is_not_written_to(
    journal, folder, credits, user, monkeypatch
):
    real, taken = disk.lock, []

    def late(handle, **more):
        if not taken:
            taken.extend(files(folder))
            taken[0].unlink()
        return real(handle, **more)

    with monkeypatch.context() as patch:
        patch.setattr(disk, "lock", late)
        serve(journal, user)
    assert files(folder) not in ([], taken)
    journal.close()
    with OutageJournal(folder) as other:
        assert other.collect_sync(credits).collected == 1


def test_a_closed_journal_writes_no_more_to_its_file(journal, folder):
    admission = admit(journal)
    (path,) = files(folder)
    own = journal._own
    journal.close()
    assert not path.exists()
    with pytest.raises(OSError, match="Bad file descriptor"):
        own.append(Served("k", "r", "u", 1, "a", None, 1))
    admission.serve(10, "chat")  # to another
    assert len(files(folder)) == 1


# --- A disk that fails


def test_a_full_disk_serves_nobody_and_leaves_no_half_line(journal, folder, credits, user):
    serve(journal, user)
    size = files(folder)[0].stat().st_size
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    admission = admit(journal, user, limit=20)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size + 20, hard))
    try:
        with pytest.raises(BackendUnavailableError, match="nothing is served without"):
            admission.serve(10, "chat")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
    assert files(folder)[0].stat().st_size == size
    assert admit(journal, user, limit=20) is not None  # its allowance came back
    assert journal.collect_sync(credits).collected == 1
    assert credits.get_balance(user) == 90


def test_what_is_charged_while_the_disk_is_full_is_charged_once(journal, folder, credits, user):
    for _ in range(70):
        serve(journal, user, amount=1)
    size = files(folder)[0].stat().st_size
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        assert journal.collect_sync(credits).collected == 70
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
    assert journal.pending == 0
    assert files(folder)[0].stat().st_size == 0
    assert credits.get_balance(user) == 30


def test_a_disk_that_does_not_sync_serves_nobody(journal, folder, monkeypatch):
    admission = admit(journal, limit=10)

    def broken(_):
        raise OSError(5, "Input/output error")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", broken)
        with pytest.raises(BackendUnavailableError, match="Input/output error"):
            admission.serve(10, "chat")
    assert (journal.pending, files(folder)[0].read_bytes()) == (0, b"")
    serve(journal, limit=10)
    assert len(written(folder)) == 1


@pytest.fixture
def read_only(folder, monkeypatch):
    """A folder in which this process may not write, not even as root."""
    folder.mkdir()
    folder.chmod(0o555)
    monkeypatch.chdir(folder)
    root = os.geteuid() == 0
    if root:
        os.seteuid(65534)
    yield "."
    if root:
        os.seteuid(0)


def test_a_read_only_folder_admits_nobody(read_only):
    told = r"cannot be written \(Permission denied\)"
    with OutageJournal(read_only) as journal:
        for _ in range(2):  # no allowance is used up by it
            with pytest.raises(BackendUnavailableError, match=told):
                admit(journal, limit=10)
        assert journal.pending == 0
    with pytest.raises(BackendUnavailableError, match=told):
        OutageJournal("below")


def test_a_folder_that_is_a_file_is_told_at_once(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(BackendUnavailableError, match="cannot be written"):
        OutageJournal(tmp_path / "file")
    with pytest.raises(BackendUnavailableError, match="cannot be written"):
        OutageJournal(tmp_path / "file" / "below")


def test_the_core_does_not_load_the_journal():
    code = "import sys, credits_core; print('credits_core.outage' in sys.modules)"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    assert told.stdout.strip() == b"False"

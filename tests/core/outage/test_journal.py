"""The journal of an outage: what is written down, on real files."""

from __future__ import annotations

import json
import logging
import os
import stat
import subprocess
import sys

import pytest

from credits_core import disk
from credits_core.outage import OutageJournal, lines
from credits_core.outage.lines import Served
from tests.core.outage.serving import admit, files, serve, written


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


def test_the_core_does_not_load_the_journal():
    code = "import sys, credits_core; print('credits_core.outage' in sys.modules)"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    assert told.stdout.strip() == b"False"

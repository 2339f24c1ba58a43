"""The journal of an outage on a disk that fails: nobody is served who would not be charged."""

from __future__ import annotations

import os
import resource

import pytest

from credits_core import BackendUnavailableError
from credits_core.outage import OutageJournal
from tests.core.outage.serving import admit, files, serve, written


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

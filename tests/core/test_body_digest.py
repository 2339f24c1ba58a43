"""The digest of a body: of all of it, however it comes, and without the boundaries of a form."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from credits_core.http.body_digest import BodyDigest

pieces = st.lists(st.binary(max_size=20), max_size=8)


def digest(content_type, *parts):
    found = BodyDigest(content_type)
    for part in parts:
        found.update(part)
    return found.hexdigest()


def form(boundary, *files):
    told = b"".join(
        b'--%s\r\nContent-Disposition: form-data; name="f"\r\n\r\n%s\r\n' % (boundary, one)
        for one in files
    )
    return told + b"--%s--\r\n" % boundary


@given(pieces)
def test_a_body_of_another_kind_is_taken_as_it_is(parts):
    for kind in (None, "", "application/json", "multipart/form-data", "text/plain; boundary=ab"):
        assert digest(kind, *parts) == hashlib.sha256(b"".join(parts)).hexdigest()


@given(
    st.lists(
        st.sampled_from([b"-", b"--", b"--ab", b"ab", b"aba", b"x", b"", b"--abab"]), max_size=12
    )
)
def test_it_is_the_same_however_the_body_is_cut(parts):
    kind = 'multipart/form-data; boundary="abab"'
    whole = digest(kind, b"".join(parts))
    assert digest(kind, *parts) == whole
    assert digest(kind, *(bytes([byte]) for byte in b"".join(parts))) == whole


@pytest.mark.parametrize("kind", ["multipart/form-data", " Multipart/Mixed; charset=x"])
def test_a_form_is_the_same_under_another_boundary_and_another_form_is_not(kind):
    first = digest(f"{kind}; boundary=one", form(b"one", b"sound", b"more"))
    assert digest(f'{kind}; boundary="x y"', form(b"x y", b"sound", b"more")) == first
    for files in ([b"sound"], [b"sound", b"mor"], [b"soundmore"], [b"more", b"sound"]):
        assert digest(f"{kind}; boundary=one", form(b"one", *files)) != first


@pytest.mark.parametrize(
    "kind",
    [
        "multipart/form-data; boundary=",
        "multipart/form-data; boundary=\u00e9\u20ac",
        "multipart/form-data; boundary*=utf-8''%E2%82%AC",
        "multipart/form-data; boundary=a; boundary=b",
        "multipart/\x00; boundary=" + "x" * 5000,
        'multipart/form-data; boundary="',
        "multipart/form-data; boundary*=idna''x..y",
        "multipart/form-data; boundary*=punycode''%ff",
        "multipart/form-data; boundary*=undefined''x",
        "multipart/form-data; boundary*=utf\0''x",
        f"multipart/form-data; boundary*0*=x''a; boundary*{'9' * 5000}*=b",
    ],
)
def test_a_hostile_type_is_no_way_to_break_it(kind):
    assert len(digest(kind, b"body", b"more")) == 64

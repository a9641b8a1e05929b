"""Where a link may lead: to hosts that were named, over https, spelled so that nobody can take it for another."""

from __future__ import annotations

import pytest

import riskcast
from riskcast.case.addresses import secure
from riskcast.names import LINKS
from tests.support.hostile import URLS

HOSTS = {"www.example.org", "xn--e1aybc.example"}


@pytest.fixture(autouse=True)
def named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(LINKS, "www.Example.org, ,xn--e1aybc.example")


@pytest.mark.parametrize(
    ("given", "leads"),
    [
        (" https://www.example.org", "https://www.example.org"),
        ("HTTPS://WWW.EXAMPLE.ORG:443/A", "https://www.example.org/A"),
        (
            "https://www.example.org/a b(c)[d]<e>\"'\\\\|`",
            "https://www.example.org/a%20b%28c%29%5Bd%5D%3Ce%3E%22%27%5C%5C%7C%60",
        ),
        ("https://www.example.org/%20?q=ä&r=1#s)", "https://www.example.org/%20?q=%C3%A4&r=1#s%29"),
        ("https://www.example.org/\nx\ty", "https://www.example.org/xy"),
        ("https://xn--e1aybc.example/", "https://xn--e1aybc.example/"),
    ],
)
def test_an_address_of_a_named_host_is_followed(given: str, leads: str) -> None:
    assert riskcast.followed(given) == leads
    assert secure(leads, HOSTS) == leads


@pytest.mark.parametrize(
    "given",
    [
        *URLS,
        *("", "//www.example.org/", "www.example.org", "ftp://www.example.org/"),
        *("http://www.example.org/", "https://www.example.org:8443/", "https://www.example.org:x/"),
        *("https://user@www.example.org/", "https://www.example.org@evil.example/", "https://:@www.example.org/"),
        *("https://www.example.org.evil.example/", "https://evil.example/www.example.org", "https://example.org/"),
        *("https://www.example.org\\\\@evil.example/", "https://www.example.org%2eevil.example/", "https://[::1]/"),
        *("https://тест.example/", "https://www。example。org/", "https://ｗww.example.org/"),
    ],
)
def test_any_other_address_is_read_only(given: str) -> None:
    assert riskcast.followed(given) is None


def test_sources_that_came_with_riskcast_are_followed_over_https_alone() -> None:
    sources = riskcast.load_case("central_asia_2024").sources.values()
    leads = {source.url: riskcast.followed(source.url) for source in sources if source.url}
    assert any(leads.values())
    assert all((found is None) == url.startswith("http://") for url, found in leads.items())
    assert riskcast.followed(None) is None

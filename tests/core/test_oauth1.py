"""OAuth 1.0a against published signatures, each with its source beside it."""

import base64
import re
from urllib.parse import unquote

import pytest

from callout.core.key_pair import KeyPair
from callout.core.oauth1 import Signing, authorization, body_hash
from callout.core.secret import Secret

#: The client and token of the example of OAuth Core 1.0 appendix A and of RFC 5849 section 1.2.
PHOTOS = {
    "consumer_key": "dpf43f3p2l4k3l03",
    "consumer_secret": "kd94hf93k423kf44",
    "token": "nnch734d00sl2jdk",
    "token_secret": "pfkkdhi9sl3r4s00",
}
#: The key of the RSA-SHA1 example of wiki.oauth.net/TestCases.
RSA_KEY = """-----BEGIN PRIVATE KEY-----
MIICdgIBADANBgkqhkiG9w0BAQEFAASCAmAwggJcAgEAAoGBALRiMLAh9iimur8V
A7qVvdqxevEuUkW4K+2KdMXmnQbG9Aa7k7eBjK1S+0LYmVjPKlJGNXHDGuy5Fw/d
7rjVJ0BLB+ubPK8iA/Tw3hLQgXMRRGRXXCn8ikfuQfjUS1uZSatdLB81mydBETlJ
hI6GH4twrbDJCR2Bwy/XWXgqgGRzAgMBAAECgYBYWVtleUzavkbrPjy0T5FMou8H
X9u2AC2ry8vD/l7cqedtwMPp9k7TubgNFo+NGvKsl2ynyprOZR1xjQ7WgrgVB+mm
uScOM/5HVceFuGRDhYTCObE+y1kxRloNYXnx3ei1zbeYLPCHdhxRYW7T0qcynNmw
rn05/KO2RLjgQNalsQJBANeA3Q4Nugqy4QBUCEC09SqylT2K9FrrItqL2QKc9v0Z
zO2uwllCbg0dwpVuYPYXYvikNHHg+aCWF+VXsb9rpPsCQQDWR9TT4ORdzoj+Nccn
qkMsDmzt0EfNaAOwHOmVJ2RVBspPcxt5iN4HI7HNeG6U5YsFBb+/GZbgfBT3kpNG
WPTpAkBI+gFhjfJvRw38n3g/+UeAkwMI2TJQS4n8+hid0uus3/zOjDySH3XHCUno
cn1xOJAyZODBo47E+67R4jV1/gzbAkEAklJaspRPXP877NssM5nAZMU0/O/NGCZ+
3jPgDUno6WbJn5cqm8MqWhW1xGkImgRk+fkDBquiq4gPiT898jusgQJAd5Zrr6Q8
AO/0isr/3aa6O6NLQxISLKcPDk2NOccAfS/xOtfOz4sJYM3+Bs4Io9+dZGSDCA54
Lw03eHTNQghS0A==
-----END PRIVATE KEY-----
"""
RSA = KeyPair("TestCases", "", Secret(RSA_KEY))

#: Source, what is signed with, method, URL, form, and the signature.
VECTORS = [
    (
        "RFC 5849 section 1.2, temporary credentials (its callback parameter stands in the form here)",
        Signing(
            "HMAC-SHA1",
            "dpf43f3p2l4k3l03",
            "kd94hf93k423kf44",
            nonce="wIjqoS",
            timestamp=137131200,
            realm="Photos",
            version="",
        ),
        ("POST", "https://photos.example.net/initiate", b"oauth_callback=http%3A%2F%2Fprinter.example.com%2Fready"),
        "74KNZJeDHnMBp0EMJ9ZHt/XKycU=",
    ),
    (
        "RFC 5849 section 1.2, token credentials (the verifier stands in the form here)",
        Signing(
            "HMAC-SHA1",
            "dpf43f3p2l4k3l03",
            "kd94hf93k423kf44",
            "hh5s93j4hdidpola",
            "hdhd0244k9j7ao03",
            nonce="walatlh",
            timestamp=137131201,
            realm="Photos",
            version="",
        ),
        ("POST", "https://photos.example.net/token", b"oauth_verifier=hfdp7dh39dks9884"),
        "gKgrFCywp7rO0OXSjdot/IHF7IU=",
    ),
    (
        "RFC 5849 section 1.2, the photo",
        Signing("HMAC-SHA1", **PHOTOS, nonce="chapoH", timestamp=137131202, realm="Photos", version=""),
        ("GET", "http://photos.example.net/photos?file=vacation.jpg&size=original", None),
        "MdpQcU8iPSUjWoN/UDMsK2sui9I=",
    ),
    (
        "RFC 5849 section 3.4.1.1, with the secrets that oauthlib's own tests sign it with: it shows none",
        Signing(
            "HMAC-SHA1",
            "9djdj82h48djs9d2",
            "j49sk3j29djd",
            "kkk9d7dh3k39sjv7",
            "dh893hdasih9",
            nonce="7d8f3e4a",
            timestamp=137131201,
            realm="Example",
            version="",
        ),
        ("POST", "http://EXAMPLE.COM:80/request?b5=%3D%253D&a3=a&c%40=&a2=r%20b", b"c2&a3=2+q"),
        "r6/TJjbCOr97/+UU0NsvSne7s5g=",
    ),
    (
        "OAuth Core 1.0a appendix A.5.2",
        Signing("HMAC-SHA1", **PHOTOS, nonce="kllo9940pd9333jh", timestamp=1191242096),
        ("GET", "http://photos.example.net/photos?file=vacation.jpg&size=original", None),
        "tR3+Ty81lMeYAr/Fid0kMTYa/WM=",
    ),
    (
        "Twitter, Creating a signature (dev.twitter.com/docs/auth/creating-signature, as of 2011)",
        Signing(
            "HMAC-SHA1",
            "xvz1evFS4wEEPTGEFPHBog",
            "kAcSOqF21Fu85e7zjz7ZN2U4ZRhfV3WpwPAoE3Z7kBw",
            "370773112-GmHxMAgYyLbNEtIKZeRNFsMKPR9EyMZeS9weJAEb",
            "LswwdoUaIvS8ltyTt5jkRh4J50vUPVVHtR2YPi5kE",
            nonce="kYjzVBB8Y0ZFabxSWbWovY3uYSQ2pTgmZeNu2VS4cg",
            timestamp=1318622958,
        ),
        (
            "POST",
            "https://api.twitter.com/1/statuses/update.json?include_entities=true",
            b"status=Hello%20Ladies%20%2B%20Gentlemen%2C%20a%20signed%20OAuth%20request%21",
        ),
        "tnnArxj06cWHq44gCs1OSKk/jLY=",
    ),
    (
        "The same, api.twitter.com/1.1 (developer.twitter.com, as of 2013)",
        Signing(
            "HMAC-SHA1",
            "xvz1evFS4wEEPTGEFPHBog",
            "kAcSOqF21Fu85e7zjz7ZN2U4ZRhfV3WpwPAoE3Z7kBw",
            "370773112-GmHxMAgYyLbNEtIKZeRNFsMKPR9EyMZeS9weJAEb",
            "LswwdoUaIvS8ltyTt5jkRh4J50vUPVVHtR2YPi5kE",
            nonce="kYjzVBB8Y0ZFabxSWbWovY3uYSQ2pTgmZeNu2VS4cg",
            timestamp=1318622958,
        ),
        (
            "POST",
            "https://api.twitter.com/1.1/statuses/update.json",
            b"include_entities=true&status=Hello+Ladies+%2B+Gentlemen%2C+a+signed+OAuth+request%21",
        ),
        "hCtSmYh+iHYCEqBWrE7C7hYmtUk=",
    ),
    (
        "wiki.oauth.net/TestCases, RSA-SHA1",
        Signing("RSA-SHA1", "dpf43f3p2l4k3l03", key_pair=RSA, nonce="13917289812797014437", timestamp=1196666512),
        ("GET", "http://photos.example.net/photos?file=vacaction.jpg&size=original", None),
        (
            "jvTp/wX1TYtByB1m+Pbyo0lnCOLIsyGCH7wke8AUs3BpnwZJtAuEJkvQL2/9n4s5wUmUl4aCI4BwpraNx4RtEXMe5qg5T1LVTGliMRpKasKsW//e"
            "+RinhejgCuzoH26dyF8iY2ZZ/5D1ilgeijhV/vBka5twt399mXwaYdCwFYE="
        ),
    ),
    (
        "OAuth Core 1.0a section 9.4.1, PLAINTEXT",
        Signing("PLAINTEXT", "dpf43f3p2l4k3l03", "djr9rjt0jd78jf88", "token", "jjd999tj88uiths3"),
        ("GET", "https://photos.example.net/request_token", None),
        "djr9rjt0jd78jf88&jjd999tj88uiths3",
    ),
]


def members(header: str) -> dict[str, str]:
    assert header.startswith("OAuth ")
    return {name: unquote(value) for name, value in re.findall(r'(\w+)="([^"]*)"', header)}


@pytest.mark.parametrize(("signing", "request_", "signature"), [v[1:] for v in VECTORS], ids=[v[0] for v in VECTORS])
def test_the_signature_is_the_published_one(signing: Signing, request_: tuple, signature: str) -> None:
    found = members(authorization(*request_, signing))
    assert found["oauth_signature"] == signature
    assert found.get("realm", "") == signing.realm
    assert ("oauth_version" in found) == bool(signing.version)


def test_the_body_hash_is_that_of_the_draft() -> None:
    # OAuth Request Body Hash 1.0 draft 4, appendix A.1
    assert body_hash("HMAC-SHA1", b"Hello World!") == "Lve95gjOVATpfV8EL5X4nxwjKHE="


@pytest.mark.parametrize(("method", "length"), [("RSA-SHA1", 20), ("HMAC-SHA256", 32), ("HMAC-SHA512", 64)])
def test_the_body_hash_is_by_the_hash_of_the_signature(method: str, length: int) -> None:
    assert len(base64.b64decode(body_hash(method, b"Hello World!"))) == length

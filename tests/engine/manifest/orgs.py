"""Orgs of every shape that a manifest can hold, for property tests."""

from dataclasses import replace

from hypothesis import strategies as st

from callout.core.model.certificates import ClientCertificate
from callout.core.model.credentials import (
    BodySign,
    CustomHeader,
    ExternalCredential,
    HeaderSign,
    LimitScope,
    NamedCredential,
    Principal,
    PrincipalReference,
    PrincipalType,
    RateLimit,
    RefreshRule,
)
from callout.core.model.issuers import TrustedIssuer
from callout.core.model.org import Org
from callout.core.model.own_certificates import Certificate
from callout.core.model.people import ObjectPermission, Package, PermissionSet, PermissionSetGroup, Profile, User

NAMES = st.from_regex(r"[A-Za-z](?:_?[A-Za-z0-9]){0,9}", fullmatch=True)
#: Words that YAML reads as something else, beside ordinary ones.
READABLE = st.sampled_from(
    ["yes", "null", "1e5", "<<", "0x1F", "12", "true", "Order Clerks", "a: b", "#x", "- y", "~", "Ü"]
)
TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc", "Co", "Cn"]), max_size=20) | READABLE
LINES = st.lists(TEXT, max_size=3).map("\n".join)
STATUSES = st.lists(st.integers(400, 499) | st.integers(600, 999), unique=True, max_size=3).map(tuple)
HEADERS = st.lists(st.builds(CustomHeader, st.sampled_from(["X-A", "X-B"]), TEXT), max_size=3).map(tuple)
PERMISSIONS = st.frozensets(st.sampled_from(list(ObjectPermission)), max_size=3)

PRINCIPALS = st.lists(
    st.builds(
        Principal, READABLE, st.sampled_from(list(PrincipalType)), st.integers(1, 9), st.dictionaries(NAMES, TEXT)
    ),
    unique_by=lambda principal: principal.name,
    max_size=3,
).map(tuple)

METHODS = st.lists(st.sampled_from(["GET", "POST", "DELETE"]), unique=True, max_size=2).map(sorted).map(tuple)
PATHS = st.lists(st.sampled_from(["/items/**", "/a/*", "/%7E"]), unique=True, max_size=2).map(sorted).map(tuple)
LIMITS = st.lists(
    st.builds(RateLimit, st.integers(1, 9), st.integers(1, 9), st.sampled_from(list(LimitScope)), st.booleans()),
    unique=True,
    max_size=2,
).map(tuple)

GRANTS = st.frozensets(
    st.builds(PrincipalReference, NAMES, READABLE.filter(lambda name: "/" not in name), METHODS, PATHS), max_size=3
)

SIGNS = TEXT.filter(bool).map(lambda text: (text,))
RULES = st.lists(
    st.builds(
        RefreshRule,
        STATUSES.map(sorted).map(tuple),
        st.none() | st.builds(HeaderSign, st.just("X-E"), SIGNS) | st.builds(HeaderSign, st.just("X-E"), matches=SIGNS),
        st.none()
        | st.builds(BodySign, st.just("/a"), SIGNS)
        | st.builds(BodySign, soap_fault_code=SIGNS)
        | st.builds(BodySign, text=SIGNS),
        st.sampled_from([(), ("text/html",)]),
    ),
    max_size=2,
).map(tuple)

DEFINITIONS = (
    st.builds(
        ExternalCredential,
        NAMES,
        NAMES,
        st.dictionaries(NAMES, TEXT, max_size=2),
        STATUSES,
        HEADERS,
        PRINCIPALS,
        st.sampled_from([None, True, False]),
        TEXT,
        LINES,
        st.sampled_from([None, "acme"]),
        RULES,
        st.sampled_from([None, 0, 60]),
    )
    | st.builds(
        NamedCredential,
        NAMES,
        TEXT,
        NAMES,
        st.booleans(),
        st.lists(NAMES, unique=True, max_size=2).map(tuple),
        st.booleans(),
        st.booleans(),
        HEADERS,
        TEXT,
        LINES,
        st.sampled_from([None, "acme"]),
        METHODS,
        PATHS,
        LIMITS,
        st.booleans(),
        st.booleans(),
        client_certificate=NAMES | st.just(""),
    )
    | st.builds(PermissionSet, READABLE, GRANTS, PERMISSIONS, TEXT, may_act_for=st.frozensets(READABLE, max_size=2))
    | st.builds(
        TrustedIssuer,
        READABLE,
        TEXT,
        TEXT,
        users=st.dictionaries(TEXT, NAMES, max_size=2),
        namespaces=st.dictionaries(READABLE, TEXT, max_size=2),
        algorithms=st.lists(NAMES, unique=True, max_size=2).map(tuple),
    )
    | st.builds(ClientCertificate, READABLE, NAMES, TEXT, TEXT, TEXT, TEXT, st.sampled_from(["", "acme"]), TEXT, LINES)
    | st.builds(Certificate, NAMES, TEXT, LINES, TEXT)
    | st.builds(PermissionSetGroup, READABLE, st.lists(READABLE, unique=True, max_size=2).map(tuple), TEXT)
    | st.builds(Profile, READABLE, GRANTS, PERMISSIONS, TEXT)
    | st.builds(
        lambda profile, *changed: replace(profile, principals=changed[0], user_external_credential=changed[1]),
        st.sampled_from(list(Org.of().profiles.values())),
        GRANTS,
        PERMISSIONS,
    )
    | st.builds(
        User,
        READABLE | st.just("guest"),
        READABLE,
        st.lists(READABLE, unique=True, max_size=2).map(tuple),
        st.lists(READABLE, unique=True, max_size=2).map(tuple),
        st.booleans(),
        TEXT,
    )
    | st.builds(Package, NAMES, TEXT)
)

ORGS = st.lists(DEFINITIONS, max_size=6).map(lambda definitions: Org.of(*definitions))

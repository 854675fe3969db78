"""The project in `examples/salesforce`: everything in it is imported, and the report says what is still needed."""

from pathlib import Path

from callout.core.model.credentials import ExternalCredential, NamedCredential, PrincipalReference
from callout.core.model.identity_providers import ExternalAuthIdentityProvider
from callout.core.model.people import PermissionSet
from tests.engine.importers.salesforce.shapes import commands_of, definition_of, entry_of, files_of, imported_from

PROJECT = Path(__file__).parents[4] / "examples" / "salesforce"


def imported_project():
    return imported_from(*files_of(PROJECT))


def test_nothing_of_it_is_refused() -> None:
    assert imported_project().outcomes == {
        "imported": 10,
        "imported, to be completed": 9,
        "refused": 0,
        "not needed": 1,
    }


def test_it_shows_every_protocol_that_is_here() -> None:
    made = [d for d in imported_project().definitions if isinstance(d, ExternalCredential)]
    assert {d.name: d.protocol for d in made} == {
        "Carrier_Auth": "oauth2_client_credentials",
        "Invoices_Auth": "oauth2_client_credentials",
        "Old_Warehouse": "basic",
        "Open_Data": "none",
        "Orders_Auth": "oauth2_client_credentials",
        "Stock_Login": "basic",
        "Weather_Key": "custom",
    }


def test_its_orders_come_over_whole() -> None:
    imported = imported_project()
    orders = definition_of(imported, NamedCredential, "Orders")
    assert (orders.url, orders.external_credential) == ("https://orders.example.com/v2", "Orders_Auth")
    assert orders.allowed_namespaces == ("acme", "northwind")
    assert [h.name for h in orders.headers] == ["X-Source", "X-Desk"]
    sign_in = definition_of(imported, ExternalCredential, "Orders_Auth")
    assert sign_in.additional_status_codes == (400, 601)
    assert [(p.name, p.parameters) for p in sign_in.principals] == [
        ("Order Desk", {}),
        ("Night-Shift", {"scope": "orders.read orders.write"}),
    ]


def test_its_grants_come_over() -> None:
    clerks = definition_of(imported_project(), PermissionSet, "Order_Clerks")
    assert PrincipalReference("Orders_Auth", "Order Desk") in clerks.principals
    assert sorted(clerks.user_external_credential) == ["create", "delete", "edit", "read"]


def test_every_secret_that_it_needs_is_a_command() -> None:
    commands = [c for entry in imported_project().report for c in commands_of(entry) if "secret" in c]
    assert commands == [
        "callout identity-provider set-secret Carrier_Login client_id=- client_secret=-",
        "callout secret set Invoices_Auth/Bookkeeping client_id=- client_secret=-",
        "callout secret set 'Orders_Auth/Order Desk' client_id=- client_secret=- desk=-",
        "callout secret set Orders_Auth/Night-Shift client_id=- client_secret=- desk=-",
        "callout secret set Stock_Login/Warehouse password=- username=-",
        "callout secret set 'Stock_Login/Each Clerk' password=- username=- --user USER",
        "callout secret set 'Weather_Key/Forecast Desk' Account=- ApiKey=-",
        "callout secret set Old_Warehouse/NamedUser password=- username=-",
    ]


def test_its_carrier_has_its_client_from_an_identity_provider() -> None:
    imported = imported_project()
    made = definition_of(imported, ExternalCredential, "Carrier_Auth")
    assert made.parameters == {"identity_provider": "Carrier_Login", "scope": "parcels"}
    assert definition_of(imported, ExternalAuthIdentityProvider, "Carrier_Login").parameters == {
        "client_authentication": "client_secret_post",
        "token_endpoint": "https://login.carrier.example.net/token",
    }


def test_a_certificate_and_a_profile_are_asked_for() -> None:
    imported = imported_project()
    assert "client certificate 'Stock_Client'" in entry_of(imported, "Stock").by_hand[0].what
    assert "profiles.Contractor.principals" in entry_of(imported, "Contractor").by_hand[0].what

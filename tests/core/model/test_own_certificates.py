from dataclasses import replace

import pytest

from callout.core.model.own_certificates import Certificate

ORDERS = Certificate("Orders", kid="k1", public_key="{}", certificates=("leaf",))


@pytest.mark.parametrize("change", [{"kid": "k2"}, {"public_key": "{1}"}, {"certificates": ("other",)}])
def test_another_key_or_chain_is_another_version(change) -> None:
    assert replace(ORDERS, **change).version != ORDERS.version


def test_what_is_for_people_is_not() -> None:
    assert replace(ORDERS, label="Ours", description="x").version == ORDERS.version


def test_the_private_key_is_kept_under_a_name_that_no_external_credential_can_have() -> None:
    assert str(ORDERS.key) == "certificate:Orders/private_key"

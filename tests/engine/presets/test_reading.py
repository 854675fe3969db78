import pytest

from callout.core.errors import DefinitionError
from callout.engine.presets import Trial, read_presets

SHOP = """
shop:
  label: Shop
  description: Orders and items
  docs: https://shop.example.com/docs
  url: https://{region}.shop.example.com
  protocol: custom
  inputs:
    region: {help: Region of the account, example: eu}
  headers: {Authorization: "Bearer {!$Credential.{name}.ApiKey}"}
  secrets: {ApiKey: "API key, under Settings"}
  generate_authorization_header: false
  additional_status_codes: [403]
  test: {path: /me}
"""


def test_a_preset_is_read_with_its_defaults():
    shop = read_presets({"a.yaml": SHOP}).find("shop")
    assert (shop.id, shop.principal, shop.note, shop.inactivity_limit) == ("shop", "named", "", "")
    assert shop.additional_status_codes == (403,)
    assert not shop.generate_authorization_header
    assert shop.test == Trial("/me")


def test_placeholders_are_those_of_every_text_but_formulas_and_the_name():
    assert read_presets({"a.yaml": SHOP}).find("shop").placeholders == {"region"}


@pytest.mark.parametrize(
    ("texts", "told"),
    [
        ({"a.yaml": SHOP, "b.yaml": SHOP}, r"b\.yaml:3: presets\.shop: got a second preset of this id"),
        ({"a.yaml": SHOP + "  colour: red\n"}, r"a\.yaml:3: presets\.shop: .*colour"),
        ({"a.yaml": SHOP.replace("  label: Shop\n", "")}, "label"),
        ({"a.yaml": SHOP.replace("[403]", "[4.5]")}, r"a\.yaml:13: presets: got a number"),
        ({"a.yaml": SHOP + "  label: Again\n"}, r"a\.yaml:15: presets: got a key that is no text, or a second time"),
        ({"a.yaml": "- shop"}, "expected a mapping"),
        ({"a.yaml": SHOP.replace("{path: /me}", "/me")}, "test"),
    ],
)
def test_what_is_no_preset_is_refused_with_its_place(texts, told):
    with pytest.raises(DefinitionError, match=told):
        read_presets(texts)

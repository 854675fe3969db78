"""Methods and paths are taken off a named credential one by one; what is left never allows more than before."""

import pytest

from callout.core.errors import DefinitionError
from callout.core.model.credentials import NamedCredential
from tests.world import make_shop

RULES = {"allowed_methods": ("GET", "POST"), "allowed_paths": ("/items/**", "/notes/*")}
CASES = pytest.mark.parametrize(
    ("noun", "first", "last"), [("method", "POST", "GET"), ("path", "/notes/*", "/items/**")]
)


@pytest.fixture
async def shop():
    shop = await make_shop()
    await shop.define(NamedCredential("Feed", "https://feed.example.com", "Orders", **RULES))
    return shop


@CASES
async def test_one_entry_goes_and_the_last_stays_because_none_would_allow_everything(shop, noun, first, last) -> None:
    gone = await shop.run(f"named_credential.disallow_{noun}", name="Feed", **{noun: first})
    assert (gone["changed"], gone["message"]) == (True, f"Feed allows {noun}s {last}")
    with pytest.raises(DefinitionError, match="callout named-credential disable Feed"):
        await shop.run(f"named_credential.disallow_{noun}", name="Feed", **{noun: last})
    assert getattr(shop.store.org.named_credentials["Feed"], f"allowed_{noun}s") == (last,)


@CASES
async def test_what_is_not_listed_is_not_taken_off(shop, noun, first, last) -> None:
    for name, unlisted in (("Feed", "NOWHERE"), ("Orders", first)):
        with pytest.raises(DefinitionError, match="an empty list allows any"):
            await shop.run(f"named_credential.disallow_{noun}", name=name, **{noun: unlisted})

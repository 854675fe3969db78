import pytest

from callout.core.oauth2 import parameters
from callout.core.protocol import Parameter

DECLARED = [each for each in vars(parameters).values() if isinstance(each, Parameter)]


@pytest.mark.parametrize("parameter", DECLARED, ids=lambda p: p.name)
def test_every_parameter_belongs_to_a_group_that_grants_take(parameter: Parameter) -> None:
    kept = (*parameters.DIALECT, *parameters.REFRESH_DIALECT, *parameters.TOKEN_CARE)
    assert (*parameters.CLIENT, *parameters.AUTHORIZATION, *kept).count(parameter) == 1


@pytest.mark.parametrize("parameter", [p for p in DECLARED if p.key], ids=lambda p: p.name)
def test_what_a_request_has_by_itself_is_no_key(parameter: Parameter) -> None:
    assert parameter.reserved
    assert all(name == name.lower() for name in parameter.reserved)

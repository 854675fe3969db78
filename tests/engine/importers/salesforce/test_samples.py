"""Projects of others, where they lie beside the repository: what each comes to, counted by kind, protocol, outcome.

The files belong to others and are not part of this project. Where they are absent the tests say so and pass.
"""

from pathlib import Path

import pytest

from tests.engine.importers.salesforce.shapes import commands_of, entry_of, files_of, imported_from

SAMPLES = Path(__file__).parents[5] / "shared" / "samples" / "salesforce-metadata"

IMPORTED, COMPLETE, REFUSED = "imported", "imported, to be completed", "refused"
EC, NC, SET, PROVIDER = "external credential", "named credential", "permission set", "auth provider"
BASIC_HEADER = "Oauth/ClientCredentialsClientSecretBasic"

COUNTS = {
    "Jaganpro__sf-skills": {
        (EC, "Jwt", REFUSED): 1,
        (EC, "Oauth", REFUSED): 1,
        (NC, "NoAuthentication/NamedUser", REFUSED): 1,
        (NC, "Oauth/NamedUser", REFUSED): 1,
    },
    "bgaldino__rlm-base-dev": {
        (EC, "AwsSv4", COMPLETE): 1,
        (EC, "Custom/NoAuthentication", IMPORTED): 1,
        (NC, "Custom/NoAuthentication", IMPORTED): 5,
        (SET, "", IMPORTED): 2,
    },
    "callawaycloud__llm-apex-agents": {(EC, "Custom", COMPLETE): 1, (NC, "Custom", IMPORTED): 1},
    "forcedotcom__sf-skills": {
        (EC, "Jwt", REFUSED): 1,
        (EC, "Oauth", REFUSED): 1,
        (NC, "NoAuthentication/Anonymous", REFUSED): 1,
        (NC, "Oauth/NamedUser", REFUSED): 2,
        (NC, "Password/NamedUser", REFUSED): 1,
    },
    "jfwberg__lightweight-auth-provider-util": {(SET, "", IMPORTED): 1},
    "jonathanwiesel__sfdc-external-async-actions-callbacks": {
        (EC, "Custom", COMPLETE): 1,
        (NC, "Custom", IMPORTED): 1,
        (SET, "", IMPORTED): 1,
    },
    "processity__docgen": {
        (EC, BASIC_HEADER, COMPLETE): 2,
        (NC, "", REFUSED): 2,
        (NC, BASIC_HEADER, IMPORTED): 1,
        (SET, "", IMPORTED): 1,
    },
    "sergiuBuru__SalesforceDocGen-Fork": {
        (PROVIDER, "Salesforce", COMPLETE): 1,
        (EC, "Oauth/AuthProvider", COMPLETE): 1,
        (NC, "Oauth/AuthProvider", IMPORTED): 1,
    },
    "trailheadapps__apex-recipes": {
        (NC, "AwsSv4/NamedUser", COMPLETE): 1,
        (NC, "NoAuthentication/Anonymous", COMPLETE): 1,
        (NC, "NoAuthentication/Anonymous", REFUSED): 1,
        (NC, "Password/NamedUser", COMPLETE): 1,
        (NC, "Password/NamedUser", REFUSED): 1,
    },
    "vkeenan__ai-gateway": {(EC, "Custom", COMPLETE): 1, (NC, "Custom", IMPORTED): 1},
}


def present() -> bool:
    if not SAMPLES.is_dir():
        print(f"no samples at {SAMPLES.name} beside the repository: nothing to read")
    return SAMPLES.is_dir()


def sample(name: str):
    return imported_from(*files_of(SAMPLES / name))


def test_every_sample_is_counted_here() -> None:
    if present():
        assert {folder.name for folder in SAMPLES.iterdir() if folder.is_dir()} == COUNTS.keys()


@pytest.mark.parametrize("name", COUNTS)
def test_a_sample_comes_to_these_counts(name: str) -> None:
    if present():
        assert sample(name).counts == COUNTS[name]


@pytest.mark.parametrize("name", COUNTS)
def test_every_refusal_in_a_sample_names_its_cause(name: str) -> None:
    if present():
        for entry in sample(name).report:
            assert bool(entry.reasons) == (entry.outcome in ("refused", "not needed")), entry


@pytest.mark.parametrize("name", ["Jaganpro__sf-skills", "forcedotcom__sf-skills"])
def test_invented_names_in_templates_are_refused_with_the_nearest_real_one(name: str) -> None:
    if not present():
        return
    said = "\n".join(entry_of(sample(name), "oauth-external-credential").reasons)
    assert "got 'AuthProviderClientId'; expected one of NamedPrincipal" in said
    assert "got element <principals>; expected an element of ExternalCredential" in said
    assert "the placeholder '{{CredentialLabel}}'" in said


def test_a_password_in_a_fixture_is_told_of_and_not_shown() -> None:
    if present():
        entry = entry_of(sample("Jaganpro__sf-skills"), "Bad_NoAuth")
        assert any("in clear in <password>, line 9" in note for note in entry.notes)
        assert "hardcoded" not in repr(entry)


def test_one_name_in_two_folders_with_two_urls_is_refused_with_both_places() -> None:
    if present():
        refused = [e for e in sample("processity__docgen").report if e.outcome == REFUSED]
        assert all("force-app/main" in e.reasons[0] and "force-app/test" in e.reasons[0] for e in refused)


def test_a_browser_flow_in_a_sample_is_asked_to_be_connected() -> None:
    if present():
        imported = sample("sergiuBuru__SalesforceDocGen-Fork")
        asked = commands_of(entry_of(imported, "DocGen_Loopback_Auth"))
        assert asked == ["callout connect DocGen_Loopback_Auth/Admin"]

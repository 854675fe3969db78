import io
import json

import pytest

from callout.entrypoints.cli.output import Output

MANIFEST = """
named_credentials:
  New: {url: https://new.example.com, external_credential: Orders}
"""


@pytest.fixture
def manifest(tmp_path):
    file = tmp_path / "callout.yaml"
    file.write_text(MANIFEST)
    return file


def test_a_plan_is_shown_and_nothing_is_changed(cli, manifest):
    ran = cli("plan", "-f", str(manifest))
    assert ran.code == 0
    assert ran.out.startswith("+ named_credentials.New\n    + url: https://new.example.com\n")
    assert "New" not in cli.world.store.org.named_credentials


def test_apply_changes_once_and_says_so(cli, manifest):
    assert cli("apply", "-f", str(manifest)).out.endswith("Applied.\n")
    assert cli("apply", "-f", str(manifest)).out == "Nothing to change.\n"


def test_a_manifest_is_read_from_standard_input(cli):
    assert cli("apply", "-f", "-", "--json", stdin=MANIFEST).json["changed"] is True


def test_a_problem_is_named_with_file_line_what_came_and_what_was_expected(cli, manifest):
    manifest.write_text(MANIFEST.replace("external_credential: Orders", "external_credential: Odrers"))
    ran = cli("apply", "-f", str(manifest))
    assert (ran.code, ran.out) == (3, "")
    assert f"{manifest}:3: named_credentials.New.external_credential" in ran.err
    assert "did you mean 'Orders'?" in ran.err


def test_a_file_beside_the_manifest_is_found_wherever_the_command_runs(cli, manifest, tmp_path):
    (tmp_path / "id").write_text("abc\n")
    manifest.write_text(
        "external_credentials: {B: {protocol: basic, principals: {P: {secrets: {username: {file: id}}}}}}"
    )
    assert [s["action"] for s in cli("plan", "-f", str(manifest), "--json").json["secrets"]] == ["set"]


def test_applying_as_a_package_starts_disabled_and_says_how_to_enable(cli, manifest):
    ran = cli("apply", "-f", str(manifest), "--namespace", "acme")
    assert "callout named-credential enable New" in ran.out
    assert cli("named-credential", "list", "--json").json["named_credentials"][0]["enabled_for_callouts"] is False


def test_an_export_goes_to_standard_output_or_to_a_file_and_applies_unchanged(cli, tmp_path):
    text = cli("export").out
    cli("export", "-o", str(tmp_path / "out.yaml"))
    assert (tmp_path / "out.yaml").read_text() == text
    assert cli("apply", "-f", str(tmp_path / "out.yaml")).out == "Nothing to change.\n"
    assert cli("export", "--json").json == {"manifest": text}
    assert cli("export", "-o", str(tmp_path / "no" / "out.yaml")).code == 2


PROJECT = {
    "externalCredentials/Ship.externalCredential-meta.xml": """<?xml version="1.0" encoding="UTF-8"?>
<ExternalCredential xmlns="http://soap.sforce.com/2006/04/metadata">
    <authenticationProtocol>Custom</authenticationProtocol>
    <externalCredentialParameters>
        <parameterGroup>Own</parameterGroup>
        <parameterName>Own</parameterName>
        <parameterType>NamedPrincipal</parameterType>
        <sequenceNumber>1</sequenceNumber>
    </externalCredentialParameters>
    <label>Ship</label>
</ExternalCredential>""",
    "namedCredentials/Ship.namedCredential-meta.xml": """<?xml version="1.0" encoding="UTF-8"?>
<NamedCredential xmlns="http://soap.sforce.com/2006/04/metadata">
    <allowMergeFieldsInBody>false</allowMergeFieldsInBody>
    <allowMergeFieldsInHeader>false</allowMergeFieldsInHeader>
    <calloutStatus>Enabled</calloutStatus>
    <generateAuthorizationHeader>true</generateAuthorizationHeader>
    <label>Ship</label>
    <namedCredentialParameters>
        <parameterName>Url</parameterName>
        <parameterType>Url</parameterType>
        <parameterValue>https://ship.example.com</parameterValue>
    </namedCredentialParameters>
    <namedCredentialParameters>
        <externalCredential>Ship</externalCredential>
        <parameterName>ExternalCredential</parameterName>
        <parameterType>Authentication</parameterType>
    </namedCredentialParameters>
    <namedCredentialType>SecuredEndpoint</namedCredentialType>
</NamedCredential>""",
}


@pytest.fixture
def project(tmp_path):
    for name, content in PROJECT.items():
        file = tmp_path / "project" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content)
    (tmp_path / "project" / "README.md").write_text("not metadata")
    return tmp_path / "project"


def test_an_import_reports_and_plans_and_changes_nothing(cli, project):
    ran = cli("import", "salesforce", str(project))
    assert (ran.code, ran.err) == (0, "")
    assert "named credential Ship" in ran.out
    assert "+ named_credentials.Ship" in ran.out
    assert "Ship" not in cli.world.store.org.named_credentials


def test_an_import_is_applied_when_asked_and_then_is_nothing_new(cli, project):
    assert cli("import", "salesforce", str(project), "--apply", "--json").json["apply"]["changed"] is True
    assert cli.world.store.org.named_credentials["Ship"].url == "https://ship.example.com"
    assert cli("import", "salesforce", str(project), "--json").json["plan"]["empty"] is True


def test_an_import_can_be_written_as_a_manifest(cli, project, tmp_path):
    ran = cli("import", "salesforce", str(project), "-o", str(tmp_path / "ship.yaml"), "--json")
    assert ran.json["report"]["outcomes"]["refused"] == 0
    assert "plan" not in ran.json
    assert "https://ship.example.com" in (tmp_path / "ship.yaml").read_text()


def test_work_in_progress_is_shown_on_a_terminal_only(cli, manifest):
    assert "Planning" in cli("plan", "-f", str(manifest), terminal=True).err
    assert cli("plan", "-f", str(manifest)).err == ""
    assert cli("plan", "-f", str(manifest), "--json", terminal=True).err == ""


def test_markup_in_a_definition_is_shown_as_it_is(cli):
    cli("package", "install", "zeta", "--label", "[red]Zeta[/red] :smile:")
    assert "[red]Zeta[/red] :smile:" in cli("package", "list").out


def test_json_for_a_person_is_indented_and_for_a_program_one_line():
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    for stream, lines in ((io.StringIO(), 1), (Terminal(), 3)):
        output = Output(stream, io.StringIO())
        output.machine = True
        output.result({"a": "…"}, lambda _: [])
        assert (json.loads(stream.getvalue()), stream.getvalue().count("\n")) == ({"a": "…"}, lines)

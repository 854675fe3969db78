"""The shapes of the answers: one for each operation, which the OpenAPI document shows.

They are held true by the tests: every answer that any operation gives in them is judged by its shape.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from callout.engine.operations.answers import audit, callouts, certificates, credentials, definitions, packages, people
from callout.engine.operations.answers.shape import NamedDone, changed

_NAMED_CREDENTIAL = changed(credentials.NamedCredentialShown)
_EXTERNAL_CREDENTIAL = changed(credentials.ExternalCredentialShown)
_REFRESH_RULES = changed(credentials.RefreshRulesShown)
_KEY = changed(people.KeyShown)
_PERMISSION_SET = changed(people.PermissionSetShown)
_GROUP = changed(people.GroupShown)
_PROFILE = changed(people.ProfileShown)
_CERTIFICATE = changed(certificates.CertificateShown)

#: What each operation answers with, by its name.
ANSWERS: Mapping[str, type[msgspec.Struct]] = {
    "plan": definitions.Planned,
    "apply": definitions.Applied,
    "export": definitions.Exported,
    "named_credential.list": credentials.NamedCredentials,
    "named_credential.show": credentials.NamedCredentialWhole,
    "named_credential.create": definitions.Created,
    "named_credential.enable": _NAMED_CREDENTIAL,
    "named_credential.disable": _NAMED_CREDENTIAL,
    "named_credential.allow_namespace": _NAMED_CREDENTIAL,
    "named_credential.disallow_namespace": _NAMED_CREDENTIAL,
    "named_credential.allow_method": _NAMED_CREDENTIAL,
    "named_credential.disallow_method": _NAMED_CREDENTIAL,
    "named_credential.allow_path": _NAMED_CREDENTIAL,
    "named_credential.disallow_path": _NAMED_CREDENTIAL,
    "named_credential.allow_replay": _NAMED_CREDENTIAL,
    "named_credential.present": _NAMED_CREDENTIAL,
    "external_credential.list": credentials.ExternalCredentials,
    "external_credential.show": credentials.ExternalCredentialWhole,
    "external_credential.add_status_code": _EXTERNAL_CREDENTIAL,
    "external_credential.remove_status_code": _EXTERNAL_CREDENTIAL,
    "external_credential.add_refresh_rule": _REFRESH_RULES,
    "external_credential.remove_refresh_rule": _REFRESH_RULES,
    "external_credential.set_refresh_debounce": _REFRESH_RULES,
    "preset.list": definitions.PresetList,
    "preset.show": definitions.PresetShown,
    "secret.set": changed(credentials.ValuesShown),
    "secret.list": credentials.ValuesShown,
    "secret.remove": credentials.ValuesRemoved,
    "token.revoke": credentials.ReferenceDone,
    "token.introspect": credentials.Introspected,
    "connection.show": credentials.ConnectionShown,
    "connection.link": credentials.ConnectLinkMade,
    "connection.begin_device": credentials.DeviceCode,
    "connection.poll_device": credentials.DevicePolled,
    "connection.remove": credentials.ReferenceDone,
    "identity_provider.list": credentials.IdentityProviders,
    "identity_provider.show": credentials.IdentityProviderShown,
    "identity_provider.set_secret": NamedDone,
    "identity_provider.remove": NamedDone,
    "user.list": people.Users,
    "user.show": people.UserWhole,
    "user.set": changed(people.UserShown),
    "user.remove": people.UserRemoved,
    "key.list": people.Keys,
    "key.create": changed(people.KeyMade),
    "key.expire": _KEY,
    "key.limit": _KEY,
    "key.rotate": changed(people.KeyRotated),
    "key.revoke": people.KeyRevoked,
    "permission_set.list": people.PermissionSets,
    "permission_set.create": changed(people.PermissionSetWithUsers),
    "permission_set.remove": NamedDone,
    "permission_set.assign": people.Assigned,
    "permission_set.unassign": people.Unassigned,
    "permission_set.grant": _PERMISSION_SET,
    "permission_set.revoke": _PERMISSION_SET,
    "permission_set.let_act_for": people.ActingChanged,
    "permission_set.stop_acting_for": people.ActingChanged,
    "permission_set_group.list": people.Groups,
    "permission_set_group.create": _GROUP,
    "permission_set_group.remove": NamedDone,
    "permission_set_group.include": _GROUP,
    "permission_set_group.exclude": _GROUP,
    "permission_set_group.assign": _GROUP,
    "permission_set_group.unassign": _GROUP,
    "permission_set_group.mute": _GROUP,
    "permission_set_group.unmute": _GROUP,
    "profile.list": people.Profiles,
    "profile.create": _PROFILE,
    "profile.remove": NamedDone,
    "profile.grant": _PROFILE,
    "profile.revoke": _PROFILE,
    "trusted_issuer.list": people.TrustedIssuers,
    "trusted_issuer.remove": NamedDone,
    "client_certificate.list": people.ClientCertificates,
    "client_certificate.trust": changed(people.ClientCertificateShown),
    "client_certificate.forget": NamedDone,
    "package.list": packages.Packages,
    "package.show": packages.PackageShown,
    "package.install": packages.PackageInstalled,
    "package.upgrade": packages.PackageInstalled,
    "package.remove": packages.PackageRemoved,
    "approvals.list": packages.AccessRequests,
    "approvals.show": packages.RequestWhole,
    "approvals.approve": packages.RequestApproved,
    "approvals.reject": changed(packages.AccessRequest),
    "certificate.list": certificates.Certificates,
    "certificate.show": certificates.CertificateWhole,
    "certificate.jwks": certificates.PublicKeys,
    "certificate.create": _CERTIFICATE,
    "certificate.import": _CERTIFICATE,
    "certificate.rotate": _CERTIFICATE,
    "certificate.request": certificates.SigningRequest,
    "certificate.remove": NamedDone,
    "status": callouts.Status,
    "who_can": callouts.WhoCan,
    "can": callouts.Can,
    "troubleshoot": callouts.Troubleshooting,
    "whoami": callouts.Whoami,
    "diagnose": callouts.Diagnosis,
    "explain": callouts.CalloutExplained,
    "callout.log": callouts.CalloutLog,
    "audit.list": audit.Acts,
    "audit.export": audit.TrailPage,
    "audit.head": audit.TrailHead,
    "audit.verify": audit.TrailVerified,
    "audit.prune": audit.TrailPruned,
}
